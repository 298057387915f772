"""A stand-in Slack: one workspace with people who type, click, and read.

`workspace` is the object that tests and the demo use; `people`, `clicks`, `home`, `workflows` and
`file_uploads` are what a person does and sees. `team`, `message_records`, `triggers`, `views`, `forms`,
`steps` and `files` hold the data. `api`, `methods`, `messages`, `conversations` and `response_urls` serve the
bot's requests; `faults` and `limits` make them fail. `payloads`, `events`, `delivery`, `sockets` and `acks`
deliver what people do and apply the acks. `block_kit`, `rich_text` and `json_shapes` validate like Slack.
"""
