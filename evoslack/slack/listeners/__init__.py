"""What happens when a person does something in Slack: one file per ability; `ack` is always the last line."""
