"""What became of a call as a column, and indexes for pages, filters and any three digits of a number.

A million calls take less than a minute. Nothing is changed in rows; if it breaks off, nothing was done.
"""

import logging

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

log = logging.getLogger("evoslack.ledger.migrations")
WORTH_TELLING = 20_000  # calls; fewer take no time


def _plain(word: str) -> str:
    for sign in (" ", "-", "_", "\t", "\n"):
        word = f"replace({word}, '{sign}', '')"
    return f"lower({word})"


_WAS_HUNG_UP = "hang_up = 'asked' AND coalesce(hung_up_by, '') <> ''"
_OUTCOME = f"""
CASE state
  WHEN 'placed' THEN CASE
    WHEN coalesce(progress, 'lost') NOT IN ('ended', 'lost') THEN 'in_progress'
    WHEN answered_at IS NOT NULL THEN 'reached'
    WHEN coalesce(progress, 'lost') = 'lost' THEN 'ended'
    ELSE CASE {_plain("coalesce(evo_outcome, '')")}
      WHEN 'busy' THEN 'busy'
      WHEN 'noanswer' THEN 'no_answer'
      WHEN 'failed' THEN 'failed'
      WHEN 'canceled' THEN 'canceled'
      WHEN 'cancelled' THEN 'canceled'
      WHEN 'completed' THEN CASE WHEN {_WAS_HUNG_UP} THEN 'canceled' ELSE 'reached' END
      ELSE CASE WHEN {_WAS_HUNG_UP} THEN 'canceled' ELSE 'ended' END
    END
  END
  WHEN 'canceled' THEN CASE WHEN answered_at IS NOT NULL THEN 'reached' ELSE 'canceled' END
  WHEN 'rejected' THEN 'not_placed'
  WHEN 'not_sent' THEN 'not_placed'
  WHEN 'expired' THEN 'not_placed'
  WHEN 'in_doubt' THEN 'not_certain'
  WHEN 'scheduled' THEN 'scheduled'
  WHEN 'received_later' THEN 'scheduled'
  ELSE 'in_progress'
END"""
_MAY_BE_LIVE = sa.text(
    "(state IN ('received', 'accepted', 'placing', 'in_doubt', 'rejected') OR progress <> 'ended')"
)
_INDEXES = {
    "calls_by_team": ["team_id", "accepted_at", "number"],
    "calls_by_person": ["team_id", "user_id", "accepted_at", "number"],
    "calls_by_outcome": ["team_id", "outcome", "accepted_at"],
    "calls_by_flow": ["team_id", "flow_id", "accepted_at"],
}
_TRIGRAMS = ", ".join(f"substr(number, {at}, 3)" for at in range(2, 15))
# Each number's endings of three digits and more: 202555, 02555, 2555, 555.
_PLACES = "(WITH RECURSIVE places(at) AS (SELECT 2 UNION ALL SELECT at + 1 FROM places WHERE at < 14) "
_PLACES += "SELECT at FROM places)"
_FILL = f"""
INSERT INTO number_endings (ending, number)
SELECT substr(number, at), number FROM (SELECT DISTINCT number FROM calls) CROSS JOIN {_PLACES}
WHERE length(number) >= at + 2 ORDER BY 1, 2
"""  # noqa: S608
_ON_INSERT = f"""
CREATE TRIGGER number_endings_of_new_calls AFTER INSERT ON calls
WHEN NOT EXISTS (SELECT 1 FROM number_endings WHERE ending = substr(new.number, 2) AND number = new.number)
BEGIN
  INSERT OR IGNORE INTO number_endings (ending, number)
  SELECT substr(new.number, at), new.number FROM {_PLACES} WHERE length(new.number) >= at + 2;
END
"""  # noqa: S608
_ON_DELETE = f"""
CREATE TRIGGER number_endings_of_deleted_calls AFTER DELETE ON calls
WHEN NOT EXISTS (SELECT 1 FROM calls WHERE number = old.number)
BEGIN
  DELETE FROM number_endings WHERE number = old.number AND ending IN (
    SELECT substr(old.number, at) FROM {_PLACES} WHERE length(old.number) >= at + 2
  );
END
"""  # noqa: S608


def upgrade() -> None:
    """Only adds what the database keeps up to date."""
    connection = op.get_bind()
    count = connection.execute(sa.text("SELECT count(*) FROM calls")).scalar_one()
    is_sqlite = connection.dialect.name == "sqlite"

    def tell(what: str) -> None:
        if count >= WORTH_TELLING:
            log.warning("bringing %d calls up to date: %s", count, what)

    tell("what became of each (1 of 3)")
    op.drop_index("calls_by_person", "calls")
    kept = "VIRTUAL" if is_sqlite else "STORED"
    if not is_sqlite:
        op.execute("SET LOCAL maintenance_work_mem = '256MB'")
    op.execute(f"ALTER TABLE calls ADD COLUMN outcome VARCHAR(16) GENERATED ALWAYS AS ({_OUTCOME}) {kept}")
    tell("indexes for pages and filters (2 of 3)")
    for name, columns in _INDEXES.items():
        op.create_index(name, "calls", columns)
    op.create_index(
        "calls_that_may_be_live",
        "calls",
        ["team_id", "accepted_at"],
        sqlite_where=_MAY_BE_LIVE,
        postgresql_where=_MAY_BE_LIVE,
    )
    tell("an index for searches (3 of 3)")
    if is_sqlite:
        op.create_index("calls_by_digits", "calls", ["number", "team_id", "accepted_at"])
        op.execute(
            "CREATE TABLE number_endings (ending TEXT NOT NULL, number TEXT NOT NULL, "
            "PRIMARY KEY (ending, number)) WITHOUT ROWID"
        )
        for statement in (_FILL, _ON_INSERT, _ON_DELETE):
            op.execute(statement)
    else:
        op.execute(
            f"CREATE INDEX calls_by_trigram ON calls USING gin ((ARRAY[{_TRIGRAMS}])) WITH (fastupdate = off)"
        )
    tell("done")
