"""Call requests that many tests start from."""

from __future__ import annotations

from datetime import UTC, datetime

from evoslack.calling.calls import CallRequest

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NUMBER = "+12025550143"
T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def call_request(key: str = "key", number: str = NUMBER, **changes: str) -> CallRequest:
    """Sara calls from account acc1; `changes` replace any other field."""
    values = {
        "team_id": "T1",
        "user_id": "U_SARA",
        "account_id": "acc1",
        "flow_id": "flow1",
        "flow_name": "Reminder",
        "caller_id": "+12025550100",
    }
    return CallRequest(key=key, number=number, **(values | changes))


def own_number(key: str) -> str:
    """A number that belongs to this key."""
    return f"+1202555{sum(map(ord, key)) % 10000:04}"
