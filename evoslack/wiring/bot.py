"""Builds the bot from the settings. `engine` builds what runs in the background."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from slack_bolt import App
from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.permission import Permission
from evoslack.evo.client import DIAL_DEADLINE_S, EvoClient
from evoslack.evo.directory import Directory
from evoslack.health.metrics import Metrics
from evoslack.health.monitoring import Monitoring, Observers
from evoslack.ledger.database_words import UnusableUrl
from evoslack.outages import Outages, alerts
from evoslack.running import Bot, PooledStep
from evoslack.runtime.clock import Clock, counting_s
from evoslack.runtime.heartbeat import Heartbeat
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.settings import BadSettings, Settings
from evoslack.slack.app import build_app
from evoslack.slack.background.private_messages import PrivateMessages
from evoslack.slack.card_links import CardLinks
from evoslack.slack.listeners.dependencies import build_listeners
from evoslack.slack.people import SlackPeople
from evoslack.slack.receivers.address import listen_problem
from evoslack.slack.receivers.http import HttpReceiver
from evoslack.slack.receivers.receiver import Receiver
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.receivers.socket_mode import SocketModeReceiver
from evoslack.slack.user_groups import UserGroups
from evoslack.slack.workspace import (
    LISTENER_TIMEOUT_S,
    Identity,
    web_client,
)
from evoslack.start_trouble import CannotStart, identity_of
from evoslack.wiring.background import home_publisher, live_pages, notifier, scheduler, step_runner
from evoslack.wiring.engine import Engine, Pools
from evoslack.wiring.listeners import listener_dependencies

TIME_EVERY_S = 60.0  # how often Slack is asked for the time; two answers put it right
TIME_TIMEOUT_S = 1  # a slower answer would tell an outdated time


def build(
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock_s: Callable[[], float] = counting_s,
    dial_deadline_s: float = DIAL_DEADLINE_S,
) -> Bot:
    """Ask Slack who we are and build the bot. Raises `CannotStart` or `BadSettings`; can be tried again.

    `now` and `clock_s` are the machine's wall clock and its monotonic clock.
    """
    clock = Clock(now, clock_s)
    heartbeat, slack_time = Heartbeat(), SlackTime(clock_s)
    observers = Observers(lambda: make_client(timeout_s=LISTENER_TIMEOUT_S).auth_test())
    make_client = partial(
        web_client,
        settings.slack_bot_token,
        settings.slack_api_url,
        on_date=slack_time.note,
        observe=observers.observe_slack,
    )
    identity = identity_of(make_client())
    outages = Outages(clock_s)
    evo = EvoClient(
        settings.evo_base_url,
        settings.evo_username,
        settings.evo_password,
        dial_deadline_s=dial_deadline_s,
        now=clock.now,
        observe=observers.observe_evo,
        away=outages.evo_voice,
        login_rejected=outages.evo_login,
    )
    groups = UserGroups(make_client(timeout_s=LISTENER_TIMEOUT_S), clock_s=clock_s)
    try:
        engine = Engine(settings, evo, groups.of, clock, clock_s, observers, outages, make_client)
    except UnusableUrl as problem:
        raise BadSettings([f"DATABASE_URL {problem}"]) from None
    links = CardLinks(identity.url, engine.notifications.cards_of)
    pools = Pools()
    access = _access(settings, identity, evo, engine, make_client, clock_s)
    workers = engine.private_message_workers
    direct = PrivateMessages(make_client(), engine.posting, workers.wake, workers.wake_in)
    given = listener_dependencies(
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
        timeline=engine.timeline,
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
        evo=evo,
        make_receiver=lambda health: _receiver(
            settings, app, clock, slack_time, heartbeat, health, make_client(), observers.metrics
        ),
        make_monitoring=partial(
            Monitoring, observers, engine.store, clock.now, settings.health_host, settings.health_port
        ),
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


def _receiver(
    settings: Settings,
    app: App,
    clock: Clock,
    slack_time: SlackTime,
    heartbeat: Heartbeat,
    is_healthy: Callable[[], dict[str, bool]],
    client: WebClient,
    metrics: Metrics,
) -> Receiver:
    waited_s, noting = heartbeat.waited_s, metrics.note_answer
    if settings.slack_app_token is not None:
        return SocketModeReceiver(app, settings.slack_app_token, client, clock, waited_s, noting)
    if problem := listen_problem(settings.host, settings.port):
        raise CannotStart(problem)
    secret = settings.slack_signing_secret or ""
    try:
        return HttpReceiver(
            app,
            secret,
            settings.host,
            settings.port,
            clock=clock,
            slack_time=slack_time,
            waited_s=waited_s,
            is_healthy=is_healthy,
            note_answer=noting,
            on_denied=metrics.note_denied,
        )
    except OSError as error:  # another program was quicker
        where = f"{settings.host}:{settings.port}"
        raise CannotStart(f"Cannot listen on {where}: {error.strerror}.") from error
