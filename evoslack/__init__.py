"""EvoSlack: a manager types `/call` in Slack, and Evo Voice dials.

The promise: one press, at most one ring, never a ring after a no, and you always learn what happened.

The map, inside first:

- `calling/`   the trade: what a call is, who may call, what happens to a call; no Slack, no HTTP, no SQL
- `runtime/`   clocks, deadlines and worker pools, which know nothing about calls
- `ledger/`    the durable record of every call (SQLite or PostgreSQL)
- `evo/`       everything that talks to Evo Voice
- `slack/`     everything that talks to Slack: `receivers/` (how requests arrive), `listeners/` (one file per
               ability), `rendering/` (views, cards, every sentence people read), `background/` (cards,
               private messages and Home tabs, sent from rows)
- `health/`    for the people who run it: health checks, metrics, what systemd is told
- `settings/`  the environment variables, read once
- `wiring/`    builds everything from the settings; its `engine` is what moves calls forward
- `running`    starts the bot and stops it
- `check`      `--check`
- `starting`   starts the bot: waits for what is away, gives up on what is wrong (`start_trouble`)
- `cli`        the command line; `logs` is how it logs

`ledger`, `evo` and `slack` know `calling` and not each other. The sandbox (a stand-in Slack and a stand-in
Evo Voice) is a package beside this one, which does not know it. CONTRIBUTING.md has rules and recipes for
changes. Where a docstring names "evo-voice-api" or "slack-facts", it means a section of that page in `docs/`.
"""

__version__ = "0.2.0"
