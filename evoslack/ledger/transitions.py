"""Changes a call's state, after dialing or instead of it.

`calls.TRANSITIONS` is the only rule. `CallLedger.confirm` and `begin` enter *accepted* and *placing* with
statements of their own, which are stricter.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import TRANSITIONS, Call, State
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls

# A call accepted this far in the future: the clock has been set back since, so its age is unknown.
AHEAD = timedelta(minutes=1)


def change_state(
    connection: sa.Connection, which: sa.ColumnElement[bool], target: State, values: dict[str, Any]
) -> list[Call]:
    """Change the state and `values` of those calls that may enter `target`; returns them."""
    sources = sorted(source for source, following in TRANSITIONS.items() if target in following)
    changing = sa.update(calls).where(which, calls.c.state.in_(sources))
    changed = connection.execute(changing.values(state=target, **values).returning(calls))
    return [call_of(row) for row in changed]
