"""Standard names, JSON columns, attempts for Home tabs, and indexes for one way to claim due rows."""

from typing import Any

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
        "unclear": "is_ambiguous",
        "known_ids": "known_ids_text",
    },
    "home_tabs": {"look": "history_filter_text"},
    "workflow_steps": {"inputs": "inputs_text"},
}
_JSON = [("calls", "known_ids"), ("home_tabs", "history_filter"), ("workflow_steps", "inputs")]
_CLAIMABLE_AT = sa.text("coalesce(leased_until, due_at)")
_INDEXES: dict[str, list[tuple[str, str, Any]]] = {  # of each table: old name, new name, what it is of
    "notifications": [("news_by_due", "notifications_by_due", _CLAIMABLE_AT)],
    "home_tabs": [("homes_by_due", "home_tabs_by_due", _CLAIMABLE_AT)],
    "workflow_steps": [
        ("steps_by_due", "workflow_steps_by_due", _CLAIMABLE_AT),
        ("steps_by_call", "workflow_steps_by_call", "call_id"),
    ],
}
_CONSTRAINTS = (
    "news_pkey",
    "news_call_id_fkey",
    "homes_pkey",
    "steps_pkey",
    "steps_call_id_fkey",
    "turns_pkey",
)


def upgrade() -> None:
    """Keep every row and value, except for one reason that has a new name.

    A row that is leased keeps its `due_at`, which says nothing more until the lease ends.
    """
    for old, new in _TABLES.items():
        op.rename_table(old, new)
    if op.get_bind().dialect.name == "postgresql":
        for name in _CONSTRAINTS:
            old, _, kind = name.partition("_")
            new = _TABLES[old]
            op.execute(sa.text(f"ALTER TABLE {new} RENAME CONSTRAINT {name} TO {new}_{kind}"))
    for table, columns in _COLUMNS.items():
        for old, new in columns.items():
            op.alter_column(table, old, new_column_name=new)
    for table, indexes in _INDEXES.items():
        for old, new, of in indexes:
            op.drop_index(old, table)
            op.create_index(new, table, [of])
    for table, column in _JSON:
        _make_json(table, column)
    op.add_column("home_tabs", sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE calls SET reason = 'login_rejected' WHERE reason = 'login_refused'"))


def _make_json(table: str, column: str) -> None:
    """Copy texts into a JSON column: SQLite cannot change a type, and rebuilding `calls` would cascade."""
    op.add_column(table, sa.Column(column, sa.JSON))
    new, text = sa.column(column, sa.Text), sa.column(f"{column}_text", sa.Text)
    values = sa.cast(text, sa.JSON) if op.get_bind().dialect.name == "postgresql" else text
    op.execute(sa.update(sa.table(table, new, text)).where(text != "").values({new: values}))
    op.drop_column(table, text.name)
