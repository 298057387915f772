"""One payload in the bot: when it arrived, how old it is, and whether its answer left in time.

Slack gives up after three seconds and shows the person its own error (slack-facts 1). So whatever would dial
asks for the age first, and goes on only when the answer has left before that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from evoslack.clock import Clock, Moment
from evoslack.refusals import TooLate

ANSWER_WITHIN_S = 2.5  # the rest of Slack's three seconds is for the way back
TRIGGER_LIVES_S = 3.0  # slack-facts 2
ROUNDING_S = 0.5  # Slack's times are whole seconds
KEY = "arrival"  # where listeners find it in Bolt's context


class Arrival:
    """When a payload arrived, and what is to happen once its answer has left, or will not."""

    def __init__(self, clock: Clock, at: Moment, *, age_s: float = 0.0) -> None:
        """`at` is when its bytes were read, and `age_s` how old they were then."""
        self._clock = clock
        self._at = at
        self._age_s = max(age_s, 0.0)
        self._on_answered: Callable[[], None] | None = None
        self._on_given_up: Callable[[], None] | None = None

    @property
    def age_s(self) -> float:
        """Seconds since Slack sent it, as far as that can be known."""
        return self._age_s + self._clock.elapsed_s(self._at)

    @property
    def is_late(self) -> bool:
        """Whether Slack has given up on an answer, or is about to."""
        return self.age_s > ANSWER_WITHIN_S

    @property
    def awaits_answer(self) -> bool:
        """Whether something depends on the answer: a late one must not go out."""
        return self._on_answered is not None

    def require_time(self) -> None:
        """Raises `TooLate` when there is none left to answer in."""
        if self.is_late:
            raise TooLate

    def when_answered(self, answered: Callable[[], None], given_up: Callable[[], None]) -> None:
        """Call `answered` once the answer has left in time, `given_up` if it will not leave at all.

        Neither is called when it left, but too late: then nobody knows what the person saw.
        """
        self._on_answered, self._on_given_up = answered, given_up

    def take_back(self) -> None:
        """The answer says something else: whatever depends on it is given up at once."""
        self.given_up()
        self._on_answered = self._on_given_up = None

    def answered(self) -> None:
        """The answer has left."""
        if self._on_answered is not None and not self.is_late:
            self._on_answered()

    def given_up(self) -> None:
        """No answer will leave: Slack shows its own error."""
        if self._on_given_up is not None:
            self._on_given_up()


class SlackTime:
    """Slack's clock, seen from ours: from the Date of its answers to the age of its requests."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._began: float | None = None  # Slack's time at the zero of our monotonic clock
        self._odd: float | None = None  # what one answer said that did not agree

    def note(self, date: str) -> None:
        """An answer of Slack's came just now with this Date header; one that disagrees must come twice."""
        try:
            began = parsedate_to_datetime(date).timestamp() - self._monotonic_s()
        except ValueError:
            return
        with self._lock:
            if self._began is None or any(
                known is not None and abs(began - known) < 2 for known in (self._began, self._odd)
            ):
                self._began, self._odd = began, None
            else:
                self._odd = began

    def age_s(self, timestamp: str) -> float:
        """How old a request with this timestamp is now, at least; 0.0 while nothing is known."""
        if self._began is None:
            return 0.0
        return max(self._began + self._monotonic_s() - float(timestamp) - ROUNDING_S, 0.0)
