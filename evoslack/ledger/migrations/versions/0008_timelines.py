"""Which timeline the ledger is in: a restored ledger begins a new one, and denies forms of the old one."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Only adds. The row is written when a bot takes the ledger up."""
    op.create_table(
        "ledger_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("timeline", sa.String(16), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True)),
        sa.Column("place", sa.Text, nullable=False),
    )
