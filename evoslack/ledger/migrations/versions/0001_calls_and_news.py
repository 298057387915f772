"""The first tables: calls, and what people have been told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_OPEN = sa.text("state IN ('accepted', 'placing')")


def upgrade() -> None:
    """Make both tables and their indexes."""
    op.create_table(
        "calls",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("request_key", sa.String(64), nullable=False, unique=True),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("flow_id", sa.String(200), nullable=False),
        sa.Column("flow_name", sa.Text, nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("caller_id", sa.String(16), nullable=False),
        sa.Column("channel_id", sa.String(32), nullable=False),
        sa.Column("response_url", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.String(32)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("session_id", sa.String(200)),
        sa.Column("call_sid", sa.String(200)),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "one_open_call_per_number",
        "calls",
        ["account_id", "number"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("calls_by_number", "calls", ["account_id", "number", "accepted_at"])
    op.create_index("calls_by_state", "calls", ["state", "accepted_at"])
    op.create_table(
        "news",
        sa.Column("call_id", sa.String(32), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("card_channel", sa.String(32), nullable=False),
        sa.Column("card_ts", sa.String(32), nullable=False),
        sa.Column("card_tried_at", sa.DateTime(timezone=True)),
        sa.Column("card_revision", sa.Integer, nullable=False),
        sa.Column("card_problem", sa.String(64), nullable=False),
        sa.Column("told_revision", sa.Integer, nullable=False),
        sa.Column("told_bad_news", sa.Boolean, nullable=False),
    )
    op.create_index("news_by_due", "news", ["due_at"])
