"""What becomes of a press with its HTTP answer: sent in time, too late, or to a person who has hung up."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from slack_bolt import BoltRequest, BoltResponse

from evoslack.calling.arrival import ANSWER_WITHIN_S
from evoslack.runtime.clock import Clock, Moment
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.receivers.wsgi import ARRIVED, EVENTS_PATH, wsgi
from sandbox.slack.delivery import sign

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECRET = "secret"
BODY = b"payload=%7B%7D"
YES = BoltResponse(status=200, body='{"response_action": "update"}')


class Receiver:
    """The application around an app that says yes; `ends` is what came of the press."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.happens: Callable[[], None] = lambda: None
        self.ends: list[str] = []
        self.status = ""
        self.clock = Clock(lambda: T0 + timedelta(seconds=self.passed_s), lambda: self.passed_s)
        self.slack_time = SlackTime(lambda: self.passed_s)
        app: Any = self
        self.application = wsgi(app, SECRET, self.clock, self.slack_time, dict)

    def dispatch(self, request: BoltRequest) -> BoltResponse:
        """What Bolt does: the press is received, and answered."""
        arrival = request.context[ARRIVAL]
        arrival.when_answered(lambda: self.ends.append("answered"), lambda: self.ends.append("given up"))
        self.happens()
        return YES

    def request(
        self, *, is_gone: bool = False, arrived: tuple[Moment, float] | None = None, ago_s: float = 0
    ) -> Iterable[bytes]:
        """A signed request; the body of the answer, which nobody has sent yet."""
        timestamp = str(int(T0.timestamp() + self.passed_s - ago_s))
        environ = {
            "PATH_INFO": EVENTS_PATH,
            "REQUEST_METHOD": "POST",
            "CONTENT_LENGTH": str(len(BODY)),
            "wsgi.input": io.BytesIO(BODY),
            "HTTP_X_SLACK_REQUEST_TIMESTAMP": timestamp,
            "HTTP_X_SLACK_SIGNATURE": sign(SECRET, timestamp, BODY.decode()),
            "waitress.client_disconnected": lambda: is_gone,
            ARRIVED: arrived,
        }

        def start_response(status: str, _headers: object, _trouble: object = None) -> Any:
            self.status = status

        return self.application(environ, start_response)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def close(answer: Any) -> None:
    """What a server does at the end, however it came."""
    getattr(answer, "close", lambda: None)()


def test_an_answer_that_was_sent_in_time(receiver: Receiver) -> None:
    answer = receiver.request()
    assert receiver.ends == [], "it has not left yet"
    assert b"update" in b"".join(answer)
    close(answer)

    assert (receiver.status[:3], receiver.ends) == ("200", ["answered"])


def test_an_answer_whose_sending_broke(receiver: Receiver) -> None:
    answer = receiver.request()
    next(iter(answer))
    close(answer)

    assert receiver.ends == ["given up"]


def test_an_answer_that_took_too_long_to_send(receiver: Receiver) -> None:
    answer = receiver.request()
    b"".join(answer)
    receiver.passed_s += ANSWER_WITHIN_S + 0.1
    close(answer)

    assert receiver.ends == [], "nobody knows what the person saw"


def test_an_answer_that_came_too_late(receiver: Receiver) -> None:
    def takes_long() -> None:
        receiver.passed_s += ANSWER_WITHIN_S + 0.1

    receiver.happens = takes_long
    answer = receiver.request()

    assert (receiver.status[:3], receiver.ends) == ("503", ["given up"])
    assert b"update" not in b"".join(answer)


def test_a_client_that_has_hung_up(receiver: Receiver) -> None:
    receiver.request(is_gone=True)

    assert (receiver.status[:3], receiver.ends) == ("503", ["given up"])


def test_an_app_that_breaks(receiver: Receiver) -> None:
    def breaks() -> None:
        raise RuntimeError

    receiver.happens = breaks
    receiver.request()

    assert (receiver.status[:3], receiver.ends) == ("400", ["given up"])


@pytest.mark.parametrize(("read_ago_s", "waited_s"), [(3, 0), (0, 3), (1.5, 1.5)])
def test_what_waited_before_it_came_here_is_late(
    receiver: Receiver, read_ago_s: float, waited_s: float
) -> None:
    """In a thread's queue, or because the process was paused."""
    read_at = receiver.clock.moment()
    receiver.passed_s += read_ago_s
    receiver.request(arrived=(read_at, waited_s))

    assert (receiver.status[:3], receiver.ends) == ("503", ["given up"])


def test_what_waited_in_a_proxy_is_late_and_its_way_through_the_bot_counts_once(receiver: Receiver) -> None:
    receiver.slack_time.note(format_datetime(T0, usegmt=True))
    receiver.request(ago_s=10)
    assert receiver.ends == ["given up"]

    receiver.ends.clear()
    read_at = receiver.clock.moment()
    receiver.passed_s += 2  # in the bot, which Slack's timestamp shows, too
    close_after_sending(receiver.request(arrived=(read_at, 0.0), ago_s=2))
    assert receiver.ends == ["answered"]


def close_after_sending(answer: Iterable[bytes]) -> None:
    b"".join(answer)
    close(answer)
