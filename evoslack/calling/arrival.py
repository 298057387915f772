"""One payload: when it arrived, how old it is, and whether its answer left in time.

Slack gives up after three seconds and shows the person its own error (slack-facts 1). So whatever would dial
asks for the age first, and continues only if the answer has left before that.
"""

from __future__ import annotations

from collections.abc import Callable

from evoslack.calling.refusals import TooLate
from evoslack.runtime.clock import Clock, Moment

ANSWER_WITHIN_S = 2.5  # the rest of Slack's three seconds is for the way back


class Arrival:
    """When a payload arrived, and what happens once its answer has left, or will not."""

    def __init__(self, clock: Clock, at: Moment, *, age_s: float = 0.0) -> None:
        """`at` is when its bytes were read, and `age_s` how old they were then."""
        self._clock = clock
        self._at = at
        self._age_s = max(age_s, 0.0)
        self._on_answered: Callable[[], None] | None = None
        self._on_unanswered: Callable[[], None] | None = None

    @property
    def age_s(self) -> float:
        """Seconds since Slack sent it, as far as that is known."""
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

    def when_answered(self, answered: Callable[[], None], unanswered: Callable[[], None]) -> None:
        """Call `answered` once the answer has left in time, `unanswered` if it will not leave at all.

        Neither is called when it left, but too late: then nobody knows what the person saw.
        """
        self._on_answered, self._on_unanswered = answered, unanswered

    def withdraw(self) -> None:
        """The answer says something else: discard whatever depends on it, now."""
        self.unanswered()
        self._on_answered = self._on_unanswered = None

    def answered(self) -> None:
        """The answer has left."""
        if self._on_answered is not None and not self.is_late:
            self._on_answered()

    def unanswered(self) -> None:
        """No answer will leave: Slack shows its own error."""
        if self._on_unanswered is not None:
            self._on_unanswered()
