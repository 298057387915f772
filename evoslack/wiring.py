"""The only place where the parts meet: builds them from the settings, starts them, stops them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError

from evoslack.calls import State
from evoslack.crew import Crew
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import DIAL_DEADLINE_S, EvoClient
from evoslack.evo.directory import Directory
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.news import NewsLedger
from evoslack.ledger.store import LedgerTaken, Store, database_problem, giving_way
from evoslack.permission import Permission
from evoslack.settings import Settings
from evoslack.slack.announcer import Announcer
from evoslack.slack.app import build_app
from evoslack.slack.delivery import Door, HttpDoor
from evoslack.slack.listeners import CallListeners
from evoslack.slack.opening import Opener, Rules
from evoslack.slack.people import SlackPeople
from evoslack.slack.shortcuts import ShortcutListeners
from evoslack.slack.socket_line import NoHello
from evoslack.slack.socket_mode import SocketDoor
from evoslack.slack.workspace import (
    LISTENER_TIMEOUT_S,
    NO_ANSWER,
    Identity,
    identify,
    private_client,
    problem_of,
    web_client,
)
from evoslack.switchboard import Switchboard

log = logging.getLogger(__name__)

TELLERS = 4  # news told side by side, so that one slow answer of Slack does not hold up the rest
FORM_FILLERS = 8  # loading pages being filled side by side
LOOK_EVERY_S = 2.0  # how long a call of a bot that died may wait for another bot to see it
SWEEP_EVERY_S = 10.0  # with a teller's lease of 60 s: what a dead bot left is taken over within 90 s
DRAIN_S = 40.0  # a call may be dialled for 30 s
GOODBYE_S = 5.0  # for the last cards and private lines
SLACKS_RESPONSE_HOST = "hooks.slack.com"


class CannotStart(Exception):
    """The bot cannot run; the text is one sentence for the operator."""


class Bot:
    """The whole bot, built but not started."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        *,
        now: Callable[[], datetime],
        clock_s: Callable[[], float],
        dial_deadline_s: float,
    ) -> None:
        self._settings = settings
        self.store = Store(settings.database_url)
        self.calls = CallLedger(self.store)
        self.news = NewsLedger(self.store)
        evo = EvoClient(
            settings.evo_base_url,
            settings.evo_username,
            settings.evo_password,
            dial_deadline_s=dial_deadline_s,
        )
        self.catalog = Catalog(
            evo,
            account_id=settings.evo_account_id,
            allowed_flows=settings.evo_flows,
            default_caller_id=settings.evo_caller_id,
        )
        self._now = now
        self._clock_s = clock_s
        self._diallers = Crew("dialling", size=settings.max_calls_at_once, look_every_s=LOOK_EVERY_S)
        self._announcers = Crew("telling", size=TELLERS, look_every_s=LOOK_EVERY_S)
        self._sweepers = Crew("sweeping", size=1, look_every_s=SWEEP_EVERY_S)
        self.switchboard = Switchboard(
            self.calls,
            evo,
            longest_wait=timedelta(seconds=settings.max_wait_seconds),
            now=now,
            on_work=self._diallers.wake,
            on_news=self._announcers.wake,
        )
        self._stopping = threading.Event()
        self._refresher = threading.Thread(
            target=self.catalog.keep_fresh, args=[self._stopping], name="refreshing", daemon=True
        )
        self._later = ThreadPoolExecutor(FORM_FILLERS, thread_name_prefix="form")
        self.app = self._build_app(self._listeners(evo, identity), identity)
        self._door = self._build_door()

    def start(self) -> str:
        """Open the ledger, mend what a crash left, start dialling and telling, and let payloads in.

        Returns the ready line. Raises `CannotStart`.
        """
        try:
            self.store.open()
        except LedgerTaken as taken:
            raise CannotStart(f"Another bot is using {taken}. Stop it first, or use PostgreSQL.") from taken
        except Exception as error:
            raise CannotStart(f"The database cannot be used: {database_problem(error)}") from error
        if self.store.is_sqlite:  # nobody else has it, so whatever was under way is orphaned
            self.news.drop_leases(at=self._now())
            self.switchboard.sweep(everything_is_orphaned=True)
        self._diallers.start(giving_way(self.switchboard.connect_next))
        self._announcers.start(giving_way(self._announcer().tell_next))
        self._sweepers.start(giving_way(self._sweep))
        self._refresher.start()
        try:
            way = self._door.start()
        except (*NO_ANSWER, NoHello) as error:
            self.stop()  # calls that are being dialled already are finished
            raise CannotStart(_not_let_in("SLACK_APP_TOKEN", error)) from error
        settings = self._settings
        return f"EvoSlack is ready: {way}, {settings.slack_command}, cards go to {settings.calls_channel}."

    def stop(self) -> str:
        """Take no more requests, finish what is being dialled, and return what is left, in words."""
        self._stopping.set()
        self._door.stop()
        self._sweepers.stop(within_s=0)
        finished = self._diallers.stop(within_s=DRAIN_S)
        self.switchboard.stop()
        self._later.shutdown(wait=False, cancel_futures=True)
        self._announcers.stop(within_s=GOODBYE_S, leave_nothing=True)
        try:
            return self._left_words(finished)
        finally:
            self.store.close()

    def wake(self) -> None:
        """Look for work now instead of at the next look."""
        for crew in self._crews():
            crew.wake()

    def health(self) -> dict[str, bool]:
        """The parts that must work for the promise, and whether they do."""
        return {
            "database": self.store.answers(),
            "slack": self._door.is_open(),
            **{crew.name: crew.is_alive for crew in self._crews()},
        }

    @property
    def door(self) -> Door:
        """The way in for payloads."""
        return self._door

    def _crews(self) -> tuple[Crew, ...]:
        return self._diallers, self._announcers, self._sweepers

    def _announcer(self) -> Announcer:
        return Announcer(
            web_client(self._settings.slack_bot_token, self._settings.slack_api_url),
            self.news,
            channel_id=self._settings.calls_channel,
            region=self._settings.default_region,
            now=self._now,
            private_client=private_client,
        )

    def _listeners(self, evo: EvoClient, identity: Identity) -> tuple[CallListeners, ShortcutListeners]:
        settings = self._settings
        client = web_client(settings.slack_bot_token, settings.slack_api_url, timeout_s=LISTENER_TIMEOUT_S)
        people = SlackPeople(client, team_id=identity.team_id, enterprise_id=identity.enterprise_id)
        hosts = {SLACKS_RESPONSE_HOST, urlsplit(settings.slack_api_url).hostname or ""}
        rules = Rules(
            command=settings.slack_command,
            region=settings.default_region,
            allowed_countries=settings.allowed_countries,
            calls_channel=settings.calls_channel,
            response_hosts=frozenset(hosts),
        )
        permission = Permission(people, Directory(evo), user_map=settings.evo_user_map, clock_s=self._clock_s)
        opener = Opener(client, permission, self.catalog, rules, self._later.submit, self._now)
        return (
            CallListeners(self.switchboard, opener, rules),
            ShortcutListeners(client, self.switchboard, opener, rules, self._later.submit),
        )

    def _build_app(self, listeners: tuple[CallListeners, ShortcutListeners], identity: Identity) -> App:
        settings = self._settings
        return build_app(
            settings.slack_api_url,
            *listeners,
            command=settings.slack_command,
            signing_secret=settings.slack_signing_secret,
            identity=AuthorizeResult(
                enterprise_id=identity.enterprise_id,
                team_id=identity.team_id,
                bot_id=identity.bot_id,
                bot_user_id=identity.bot_user_id,
                bot_token=settings.slack_bot_token,
            ),
        )

    def _build_door(self) -> Door:
        settings = self._settings
        if settings.slack_app_token is not None:
            client = web_client(settings.slack_bot_token, settings.slack_api_url)
            return SocketDoor(self.app, settings.slack_app_token, client)
        secret = settings.slack_signing_secret or ""
        try:
            return HttpDoor(self.app, secret, settings.host, settings.port, self.health)
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise CannotStart(f"Cannot listen on {where}: {error.strerror}.") from error

    def _sweep(self) -> bool:
        self.switchboard.sweep()
        self.switchboard.forget(timedelta(days=self._settings.history_days))
        return False

    def _left_words(self, finished: bool) -> str:
        try:
            left = self.calls.count_open()
            untold = self.news.count_untold()
        except Exception:
            log.exception("what is left could not be counted")
            return "EvoSlack stopped; the database does not answer, so what is left is unknown."
        parts = [
            f"{left[State.ACCEPTED]} waiting" if left[State.ACCEPTED] else "",
            f"{left[State.PLACING]} still being dialled" if left[State.PLACING] or not finished else "",
            f"{untold} not told yet" if untold else "",
        ]
        words = ", ".join(part for part in parts if part)
        return f"EvoSlack stopped; {words or 'nothing is left'}."


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
        raise CannotStart(_not_let_in("SLACK_BOT_TOKEN", error)) from error
    return Bot(settings, identity, now=now, clock_s=clock_s, dial_deadline_s=dial_deadline_s)


def _not_let_in(token: str, error: Exception) -> str:
    """Only an answer of Slack's is about the token."""
    if isinstance(error, NoHello):
        return f"Slack's websocket cannot be opened ({error}). A proxy or firewall may block wss://."
    if isinstance(error, SlackApiError):
        return f"Slack does not take {token}: {problem_of(error)}."
    return f"Slack cannot be reached: {problem_of(error)}. Check the network."
