"""The tables, and how rows become values.

`migrations/` makes these tables; a test holds the two together.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import OPEN_STATES, Call, CallRequest, HangUp, LostReason, Progress, Reason, State
from evoslack.calling.notification import Notification


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps it without a zone, so the zone is put back on reading."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse naive times and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Give every time its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _words(kind: type[StrEnum], length: int) -> sa.Enum:
    """A column of the values of `kind`, stored as text."""
    return sa.Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=length,
        values_callable=lambda members: [member.value for member in members],
    )


_Json = sa.JSON(none_as_null=True)


def claimable_at(table: sa.Table) -> sa.ColumnElement[datetime | None]:
    """When a row can be claimed: when its lease ends or else when it is due. Null: there is nothing to do."""
    return sa.func.coalesce(table.c.leased_until, table.c.due_at)


metadata = sa.MetaData()

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("request_key", sa.String(64), nullable=False, unique=True),
    sa.Column("team_id", sa.String(32), nullable=False),
    sa.Column("user_id", sa.String(32), nullable=False),
    sa.Column("account_id", sa.String(200), nullable=False),
    sa.Column("flow_id", sa.String(200), nullable=False),
    sa.Column("flow_name", sa.Text, nullable=False),
    sa.Column("number", sa.String(16), nullable=False),
    sa.Column("caller_id", sa.String(16), nullable=False),
    sa.Column("channel_id", sa.String(32), nullable=False),
    sa.Column("response_url", sa.Text, nullable=False),
    sa.Column("state", _words(State, 16), nullable=False),
    sa.Column("reason", _words(Reason, 32)),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("session_id", sa.String(200)),
    sa.Column("call_sid", sa.String(200)),
    sa.Column("accepted_at", UtcDateTime, nullable=False),
    sa.Column("began_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("progress", _words(Progress, 16)),  # null: there is nothing to follow
    sa.Column("known_ids", _Json),  # what matched before the call went out; null: nobody looked
    sa.Column("skew_s", sa.Float),  # how far Evo Voice's clock was ahead then; null: nobody looked
    sa.Column("is_ambiguous", sa.Boolean),  # several calls could be it, and it is too late to tell
    sa.Column("lost_reason", _words(LostReason, 16)),
    sa.Column("found_later", sa.Boolean),  # no answer said that it was placed
    sa.Column("answered_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("gone_since", UtcDateTime),  # it was listed at Evo Voice, and is not any more
    sa.Column("evo_outcome", sa.String(200)),
    sa.Column("hang_up", _words(HangUp, 16)),
    sa.Column("hang_up_at", UtcDateTime),
    sa.Column("deliveries", sa.Integer),  # of its press that are being answered, while it is received
)

_is_open = calls.c.state.in_(sorted(OPEN_STATES))

# One open call per number: two people who press for the same number within the same seconds would make
# the same phone ring twice, and nobody could tell their sessions apart (evo-voice-api 7).
sa.Index(
    "one_open_call_per_number",
    calls.c.account_id,
    calls.c.number,
    unique=True,
    sqlite_where=_is_open,
    postgresql_where=_is_open,
)
sa.Index("calls_by_number", calls.c.account_id, calls.c.number, calls.c.accepted_at)
sa.Index("calls_by_state", calls.c.state, calls.c.accepted_at)
sa.Index("calls_by_person", calls.c.user_id, calls.c.accepted_at)
sa.Index("calls_by_age", calls.c.accepted_at)
sa.Index("calls_by_progress", calls.c.progress)

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("call_id", sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime),  # when somebody shall look; null: everything is told
    sa.Column("leased_until", UtcDateTime),  # of whoever tells it now
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("card_channel", sa.String(32), nullable=False),
    sa.Column("card_ts", sa.String(32), nullable=False),
    sa.Column("card_tried_at", UtcDateTime),
    sa.Column("card_due_at", UtcDateTime),  # not to be tried before; null: any time
    sa.Column("card_revision", sa.Integer, nullable=False),
    sa.Column("card_problem", sa.String(64), nullable=False),
    sa.Column("told_revision", sa.Integer, nullable=False),
    sa.Column("told_bad_news", sa.Boolean, nullable=False),
    sa.Column("told_what", sa.String(32)),
)
sa.Index("notifications_by_due", claimable_at(notifications))

# The keys of forms whose calls are no longer kept: such a form must not become another call.
used_keys = sa.Table(
    "used_keys",
    metadata,
    sa.Column("request_key", sa.String(64), primary_key=True),
    sa.Column("used_at", UtcDateTime, nullable=False),  # when the call was deleted
)
sa.Index("used_keys_by_age", used_keys.c.used_at)

# What one bot at a time does for all of them.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("holder", sa.String(32), nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
)

# What people look at in App Home, so that it can be shown anew when a call changes.
home_tabs = sa.Table(
    "home_tabs",
    metadata,
    sa.Column("team_id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("history_filter", _Json),  # which calls; null: those that everybody begins with
    sa.Column("sees_all", sa.Boolean, nullable=False),  # other people's calls too
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime),  # when it is to be shown anew; null: it is up to date, or under way
    sa.Column("leased_until", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("shown_at", UtcDateTime),  # it rests then; null: its owner did something since
)
sa.Index("home_tabs_by_due", claimable_at(home_tabs))

# Steps of workflows that run right now, and what Slack has to be told of them.
workflow_steps = sa.Table(
    "workflow_steps",
    metadata,
    sa.Column("execution_id", sa.String(64), primary_key=True),
    sa.Column("team_id", sa.String(32), nullable=False),
    sa.Column("inputs", _Json),  # null: they could not be read
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("call_id", sa.ForeignKey("calls.id", ondelete="CASCADE")),
    sa.Column("refusal", sa.Text),  # why there will be no call, in words; written down before Slack is told
    sa.Column("due_at", UtcDateTime),  # when somebody shall look; null: nothing to do until the call changes
    sa.Column("leased_until", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("ended_at", UtcDateTime),  # when Slack took the end of it
)
sa.Index("workflow_steps_by_due", claimable_at(workflow_steps))
sa.Index("workflow_steps_by_call", workflow_steps.c.call_id)

REQUEST_FIELDS = (
    "team_id",
    "user_id",
    "account_id",
    "flow_id",
    "flow_name",
    "number",
    "caller_id",
    "channel_id",
    "response_url",
)
_SAME_IN_CALL = (
    "id",
    "state",
    "accepted_at",
    "began_at",
    "finished_at",
    "reason",
    "detail",
    "progress",
    "answered_at",
    "ended_at",
    "lost_reason",
    "hang_up",
)
_SAME_IN_NOTIFICATION = (
    "revision",
    "card_channel",
    "card_ts",
    "card_tried_at",
    "card_due_at",
    "card_revision",
    "card_problem",
    "told_revision",
    "told_bad_news",
    "attempts",
)


def call_of(row: sa.Row[Any]) -> Call:
    """The call in a row of `calls`."""
    values = row._mapping
    return Call(
        request=CallRequest(key=values["request_key"], **{field: values[field] for field in REQUEST_FIELDS}),
        session_id=values["session_id"] or "",
        evo_outcome=values["evo_outcome"] or "",
        found_later=bool(values["found_later"]),
        **{field: values[field] for field in _SAME_IN_CALL},
    )


def notification_of(row: sa.Row[Any]) -> Notification:
    """The notification in a row of `calls` joined with `notifications`."""
    values = row._mapping
    same = {field: values[field] for field in _SAME_IN_NOTIFICATION}
    return Notification(call=call_of(row), told_what=values["told_what"] or "", **same)
