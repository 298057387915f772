"""Takes calls in: writes a press down, and makes it a call once its answer has left in time.

Slack shows its own error to a person who gets no answer within three seconds, and no phone may ring after
that. So a press is only received at first. Whoever sends the answer says whether it left; then, and in one
transaction for all that came meanwhile, it becomes a call that may be dialed, or is forgotten altogether.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Protocol

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.switchboard import log_state

log = logging.getLogger(__name__)


class Ledger(Protocol):
    """The durable record; see `ledger.calls.CallLedger` for what each promises."""

    def receive(self, request: CallRequest, *, at: datetime, require_time: Callable[[], None]) -> Call: ...
    def join(self, call_id: str) -> Call | None: ...
    def confirm(self, call_ids: Collection[str], *, at: datetime) -> list[Call]: ...
    def withdraw(self, call_ids: Collection[str]) -> None: ...
    def accept(
        self, request: CallRequest, *, at: datetime, step: tuple[str, datetime] | None = None
    ) -> Call: ...
    def find(self, request_key: str) -> Call | None: ...


class Answer(Protocol):
    """How a press is answered; see `slack.arrival.Arrival`."""

    def require_time(self) -> None: ...
    def when_answered(self, answered: Callable[[], None], given_up: Callable[[], None]) -> None: ...


class Intake:
    """Takes presses and workflow steps. `on_answer`, `on_work` and `on_news` wake those who go on."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        now: Callable[[], datetime],
        on_answer: Callable[[], None],
        on_work: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._now = now
        self._on_answer = on_answer
        self._on_work = on_work
        self._on_news = on_change
        self._answered: SimpleQueue[str] = SimpleQueue()  # ids of calls, until it is written down
        self._given_up: SimpleQueue[str] = SimpleQueue()

    def receive(self, request: CallRequest, answer: Answer) -> Call:
        """Write a press down, so that it becomes a call as soon as its answer has left in time.

        The same press again returns the same call. Raises `TooLate`, `KeyTaken`, `NotYourForm`, `NumberBusy`
        or `FormUsed`; nothing is written down then.
        """
        call = self._ledger.receive(request, at=self._now(), require_time=answer.require_time)
        self._wait_for(answer, call)
        return call

    def receive_again(self, call: Call, answer: Answer) -> Call | None:
        """The press of `call` was delivered once more. The call as it is now; None if it was taken back."""
        found: Call | None = call
        if call.state is State.RECEIVED:
            found = self._ledger.join(call.id) or self._ledger.find(call.request.key)
        if found is not None:
            self._wait_for(answer, found)
        return found

    def accept_step(self, request: CallRequest, execution_id: str, lease: datetime) -> Call:
        """Write the call of a workflow step down; the step becomes it in the same transaction.

        `lease` is until when the step is ours. Raises `LeaseLost`, or what `receive` raises but `TooLate`.
        """
        call = self._ledger.accept(request, at=self._now(), step=(execution_id, lease))
        log_state(call)
        self._on_work()
        self._on_news()
        return call

    def settle_answers(self) -> bool:
        """Make calls of the presses that were answered, and forget those that were not; whether any came.

        An answer that cannot be written down stays for the next time. Forgetting is tried once, as it counts
        deliveries. Whatever is left in the end is swept up, and its caller is told that nothing was dialed.
        """
        answered, given_up = _drained(self._answered), _drained(self._given_up)
        try:
            confirmed = self._ledger.confirm(answered, at=self._now()) if answered else []
        except Exception:
            for call_id in answered:
                self._answered.put(call_id)
            raise
        finally:
            self._forget(given_up)
        for call in confirmed:
            log_state(call)
        if confirmed:
            self._on_work()
            self._on_news()
        return bool(confirmed)

    def _forget(self, call_ids: list[str]) -> None:
        if not call_ids:
            return
        log.warning("%d press(es) could not be answered in time; nothing was dialed", len(call_ids))
        try:
            self._ledger.withdraw(call_ids)
        except Exception:
            log.exception("the presses %s are not forgotten", ", ".join(call_ids))

    def _wait_for(self, answer: Answer, call: Call) -> None:
        def note(queue: SimpleQueue[str]) -> None:
            queue.put(call.id)
            self._on_answer()

        if call.state is State.RECEIVED:
            answer.when_answered(lambda: note(self._answered), lambda: note(self._given_up))


def _drained(queue: SimpleQueue[str]) -> list[str]:
    found: list[str] = []
    with contextlib.suppress(Empty):
        while True:
            found.append(queue.get_nowait())
    return found
