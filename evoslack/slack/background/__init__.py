"""Workers that bring what the ledger says to Slack, one due row at a time, and the queue of direct messages.

`notifier` decides what is due for a changed call; `card_publisher` writes the card and `caller_notifier`
tells the caller. `home_publisher` does the same for Home tabs, `step_runner` for workflow steps. All of them
follow `delivery_rules`.
"""
