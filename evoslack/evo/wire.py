"""ServiceStack's JSON as values of ours, and what an answer means. Pure functions.

Every fact is from evo-voice-api; nothing that is not documented there is relied on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evoslack.calling.calls import CallRequest
from evoslack.calling.numbers import is_e164
from evoslack.calling.offer import CallerId, Flow
from evoslack.calling.outcomes import InDoubt, Outcome, Placed, Reason, Rejected
from evoslack.evo.transport import Reply

LONGEST_DETAIL = 200  # characters of Evo Voice's own text that we show

# How Evo Voice rejects a call. Only a 401 proves that nothing was dialed (`calls.Rejected`); anything that
# neither accepts nor rejects is doubt.
_NO = {
    401: Reason.LOGIN_REJECTED,
    403: Reason.NOT_PERMITTED,
    404: Reason.NOT_FOUND,
    429: Reason.TOO_MANY,
}


@dataclass(frozen=True, slots=True)
class Login:
    """The fields that we use of a login at Evo Voice (evo-voice-api 3.3)."""

    id: str
    email: str
    roles: frozenset[str]
    account_ids: frozenset[str]
    manager_access: object  # None: older servers do not say
    account_names: Mapping[str, str]


def call_body(request: CallRequest) -> dict[str, str]:
    """The body of `POST /sessions/outgoing` (evo-voice-api 5.1)."""
    return {
        "flowId": request.flow_id,
        "numberToDial": request.number,
        "callerId": request.caller_id,
    }


def outcome_of(reply: Reply) -> Outcome:
    """What the answer to `POST /sessions/outgoing` proves (evo-voice-api 5.1 and 6)."""
    status = reply.status
    if 200 <= status < 300 and status != 206:
        return InDoubt(Reason.IN_BETWEEN, str(status)) if _is_page(reply) else _placed(reply)
    if status in _NO:
        return Rejected(_why_not(reply), _detail_of_no(reply))
    if status == 400 and "responseStatus" in (reply.json_object() or {}):
        return Rejected(Reason.BAD_REQUEST, words_of(reply))
    if status >= 500:
        return InDoubt(Reason.SERVER_ERROR, str(status))
    return InDoubt(Reason.ODD_ANSWER, str(status))


def words_of(reply: Reply) -> str:
    """Evo Voice's own message about an error, in one line; never a stack trace (evo-voice-api 6)."""
    body = reply.json_object() or {}
    status = body.get("responseStatus")
    if not isinstance(status, dict):
        return ""
    words = status.get("message") or status.get("errorCode") or ""
    return short(_string(words))


def short(words: str) -> str:
    """The text in one line, without query strings, at most `LONGEST_DETAIL` characters."""
    line = " ".join(re.sub(r"\?\S*", "", words).split())
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"


def login_of(item: Mapping[str, Any]) -> Login:
    """A `UserInfo` (evo-voice-api 3.3); missing lists are empty."""
    ids = _strings(item.get("accountIds"))
    names = _strings(item.get("accountNames"))
    return Login(
        id=_string(item.get("id")),
        email=_string(item.get("emailAddress")),
        roles=frozenset(_strings(item.get("roles"))),
        account_ids=frozenset(ids),
        manager_access=item.get("managerAccess"),
        account_names=dict(zip(ids, names, strict=False)),
    )


def flow_of(item: Mapping[str, Any], account_id: str) -> Flow | None:
    """A `FlowInfo` of that account that has nodes (evo-voice-api 5.12); None for anything else."""
    if item.get("accountId") != account_id or not item.get("nodeCount"):
        return None
    flow_id, name = _string(item.get("id")), _string(item.get("name"))
    if not flow_id:
        return None
    return Flow(flow_id, name or flow_id, _string(item.get("customerName")))


def caller_id_of(item: Mapping[str, Any], account_id: str) -> CallerId | None:
    """An `EndpointInfo` that is an owned number of that account with voice (evo-voice-api 5.13), else None.

    A virtual number was never bought, and a fax number carries no voice.
    """
    if item.get("accountId") != account_id or item.get("isVirtualPhoneNumber") or item.get("isFaxNumber"):
        return None
    if item.get("type") != "PhoneNumber":
        return None
    label = _string(item.get("displayName"))
    # It is not known which property holds the number, so the likely ones are tried in turn.
    for key in ("phoneNumber", "number", "displayName"):
        number = re.sub(r"[\s\-.()]", "", _string(item.get(key)))
        if is_e164(number):
            return CallerId(number, "" if key == "displayName" else label)
    return None


def _placed(reply: Reply) -> Placed:
    """With the ids that the answer happens to have; none are documented (evo-voice-api 5.1)."""
    body = reply.json_object() or {}
    session_id = _string(body.get("id")) or _string(body.get("sessionId"))
    call_sid = _string(body.get("callSid")) or _string(body.get("sid"))
    return Placed(session_id[:200] or None, call_sid[:200] or None)


def _is_page(reply: Reply) -> bool:
    """Whether a proxy or firewall answered: Evo Voice sends no HTML when asked for JSON (evo-voice-api 6).

    Otherwise the status alone decides. The body is not documented (5.1), so a yes with a body that is cut
    short or garbled is still a yes.
    """
    kind = reply.headers.get("Content-Type", "").lower()
    return "html" in kind or reply.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _why_not(reply: Reply) -> Reason:
    # The framework answers a missing role as text; the service answers everything else as JSON.
    if reply.status == 403 and reply.body.lstrip().startswith(b"Forbidden"):
        return Reason.ROLE_MISSING
    return _NO[reply.status]


def _detail_of_no(reply: Reply) -> str:
    if reply.status == 429:
        seconds = reply.headers.get("Retry-After", "")
        return seconds if seconds.isdecimal() else ""
    return words_of(reply)


def _string(value: object) -> str:
    return _storable(value) if isinstance(value, str) else ""


def _storable(text: str) -> str:
    """Without lone surrogates and NUL, which JSON can carry and a database cannot."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
