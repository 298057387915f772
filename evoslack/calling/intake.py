"""Takes calls in: writes a submission down, and accepts it as a call once its answer has left in time.

Slack shows its own error to a person who gets no answer within three seconds, and no phone may ring after
that. So a submission is only received at first. The receiver that sends the answer says whether it left.
Then, in one transaction for all answers that left meanwhile, the call is accepted and may be dialed; without
an answer it is deleted.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime
from queue import Empty, SimpleQueue

from evoslack.calling.arrival import Arrival
from evoslack.calling.call_log import log_state
from evoslack.calling.calls import Call, CallRequest
from evoslack.calling.ports import CallLedger

log = logging.getLogger(__name__)


class Intake:
    """Takes submissions and workflow steps; `on_answer`, `on_work` and `on_change` wake worker pools."""

    def __init__(
        self,
        ledger: CallLedger,
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
        self._on_change = on_change
        self._answered: SimpleQueue[str] = SimpleQueue()  # call ids, until this is written down
        self._unanswered: SimpleQueue[str] = SimpleQueue()

    def receive(self, request: CallRequest, arrival: Arrival) -> Call:
        """Write a submission down, so that it is accepted as soon as its answer has left in time.

        The same submission again returns the same call. Raises `TooLate`, `KeyTaken`, `NotYourForm`,
        `NumberBusy` or `FormUsed`; nothing is written down then.
        """
        call = self._ledger.receive(request, at=self._now(), require_time=arrival.require_time)
        self._await_answer(arrival, call)
        return call

    def receive_again(self, call: Call, arrival: Arrival) -> Call | None:
        """The submission of `call` was delivered again: the call as it is now, or None if withdrawn."""
        found: Call | None = call
        if call.is_unanswered:
            found = self._ledger.join(call.id) or self._ledger.find(call.request.key)
        if found is not None:
            self._await_answer(arrival, found)
        return found

    def accept_step(self, request: CallRequest, execution_id: str, lease: datetime) -> Call:
        """Write the call of a workflow step down; the step is tied to it in the same transaction.

        `lease` is when our lease on the step ends. Raises `LeaseLost`, or what `receive` raises except
        `TooLate`.
        """
        call = self._ledger.accept(request, at=self._now(), step=(execution_id, lease))
        log_state(call)
        self._on_work()
        self._on_change()
        return call

    def settle_answers(self) -> bool:
        """Accept the calls whose answers left, and withdraw those without; returns whether any was accepted.

        If accepting cannot be written down, it is tried again next time. Withdrawing is tried once, because
        it counts deliveries. The sweep closes what remains and tells the caller that nothing was dialed.
        """
        answered, unanswered = _drain(self._answered), _drain(self._unanswered)
        try:
            confirmed = self._ledger.confirm(answered, at=self._now()) if answered else []
        except Exception:
            for call_id in answered:
                self._answered.put(call_id)
            raise
        finally:
            self._withdraw(unanswered)
        for call in confirmed:
            log_state(call)
        if confirmed:
            self._on_work()
            self._on_change()
        return bool(confirmed)

    def _withdraw(self, call_ids: list[str]) -> None:
        if not call_ids:
            return
        log.warning("%d submission(s) could not be answered in time; nothing was dialed", len(call_ids))
        try:
            self._ledger.withdraw(call_ids)
        except Exception:
            log.exception("these submissions could not be withdrawn: %s", ", ".join(call_ids))

    def _await_answer(self, arrival: Arrival, call: Call) -> None:
        def note(queue: SimpleQueue[str]) -> None:
            queue.put(call.id)
            self._on_answer()

        if call.is_unanswered:
            arrival.when_answered(lambda: note(self._answered), lambda: note(self._unanswered))


def _drain(queue: SimpleQueue[str]) -> list[str]:
    found: list[str] = []
    with contextlib.suppress(Empty):
        while True:
            found.append(queue.get_nowait())
    return found
