"""Polls an account's active calls and its recent sessions.

Two requests, however many calls are tracked; more only if a page is full. The order of sessions is not
documented, so newest first is asked for, and everything is read unless the answer is visibly in that order.
Entries that make no sense are skipped, so that one odd entry does not hide the others.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from evoslack.calling.snapshot import Active, Session, Snapshot
from evoslack.evo.client import PAGE_SIZE, EvoClient
from evoslack.evo.errors import EvoUnavailable
from evoslack.evo.transport import seconds_until

A_DAY = timedelta(days=1)  # the time zone of the date filters is not known
MARGIN = timedelta(minutes=10)  # read this much further back than asked for
NEVER = ("0001-", "/Date(-62135")  # how .NET writes a date that was not set
TALKING = frozenset({"Connected", "Hold", "Passive"})


class SessionPoller:
    """Takes snapshots of one account at one Evo Voice."""

    def __init__(self, client: EvoClient, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now

    def poll(self, account_id: str, since: datetime, budget_s: float) -> Snapshot:
        """The active calls and the sessions of calls placed after `since`. Raises `EvoError`."""
        ends = time.monotonic() + budget_s
        began_at = self._now()
        calls = self._client.get("/calls/active", {"accountId": account_id}, budget_s=seconds_until(ends))
        if not isinstance(calls.get("calls"), list):  # no calls is an empty list (evo-voice-api 2.4)
            raise EvoUnavailable("/calls/active: no list of calls")
        active = [found for item in _objects(calls["calls"]) if (found := active_of(item))]
        sessions = list(self._sessions(account_id, since + self._client.skew, ends))
        return Snapshot(began_at, self._client.skew, tuple(active), tuple(sessions))

    def _sessions(self, account_id: str, since: datetime, ends: float) -> Iterator[Session]:
        today = (self._now() + self._client.skew).astimezone(UTC)
        query = {
            "accountIds": account_id,
            "startDate": f"{min(since.astimezone(UTC), today) - A_DAY:%Y-%m-%d}",
            "endDate": f"{today + A_DAY:%Y-%m-%d}",
            "sortField": "dateCreated",
            "sortOrder": "Descend",
        }
        newest_first, before, count = True, None, 0
        for item in self._client.items("/sessions", query, budget_s=seconds_until(ends)):
            session = session_of(item, account_id)
            if session is None:
                continue
            count += 1
            at = session.created_at
            newest_first = newest_first and at is not None and (before is None or at <= before)
            before = at
            if newest_first and count > PAGE_SIZE // 2 and at is not None and at < since - MARGIN:
                return
            yield session


def active_of(item: Mapping[str, Any]) -> Active | None:
    """A `CallInfo` of an active call (evo-voice-api 5.6); None for anything else."""
    sid, status = _name(item.get("sid")), _text(item.get("status"))
    if not sid or status not in {"queued", "ringing", "in-progress"}:
        return None
    return Active(
        sid,
        to=_digits(item.get("to")),
        sender=_digits(item.get("from")),
        is_answered=status == "in-progress",
        created_at=moment(item.get("dateCreated")),
        # `inbound` and `outbound-dial` calls were not requested through the API.
        is_by_request=_text(item.get("direction")) in {"", "outbound-api"},
    )


def session_of(item: Mapping[str, Any], account_id: str) -> Session | None:
    """A `SessionInfo` of a voice call of that account (evo-voice-api 5.5); None for anything else."""
    session_id = _name(item.get("id"))
    is_ours = item.get("accountId") == account_id and item.get("channel", "Voice") == "Voice"
    if not session_id or not is_ours:
        return None
    state, completed = _text(item.get("callState")), _text(item.get("dateCompleted"))
    numbers = {_digits(item.get(name)) for name in ("fromAddress", "toAddress", "destination")}
    return Session(
        id=session_id,
        call_sid=_name(item.get("callSid")),
        numbers=frozenset(numbers - {""}),
        created_at=moment(item.get("dateCreated")),
        is_ringing=state == "Ringing",
        is_talking=state in TALKING,
        # `callState` Disconnected alone is not the end: a new session has it too.
        is_over=item.get("ended") is True or (bool(completed) and not completed.startswith(NEVER)),
        destination=_digits(item.get("destination")),
        completed_at=moment(completed),
        outcome=_text(item.get("outcome")),
    )


def moment(value: object) -> datetime | None:
    """A time in one of the formats of Evo Voice or its carrier (evo-voice-api 2.4).

    None without a time zone, because it is not known which one is meant.
    """
    text = _text(value)
    if text.startswith(NEVER):
        return None
    try:
        if found := re.fullmatch(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", text):
            return datetime.fromtimestamp(int(found[1]) / 1000, UTC)
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """The text without lone surrogates and NUL, which JSON can carry and a database cannot."""
    return value.encode("utf-8", "replace").decode().replace("\x00", "") if isinstance(value, str) else ""


def _name(value: object) -> str:
    """An id; empty if the value cannot be one."""
    return value if isinstance(value, str) and re.fullmatch(r"[!-~]{1,200}", value) else ""


def _digits(value: object) -> str:
    """The digits of a phone number; empty for names and other kinds of addresses."""
    text = _text(value)
    return re.sub(r"[^0-9]", "", text) if re.fullmatch(r"[0-9+()./\s\xa0-]*", text) else ""
