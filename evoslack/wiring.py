"""Builds the bot from the settings. `engine` builds what runs in the background."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from slack_bolt import App
from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.permission import Permission
from evoslack.engine import Engine, Pools, home_publisher, live_pages, notifier, scheduler, step_runner
from evoslack.evo.client import DIAL_DEADLINE_S, EvoClient
from evoslack.evo.directory import Directory
from evoslack.ledger.history import CallHistory
from evoslack.outages import Outages, alerts
from evoslack.running import Bot, CannotStart, PooledStep, not_let_in
from evoslack.runtime.clock import Clock, counting_s
from evoslack.runtime.heartbeat import Heartbeat
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.settings import Settings
from evoslack.slack.app import build_app
from evoslack.slack.background.private_messages import PrivateMessages
from evoslack.slack.card_links import CardLinks
from evoslack.slack.file_download import FILE_ORIGIN, FileDownload, origin_of
from evoslack.slack.listeners.dependencies import ListenerDependencies, build_listeners
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.people import SlackPeople, TimeZones
from evoslack.slack.receivers.http import HttpReceiver
from evoslack.slack.receivers.receiver import Receiver
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.receivers.socket_mode import SocketModeReceiver
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.user_groups import UserGroups
from evoslack.slack.workspace import (
    LISTENER_TIMEOUT_S,
    SLACK_ERRORS,
    Identity,
    identify,
    private_client,
    web_client,
)

TIME_EVERY_S = 60.0  # how often Slack is asked for the time; two answers put it right
TIME_TIMEOUT_S = 1  # a slower answer would tell an outdated time
ZONE_TIMEOUT_S = 1  # a listener waits for it, after it asked for a role
SLACK_RESPONSE_HOST = "hooks.slack.com"


def build(
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock_s: Callable[[], float] = counting_s,
    dial_deadline_s: float = DIAL_DEADLINE_S,
) -> Bot:
    """Ask Slack who we are and build the bot. Raises `CannotStart`.

    `now` and `clock_s` are the machine's wall clock and its monotonic clock.
    """
    clock = Clock(now, clock_s)
    heartbeat, slack_time = Heartbeat(), SlackTime(clock_s)
    make_client = partial(
        web_client, settings.slack_bot_token, settings.slack_api_url, on_date=slack_time.note
    )
    try:
        identity = identify(make_client())
    except SLACK_ERRORS as error:
        raise CannotStart(not_let_in("SLACK_BOT_TOKEN", error)) from error
    outages = Outages(clock_s)
    evo = EvoClient(
        settings.evo_base_url,
        settings.evo_username,
        settings.evo_password,
        dial_deadline_s=dial_deadline_s,
        now=clock.now,
        away=outages.evo_voice,
        login_rejected=outages.evo_login,
    )
    groups = UserGroups(make_client(timeout_s=LISTENER_TIMEOUT_S), clock_s=clock_s)
    engine = Engine(settings, evo, groups.of, clock, clock_s, outages)
    links = CardLinks(identity.url, engine.notifications.cards_of)
    pools = Pools()
    access = _access(settings, identity, evo, engine, make_client, clock_s)
    workers = engine.private_message_workers
    direct = PrivateMessages(make_client(), engine.posting, workers.wake, workers.wake_in)
    given = _listener_dependencies(
        settings, engine, access, pools, make_client, clock, direct.notify_privately, links, groups
    )
    listeners = build_listeners(given)
    app = build_app(
        settings.slack_api_url,
        listeners,
        command=settings.slack_command,
        signing_secret=settings.slack_signing_secret,
        identity=identity,
        bot_token=settings.slack_bot_token,
    )
    telling = notifier(settings, engine, clock.now, clock_s)
    return Bot(
        store=engine.store,
        calls=engine.calls,
        notifications=engine.notifications,
        catalog=engine.catalog,
        switchboard=engine.switchboard,
        dial=PooledStep(engine.dial_workers, engine.switchboard.dial_next),
        answers=PooledStep(engine.answer_workers, engine.intake.settle_answers),
        notify=PooledStep(engine.notify_workers, telling.notify_next),
        private_messages=PooledStep(engine.private_message_workers, direct.send_next),
        others=[
            *_other_steps(settings, engine, access, make_client, clock, clock_s, links),
            PooledStep(engine.mask_workers, telling.masking.mask_next),
            PooledStep(engine.number_line_workers, listeners.number_line.update_next),
        ],
        background=pools.all(),
        app=app,
        make_receiver=lambda health: _receiver(settings, app, clock, slack_time, heartbeat, health),
        about=f"{settings.slack_command}, cards go to {settings.calls_channel}",
        clock=clock,
        heartbeat=heartbeat,
    )


def _other_steps(
    settings: Settings,
    engine: Engine,
    access: Access,
    make_client: Callable[..., WebClient],
    clock: Clock,
    clock_s: Callable[[], float],
    links: CardLinks,
) -> list[PooledStep]:
    """Steps that may stop at any moment: the next start finds what is left."""
    homes = home_publisher(settings, engine, access, clock.now, links)
    steps = step_runner(settings, engine, access, make_client(), clock)
    pages = live_pages(settings, engine, links, clock.now)
    return [
        PooledStep(engine.sweep_workers, engine.sweep),
        PooledStep(engine.catalog_workers, engine.catalog.refresh_when_due),
        PooledStep(engine.track_workers, engine.tracker.poll),
        PooledStep(engine.schedule_workers, scheduler(engine, access, clock.now).run_next),
        PooledStep(engine.live_page_workers, pages.update_next),
        PooledStep(engine.home_tab_workers, homes.publish_next),
        PooledStep(engine.step_workers, steps.run_next),
        PooledStep(
            engine.alert_workers, alerts(settings, engine.store, engine.outages, clock.now, clock_s).check
        ),
        *_slack_time(settings, make_client, clock_s),
    ]


def _slack_time(
    settings: Settings, make_client: Callable[..., WebClient], clock_s: Callable[[], float]
) -> list[PooledStep]:
    """In HTTP mode, asks Slack for the time every minute: requests say when Slack sent them.

    Without this, a clock that runs slightly fast would eventually make every request look late.
    """
    if settings.slack_app_token is not None:
        return []
    client = make_client(timeout_s=TIME_TIMEOUT_S)

    def ask() -> bool:
        client.auth_test()  # its Date header is noted
        return False

    return [PooledStep(WorkerPool("slack-time", size=1, poll_every_s=TIME_EVERY_S, clock_s=clock_s), ask)]


def _access(
    settings: Settings,
    identity: Identity,
    evo: EvoClient,
    engine: Engine,
    make_client: Callable[..., WebClient],
    clock_s: Callable[[], float],
) -> Access:
    client = make_client(timeout_s=LISTENER_TIMEOUT_S)
    people = SlackPeople(client, team_id=identity.team_id, enterprise_id=identity.enterprise_id)
    permission = Permission(
        people.confirmed_email,
        Directory(evo).require_caller,
        user_map=settings.evo_user_map,
        clock_s=clock_s,
    )
    return Access(permission, engine.catalog.offer)


def _listener_dependencies(
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
    hosts = {SLACK_RESPONSE_HOST, urlsplit(settings.slack_api_url).hostname or ""}
    return ListenerDependencies(
        client=make_client(timeout_s=LISTENER_TIMEOUT_S),
        patient_client=make_client(),
        notify_privately=notify_privately,
        private_client=private_client,
        intake=engine.intake,
        calls=engine.calls,
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
    )


def _receiver(
    settings: Settings,
    app: App,
    clock: Clock,
    slack_time: SlackTime,
    heartbeat: Heartbeat,
    is_healthy: Callable[[], dict[str, bool]],
) -> Receiver:
    if settings.slack_app_token is not None:
        client = web_client(settings.slack_bot_token, settings.slack_api_url)
        return SocketModeReceiver(app, settings.slack_app_token, client, clock, heartbeat.waited_s)
    secret = settings.slack_signing_secret or ""
    try:
        return HttpReceiver(
            app,
            secret,
            settings.host,
            settings.port,
            clock=clock,
            slack_time=slack_time,
            waited_s=heartbeat.waited_s,
            is_healthy=is_healthy,
        )
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise CannotStart(f"Cannot listen on {where}: {error.strerror}.") from error
