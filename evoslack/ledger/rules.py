"""The rules that administrators changed, their audit log, and what the rules ask about one call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import CallRequest, State
from evoslack.calling.rulebook import BlockedNumber, Limit, RuleChange, StoredRule, as_json
from evoslack.calling.rules import Facts, Reading
from evoslack.ledger.rule_reading import DIALED, TO_BE_DIALED, nth_newest, read, rule_of
from evoslack.ledger.schema import blocked_numbers, calls, rule_changes, rules
from evoslack.ledger.store import Store
from evoslack.ledger.transitions import AHEAD


class RuleLedger:
    """The rules in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine = store.engine

    def read(
        self, request: CallRequest, limits: Collection[Limit], *, at: datetime, is_begun: bool = False
    ) -> Reading:
        """The rules, and whether anything stands in the way of this call, in one statement.

        Only its key, number, person and account matter. `is_begun`: it is about to be dialed; then
        only those that were dialed count towards the limits, itself included (see `facts`).
        """
        return read(self._store, request, limits, at=at, is_begun=is_begun)

    def facts(
        self, request: CallRequest, limits: Sequence[Limit], *, at: datetime, except_for: str = ""
    ) -> Facts:
        """What the rules need to know about this call.

        Calls that were dialed count towards its limits, and those that are about to be. Right before the call
        itself is dialed (`except_for` is its id), only those that were dialed: each of the others finds this
        one when its own turn comes. So no more calls than the limit are ever dialed.
        """
        with self._engine.connect() as connection:
            block = connection.execute(
                sa.select(blocked_numbers).where(blocked_numbers.c.number == request.number)
            ).first()

            def reached(*which: sa.ColumnElement[bool]) -> dict[Limit, datetime]:
                found = {}
                for limit in limits:
                    newest = nth_newest(
                        limit,
                        *which,
                        account_id=request.account_id,
                        person=(request.user_id, request.team_id),
                        since=at - limit.span,
                        ahead=at + AHEAD,
                    )
                    if (last := connection.execute(newest).scalar_one_or_none()) is not None:
                        found[limit] = last + limit.span
                return found

            is_contended = False
            if not except_for:
                limits_reached = reached(_counts(DIALED, TO_BE_DIALED))
            # With itself, as it can be read from an index alone; nearly always that is all.
            elif limits_reached := reached(_counts(DIALED)):
                others = sa.and_(_counts(DIALED), calls.c.id != except_for)
                limits_reached = reached(others)
                is_contended = bool(limits_reached) and not reached(others, _goes_before(except_for))
        return Facts(None if block is None else blocked_number_of(block), limits_reached, is_contended)

    def stored(self) -> list[StoredRule]:
        """Every rule that an administrator changed."""
        with self._store.reading() as connection:
            return [rule_of(row) for row in connection.execute(sa.select(rules).order_by(rules.c.name))]

    def change(
        self, name: str, value: Mapping[str, Any] | None, *, revision: int, by: str, at: datetime
    ) -> bool:
        """Store a rule (None: remove it) and say so in the audit log.

        `revision` is the one that the person has seen, 0 if there was no such rule. False if it is another
        by now: then nothing is changed.
        """
        try:
            with self._engine.begin() as connection:
                row = connection.execute(
                    sa.select(rules).where(rules.c.name == name).with_for_update()
                ).first()
                before = None if row is None else row.value
                if (0 if row is None else row.revision) != revision:
                    return False
                if value is None:
                    changing: sa.Executable = sa.delete(rules).where(_is(name, revision))
                elif row is None:
                    # Never one that the rule had before it was removed: a form may still show that.
                    latest = connection.execute(sa.select(sa.func.max(rule_changes.c.id))).scalar_one()
                    changing = sa.insert(rules).values(
                        name=name, value=dict(value), revision=(latest or 0) + 1, changed_by=by, changed_at=at
                    )
                else:
                    changing = (
                        sa.update(rules)
                        .where(_is(name, revision))
                        .values(value=dict(value), revision=revision + 1, changed_by=by, changed_at=at)
                    )
                connection.execute(changing)
                write_change(connection, RuleChange(at, by, name, as_json(before), as_json(value)))
        except sa.exc.IntegrityError:  # two added it at once
            return False
        return True

    def changes(self) -> Iterator[RuleChange]:
        """The audit log, oldest first."""
        with self._engine.connect() as connection:
            for row in connection.execute(sa.select(rule_changes).order_by(rule_changes.c.id)):
                yield RuleChange(row.changed_at, row.changed_by, row.rule, row.before, row.after)


def write_change(connection: sa.Connection, change: RuleChange) -> None:
    """Add a line to the audit log, in the transaction of the change itself."""
    connection.execute(
        sa.insert(rule_changes).values(
            changed_at=change.at,
            changed_by=change.by,
            rule=change.rule,
            before=change.before,
            after=change.after,
        )
    )


def blocked_number_of(row: sa.Row[Any]) -> BlockedNumber:
    """The blocked number in a row."""
    return BlockedNumber(row.number, row.reason, row.blocked_by, row.blocked_at, row.call_id)


def _counts(*states: Collection[State]) -> sa.ColumnElement[bool]:
    return calls.c.state.in_([state for some in states for state in some])


def _goes_before(call_id: str) -> sa.ColumnElement[bool]:
    """Whether a call goes before that one, if there is room for one of two that are dialed at once."""
    this = calls.alias("this")
    accepted = sa.select(this.c.accepted_at, this.c.id).where(this.c.id == call_id).scalar_subquery()
    is_earlier = sa.tuple_(calls.c.accepted_at, calls.c.id) < accepted
    return sa.or_(calls.c.state != State.PLACING, is_earlier)


def _is(name: str, revision: int) -> sa.ColumnElement[bool]:
    return sa.and_(rules.c.name == name, rules.c.revision == revision)
