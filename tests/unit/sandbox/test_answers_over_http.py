"""What an answer over HTTP proves: only what is on its way counts as answered."""

from __future__ import annotations

import pytest
from slack_bolt.adapter.wsgi.http_response import WsgiHttpResponse

from evoslack.calling.arrival import Arrival
from evoslack.runtime.clock import Clock
from evoslack.slack.receivers.wsgi import _Answer


@pytest.mark.parametrize(
    ("is_read", "has_left", "said"),
    [(True, True, ["answered"]), (True, False, []), (False, False, ["given up"])],
    ids=["it left", "nobody knows", "the connection broke before"],
)
def test_only_what_left_counts_as_answered(is_read: bool, has_left: bool, said: list[str]) -> None:
    clock, heard = Clock(), []
    arrival = Arrival(clock, clock.moment())
    arrival.when_answered(lambda: heard.append("answered"), lambda: heard.append("given up"))
    answer = _Answer(WsgiHttpResponse(status=200, headers={}, body="{}"), arrival, lambda: has_left)

    body = iter(answer)
    next(body)
    if is_read:
        assert next(body, None) is None
    answer.close()

    assert heard == said
