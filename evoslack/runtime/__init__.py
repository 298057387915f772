"""Clocks, threads, deadlines and retries. Knows nothing about calls, Slack or Evo Voice."""
