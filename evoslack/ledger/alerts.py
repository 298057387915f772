"""Which lasting troubles were told, so that of several bots one tells, and a restart tells nothing twice.

Each is a row among the leases: its holder is when the trouble began, and every bot that meets the trouble
prolongs it. So it has run out when no bot has met it for a while, and one bot then takes it away and tells.
Until Slack took the first message, the holder is negative, and only the bot that sends it prolongs the row:
when that bot dies, another one sends it.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from evoslack.calling.alerts import Alert, AlertKind
from evoslack.calling.calls import State
from evoslack.ledger.due_rows import DueRows
from evoslack.ledger.schema import calls, leases, notifications
from evoslack.ledger.store import Store

PREFIX = "alert:"
_UNSENT = "-"
_DUE = DueRows(notifications)
IS_ALERT = leases.c.name.startswith(PREFIX)


class AlertLedger:
    """The alerts in a `Store`. Every method is one transaction, safe for several bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def told(self) -> dict[AlertKind, Alert]:
        """What was told and is not over; `until` is when it counts as over."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(leases).where(IS_ALERT)).all()
        by_name = {row.name.removeprefix(PREFIX): row for row in rows}  # a newer version may know more kinds
        return {
            kind: Alert(kind, datetime.fromtimestamp(abs(int(row.holder)), UTC), row.until)
            for kind in AlertKind
            if (row := by_name.get(kind.value)) is not None
        }

    def claim(
        self, kind: AlertKind, since: datetime, *, at: datetime, until: datetime, is_sending: bool = False
    ) -> bool:
        """Whether this bot is the one to tell this trouble. Otherwise it is prolonged until then.

        `is_sending`: this bot already is, and Slack has not taken the message yet. `at` is now.
        """
        name = PREFIX + kind
        try:
            with self._engine.begin() as connection:
                row = connection.execute(sa.select(leases.c.holder).where(leases.c.name == name)).first()
                if row is None:
                    holder = str(-int(since.timestamp()))
                    connection.execute(sa.insert(leases).values(name=name, holder=holder, until=until))
                    return True
                takes_over = row.holder.startswith(_UNSENT) and not is_sending
                may = [leases.c.holder == row.holder, leases.c.until <= at] if takes_over else []
                prolonging = sa.update(leases).where(leases.c.name == name, leases.c.until < until, *may)
                return connection.execute(prolonging.values(until=until)).rowcount == 1 and takes_over
        except sa.exc.IntegrityError:
            return False  # another bot was quicker

    def mark_told(self, kind: AlertKind) -> None:
        """Slack took the message that this trouble lasts."""
        is_unsent = sa.and_(leases.c.name == PREFIX + kind, leases.c.holder.startswith(_UNSENT))
        marking = sa.update(leases).where(is_unsent).values(holder=sa.func.substr(leases.c.holder, 2))
        with self._engine.begin() as connection:
            connection.execute(marking)

    def end(self, kind: AlertKind, *, at: datetime) -> bool:
        """Whether this bot is the one to tell that this trouble is over: nobody has met it for a while."""
        is_over = sa.and_(leases.c.name == PREFIX + kind, leases.c.until <= at)
        with self._engine.begin() as connection:
            return connection.execute(sa.delete(leases).where(is_over)).rowcount == 1

    def stuck_cards(self) -> int:
        """How many calls have a card that is missing or out of date, and a known reason for it."""
        is_behind = notifications.c.card_revision < notifications.c.revision
        # Asked every ten seconds: reading every call that was ever told would hold up presses on SQLite.
        is_stuck = sa.and_(_DUE.has_work, notifications.c.card_problem != "", is_behind)
        with self._engine.connect() as connection:
            counting = sa.select(sa.func.count()).select_from(notifications).where(is_stuck)
            return connection.execute(counting).scalar_one()

    def doubts(self, *, since: datetime) -> tuple[int, datetime | None]:
        """How many calls are in doubt that ended since then, and when the first of them did."""
        in_doubt = sa.and_(calls.c.state == State.IN_DOUBT, calls.c.finished_at >= since)
        asking = sa.select(sa.func.count(), sa.func.min(calls.c.finished_at)).where(in_doubt)
        with self._engine.connect() as connection:
            count, first = connection.execute(asking).one()
        return count, first
