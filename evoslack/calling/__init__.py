"""The trade: what a call is, who may place one, and what happens to it. No Slack, no HTTP, no SQL.

- `calls`          what a call is, and which state may follow which
- `refusals`       the ways to say no to a person
- `numbers`        what was typed, as an E.164 number; `number_search` finds numbers in a message,
                   `number_format` writes them for people and for logs
- `offer`          the flows and caller IDs to choose from
- `permission`     who may call; `access` asks for permission and offer together
- `validation`     turns what was filled in into a request, or says what is wrong
- `arrival`        how old a submission is, and whether its answer left in time
- `intake`         takes submissions in; `switchboard` dials them; `tracker` tracks them
- `call_log`       one log line for each change of a call
- `snapshot`       what Evo Voice shows at one moment; `matching` decides which session is whose
- `notification`, `history_filter`, `workflow_step`  values that the ledger keeps for Slack
- `ports`          what this room and Slack need of the ledger and of the phone system
"""
