"""The running process: clocks, threads, deadlines, pauses, lasting troubles. Nothing about calls."""
