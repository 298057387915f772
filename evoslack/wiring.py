"""The only place where the parts meet: builds them from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from slack_bolt import App

from evoslack.crew import Crew
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import DIAL_DEADLINE_S, EvoClient
from evoslack.evo.directory import Directory
from evoslack.evo.sightings import Sightings
from evoslack.follower import Follower
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.history import CallHistory
from evoslack.ledger.homes import HomeLedger
from evoslack.ledger.news import NewsLedger
from evoslack.ledger.steps import StepLedger
from evoslack.ledger.store import Store
from evoslack.ledger.trails import TrailLedger
from evoslack.permission import Permission
from evoslack.running import Bot, CannotStart, Work, not_let_in
from evoslack.settings import Settings
from evoslack.slack.announcer import Announcer
from evoslack.slack.app import build_app
from evoslack.slack.delivery import Door, HttpDoor
from evoslack.slack.home_tab import HomeTab
from evoslack.slack.opening import Rules
from evoslack.slack.people import SlackPeople
from evoslack.slack.rate_limiter import POST_EVERY_S, RateLimiter
from evoslack.slack.reception import Desk, seat
from evoslack.slack.socket_mode import SocketDoor
from evoslack.slack.step_runner import StepRunner
from evoslack.slack.whisper import Whisper
from evoslack.slack.workspace import (
    LISTENER_TIMEOUT_S,
    NO_ANSWER,
    Identity,
    identify,
    private_client,
    web_client,
)
from evoslack.switchboard import Switchboard

TELLERS = 4  # news told side by side, so that one slow answer of Slack does not hold up the rest
FORM_FILLERS = 8  # loading pages being filled side by side
SLOW_HANDS = 4  # exports being made and calls being ended side by side
LOOK_EVERY_S = 2.0  # how long a call of a bot that died may wait for another bot to see it
SWEEP_EVERY_S = 10.0  # with a teller's lease of 60 s: what a dead bot left is taken over within 90 s
SHOWERS = 2  # Home tabs published side by side
SHOW_BUDGET_S = 5.0  # for learning whom Evo Voice would let call, if that is not known yet
SHOW_EVERY_S = 1.0  # how exactly they keep the rest between two looks of a tab
WHISPERERS = 2  # direct messages sent side by side
STEP_RUNNERS = 2  # workflow steps brought further side by side
FOLLOW_EVERY_S = 0.5  # how exactly the follower keeps its own times
SLACKS_RESPONSE_HOST = "hooks.slack.com"


def build(
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock_s: Callable[[], float] = time.monotonic,
    dial_deadline_s: float = DIAL_DEADLINE_S,
) -> Bot:
    """Ask Slack who we are and build the bot. Raises `CannotStart`.

    `now` is the time that is written down, `clock_s` measures how long a permission is remembered.
    """
    try:
        identity = identify(web_client(settings.slack_bot_token, settings.slack_api_url))
    except NO_ANSWER as error:
        raise CannotStart(not_let_in("SLACK_BOT_TOKEN", error)) from error
    evo = EvoClient(
        settings.evo_base_url,
        settings.evo_username,
        settings.evo_password,
        dial_deadline_s=dial_deadline_s,
        now=now,
    )
    back = _Back(settings, evo, now)
    later = ThreadPoolExecutor(FORM_FILLERS, thread_name_prefix="form")
    slowly = ThreadPoolExecutor(SLOW_HANDS, thread_name_prefix="slow")
    desk = _desk(settings, identity, evo, back, (later, slowly), now, clock_s)
    app = _app(settings, identity, desk)
    return Bot(
        store=back.store,
        calls=back.calls,
        news=back.news,
        catalog=back.catalog,
        switchboard=back.switchboard,
        dialling=Work(back.diallers, back.switchboard.connect_next),
        telling=Work(back.tellers, _announcer(settings, back, now, clock_s).tell_next),
        others=[
            Work(Crew("sweeping", size=1, look_every_s=SWEEP_EVERY_S), back.sweep),
            Work(Crew("following", size=1, look_every_s=FOLLOW_EVERY_S), back.follower.look),
            Work(back.showers, _home_tab(settings, back, desk).show_next),
            Work(back.whisperers, desk.whisper.send_next),
            Work(back.step_runners, _step_runner(settings, back, desk).run_next),
        ],
        helpers=(later, slowly),
        app=app,
        make_door=lambda health: _door(settings, app, health),
        about=f"{settings.slack_command}, cards go to {settings.calls_channel}",
        now=now,
    )


class _Back:
    """Everything behind the doors: the ledgers, the phone system, and what happens to calls."""

    def __init__(self, settings: Settings, evo: EvoClient, now: Callable[[], datetime]) -> None:
        self._history = timedelta(days=settings.history_days)
        self._now = now
        self.store = Store(settings.database_url)
        self.calls = CallLedger(self.store)
        self.news = NewsLedger(self.store)
        self.homes = HomeLedger(self.store)
        self.steps = StepLedger(self.store)
        self.catalog = Catalog(
            evo,
            account_id=settings.evo_account_id,
            allowed_flows=settings.evo_flows,
            default_caller_id=settings.evo_caller_id,
        )
        self.diallers = Crew("dialling", size=settings.max_calls_at_once, look_every_s=LOOK_EVERY_S)
        self.tellers = Crew("telling", size=TELLERS, look_every_s=LOOK_EVERY_S)
        self.showers = Crew("showing", size=SHOWERS, look_every_s=SHOW_EVERY_S)
        self.whisperers = Crew("whispering", size=WHISPERERS, look_every_s=LOOK_EVERY_S)
        self.posting = RateLimiter(POST_EVERY_S, now)  # of messages, for everybody who posts some
        self.step_runners = Crew("steps", size=STEP_RUNNERS, look_every_s=LOOK_EVERY_S)
        self.follower = Follower(
            Sightings(evo, now), evo.end, TrailLedger(self.store), now=now, on_news=self._wake_for_news
        )
        self.switchboard = Switchboard(
            self.calls,
            evo,
            self.follower,
            longest_wait=timedelta(seconds=settings.max_wait_seconds),
            now=now,
            on_work=self.diallers.wake,
            on_news=self._wake_for_news,
        )

    def sweep(self) -> bool:
        """Close what nobody works on any more, and forget what is old."""
        self.switchboard.sweep()
        self.switchboard.forget(self._history)
        self.steps.forget(asked_before=self._now() - self._history)
        return False

    def _wake_for_news(self) -> None:
        for crew in (self.tellers, self.showers, self.step_runners):
            crew.wake()


def _announcer(
    settings: Settings, back: _Back, now: Callable[[], datetime], clock_s: Callable[[], float]
) -> Announcer:
    return Announcer(
        web_client(settings.slack_bot_token, settings.slack_api_url),
        back.news,
        channel_id=settings.calls_channel,
        region=settings.default_region,
        now=now,
        private_client=private_client,
        can_end=lambda: back.catalog.may_end_calls,
        wake_in=back.tellers.wake_in,
        posting=back.posting,
        clock_s=clock_s,
    )


def _home_tab(settings: Settings, back: _Back, desk: Desk) -> HomeTab:
    return HomeTab(
        web_client(settings.slack_bot_token, settings.slack_api_url),
        back.homes,
        CallHistory(back.store),
        desk.opener().role_of,
        lambda: back.catalog.refresh(budget_s=SHOW_BUDGET_S),
        region=settings.default_region,
        now=desk.now,
    )


def _step_runner(settings: Settings, back: _Back, desk: Desk) -> StepRunner:
    return StepRunner(
        desk.patient_client,
        back.steps,
        back.switchboard,
        desk.opener(),
        desk.rules,
        longest_wait=timedelta(seconds=settings.max_wait_seconds),
        now=desk.now,
    )


def _desk(
    settings: Settings,
    identity: Identity,
    evo: EvoClient,
    back: _Back,
    helpers: tuple[ThreadPoolExecutor, ThreadPoolExecutor],
    now: Callable[[], datetime],
    clock_s: Callable[[], float],
) -> Desk:
    client = web_client(settings.slack_bot_token, settings.slack_api_url, timeout_s=LISTENER_TIMEOUT_S)
    people = SlackPeople(client, team_id=identity.team_id, enterprise_id=identity.enterprise_id)
    patient_client = web_client(settings.slack_bot_token, settings.slack_api_url)
    hosts = {SLACKS_RESPONSE_HOST, urlsplit(settings.slack_api_url).hostname or ""}
    return Desk(
        client=client,
        patient_client=patient_client,
        whisper=Whisper(patient_client, back.posting, back.whisperers.wake, back.whisperers.wake_in),
        switchboard=back.switchboard,
        permission=Permission(people, Directory(evo), user_map=settings.evo_user_map, clock_s=clock_s),
        catalog=back.catalog,
        hang_up=back.follower.hang_up,
        homes=back.homes,
        on_look=back.showers.wake,
        calls_of=CallHistory(back.store).period,
        steps=back.steps,
        on_step=back.step_runners.wake,
        rules=Rules(
            command=settings.slack_command,
            region=settings.default_region,
            allowed_countries=settings.allowed_countries,
            calls_channel=settings.calls_channel,
            response_hosts=frozenset(hosts),
        ),
        later=helpers[0].submit,
        slowly=helpers[1].submit,
        now=now,
    )


def _app(settings: Settings, identity: Identity, desk: Desk) -> App:
    return build_app(
        settings.slack_api_url,
        seat(desk),
        command=settings.slack_command,
        signing_secret=settings.slack_signing_secret,
        identity=identity,
        bot_token=settings.slack_bot_token,
    )


def _door(settings: Settings, app: App, is_healthy: Callable[[], dict[str, bool]]) -> Door:
    if settings.slack_app_token is not None:
        client = web_client(settings.slack_bot_token, settings.slack_api_url)
        return SocketDoor(app, settings.slack_app_token, client)
    secret = settings.slack_signing_secret or ""
    try:
        return HttpDoor(app, secret, settings.host, settings.port, is_healthy)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise CannotStart(f"Cannot listen on {where}: {error.strerror}.") from error
