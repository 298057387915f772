"""The session and call services of the stand-in Evo Voice: place, list, and end calls.

Section numbers are those of evo-voice-api.
"""

from __future__ import annotations

import logging
import re
from datetime import date
from typing import Any, Literal

from aiohttp import web

from sandbox.evo.authentication import Context
from sandbox.evo.calls import GoodAnswer
from sandbox.evo.listings import get_flow
from sandbox.evo.servicestack import Params, http_error

Row = dict[str, Any]

log = logging.getLogger(__name__)
E164 = re.compile(r"\+[1-9]\d{6,14}")


def outgoing(context: Context) -> Row | web.Response | None:
    """NewOutgoingSession (5.1): rings a phone. Raises HttpError when it rejects the call."""
    flow_id, number, caller_id = map(context.params.text, ("flowId", "numberToDial", "callerId"))
    if not flow_id:
        raise http_error(400, "ArgumentException", "A flow is required")
    flow = get_flow(context, flow_id)
    if context.world.quirks.read_only_blocks and context.current_login.manager_access == "ReadOnly":
        raise http_error(403, "Forbidden", "Your access is read only")
    if not E164.fullmatch(number):
        raise http_error(400, "ArgumentException", "The number to dial must be in E.164 format")
    owned = context.world.owned_numbers(flow["accountId"])
    if not owned or (caller_id and caller_id not in owned):
        raise http_error(400, "ArgumentException", "The caller ID is not a phone number of this account")
    call = context.world.place(flow_id, number, caller_id, context.current_login.email)
    answers: dict[GoodAnswer, Row | web.Response | None] = {
        "204": None,
        "200_session": call.session(0, context.world.speed, context.world.quirks) | {"log": []},
        "200_empty": web.Response(),
        "200_garbage": web.Response(body=b"\xff\x00{oops", content_type="application/json"),
    }
    return answers[context.world.quirks.answer]


def listed(context: Context) -> Row:
    """ListSessions (5.3)."""
    wanted, params = context.requested_accounts, context.params
    sender, receiver = params.text("from").lower(), params.text("to").lower()
    first, last = _day(params, "startDate", date.min), _day(params, "endDate", date.max)
    where: Literal["archive", "live"] = "archive" if params.flag("searchArchive") else "live"
    rows = [
        row
        for row in context.world.sessions(where, first, last)
        if row["accountId"] in wanted
        and sender in row["fromAddress"].lower()
        and receiver in row["toAddress"].lower()
    ]
    if context.world.quirks.sorts_sessions and params.text("sortField") == "dateCreated":
        rows.sort(key=lambda row: str(row["dateCreated"]), reverse=params.text("sortOrder") == "Descend")
    return context.page(rows)


def _day(params: Params, name: str, default: date) -> date:
    """A `YYYY-MM-DD` parameter, as a UTC day (5.3 leaves the time zone open)."""
    try:
        return date.fromisoformat(params.text(name)) if params.text(name) else default
    except ValueError as error:
        raise http_error(400, "FormatException", f"'{name}' is not a date") from error


def _find_session(context: Context) -> Row:
    row = next((row for row in context.world.sessions() if row["id"] == context.route["id"]), None)
    if row is None:
        raise http_error(404, "NotFound", "Session not found")
    context.require_accounts(row["accountId"])
    return row


def session(context: Context) -> Row:
    """GetSession (5.4)."""
    row = _find_session(context)
    return row | {"log": []} if context.world.quirks.log_only_in_list else row


def end(context: Context) -> None:
    """EndSession (5.7)."""
    if context.world.quirks.end_needs_user:
        context.require_role("User")
    session = _find_session(context)
    for call in context.world.calls:
        if session["id"] in (call.session_id, call.twin_id):
            context.world.hang_up(call)


def delete_history(context: Context) -> None:
    """`DELETE /sessions/{id}` with an empty id (5.7): deletes everything the login has access to."""
    context.world.bulk_deletes.append(
        f"{context.request.method} {context.request.path} {context.request.query}"
    )
    log.critical("HISTORY DELETED by %s", context.world.bulk_deletes[-1])
    kept = [call for call in context.world.calls if call.flow["accountId"] not in context.account_ids]
    context.world.calls[:] = kept


def active(context: Context) -> Row:
    """GetActiveCalls (5.6)."""
    account_id = context.params.text("accountId")
    if not account_id:
        raise http_error(400, "ArgumentException", "An account is required")
    context.require_accounts(account_id)
    return {"calls": context.world.active_calls(account_id)}
