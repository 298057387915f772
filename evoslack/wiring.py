"""The only place where the parts meet: builds them from the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from slack_bolt import App
from slack_sdk import WebClient

from evoslack.calling.permission import Permission
from evoslack.engine import Engine
from evoslack.evo.client import DIAL_DEADLINE_S, EvoClient
from evoslack.evo.directory import Directory
from evoslack.ledger.history import CallHistory
from evoslack.running import Bot, CannotStart, Work, not_let_in
from evoslack.runtime.background_pool import BackgroundPool
from evoslack.runtime.clock import Clock, counting_s
from evoslack.runtime.heartbeat import Heartbeat
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.settings import Settings
from evoslack.slack.app import build_app
from evoslack.slack.background.home_publisher import HomePublisher
from evoslack.slack.background.notifier import Notifier
from evoslack.slack.background.private_messages import PrivateMessages
from evoslack.slack.background.step_runner import StepRunner
from evoslack.slack.listeners.dependencies import ListenerDependencies, build_listeners
from evoslack.slack.listeners.form_opener import FormSettings
from evoslack.slack.people import SlackPeople
from evoslack.slack.receivers.http import HttpReceiver
from evoslack.slack.receivers.receiver import Receiver
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.receivers.socket_mode import SocketModeReceiver
from evoslack.slack.rendering import messages
from evoslack.slack.workspace import (
    LISTENER_TIMEOUT_S,
    NO_ANSWER,
    Identity,
    identify,
    private_client,
    web_client,
)

FORM_WORKERS = 32  # forms opened side by side for people whose role is remembered
ROLE_LOOKUP_WORKERS = 64  # people looked up side by side; Slack promises to take 100 a minute
EXPORT_WORKERS = 4  # exports made side by side
HANG_UP_LOOKUP_WORKERS = 4  # people who pressed Hang up, looked up side by side
HANG_UP_WORKERS = 8  # calls ended side by side
TIME_EVERY_S = 60.0  # how often Slack is asked for the time; two answers put it right
TIME_TIMEOUT_S = 1  # an answer that takes longer says what time it was
HOME_TAB_BUDGET_S = 5.0  # for learning whom Evo Voice would let call, if that is not known yet
SLACKS_RESPONSE_HOST = "hooks.slack.com"


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
    except NO_ANSWER as error:
        raise CannotStart(not_let_in("SLACK_BOT_TOKEN", error)) from error
    evo = EvoClient(
        settings.evo_base_url,
        settings.evo_username,
        settings.evo_password,
        dial_deadline_s=dial_deadline_s,
        now=clock.now,
    )
    engine = Engine(settings, evo, clock, clock_s)
    pools = _Pools()
    desk = _desk(settings, identity, evo, engine, pools, make_client, clock, clock_s)
    app = _app(settings, identity, desk)
    return Bot(
        store=engine.store,
        calls=engine.calls,
        notifications=engine.notifications,
        catalog=engine.catalog,
        switchboard=engine.switchboard,
        dial=Work(engine.dial_workers, engine.switchboard.connect_next),
        answers=Work(engine.answer_workers, engine.intake.settle_answers),
        notify=Work(engine.notify_workers, _notifier(settings, engine, clock.now, clock_s).tell_next),
        private_messages=Work(engine.private_message_workers, desk.whisper.send_next),
        others=[
            Work(engine.sweep_workers, engine.sweep),
            Work(engine.catalog_workers, engine.catalog.refresh_when_due),
            Work(engine.track_workers, engine.tracker.look),
            Work(engine.home_tab_workers, _home_publisher(settings, engine, desk).show_next),
            Work(engine.step_workers, _step_runner(settings, engine, desk).run_next),
            *_slack_time(settings, make_client, clock_s),
        ],
        background=(pools.ending, pools.looking_up, pools.exporting, pools.forms, pools.strangers),
        app=app,
        make_receiver=lambda health: _receiver(settings, app, clock, slack_time, heartbeat, health),
        about=f"{settings.slack_command}, cards go to {settings.calls_channel}",
        clock=clock,
        heartbeat=heartbeat,
    )


class _Pools:
    """What runs in the background, each kind in its own pool."""

    def __init__(self) -> None:
        pool = partial(BackgroundPool, broken=messages.broken, stopped=messages.STOPPED)
        self.forms = pool("form", size=FORM_WORKERS)
        self.strangers = pool("role-lookup", size=ROLE_LOOKUP_WORKERS)
        self.exporting = pool("export", size=EXPORT_WORKERS)
        self.looking_up = pool("hang-up-lookup", size=HANG_UP_LOOKUP_WORKERS)
        self.ending = pool("hang-up", size=HANG_UP_WORKERS)


def _slack_time(
    settings: Settings, make_client: Callable[..., WebClient], clock_s: Callable[[], float]
) -> list[Work]:
    """Asks what time it is at Slack, again and again, for requests over HTTP, which say when they were sent.

    A clock of ours that counts a little fast would make every one of them look late one day.
    """
    if settings.slack_app_token is not None:
        return []
    client = make_client(timeout_s=TIME_TIMEOUT_S)

    def ask() -> bool:
        client.auth_test()  # whose Date is noted
        return False

    return [Work(WorkerPool("slack-time", size=1, poll_every_s=TIME_EVERY_S, clock_s=clock_s), ask)]


def _notifier(
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
        wake_in=engine.notify_workers.wake_in,
        posting=engine.posting,
        clock_s=clock_s,
    )


def _home_publisher(settings: Settings, engine: Engine, desk: ListenerDependencies) -> HomePublisher:
    return HomePublisher(
        web_client(settings.slack_bot_token, settings.slack_api_url),
        engine.homes,
        CallHistory(engine.store),
        desk.opener().role_of,
        lambda: engine.catalog.refresh(budget_s=HOME_TAB_BUDGET_S),
        region=settings.default_region,
        now=desk.now,
    )


def _step_runner(settings: Settings, engine: Engine, desk: ListenerDependencies) -> StepRunner:
    return StepRunner(
        desk.patient_client,
        engine.steps,
        engine.intake,
        engine.switchboard,
        desk.opener(),
        desk.rules,
        longest_wait=timedelta(seconds=settings.max_wait_seconds),
        now=desk.now,
    )


def _desk(
    settings: Settings,
    identity: Identity,
    evo: EvoClient,
    engine: Engine,
    pools: _Pools,
    make_client: Callable[..., WebClient],
    clock: Clock,
    clock_s: Callable[[], float],
) -> ListenerDependencies:
    client = make_client(timeout_s=LISTENER_TIMEOUT_S)
    people = SlackPeople(client, team_id=identity.team_id, enterprise_id=identity.enterprise_id)
    patient_client = make_client()
    hosts = {SLACKS_RESPONSE_HOST, urlsplit(settings.slack_api_url).hostname or ""}
    return ListenerDependencies(
        client=client,
        patient_client=patient_client,
        whisper=PrivateMessages(
            patient_client,
            engine.posting,
            engine.private_message_workers.wake,
            engine.private_message_workers.wake_in,
        ),
        private_client=private_client,
        intake=engine.intake,
        switchboard=engine.switchboard,
        permission=Permission(people, Directory(evo), user_map=settings.evo_user_map, clock_s=clock_s),
        catalog=engine.catalog,
        hang_up=engine.tracker.hang_up,
        homes=engine.homes,
        on_look=engine.home_tab_workers.wake,
        calls_of=CallHistory(engine.store).period,
        steps=engine.steps,
        on_step=engine.step_workers.wake,
        rules=FormSettings(
            command=settings.slack_command,
            region=settings.default_region,
            allowed_countries=settings.allowed_countries,
            calls_channel=settings.calls_channel,
            response_hosts=frozenset(hosts),
        ),
        forms=pools.forms.run,
        strangers=pools.strangers.run,
        exporting=pools.exporting.run,
        looking_up=pools.looking_up.run,
        ending=pools.ending.run,
        now=clock.now,
    )


def _app(settings: Settings, identity: Identity, desk: ListenerDependencies) -> App:
    return build_app(
        settings.slack_api_url,
        build_listeners(desk),
        command=settings.slack_command,
        signing_secret=settings.slack_signing_secret,
        identity=identity,
        bot_token=settings.slack_bot_token,
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
