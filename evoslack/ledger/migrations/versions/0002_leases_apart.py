"""Who is telling a call's news is kept apart from when it is due, and so is when its card may be tried."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the two times; a running lease expires on its own, as its end was written into due_at."""
    op.add_column("news", sa.Column("leased_until", sa.DateTime(timezone=True)))
    op.add_column("news", sa.Column("card_due_at", sa.DateTime(timezone=True)))
    op.create_index("calls_by_person", "calls", ["user_id", "accepted_at"])
    op.create_index("calls_by_age", "calls", ["accepted_at"])
