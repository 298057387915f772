"""Tables and columns get standard names: notifications, home_tabs, workflow_steps, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TABLES = {"news": "notifications", "homes": "home_tabs", "steps": "workflow_steps", "turns": "leases"}
_COLUMNS = {
    "calls": {
        "why": "reason",
        "lost_why": "lost_reason",
        "by_sight": "found_later",
        "end_word": "evo_outcome",
    },
    "home_tabs": {"look": "history_filter"},
}
_INDEXES = {  # of each table: old name, new name, columns
    "notifications": [("news_by_due", "notifications_by_due", "due_at")],
    "home_tabs": [("homes_by_due", "home_tabs_by_due", "due_at")],
    "workflow_steps": [
        ("steps_by_due", "workflow_steps_by_due", "due_at"),
        ("steps_by_call", "workflow_steps_by_call", "call_id"),
    ],
}


def upgrade() -> None:
    """Rename; no row is lost or changed, except for one reason that has a new name."""
    for old, new in _TABLES.items():
        op.rename_table(old, new)
    for table, columns in _COLUMNS.items():
        for old, new in columns.items():
            op.alter_column(table, old, new_column_name=new)
    for table, indexes in _INDEXES.items():
        for old, new, column in indexes:
            op.drop_index(old, table)
            op.create_index(new, table, [column])
    op.execute(sa.text("UPDATE calls SET reason = 'login_rejected' WHERE reason = 'login_refused'"))
