"""A payload's age, what depends on its answer, and the offset of Slack's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from evoslack.calling.arrival import ANSWER_WITHIN_S, Arrival
from evoslack.calling.refusals import TooLate
from evoslack.runtime.clock import Clock
from evoslack.slack.receivers.slack_time import SlackTime

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
IN_TIME, NEVER, LATE = "in time", "never", "late"


class Story:
    """A payload that arrived at a bot with manual clocks; `ends` lists the callbacks."""

    def __init__(self, age_s: float = 0.0) -> None:
        self.wall, self.monotonic_s = T0, 500.0
        clock = Clock(lambda: self.wall, lambda: self.monotonic_s)
        self.arrival = Arrival(clock, clock.moment(), age_s=age_s)
        self.ends: list[str] = []

    def depends(self) -> None:
        """Something depends on the answer."""
        self.arrival.when_answered(lambda: self.ends.append("answered"), lambda: self.ends.append("given up"))

    def wait(self, seconds: float, *, wall: bool = True, monotonic: bool = True) -> None:
        self.wall += timedelta(seconds=seconds if wall else 0)
        self.monotonic_s += seconds if monotonic else 0


@pytest.mark.parametrize(("wall", "monotonic"), [(True, True), (True, False), (False, True)])
def test_a_payload_grows_old_by_either_clock(wall: bool, monotonic: bool) -> None:
    story = Story(age_s=0.5)
    story.arrival.require_time()
    story.wait(ANSWER_WITHIN_S - 0.6, wall=wall, monotonic=monotonic)
    story.arrival.require_time()
    assert not story.arrival.is_late

    story.wait(0.2, wall=wall, monotonic=monotonic)

    assert story.arrival.age_s == pytest.approx(ANSWER_WITHIN_S + 0.1)
    assert story.arrival.is_late
    with pytest.raises(TooLate):
        story.arrival.require_time()


def test_a_payload_from_the_future_is_new() -> None:
    assert Story(age_s=-30).arrival.age_s == 0


def test_the_answer_leaves_in_time() -> None:
    story = Story()
    assert not story.arrival.awaits_answer
    story.depends()
    assert story.arrival.awaits_answer
    story.wait(ANSWER_WITHIN_S - 0.1)
    story.arrival.answered()

    assert story.ends == ["answered"]


def test_no_answer_will_leave() -> None:
    story = Story()
    story.depends()
    story.arrival.unanswered()

    assert story.ends == ["given up"]


def test_an_answer_that_left_too_late_proves_nothing() -> None:
    story = Story()
    story.depends()
    story.wait(ANSWER_WITHIN_S + 0.1)
    story.arrival.answered()

    assert story.ends == []


def test_the_answer_says_something_else() -> None:
    story = Story()
    story.depends()
    story.arrival.withdraw()
    story.arrival.answered()  # that something else

    assert story.ends == ["given up"]
    assert not story.arrival.awaits_answer


def test_nothing_depends_on_most_answers() -> None:
    story = Story()
    story.arrival.withdraw()
    story.arrival.answered()
    story.arrival.unanswered()

    assert story.ends == []


# --- Slack's clock


class Slack:
    """Slack with a clock that is off by `ahead_s`; the bot uses only its monotonic clock."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.passed_s = 0.0
        self.ahead_s = ahead_s
        self.time = SlackTime(lambda: 500.0 + self.passed_s)

    @property
    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.passed_s + self.ahead_s)

    def answers(self, off_s: float = 0.0) -> None:
        """An answer with a Date header; `off_s` is how wrong that is."""
        self.time.note(format_datetime(self.now + timedelta(seconds=off_s), usegmt=True))

    def sends(self) -> str:
        """The timestamp of a request that Slack sends now."""
        return str(int(self.now.timestamp()))


def test_nothing_is_old_before_slacks_clock_is_known() -> None:
    slack = Slack()
    sent = slack.sends()
    slack.passed_s += 10

    assert slack.time.age_s(sent) == 0


@pytest.mark.parametrize("ahead_s", [0, 3.3, -3.3, 30, -30, 3600, -3600])
def test_a_wrong_clock_neither_adds_age_nor_hides_it(ahead_s: float) -> None:
    slack = Slack(ahead_s)
    slack.answers()
    for tenths in range(50):  # wherever in a second it is sent
        slack.passed_s += 0.1 * tenths
        sent = slack.sends()
        assert slack.time.age_s(sent) <= 0.5
        slack.passed_s += 10
        assert 8.5 <= slack.time.age_s(sent) <= 10.5, "it waited in a proxy"


@pytest.mark.parametrize("off_s", [-7, 7, 3600])
def test_a_single_odd_date_changes_nothing(off_s: float) -> None:
    slack = Slack()
    slack.answers()
    for _ in range(3):  # each time something else comes between two of them
        slack.answers(off_s)
        sent = slack.sends()
        slack.passed_s += 10
        assert 8.5 <= slack.time.age_s(sent) <= 10.5
        slack.answers()


def test_two_dates_that_agree_correct_the_offset() -> None:
    slack = Slack()
    slack.answers()
    slack.ahead_s = 60  # ours was wrong, or drifted for a week without an answer from Slack
    slack.answers()
    slack.passed_s += 3
    slack.answers()

    assert slack.time.age_s(slack.sends()) <= 0.5


def test_a_drifting_clock_is_corrected_as_long_as_slack_answers_now_and_then() -> None:
    slack = Slack()
    for _ in range(100):
        slack.answers()
        slack.passed_s += 3600
        slack.ahead_s += 0.5
        assert slack.time.age_s(slack.sends()) <= 1.5


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Xyz 2026 99:99:99 GMT"])
def test_an_unreadable_date_is_ignored(date: str) -> None:
    slack = Slack()
    slack.time.note(date)

    assert slack.time.age_s("1") == 0
