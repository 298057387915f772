"""What brings rows to Slack, in worker threads: cards, private messages, Home tabs and workflow steps."""
