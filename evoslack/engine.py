"""What goes on behind the listeners: the ledgers, the phone system, and the crews that move calls on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from evoslack.calling.intake import Intake
from evoslack.calling.switchboard import Switchboard
from evoslack.calling.tracker import CallTracker
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import EvoClient
from evoslack.evo.session_poller import SessionPoller
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from evoslack.runtime.clock import Clock
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.settings import Settings
from evoslack.slack.background.rate_limiter import POST_EVERY_S, RateLimiter

LOOK_EVERY_S = 2.0  # how long a call of a bot that died may wait for another bot to see it
SETTLE_EVERY_S = 1.0  # answers that could not be written down at once
SWEEP_EVERY_S = 10.0  # with a teller's lease of 60 s: what a dead bot left is taken over within 90 s
SHOWERS = 2  # Home tabs published side by side
SHOW_EVERY_S = 1.0  # how exactly they keep the rest between two looks of a tab
WHISPERERS = 2  # direct messages sent side by side
STEP_RUNNERS = 2  # workflow steps brought further side by side
FOLLOW_EVERY_S = 0.5  # how exactly the follower keeps its own times
TELLERS = 4  # news told side by side, so that one slow answer of Slack does not hold up the rest


class Engine:
    """The ledgers, the phone system, and the crews that bring calls further."""

    def __init__(
        self, settings: Settings, evo: EvoClient, clock: Clock, clock_s: Callable[[], float]
    ) -> None:
        now = clock.now
        self._history = timedelta(days=settings.history_days)
        self._clock = clock
        self.store = Store(settings.database_url)
        self.calls = CallLedger(self.store)
        self.notifications = NotificationLedger(self.store)
        self.homes = HomeTabLedger(self.store)
        self.steps = WorkflowStepLedger(self.store)
        self.catalog = Catalog(
            evo,
            account_id=settings.evo_account_id,
            allowed_flows=settings.evo_flows,
            default_caller_id=settings.evo_caller_id,
        )
        crew = partial(WorkerPool, clock_s=clock_s)
        self.settlers = crew("settling", size=1, poll_every_s=SETTLE_EVERY_S)
        self.dialers = crew("dialing", size=settings.max_calls_at_once, poll_every_s=LOOK_EVERY_S)
        self.tellers = crew("telling", size=TELLERS, poll_every_s=LOOK_EVERY_S)
        self.showers = crew("showing", size=SHOWERS, poll_every_s=SHOW_EVERY_S)
        self.whisperers = crew("whispering", size=WHISPERERS, poll_every_s=LOOK_EVERY_S)
        self.posting = RateLimiter(POST_EVERY_S, now)  # of messages, for everybody who posts some
        self.step_runners = crew("steps", size=STEP_RUNNERS, poll_every_s=LOOK_EVERY_S)
        self.sweepers = crew("sweeping", size=1, poll_every_s=SWEEP_EVERY_S)
        self.followers = crew("following", size=1, poll_every_s=FOLLOW_EVERY_S)
        self.follower = CallTracker(
            SessionPoller(evo, now),
            evo.end,
            TrackedCallLedger(self.store),
            now=now,
            on_change=self._wake_notifiers,
        )
        self.switchboard = Switchboard(
            self.calls,
            evo,
            self.follower,
            longest_wait=timedelta(seconds=settings.max_wait_seconds),
            now=now,
            wall=clock.wall,
            on_change=self._wake_notifiers,
        )
        self.intake = Intake(
            self.calls,
            now=now,
            on_answer=self.settlers.wake,
            on_work=self.dialers.wake,
            on_change=self._wake_notifiers,
        )

    def sweep(self) -> bool:
        """Close what nobody works on any more, and forget what is old."""
        self._clock.follow(self.store.time())
        self.switchboard.sweep()
        if self._clock.is_trusted():
            self.switchboard.forget(self._history)
            self.steps.forget(asked_before=self._clock.now() - self._history)
        return False

    def _wake_notifiers(self) -> None:
        for crew in (self.tellers, self.showers, self.step_runners):
            crew.wake()
