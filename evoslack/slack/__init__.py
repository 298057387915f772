"""Everything that talks to Slack.

`delivery` takes payloads in (Socket Mode or HTTP), `app` hands them to `listeners`, which answer with
`views`; `people` knows the members; `announcer` keeps one card per call (`cards`) up to date and tells the
caller. Every sentence a person reads is in `messages`.
"""
