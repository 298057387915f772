"""The metrics that are counted as things happen; `gauges` has those that are read when someone asks.

Each bot has a registry of its own. A label is one of a fixed few words: no number, name or id of anyone or
anything ever becomes one. docs/metrics.md explains every metric.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client import disable_created_metrics as _leave_creation_times_out

from evoslack import __version__
from evoslack.calling.arrival import ANSWER_WITHIN_S
from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.outcomes import Outcome
from evoslack.calling.ports import PhoneSystem
from evoslack.calling.snapshot import Snapshot
from evoslack.runtime.request_result import Result
from evoslack.slack.receivers.lanes import Lane

OUTCOMES = (
    *(State.PLACED, State.REJECTED, State.NOT_SENT, State.IN_DOUBT),
    *(State.EXPIRED, State.CANCELED),
)
_REQUEST_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_DIAL_S = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
_ANSWER_S = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, ANSWER_WITHIN_S, 3.0)

_leave_creation_times_out()  # type: ignore[no-untyped-call] # a second time series for each counter, which nobody reads


class Metrics:
    """The counters of one bot. Everything here is quick, never raises, and is safe from several threads."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._calls = Counter("evoslack_calls", "Calls by outcome", ["outcome"], registry=registry)
        for outcome in OUTCOMES:
            self._calls.labels(outcome.value)
        self._dial_s = Histogram(
            "evoslack_dial_seconds", "How long dialing took", buckets=_DIAL_S, registry=registry
        )
        by_operation = "By operation and result"
        self._evo = Counter("evoslack_evo_requests", by_operation, ["operation", "result"], registry=registry)
        self._slack = Counter(
            "evoslack_slack_requests", by_operation, ["operation", "result"], registry=registry
        )
        self._evo_s = _request_seconds("evoslack_evo_request_seconds", registry)
        self._slack_s = _request_seconds("evoslack_slack_request_seconds", registry)
        self._answer_s = Histogram(
            "evoslack_answer_seconds",
            "How old a payload of Slack was when it was answered",
            ["kind"],
            buckets=_ANSWER_S,
            registry=registry,
        )
        for lane in Lane:
            if lane is not Lane.BARE:
                self._answer_s.labels(lane.value)
        self._late = Counter("evoslack_late_presses", "Submissions answered too late", registry=registry)
        self._denied = Counter(
            "evoslack_denied_requests",
            "Requests that are not proven to be Slack's",
            ["reason"],
            registry=registry,
        )
        self._polled = Gauge(
            "evoslack_last_poll_timestamp_seconds", "When sessions were last polled", registry=registry
        )
        self._build = Gauge("evoslack_build_info", "Version", ["version", "python"], registry=registry)
        self._build.labels(__version__, platform.python_version()).set(1)

    def note_state(self, call: Call) -> None:
        """A call has entered its state."""
        if call.state in OUTCOMES:
            self._calls.labels(call.state.value).inc()

    def observe_evo(self, operation: str, result: Result, seconds: float) -> None:
        """A request to Evo Voice has ended."""
        self._evo.labels(operation, result.value).inc()
        self._evo_s.labels(operation).observe(seconds)

    def observe_slack(self, operation: str, result: Result, seconds: float) -> None:
        """A request to Slack has ended."""
        self._slack.labels(operation, result.value).inc()
        self._slack_s.labels(operation).observe(seconds)

    def note_answer(self, lane: Lane, age_s: float) -> None:
        """A payload was handled when it was `age_s` seconds old; a late press was not accepted."""
        self._answer_s.labels(lane.value).observe(age_s)
        if lane is Lane.PRESS and age_s > ANSWER_WITHIN_S:
            self._late.inc()

    def note_denied(self, reason: str) -> None:
        """A request was denied; `reason` is a `DeniedBecause`."""
        self._denied.labels(reason).inc()

    def timed_phone(self, phone: PhoneSystem) -> PhoneSystem:
        """The same phone system; how long each dialing takes is measured."""
        return _TimedPhone(phone, self._dial_s)

    def noting_polls(
        self, poll: Callable[[str, datetime, float], Snapshot]
    ) -> Callable[[str, datetime, float], Snapshot]:
        """The same poll; when it last worked is noted."""

        def noted(account_id: str, since: datetime, budget_s: float) -> Snapshot:
            snapshot = poll(account_id, since, budget_s)
            self._polled.set_to_current_time()
            return snapshot

        return noted


class _TimedPhone:
    def __init__(self, phone: PhoneSystem, seconds: Histogram) -> None:
        self._phone = phone
        self._seconds = seconds

    def dial(self, request: CallRequest, may_leave: Callable[[], bool]) -> Outcome:
        """See `EvoClient.dial`."""
        began_s = time.monotonic()
        try:
            return self._phone.dial(request, may_leave)
        finally:
            self._seconds.observe(time.monotonic() - began_s)


def _request_seconds(name: str, registry: CollectorRegistry) -> Histogram:
    return Histogram(name, "How long requests took", ["operation"], buckets=_REQUEST_S, registry=registry)
