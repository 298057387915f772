"""A press is received before it is accepted; the keys of calls that are deleted are kept for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_OPEN = sa.text("state IN ('accepted', 'placing', 'received')")


def upgrade() -> None:
    """Add what both need; a call that is received holds its number like one that is accepted."""
    op.add_column("calls", sa.Column("deliveries", sa.Integer))
    op.drop_index("one_open_call_per_number", "calls")
    op.create_index(
        "one_open_call_per_number",
        "calls",
        ["account_id", "number"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "used_keys",
        sa.Column("request_key", sa.String(64), primary_key=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("used_keys_by_age", "used_keys", ["used_at"])
