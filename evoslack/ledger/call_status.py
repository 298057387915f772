"""How a call stands, in SQL: the same as `calling.status.status_of`, which is asked for every kind of call.

So the table of statuses stands in one place, and a filter by outcome can count and page in the database.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from evoslack.calling.calls import Call, CallRequest, HangUp, Progress, State
from evoslack.calling.history_filter import OutcomeGroup, statuses_in
from evoslack.calling.status import STATUS_OF_OUTCOME, status_of
from evoslack.ledger.schema import calls

_IGNORED = " -_\t\n"  # in Evo Voice's words, as in `plain_outcome`
_UNKNOWN = "another word"


def status() -> sa.ColumnElement[str]:
    """The `CallStatus` of a row of `calls`."""
    was_hung_up = sa.and_(calls.c.hang_up == HangUp.ASKED, sa.func.coalesce(calls.c.hung_up_by, "") != "")
    return sa.case(
        (calls.c.state != State.PLACED, _by_state()),
        (calls.c.progress.is_(None), _words(_example())),
        (calls.c.progress != Progress.ENDED, _by_progress()),
        (was_hung_up, _by_outcome(hung_up_by="U")),
        else_=_by_outcome(),
    )


def _by_state() -> sa.ColumnElement[str]:
    return sa.case(
        *((calls.c.state == state, _words(_example(state=state))) for state in State),
        else_=sa.literal(""),
    )


def _by_progress() -> sa.ColumnElement[str]:
    return sa.case(
        *(
            (calls.c.progress == progress, _words(_example(progress=progress)))
            for progress in Progress
            if progress is not Progress.ENDED
        ),
        else_=sa.literal(""),
    )


def _by_outcome(hung_up_by: str = "") -> sa.ColumnElement[str]:
    plain: sa.ColumnElement[str] = sa.func.coalesce(calls.c.evo_outcome, "")
    for sign in _IGNORED:
        plain = sa.func.replace(plain, sign, "")
    plain = sa.func.lower(plain)
    known = (
        (plain == word, _words(_example(progress=Progress.ENDED, word=word, hung_up_by=hung_up_by)))
        for word in STATUS_OF_OUTCOME
    )
    other = _example(progress=Progress.ENDED, word=_UNKNOWN, hung_up_by=hung_up_by)
    return sa.case(*known, else_=_words(other))


def _words(call: Call) -> sa.ColumnElement[str]:
    return sa.literal(str(status_of(call)))


def _example(
    *, state: State = State.PLACED, progress: Progress | None = None, word: str = "", hung_up_by: str = ""
) -> Call:
    """A call of that kind."""
    return Call(
        id="",
        request=CallRequest("", "", "", "", "", "", "", ""),
        state=state,
        accepted_at=datetime.min.replace(tzinfo=UTC),
        progress=progress,
        evo_outcome=word,
        hang_up=HangUp.ASKED if hung_up_by else None,
        hung_up_by=hung_up_by,
    )


def was_answered() -> sa.ColumnElement[bool]:
    """Whether an answer was seen."""
    return calls.c.answered_at.is_not(None)


def in_group(group: OutcomeGroup) -> sa.ColumnElement[bool]:
    """Whether that became of the call."""
    return sa.or_(
        *(
            sa.and_(
                was_answered() if seen else ~was_answered(),
                status().in_(sorted(statuses_in(group, was_answered=seen))),
            )
            for seen in (True, False)
        )
    )
