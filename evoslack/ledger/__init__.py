"""The durable record: what was asked for, what became of it, and who has been notified.

`store` opens the database (`sqlite_file` guards its file), and `schema` describes its tables. `calls` changes
the states of calls, `tracked_calls` their progress. `notifications`, `home_tabs` and `workflow_steps` say
what is due, and `due_rows` is how each of them is worked on. `history` reads past calls, `retention` deletes
them. `access_requests` knows who asked for access today. SQLite and PostgreSQL, with SQLAlchemy Core.
"""
