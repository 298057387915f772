"""What happens to calls after they were placed; what App Home shows; steps of workflows."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what following, App Home and steps need. Calls of before have no progress: nobody follows them."""
    for column in (
        sa.Column("progress", sa.String(16)),
        sa.Column("known_ids", sa.Text),
        sa.Column("skew_s", sa.Float),
        sa.Column("unclear", sa.Boolean),
        sa.Column("lost_why", sa.String(16)),
        sa.Column("by_sight", sa.Boolean),
        sa.Column("answered_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("gone_since", _TIME),
        sa.Column("end_word", sa.String(200)),
        sa.Column("hang_up", sa.String(16)),
        sa.Column("hang_up_at", _TIME),
    ):
        op.add_column("calls", column)
    op.create_index("calls_by_progress", "calls", ["progress"])
    op.add_column("news", sa.Column("told_what", sa.String(32)))
    op.create_table(
        "turns",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("until", _TIME, nullable=False),
    )
    op.create_table(
        "homes",
        sa.Column("team_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(32), primary_key=True),
        sa.Column("look", sa.Text, nullable=False),
        sa.Column("sees_all", sa.Boolean, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME),
        sa.Column("leased_until", _TIME),
        sa.Column("shown_at", _TIME),
    )
    op.create_index("homes_by_due", "homes", ["due_at"])
    op.create_table(
        "steps",
        sa.Column("execution_id", sa.String(64), primary_key=True),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("call_id", sa.String(32), sa.ForeignKey("calls.id", ondelete="CASCADE")),
        sa.Column("refusal", sa.Text),
        sa.Column("due_at", _TIME),
        sa.Column("leased_until", _TIME),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended_at", _TIME),
    )
    op.create_index("steps_by_due", "steps", ["due_at"])
    op.create_index("steps_by_call", "steps", ["call_id"])
