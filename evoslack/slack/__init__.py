"""Everything that talks to Slack.

`delivery` takes payloads in over HTTP, `socket_mode` over websockets (`socket_line` is one of them); `app`
hands them to `listeners` (the form) and `shortcuts` (more ways to it), which read what arrived (`press`) and
answer with `views`; `opening` opens forms; `people` knows the members. `steps` writes down what
workflows ask for, `step_runner` brings it further; `orders` checks what was filled in, there and in the form.
`export` sends the calls of a period as a file. `home_tab` shows people their Home tabs (`home`).
`announcer` tells what became of a call: the card (`cards`) on the `noticeboard`, at the `pace` that Slack
allows, and the caller, who may not be in its `audience`. Every sentence a person reads is in
`rendering`.
"""
