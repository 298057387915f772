"""Everything that talks to Slack, in four rooms.

- `receivers/`   how requests arrive: HTTP or Socket Mode
- `listeners/`   what happens when a person does something: one file per ability
- `rendering/`   pure functions from values to Slack: forms, cards, and every sentence that a person reads
- `background/`  what brings rows to Slack: cards, private messages, Home tabs, workflow steps

`app` connects payloads to listeners, and `payloads` reads what they all have. `people` says who a Slack user
is, `workspace` makes the Web API clients, and `web_api` gives those a hard deadline.
"""
