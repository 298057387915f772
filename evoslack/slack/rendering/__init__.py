"""Pure functions from values to what Slack shows.

Layout, made of `blocks`: `views` (modals), `refusal_pages` (the small pages that say no), `cards` (the
channel's card), `home` (the Home tab), `history`; and `call_csv`, the export's file. Every sentence a person
reads in Slack is in one of these, by where it is read:

- `messages`          what happened to a call: card, private message, history
- `button_messages`   *Call again* and *Hang up*: what they ask first, and what they answer
- `form_messages`     the form, the choice of a number, and the answers to the command
- `home_messages`     the Home tab
- `refusal_messages`  every no: why a person may not call, what is wrong with a number
- `access_messages`   *Request access*: what is sent, and what the person reads
- `export_messages`   the export
- `step_messages`     what a workflow is told

`help_contact` puts a name in the place of "your EvoSlack admin".
"""
