"""The tables, and how rows become values.

`migrations/` creates these tables; a test compares the two.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from evoslack.calling.calls import (
    OPEN_STATES,
    HangUp,
    LostReason,
    Progress,
    Result,
    State,
)
from evoslack.calling.history_filter import OutcomeGroup
from evoslack.calling.outcomes import Reason
from evoslack.ledger.call_status import OUTCOME
from evoslack.ledger.column_types import JSON, UtcDateTime, text_enum


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
    sa.Column("state", text_enum(State, 16), nullable=False),
    sa.Column("reason", text_enum(Reason, 32)),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("session_id", sa.String(200)),
    sa.Column("call_sid", sa.String(200)),
    sa.Column("accepted_at", UtcDateTime, nullable=False),
    sa.Column("began_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("progress", text_enum(Progress, 16)),  # null: it is not tracked
    sa.Column("known_ids", JSON),  # what matched before it was dialed; null: unknown
    sa.Column("skew_s", sa.Float),  # how far Evo Voice's clock was ahead then; null: unknown
    sa.Column("is_ambiguous", sa.Boolean),  # several sessions could be it, and it is too late to tell which
    sa.Column("lost_reason", text_enum(LostReason, 16)),
    sa.Column("found_later", sa.Boolean),  # in doubt or rejected at first, then found at Evo Voice
    sa.Column("answered_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("gone_since", UtcDateTime),  # it was listed at Evo Voice and no longer is
    sa.Column("evo_outcome", sa.String(200)),
    sa.Column("hang_up", text_enum(HangUp, 16)),
    sa.Column("hang_up_at", UtcDateTime),
    sa.Column("deliveries", sa.Integer),  # of its submission that are being answered, while it is received
    sa.Column("caller_id_label", sa.Text, nullable=False, server_default=""),
    sa.Column("view_id", sa.String(64), nullable=False, server_default=""),
    sa.Column("anyway", sa.String(32), nullable=False, server_default=""),
    sa.Column("hung_up_by", sa.String(32)),
    sa.Column("result", text_enum(Result, 16)),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("noted_by", sa.String(32)),
    sa.Column("noted_at", UtcDateTime),
    sa.Column("note_revision", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", UtcDateTime),  # when to dial; null: at once
    sa.Column("hours_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("canceled_by", sa.String(32)),
    # Computed by the database from the columns above. PostgreSQL stores it, SQLite only in indexes.
    sa.Column("outcome", text_enum(OutcomeGroup, 16), sa.Computed(OUTCOME, persisted=True)),
)

_is_open = calls.c.state.in_(sorted(OPEN_STATES))

# One open call per number: two people who call the same number at once would make its phone ring twice,
# and their sessions could not be told apart (evo-voice-api 7).
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
# For the limits of everyone together: a day's calls are counted without reading their rows.
sa.Index("calls_by_account", calls.c.account_id, calls.c.accepted_at, calls.c.state)
sa.Index("calls_by_age", calls.c.accepted_at)
sa.Index("calls_by_progress", calls.c.progress)
_is_scheduled = calls.c.state == State.SCHEDULED
sa.Index("calls_by_due", calls.c.due_at, sqlite_where=_is_scheduled, postgresql_where=_is_scheduled)

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("call_id", sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime),  # null: everything is told, or it is leased
    sa.Column("leased_until", UtcDateTime),  # by the bot that is working on it
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("card_channel", sa.String(32), nullable=False),
    sa.Column("card_ts", sa.String(32), nullable=False),
    sa.Column("card_tried_at", UtcDateTime),
    sa.Column("card_due_at", UtcDateTime),  # the card must wait until then; null: it need not wait
    sa.Column("card_revision", sa.Integer, nullable=False),
    sa.Column("card_problem", sa.String(64), nullable=False),
    # It shows four digits only, or cannot be edited anymore; null: from before that was kept.
    sa.Column("card_is_masked", sa.Boolean),
    sa.Column("told_revision", sa.Integer, nullable=False),
    sa.Column("told_bad_news", sa.Boolean, nullable=False),
    sa.Column("told_what", sa.String(32)),
    sa.Column("told_channel", sa.String(32), nullable=False, server_default=""),  # the direct message
    sa.Column("told_ts", sa.String(32), nullable=False, server_default=""),
)
sa.Index("notifications_by_due", claimable_at(notifications))
_in_a_message = notifications.c.told_ts != ""
sa.Index(
    "notifications_by_message",
    notifications.c.told_channel,
    notifications.c.told_ts,
    sqlite_where=_in_a_message,
    postgresql_where=_in_a_message,
)

# Older cards that show a number, if cards must hide it by now. Written out, so that the index is found.
shows_number = sa.and_(
    notifications.c.card_ts != sa.literal_column("''"), notifications.c.card_is_masked.is_not(sa.true())
)
sa.Index(
    "cards_that_show_numbers",
    notifications.c.card_ts,
    sqlite_where=shows_number,
    postgresql_where=shows_number,
)

# The pages that forms became and that are still open, as far as we know: each shows its call.
pages = sa.Table(
    "pages",
    metadata,
    sa.Column("call_id", sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("shown", sa.String(64), nullable=False, server_default=""),  # a digest; empty: unknown
    sa.Column("shown_at", UtcDateTime, nullable=False),  # it rests after that
    sa.Column("due_at", UtcDateTime),  # null: it is up to date, or leased
    sa.Column("leased_until", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
)
sa.Index("pages_by_due", claimable_at(pages))

# The keys of deleted calls: their forms must not become another call.
used_keys = sa.Table(
    "used_keys",
    metadata,
    sa.Column("request_key", sa.String(64), primary_key=True),
    sa.Column("used_at", UtcDateTime, nullable=False),  # when the call was deleted
)
sa.Index("used_keys_by_age", used_keys.c.used_at)

# The do-not-call list.
blocked_numbers = sa.Table(
    "blocked_numbers",
    metadata,
    sa.Column("number", sa.String(16), primary_key=True),  # E.164, so that no spelling slips through
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("blocked_by", sa.String(32), nullable=False),
    sa.Column("blocked_at", UtcDateTime, nullable=False),
    sa.Column("call_id", sa.String(32), nullable=False, server_default=""),  # of which it is the result
)
sa.Index("blocked_numbers_by_age", blocked_numbers.c.blocked_at)

# What administrators changed; the settings are the ceiling.
rules = sa.Table(
    "rules",
    metadata,
    sa.Column("name", sa.String(220), primary_key=True),
    sa.Column("value", JSON, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("changed_by", sa.String(32), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

# Every change of a rule and of the do-not-call list.
rule_changes = sa.Table(
    "rule_changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.String(32), nullable=False),
    sa.Column("rule", sa.String(220), nullable=False),
    sa.Column("before", sa.Text, nullable=False),  # JSON; empty: there was no rule
    sa.Column("after", sa.Text, nullable=False),
)

# When people last asked for access: at most once a day each.
access_requests = sa.Table(
    "access_requests",
    metadata,
    sa.Column("team_id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime),  # null: it is being sent, or its bot was killed meanwhile
)

# What one bot at a time does for all of them, such as polling Evo Voice.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("holder", sa.String(32), nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
)

# Home tabs that people opened, to publish them again when a call changes.
home_tabs = sa.Table(
    "home_tabs",
    metadata,
    sa.Column("team_id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("history_filter", JSON),  # null: the default filter
    sa.Column("sees_all", sa.Boolean, nullable=False),  # it may show other people's calls
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime),  # null: it is up to date, or leased
    sa.Column("leased_until", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("shown_at", UtcDateTime),  # it rests after that; null: its owner has acted since
)
sa.Index("home_tabs_by_due", claimable_at(home_tabs))

# One row: which timeline the ledger is in (`ledger.timeline`). No migration may make this table anew.
ledger_state = sa.Table(
    "ledger_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("timeline", sa.String(16), nullable=False),
    sa.Column("restored_at", UtcDateTime),  # when this timeline began; null: the ledger was never restored
    sa.Column("place", sa.Text, nullable=False),  # in which PostgreSQL; empty for SQLite
)

# Workflow steps that Slack is waiting for.
workflow_steps = sa.Table(
    "workflow_steps",
    metadata,
    sa.Column("execution_id", sa.String(64), primary_key=True),
    sa.Column("team_id", sa.String(32), nullable=False),
    sa.Column("inputs", JSON),  # null: they could not be read
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("call_id", sa.ForeignKey("calls.id", ondelete="CASCADE")),
    sa.Column("refusal", sa.Text),  # why there is no call, in words; stored before Slack is told
    sa.Column("due_at", UtcDateTime),  # null: nothing to do until its call changes, or it is leased
    sa.Column("leased_until", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("ended_at", UtcDateTime),  # when Slack accepted how it ended
)
sa.Index("workflow_steps_by_due", claimable_at(workflow_steps))
sa.Index("workflow_steps_by_call", workflow_steps.c.call_id)
