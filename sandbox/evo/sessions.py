"""Placing calls at the stand-in Evo Voice, following and ending them.

Section numbers are those of evo-voice-api.
"""

from __future__ import annotations

import logging
import re
from datetime import date
from typing import Any, Literal

from aiohttp import web

from sandbox.evo.calls import GoodAnswer
from sandbox.evo.gate import Ask
from sandbox.evo.listings import known_flow
from sandbox.evo.servicestack import Params, refuse

Row = dict[str, Any]

log = logging.getLogger(__name__)
E164 = re.compile(r"\+[1-9]\d{6,14}")


def outgoing(ask: Ask) -> Row | web.Response | None:
    """NewOutgoingSession (5.1): a phone rings, or the reason why not."""
    flow_id, number, caller_id = map(ask.params.text, ("flowId", "numberToDial", "callerId"))
    if not flow_id:
        raise refuse(400, "ArgumentException", "A flow is required")
    flow = known_flow(ask, flow_id)
    if ask.world.quirks.read_only_blocks and ask.who.manager_access == "ReadOnly":
        raise refuse(403, "Forbidden", "Your access is read only")
    if not E164.fullmatch(number):
        raise refuse(400, "ArgumentException", "The number to dial must be in E.164 format")
    owned = ask.world.owned_numbers(flow["accountId"])
    if not owned or (caller_id and caller_id not in owned):
        raise refuse(400, "ArgumentException", "The caller ID is not a phone number of this account")
    call = ask.world.place(flow_id, number, caller_id, ask.who.email)
    answers: dict[GoodAnswer, Row | web.Response | None] = {
        "204": None,
        "200_session": call.session(0, ask.world.speed, ask.world.quirks) | {"log": []},
        "200_empty": web.Response(),
        "200_garbage": web.Response(body=b"\xff\x00{oops", content_type="application/json"),
    }
    return answers[ask.world.quirks.answer]


def listed(ask: Ask) -> Row:
    """ListSessions (5.3)."""
    wanted, params = ask.accounts, ask.params
    sender, receiver = params.text("from").lower(), params.text("to").lower()
    first, last = _day(params, "startDate", date.min), _day(params, "endDate", date.max)
    where: Literal["archive", "live"] = "archive" if params.flag("searchArchive") else "live"
    rows = [
        row
        for row in ask.world.sessions(where, first, last)
        if row["accountId"] in wanted
        and sender in row["fromAddress"].lower()
        and receiver in row["toAddress"].lower()
    ]
    if ask.world.quirks.sorts_sessions and params.text("sortField") == "dateCreated":
        rows.sort(key=lambda row: str(row["dateCreated"]), reverse=params.text("sortOrder") == "Descend")
    return ask.page(rows)


def _day(params: Params, name: str, default: date) -> date:
    """A `YYYY-MM-DD` parameter; days are UTC days here (5.3 leaves the zone open)."""
    try:
        return date.fromisoformat(params.text(name)) if params.text(name) else default
    except ValueError as error:
        raise refuse(400, "FormatException", f"'{name}' is not a date") from error


def _known_session(ask: Ask) -> Row:
    row = next((row for row in ask.world.sessions() if row["id"] == ask.route["id"]), None)
    if row is None:
        raise refuse(404, "NotFound", "Session not found")
    ask.within(row["accountId"])
    return row


def session(ask: Ask) -> Row:
    """GetSession (5.4)."""
    row = _known_session(ask)
    return row | {"log": []} if ask.world.quirks.log_only_in_list else row


def end(ask: Ask) -> None:
    """EndSession (5.7)."""
    if ask.world.quirks.end_needs_user:
        ask.need("User")
    session = _known_session(ask)
    for call in ask.world.calls:
        if session["id"] in (call.session_id, call.twin_id):
            ask.world.hang_up(call)


def delete_history(ask: Ask) -> None:
    """What `DELETE /sessions/{id}` becomes with an empty id (5.7): everything within reach is gone."""
    ask.world.bulk_deletes.append(f"{ask.request.method} {ask.request.path} {ask.request.query}")
    log.critical("HISTORY DELETED by %s", ask.world.bulk_deletes[-1])
    kept = [call for call in ask.world.calls if call.flow["accountId"] not in ask.reach]
    ask.world.calls[:] = kept


def active(ask: Ask) -> Row:
    """GetActiveCalls (5.6)."""
    account_id = ask.params.text("accountId")
    if not account_id:
        raise refuse(400, "ArgumentException", "An account is required")
    ask.within(account_id)
    return {"calls": ask.world.active_calls(account_id)}
