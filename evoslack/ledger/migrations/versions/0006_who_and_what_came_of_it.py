"""Who hung up, what came of a call, the form's page, where a direct message is, and requests for access."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_CALLS = (
    sa.Column("caller_id_label", sa.Text, nullable=False, server_default=""),
    sa.Column("view_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("anyway", sa.String(32), nullable=False, server_default=""),
    sa.Column("hung_up_by", sa.String(32)),
    sa.Column("result", sa.String(16)),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("noted_by", sa.String(32)),
    sa.Column("noted_at", sa.DateTime(timezone=True)),
    sa.Column("note_revision", sa.Integer, nullable=False, server_default="0"),
)
_NOTIFICATIONS = (
    sa.Column("told_channel", sa.String(32), nullable=False, server_default=""),
    sa.Column("told_ts", sa.String(32), nullable=False, server_default=""),
)


def upgrade() -> None:
    """Only adds: every row keeps its values."""
    for column in _CALLS:
        op.add_column("calls", column)
    for column in _NOTIFICATIONS:
        op.add_column("notifications", column)
    in_a_message = sa.text("told_ts != ''")
    op.create_index(
        "notifications_by_message",
        "notifications",
        ["told_channel", "told_ts"],
        sqlite_where=in_a_message,
        postgresql_where=in_a_message,
    )
    when = sa.DateTime(timezone=True)
    op.create_table(
        "pages",
        sa.Column("call_id", sa.String(32), sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("shown", sa.String(64), nullable=False, server_default=""),
        sa.Column("shown_at", when, nullable=False),
        sa.Column("due_at", when),
        sa.Column("leased_until", when),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("pages_by_due", "pages", [sa.text("coalesce(leased_until, due_at)")])
    op.create_table(
        "access_requests",
        sa.Column("team_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(32), primary_key=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
    )
