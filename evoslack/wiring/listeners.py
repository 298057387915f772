"""Gathers what the listeners work with: the clients, the ledgers, and the pools of the rest of the bot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.ledger.history import CallHistory
from evoslack.ledger.notes import NoteLedger
from evoslack.runtime.clock import Clock
from evoslack.settings import Settings
from evoslack.slack.card_links import CardLinks
from evoslack.slack.file_download import FILE_ORIGIN, FileDownload, origin_of
from evoslack.slack.listeners.dependencies import ListenerDependencies
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.people import TimeZones
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.user_groups import UserGroups
from evoslack.slack.workspace import LISTENER_TIMEOUT_S
from evoslack.wiring.engine import Engine, Pools

ZONE_TIMEOUT_S = 1  # a listener waits for it, after it asked for a role
SLACK_RESPONSE_HOST = "hooks.slack.com"


def listener_dependencies(
    settings: Settings,
    engine: Engine,
    access: Access,
    pools: Pools,
    make_client: Callable[..., WebClient],
    clock: Clock,
    notify_privately: NotifyPrivately,
    card_links: CardLinks,
    user_groups: UserGroups,
) -> ListenerDependencies:
    """Everything that the listeners work with."""
    hosts = {SLACK_RESPONSE_HOST, urlsplit(settings.slack_api_url).hostname or ""}
    return ListenerDependencies(
        client=make_client(timeout_s=LISTENER_TIMEOUT_S),
        patient_client=make_client(),
        notify_privately=notify_privately,
        private_client=engine.private_client,
        intake=engine.intake,
        calls=engine.calls,
        notes=NoteLedger(engine.store),
        history=CallHistory(engine.store),
        home_tabs=engine.homes,
        workflow_steps=engine.steps,
        access_requests=engine.access_requests,
        blocked=engine.blocked,
        download=FileDownload(settings.slack_bot_token, {FILE_ORIGIN, origin_of(settings.slack_api_url)}),
        access=access,
        rule_check=engine.rule_check,
        rules=engine.rules,
        user_groups=user_groups,
        offer=engine.catalog.offer,
        refresh_offer=engine.catalog.refresh,
        hang_up=engine.tracker.hang_up,
        scheduled=engine.scheduled_calls,
        zone_of=TimeZones(make_client(timeout_s=ZONE_TIMEOUT_S)).of,
        on_call_change=engine.wake_notifiers,
        settings=FormSettings(
            command=settings.slack_command,
            region=settings.default_region,
            allowed_countries=settings.allowed_countries,
            calls_channel=settings.calls_channel,
            response_hosts=frozenset(hosts),
            help_contact=HelpContact.of(settings.help_contact),
        ),
        on_home_due=engine.home_tab_workers.wake,
        on_step_due=engine.step_workers.wake,
        on_typed=engine.number_line_workers.wake,
        on_typed_in=engine.number_line_workers.wake_in,
        line_slot_s=partial(engine.number_line_updates.acquire_s, "lines"),
        card_links=card_links,
        known_forms=pools.known_forms.run,
        other_forms=pools.other_forms.run,
        pages=pools.pages.run,
        exports=pools.exports.run,
        lookups=pools.lookups.run,
        hang_ups=pools.hang_ups.run,
        recalls=pools.recalls.run,
        now=clock.now,
        new_key=engine.timeline.new_key,
    )
