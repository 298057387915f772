"""What runs behind the listeners: the ledgers, the catalog, and the worker pools that move calls on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from slack_sdk import WebClient

from evoslack.calling.intake import Intake
from evoslack.calling.rule_check import GroupsOf, RuleCheck
from evoslack.calling.switchboard import Switchboard
from evoslack.calling.tracker import CallTracker
from evoslack.evo.catalog import RETRY_EVERY_S, Catalog
from evoslack.evo.client import EvoClient
from evoslack.evo.session_poller import SessionPoller
from evoslack.health.counted_ledgers import CountedCallLedger, CountedScheduledCallLedger
from evoslack.health.monitoring import Observers
from evoslack.ledger.access_requests import AccessRequestLedger
from evoslack.ledger.blocked_numbers import BlockedNumberLedger
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.pages import PageLedger
from evoslack.ledger.retention import CallRetention
from evoslack.ledger.rules import RuleLedger
from evoslack.ledger.store import Store
from evoslack.ledger.timeline import Timeline
from evoslack.ledger.tracked_calls import TrackedCallLedger
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from evoslack.outages import Outages
from evoslack.runtime.background_pool import BackgroundPool
from evoslack.runtime.clock import Clock
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.settings import Settings
from evoslack.slack.background.live_page import MIN_INTERVAL_S
from evoslack.slack.background.rate_limiter import POST_INTERVAL_S, RateLimiter
from evoslack.slack.rendering import messages
from evoslack.slack.workspace import private_client

POLL_EVERY_S = 2.0  # how long the call of a bot that died may wait until another bot sees it
ANSWERS_EVERY_S = 1.0  # answers that could not be written down at once
SWEEP_EVERY_S = 10.0  # calls of a dead bot are settled after 45 to 55 s, what it had to tell after 45 to 47 s
HOME_TAB_WORKERS = 2  # Home tabs published side by side
HOME_TABS_EVERY_S = 1.0  # how precisely the pause between two refreshes of a tab is kept
PRIVATE_MESSAGE_WORKERS = 2  # direct messages sent side by side
LIVE_PAGE_WORKERS = 4  # pages of forms updated side by side
PAGES_EVERY_S = 1.0  # how precisely the pause between two updates of a page is kept
SCHEDULE_WORKERS = 4  # callers' roles asked for side by side when calls are due
SCHEDULE_EVERY_S = 1.0  # how precisely the time of a call is kept
STEP_WORKERS = 2  # workflow steps run side by side
TRACK_EVERY_S = 0.5  # how precisely the tracker keeps its own times
NOTIFY_WORKERS = 4  # notifications sent side by side, so that one slow answer does not delay the rest
MASK_EVERY_S = 30.0  # how long it may take to begin when the channel is found to be shared
HOME_REFRESH_S = 5.0  # for reading the offer when a Home tab is due before it has been read
KNOWN_FORM_WORKERS = 32  # forms opened side by side for people whose role is remembered
OTHER_FORM_WORKERS = 64  # people looked up side by side; Slack promises to take 100 a minute
EXPORT_WORKERS = 4
LOOKUP_WORKERS = 4  # people looked up side by side who pressed Hang up
HANG_UP_WORKERS = 8
PAGE_WORKERS = 16  # small pages opened side by side that answer a button
RECALL_WORKERS = 1  # one at a time: forms that are read for must never queue up before a press
NUMBER_LINE_WORKERS = 4  # open forms whose line under the number is updated side by side
NUMBER_LINE_UPDATE_S = 0.65  # between two of their updates; slightly slower than Slack takes (slack-facts 8)
NUMBER_LINE_POLL_S = 60.0  # typing wakes them


class Engine:
    """The ledgers, the catalog, and the worker pools that move calls on."""

    def __init__(
        self,
        settings: Settings,
        evo: EvoClient,
        groups_of: GroupsOf,
        clock: Clock,
        clock_s: Callable[[], float],
        observers: Observers,
        outages: Outages,
        make_client: Callable[..., WebClient],
    ) -> None:
        now, metrics = clock.now, observers.metrics
        self.outages, self.make_client = outages, make_client
        self.private_client = partial(private_client, observe=observers.observe_slack)
        self._history = timedelta(days=settings.history_days)
        self._clock = clock
        self.store = Store(settings.database_url)
        self.calls = CountedCallLedger(self.store, metrics.note_state)
        self.notifications = NotificationLedger(self.store)
        self.scheduled_calls = CountedScheduledCallLedger(self.store, metrics.note_state)
        self.pages = PageLedger(self.store)
        self.homes = HomeTabLedger(self.store)
        self.access_requests = AccessRequestLedger(self.store)
        self.retention = CallRetention(self.store, now)
        self.steps = WorkflowStepLedger(self.store)
        self.rules = RuleLedger(self.store)
        self.blocked = BlockedNumberLedger(self.store)
        self.rule_check = RuleCheck(
            self.rules, settings.rules, settings.default_region, groups_of, now, possible=clock.possible
        )
        self.catalog = Catalog(
            evo,
            account_id=settings.evo_account_id,
            allowed_flows=settings.evo_flows,
            default_caller_id=settings.evo_caller_id,
            clock_s=clock_s,
        )
        pool = partial(WorkerPool, clock_s=clock_s, is_outage=outages.is_of_database)
        self.answer_workers = pool("answers", size=1, poll_every_s=ANSWERS_EVERY_S)
        self.dial_workers = pool("dial", size=settings.max_calls_at_once, poll_every_s=POLL_EVERY_S)
        self.notify_workers = pool("notify", size=NOTIFY_WORKERS, poll_every_s=POLL_EVERY_S)
        self.mask_workers = pool("card-masks", size=1, poll_every_s=MASK_EVERY_S)
        self.home_tab_workers = pool("home-tabs", size=HOME_TAB_WORKERS, poll_every_s=HOME_TABS_EVERY_S)
        self.live_page_workers = pool("live-pages", size=LIVE_PAGE_WORKERS, poll_every_s=PAGES_EVERY_S)
        self.private_message_workers = pool(
            "private-messages", size=PRIVATE_MESSAGE_WORKERS, poll_every_s=POLL_EVERY_S
        )
        self.posting = RateLimiter(POST_INTERVAL_S, now)  # shared by everything that posts messages
        self.step_workers = pool("workflow-steps", size=STEP_WORKERS, poll_every_s=POLL_EVERY_S)
        self.schedule_workers = pool("schedule", size=SCHEDULE_WORKERS, poll_every_s=SCHEDULE_EVERY_S)
        self.sweep_workers = pool("sweep", size=1, poll_every_s=SWEEP_EVERY_S)
        self.catalog_workers = pool("catalog", size=1, poll_every_s=RETRY_EVERY_S)
        self.track_workers = pool("track", size=1, poll_every_s=TRACK_EVERY_S)
        self.alert_workers = pool("alerts", size=1, poll_every_s=SWEEP_EVERY_S)
        self.number_line_workers = pool(
            "number-lines", size=NUMBER_LINE_WORKERS, poll_every_s=NUMBER_LINE_POLL_S
        )
        self.number_line_updates = RateLimiter(NUMBER_LINE_UPDATE_S, now)
        self.tracker = CallTracker(
            metrics.noting_polls(SessionPoller(evo, now).poll),
            evo.end,
            TrackedCallLedger(self.store),
            now=now,
            on_change=self.wake_notifiers,
        )
        self.switchboard = Switchboard(
            self.calls,
            metrics.timed_phone(evo),
            self.tracker.snapshot_before,
            max_wait=timedelta(seconds=settings.max_wait_seconds),
            now=now,
            wall=clock.wall,
            on_change=self.wake_notifiers,
            before_dialing=self.rule_check.before_dialing,
        )
        self.timeline = Timeline(self.store, self.switchboard.restored)
        self.intake = Intake(
            self.calls,
            now=now,
            on_answer=self.answer_workers.wake,
            on_work=self.dial_workers.wake,
            on_change=self.wake_notifiers,
        )

    def sweep(self) -> bool:
        """Close what no bot works on anymore, and delete what is old."""
        self._clock.follow(self.store.time())
        self.store.rest()
        self.timeline.take_up(at=self._clock.now())
        self.switchboard.sweep()
        if self._clock.is_trusted():
            self.retention.purge(self._history)
            self.steps.purge(asked_before=self._clock.now() - self._history)
        return False

    def wake_notifiers(self) -> None:
        """A call has changed: people are told."""
        self.live_page_workers.wake_in(MIN_INTERVAL_S)  # for pages that rest now
        for pool in (self.notify_workers, self.live_page_workers, self.home_tab_workers, self.step_workers):
            pool.wake()


class Pools:
    """What runs after an ack, each kind in a pool of its own, so that none holds up another."""

    def __init__(self) -> None:
        pool = partial(BackgroundPool, broken=messages.broken, stopped=messages.STOPPED)
        self.known_forms = pool("form", size=KNOWN_FORM_WORKERS)
        self.other_forms = pool("other-form", size=OTHER_FORM_WORKERS)
        self.exports = pool("export", size=EXPORT_WORKERS)
        self.lookups = pool("lookup", size=LOOKUP_WORKERS)
        self.hang_ups = pool("hang-up", size=HANG_UP_WORKERS)
        self.recalls = pool("recall", size=RECALL_WORKERS)
        self.pages = pool("page", size=PAGE_WORKERS)

    def all(self) -> tuple[BackgroundPool, ...]:
        """Every pool, in the order in which they stop: what others ask comes last."""
        return (
            self.hang_ups,
            self.lookups,
            self.exports,
            self.known_forms,
            self.other_forms,
            self.recalls,
            self.pages,
        )
