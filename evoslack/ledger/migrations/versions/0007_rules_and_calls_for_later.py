"""The do-not-call list, the rules that administrators change, and calls that wait for their time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Only adds: every row keeps its values."""
    when = sa.DateTime(timezone=True)
    for column in (
        sa.Column("due_at", when),
        sa.Column("hours_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("canceled_by", sa.String(32)),
    ):
        op.add_column("calls", column)
    op.add_column("notifications", sa.Column("card_is_masked", sa.Boolean))
    op.create_index("calls_by_account", "calls", ["account_id", "accepted_at", "state"])
    op.create_index(
        "cards_that_show_numbers",
        "notifications",
        ["card_ts"],
        sqlite_where=sa.text("card_ts != '' AND card_is_masked IS NOT 1"),
        postgresql_where=sa.text("card_ts != '' AND card_is_masked IS NOT true"),
    )
    scheduled = sa.text("state = 'scheduled'")
    op.create_index("calls_by_due", "calls", ["due_at"], sqlite_where=scheduled, postgresql_where=scheduled)
    op.create_table(
        "blocked_numbers",
        sa.Column("number", sa.String(16), primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("blocked_by", sa.String(32), nullable=False),
        sa.Column("blocked_at", when, nullable=False),
        sa.Column("call_id", sa.String(32), nullable=False, server_default=""),
    )
    op.create_index("blocked_numbers_by_age", "blocked_numbers", ["blocked_at"])
    op.create_table(
        "rules",
        sa.Column("name", sa.String(220), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("changed_by", sa.String(32), nullable=False),
        sa.Column("changed_at", when, nullable=False),
    )
    op.create_table(
        "rule_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("changed_at", when, nullable=False),
        sa.Column("changed_by", sa.String(32), nullable=False),
        sa.Column("rule", sa.String(220), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
    )
