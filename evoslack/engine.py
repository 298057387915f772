"""What runs behind the listeners: the ledgers, the catalog, and the worker pools that move calls on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.intake import Intake
from evoslack.calling.switchboard import Switchboard
from evoslack.calling.tracker import CallTracker
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import EvoClient
from evoslack.evo.session_poller import SessionPoller
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.history import CallHistory
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.retention import CallRetention
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from evoslack.runtime.clock import Clock
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.settings import Settings
from evoslack.slack.background.home_publisher import HomePublisher
from evoslack.slack.background.notifier import Notifier
from evoslack.slack.background.rate_limiter import POST_EVERY_S, RateLimiter
from evoslack.slack.background.step_runner import StepRunner
from evoslack.slack.workspace import private_client, web_client

LOOK_EVERY_S = 2.0  # how long a call of a bot that died may wait for another bot to see it
SETTLE_EVERY_S = 1.0  # answers that could not be written down at once
SWEEP_EVERY_S = 10.0  # with a teller's lease of 60 s: what a dead bot left is taken over within 90 s
SHOWERS = 2  # Home tabs published side by side
SHOW_EVERY_S = 1.0  # how exactly they keep the rest between two looks of a tab
WHISPERERS = 2  # direct messages sent side by side
STEP_RUNNERS = 2  # workflow steps brought further side by side
FOLLOW_EVERY_S = 0.5  # how exactly the follower keeps its own times
TELLERS = 4  # news told side by side, so that one slow answer of Slack does not hold up the rest
HOME_REFRESH_S = 5.0  # for reading the offer when a Home tab is due before it has been read


class Engine:
    """The ledgers, the catalog, and the worker pools that move calls on."""

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
        self.retention = CallRetention(self.store, now)
        self.steps = WorkflowStepLedger(self.store)
        self.catalog = Catalog(
            evo,
            account_id=settings.evo_account_id,
            allowed_flows=settings.evo_flows,
            default_caller_id=settings.evo_caller_id,
        )
        crew = partial(WorkerPool, clock_s=clock_s)
        self.settlers = crew("settling", size=1, look_every_s=SETTLE_EVERY_S)
        self.dialers = crew("dialing", size=settings.max_calls_at_once, look_every_s=LOOK_EVERY_S)
        self.tellers = crew("telling", size=TELLERS, look_every_s=LOOK_EVERY_S)
        self.showers = crew("showing", size=SHOWERS, look_every_s=SHOW_EVERY_S)
        self.whisperers = crew("whispering", size=WHISPERERS, look_every_s=LOOK_EVERY_S)
        self.posting = RateLimiter(POST_EVERY_S, now)  # of messages, for everybody who posts some
        self.step_runners = crew("steps", size=STEP_RUNNERS, look_every_s=LOOK_EVERY_S)
        self.sweepers = crew("sweeping", size=1, look_every_s=SWEEP_EVERY_S)
        self.followers = crew("following", size=1, look_every_s=FOLLOW_EVERY_S)
        self.tracker = CallTracker(
            SessionPoller(evo, now).look,
            evo.end,
            TrackedCallLedger(self.store),
            now=now,
            on_change=self._wake_notifiers,
        )
        self.switchboard = Switchboard(
            self.calls,
            evo,
            self.tracker.snapshot_before,
            max_wait=timedelta(seconds=settings.max_wait_seconds),
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
        """Close what no bot works on any more, and delete what is old."""
        self._clock.follow(self.store.time())
        self.switchboard.sweep()
        if self._clock.is_trusted():
            self.retention.purge(self._history)
            self.steps.purge(asked_before=self._clock.now() - self._history)
        return False

    def _wake_notifiers(self) -> None:
        for crew in (self.tellers, self.showers, self.step_runners):
            crew.wake()


def notifier(
    settings: Settings, engine: Engine, now: Callable[[], datetime], clock_s: Callable[[], float]
) -> Notifier:
    return Notifier(
        web_client(settings.slack_bot_token, settings.slack_api_url),
        engine.notifications,
        channel_id=settings.calls_channel,
        region=settings.default_region,
        now=now,
        private_client=private_client,
        can_end=lambda: engine.catalog.may_end_calls,
        wake_in=engine.tellers.wake_in,
        posting=engine.posting,
        clock_s=clock_s,
    )


def home_publisher(
    settings: Settings, engine: Engine, access: Access, now: Callable[[], datetime]
) -> HomePublisher:
    return HomePublisher(
        web_client(settings.slack_bot_token, settings.slack_api_url),
        engine.homes,
        CallHistory(engine.store),
        access.role_of,
        lambda: engine.catalog.refresh(budget_s=HOME_REFRESH_S),
        region=settings.default_region,
        now=now,
    )


def step_runner(
    settings: Settings, engine: Engine, access: Access, client: WebClient, clock: Clock
) -> StepRunner:
    return StepRunner(
        client,
        engine.steps,
        engine.intake,
        engine.calls,
        access,
        region=settings.default_region,
        allowed_countries=settings.allowed_countries,
        max_wait=timedelta(seconds=settings.max_wait_seconds),
        now=clock.now,
    )
