"""The durable record: what was asked, what became of it, and who has been told.

`store` opens the database (`sqlite_file` watches over its file), `schema` says what is in it, `calls` moves
calls along, `news` keeps book of cards and private lines. SQLite and PostgreSQL, by SQLAlchemy Core.
"""
