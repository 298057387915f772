"""How rows become values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import Call, CallNote, CallRequest
from evoslack.calling.notification import Notification
from evoslack.ledger.schema import calls, notifications

REQUEST_FIELDS = tuple(field.name for field in fields(CallRequest) if field.name != "key")
_CALL_FIELDS = tuple(field.name for field in fields(Call) if field.name in calls.c)
_NOTIFICATION_FIELDS = tuple(field.name for field in fields(Notification) if field.name in notifications.c)


def call_of(row: sa.Row[Any]) -> Call:
    """The call in a row of `calls`."""
    values = row._mapping
    found = {field: values[field] for field in _CALL_FIELDS}
    found |= {
        field: found[field] or "" for field in ("session_id", "evo_outcome", "hung_up_by", "canceled_by")
    }
    found["found_later"] = bool(found["found_later"])
    found["note"] = CallNote(
        result=values["result"],
        text=values["note"],
        by=values["noted_by"] or "",
        at=values["noted_at"],
        revision=values["note_revision"],
    )
    request = CallRequest(key=values["request_key"], **{field: values[field] for field in REQUEST_FIELDS})
    return Call(request=request, **found)


def notification_of(row: sa.Row[Any]) -> Notification:
    """The notification in a row of `calls` joined with `notifications`."""
    values = row._mapping
    found = {field: values[field] for field in _NOTIFICATION_FIELDS}
    found["told_what"] = found["told_what"] or ""
    return Notification(call=call_of(row), **found)
