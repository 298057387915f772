"""EvoSlack: a manager types `/call` in Slack, and Evo Voice dials.

The promise: one press, at most one ring, never a ring after a no, and you always learn what happened.

The map of the house, inside first:

- `calls`        what a call is, and which state may follow which; the words everybody else uses
- `refusals`     the ways to say no to a person
- `looks`        what somebody looks at in App Home
- `steps`        a step of a workflow that asks for a call
- `numbers`      what a person typed, made into a number that may be dialed, or a reason why not
- `number_search` the telephone numbers in somebody's message, however long or hostile it is
- `permission`   who may call: a real member of the workspace with the right role in Evo Voice
- `intake`       takes presses in; a press is a call once its answer has left in time
- `switchboard`  what happens to a call: connect, recover
- `snapshot`     what Evo Voice shows of an account's calls at one moment
- `progress`     from that to how far each of our calls has come: which session is whose
- `follower`     looks again and again while calls go on, and ends one when somebody hangs up
- `clock`        what time it is, without jumps; `heartbeat` notices when the process stood still
- `crew`         the threads that bring rows one step further
- `trouble_log`  logs a trouble that lasts once when it begins and once when it is over
- `ledger/`      the durable record of every call (SQLite or PostgreSQL)
- `evo/`         everything that talks to Evo Voice
- `slack/`       everything that talks to Slack
- `deadline`     a hard end for one request, whatever its answer does
- `settings`     the environment variables, read once
- `engine`       the ledgers, the phone system and the crews that move calls on
- `wiring`       builds everything from the settings
- `running`      a bot that runs: what is started in which order, and how it stops
- `check`        what `bot.py --check` looks at

The sandbox (a stand-in Slack and a stand-in Evo Voice) stands beside the product, which does not know it.

`ledger`, `evo` and `slack` know the vocabulary and not each other. Where a docstring names "evo-voice-api" or
"slack-facts", it means a section of that page in `docs/`.
"""

__version__ = "0.1.0"
