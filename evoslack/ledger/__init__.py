"""The durable record: what was asked, what became of it, and who has been told.

`store` opens the database (`sqlite_file` watches its file), `schema` says what is in it, `calls` moves
calls along, `news` keeps book of cards and private lines, `steps` of workflows, `homes` of Home tabs;
`history` looks back. SQLite and PostgreSQL, by SQLAlchemy Core.
"""
