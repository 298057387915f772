"""One file per change of the tables, applied in order at start; Alembic keeps count."""
