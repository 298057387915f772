"""By what past calls are found: pages, filters, counts, and searches cost the same with a million calls.

Migration 0009 makes these indexes. Why these ones: docs/decisions/0016-flat-in-history.md.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import Grouping

from evoslack.calling.history_filter import LEAST_DIGITS
from evoslack.ledger.schema import calls

# Each ends with the time, so that a page begins where the last one ended.
sa.Index("calls_by_team", calls.c.team_id, calls.c.accepted_at, calls.c.number)
sa.Index("calls_by_person", calls.c.team_id, calls.c.user_id, calls.c.accepted_at, calls.c.number)
sa.Index("calls_by_outcome", calls.c.team_id, calls.c.outcome, calls.c.accepted_at)
sa.Index("calls_by_flow", calls.c.team_id, calls.c.flow_id, calls.c.accepted_at)

# Every call of which `admission.may_be_on_the_phone` can be true, and few others. Written out, so that the
# index is found.
may_be_live = sa.text(
    "(state IN ('received', 'accepted', 'placing', 'in_doubt', 'rejected') OR progress <> 'ended')"
)
sa.Index(
    "calls_that_may_be_live",
    calls.c.team_id,
    calls.c.accepted_at,
    sqlite_where=may_be_live,
    postgresql_where=may_be_live,
)

# Any three digits: PostgreSQL finds them in an inverted index of each number's trigrams …
LONGEST_NUMBER = 15  # digits, after the +
TELLING = 6  # of many digits, the last ones that are looked up
_PLACES = range(2, LONGEST_NUMBER + 3 - LEAST_DIGITS)
trigrams = postgresql.array(
    [
        sa.func.substr(calls.c.number, sa.literal_column(str(at)), sa.literal_column(str(LEAST_DIGITS)))
        for at in _PLACES
    ]
)
sa.Index(
    "calls_by_trigram",
    Grouping(trigrams),
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},  # else one press in thousands pays for all of them
).ddl_if(dialect="postgresql")

# … and SQLite in a table of every number's endings, which triggers keep: an ending that begins with the
# digits is a number that contains them.
number_endings = sa.table("number_endings", sa.column("ending", sa.Text), sa.column("number", sa.Text))
sa.Index("calls_by_digits", calls.c.number, calls.c.team_id, calls.c.accepted_at).ddl_if(dialect="sqlite")


def by_index(query: sa.Select[Any], name: str) -> sa.Select[Any]:
    """The same query of calls; SQLite, which has no statistics here, uses that index for it."""
    return query.with_hint(calls, f"INDEXED BY {name}", "sqlite")


def number_contains(digits: str, *, is_sqlite: bool) -> sa.ColumnElement[bool]:
    """Whether the number of a call contains these digits, three or more, by an index."""
    contains = calls.c.number.contains(digits, autoescape=True)
    if not is_sqlite:
        last = digits[-TELLING:]  # many numbers begin alike, so their first digits take long
        theirs = [last[at : at + LEAST_DIGITS] for at in range(len(last) - LEAST_DIGITS + 1)]
        return sa.and_(trigrams.contains(sa.cast(theirs, postgresql.ARRAY(sa.Text()))), contains)
    ending = number_endings.c.ending
    after = f"{digits[:-1]}{chr(ord(digits[-1]) + 1)}"  # a colon comes after 9
    found = sa.select(number_endings.c.number).where(ending >= digits, ending < after)
    return calls.c.number.in_(found)
