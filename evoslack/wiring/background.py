"""Builds what publishes cards, Home tabs and pages, runs workflow steps, and starts calls for later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.scheduler import Scheduler
from evoslack.ledger.card_masks import CardMaskLedger
from evoslack.ledger.history import CallHistory
from evoslack.runtime.clock import Clock
from evoslack.settings import Settings
from evoslack.slack.background.home_publisher import HomePublisher
from evoslack.slack.background.live_page import TIMEOUT_S, LivePages
from evoslack.slack.background.notifier import Notifier
from evoslack.slack.background.step_runner import StepRunner
from evoslack.slack.card_links import CardLinks
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.wiring.engine import Engine

HOME_REFRESH_S = 5.0  # for reading the offer when a Home tab is due before it has been read


def notifier(
    settings: Settings, engine: Engine, now: Callable[[], datetime], clock_s: Callable[[], float]
) -> Notifier:
    return Notifier(
        engine.make_client(),
        engine.notifications,
        CardMaskLedger(engine.store),
        channel_id=settings.calls_channel,
        region=settings.default_region,
        now=now,
        private_client=engine.private_client,
        can_end=lambda: engine.catalog.may_end_calls,
        wake_in=engine.notify_workers.wake_in,
        posting=engine.posting,
        masking=lambda: engine.rule_check.rules().masking,
        mask_in=engine.mask_workers.wake_in,
        contact=HelpContact.of(settings.help_contact),
        clock_s=clock_s,
    )


def live_pages(
    settings: Settings, engine: Engine, links: CardLinks, now: Callable[[], datetime]
) -> LivePages:
    return LivePages(
        engine.make_client(timeout_s=TIMEOUT_S),
        engine.pages,
        links,
        channel_id=settings.calls_channel,
        region=settings.default_region,
        now=now,
        can_end=lambda: engine.catalog.may_end_calls,
        wake_in=engine.live_page_workers.wake_in,
        contact=HelpContact.of(settings.help_contact),
    )


def home_publisher(
    settings: Settings, engine: Engine, access: Access, now: Callable[[], datetime], links: CardLinks
) -> HomePublisher:
    return HomePublisher(
        engine.make_client(),
        engine.homes,
        CallHistory(engine.store),
        engine.scheduled_calls,
        access.role_of,
        lambda: engine.catalog.refresh(budget_s=HOME_REFRESH_S),
        asked_at=engine.access_requests.sent_at,
        links_of=links.of,
        can_end=lambda: engine.catalog.may_end_calls,
        region=settings.default_region,
        contact=HelpContact.of(settings.help_contact),
        now=now,
    )


def scheduler(engine: Engine, access: Access, now: Callable[[], datetime]) -> Scheduler:
    return Scheduler(
        engine.scheduled_calls,
        access,
        engine.rule_check,
        now=now,
        on_work=engine.dial_workers.wake,
        on_change=engine.wake_notifiers,
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
        rule_check=engine.rule_check,
        max_wait=timedelta(seconds=settings.max_wait_seconds),
        contact=HelpContact.of(settings.help_contact),
        now=clock.now,
    )
