"""A stand-in Slack: one workspace with people who type, press and read.

`workspace` is the object that tests and the demo hold in their hands; `people`, `home` and `workflows` are
what a person does and sees; `team`, `screens`, `forms`, `steps` and `files` remember it. `api`, `methods` and
`posts` answer the bot's calls; `payloads`, `events`, `delivery`, `sockets` and `answers` carry what people do
to the bot and back; `block_kit`, `rich_text` and `json_shapes` know what Slack refuses.
"""
