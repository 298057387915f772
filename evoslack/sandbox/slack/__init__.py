"""A stand-in Slack: one workspace with people who type, press and read.

`workspace` is the object that tests and the demo hold in their hands, `people` what a person does and sees;
`team`, `screens` and `forms` remember it. `api`, `methods` and `posts` answer the bot's calls; `payloads`,
`delivery`, `sockets` and `answers` carry what people do to the bot and back; `block_kit` and `json_shapes`
know what Slack refuses.
"""
