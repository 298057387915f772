"""The running bot: starts its parts in the right order, and stops them so that nothing is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slack_bolt import App
from slack_sdk.errors import SlackApiError

from evoslack.calling.calls import State
from evoslack.calling.switchboard import Switchboard
from evoslack.evo.catalog import Catalog
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import LedgerTaken, Store, database_problem, with_short_lock_timeout
from evoslack.runtime.background_pool import BackgroundPool
from evoslack.runtime.clock import Clock
from evoslack.runtime.heartbeat import Heartbeat
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.slack.receivers.receiver import Receiver
from evoslack.slack.receivers.socket_connection import NoHello
from evoslack.slack.workspace import NO_ANSWER, problem_of

log = logging.getLogger(__name__)

DRAIN_S = 40.0  # dialing one call takes up to 30 s
SETTLE_S = 2.0  # for submissions whose acknowledgment has just been sent
GOODBYE_S = 5.0  # for the last cards and private messages


class CannotStart(Exception):
    """The bot cannot run. The message tells the operator why in one or two sentences."""


@dataclass(frozen=True, slots=True)
class Work:
    """A crew and the step that it repeats."""

    crew: WorkerPool
    step: Callable[[], bool]

    def start(self) -> None:
        """Begin with a first look at once."""
        self.crew.start(with_short_lock_timeout(self.step))


class Bot:
    """The whole bot, built but not started."""

    def __init__(
        self,
        *,
        store: Store,
        calls: CallLedger,
        notifications: NotificationLedger,
        catalog: Catalog,
        switchboard: Switchboard,
        settling: Work,
        dialing: Work,
        telling: Work,
        whispering: Work,
        others: list[Work],  # which may stop at any moment: looking again finds what is left
        helpers: Iterable[BackgroundPool],  # stopped in this order
        app: App,
        make_door: Callable[[Callable[[], dict[str, bool]]], Receiver],  # is told how to ask for our health
        about: str,
        clock: Clock,
        heartbeat: Heartbeat,
    ) -> None:
        self.store, self.calls, self.notifications = store, calls, notifications
        self.catalog, self.switchboard = catalog, switchboard
        self.app = app
        self._settling, self._dialing, self._others = settling, dialing, others
        self._telling, self._whispering = telling, whispering
        self._helpers = tuple(helpers)
        self._about = about
        self._clock, self._heartbeat = clock, heartbeat
        self.door = make_door(self.health)
        self._stopping = threading.Event()
        self._refresher = threading.Thread(
            target=catalog.keep_fresh, args=[self._stopping], name="refreshing", daemon=True
        )

    def start(self) -> str:
        """Open the ledger, mend what a crash left, start the crews, and let payloads in.

        Returns the ready line. Raises `CannotStart`.
        """
        try:
            self.store.open()
            if (now := self.store.time()) is not None:
                self._clock.set(now)
            if self.store.is_sqlite:  # one bot per file, so whatever was in progress is orphaned
                self.notifications.drop_leases(at=self._clock.now())
                self.switchboard.sweep(everything_is_orphaned=True)
        except LedgerTaken as taken:
            raise CannotStart(f"Another bot is using {taken}. Stop it first, or use PostgreSQL.") from taken
        except Exception as error:
            raise CannotStart(f"The database cannot be used: {database_problem(error)}") from error
        self._heartbeat.start()
        for work in self._works():
            work.start()
        self._refresher.start()
        try:
            way = self.door.start()
        except (*NO_ANSWER, NoHello) as error:
            self.stop()  # calls that are being dialed already are finished
            raise CannotStart(not_let_in("SLACK_APP_TOKEN", error)) from error
        return f"EvoSlack is ready: {way}, {self._about}."

    def stop(self) -> str:
        """Take no more requests, finish what is being dialed, and return what is left, in words."""
        self._stopping.set()
        self.door.stop()
        for work in self._others:
            work.crew.stop(within_s=0)
        self._settling.crew.stop(within_s=SETTLE_S, leave_nothing=True)
        finished = self._dialing.crew.stop(within_s=DRAIN_S)
        self.switchboard.stop()
        ends = time.monotonic() + GOODBYE_S
        for helper in self._helpers:
            helper.stop(within_s=max(ends - time.monotonic(), 0))
        # After the helpers: whose work is left undone is told so, most of them by direct message.
        self._whispering.crew.stop(within_s=GOODBYE_S, leave_nothing=True)
        self._telling.crew.stop(within_s=GOODBYE_S, leave_nothing=True)
        try:
            return self._left_words(finished)
        finally:
            self._heartbeat.stop()
            self.store.close()

    def wake(self) -> None:
        """Look for work now instead of at the next look."""
        for crew in self._crews():
            crew.wake()

    def health(self) -> dict[str, bool]:
        """The parts that must work for the promise, and whether they get on."""
        return {
            "database": self.store.answers(),
            "slack": self.door.is_open(),
            **{crew.name: crew.is_working for crew in self._crews()},
        }

    def _crews(self) -> list[WorkerPool]:
        return [work.crew for work in self._works()]

    def _works(self) -> list[Work]:
        return [self._settling, self._dialing, self._telling, self._whispering, *self._others]

    def _left_words(self, finished: bool) -> str:
        try:
            left = self.calls.count_open()
            untold = self.notifications.count_untold()
        except Exception:
            log.exception("could not count unfinished calls and notifications")
            return "EvoSlack stopped. The database does not answer, so it is unknown what is left."
        parts = [
            f"{left[State.ACCEPTED]} waiting" if left[State.ACCEPTED] else "",
            f"{left[State.PLACING]} still being dialed" if left[State.PLACING] or not finished else "",
            f"{untold} with a notification still to send" if untold else "",
        ]
        words = ", ".join(part for part in parts if part)
        return f"EvoSlack stopped. Unfinished calls: {words or 'none'}."


def not_let_in(token: str, error: Exception) -> str:
    """Why Slack cannot be used. Only an answer from Slack can be about the token."""
    if isinstance(error, NoHello):
        return (
            f"Slack's websocket cannot be opened ({error}). Check whether a proxy or firewall blocks wss://."
        )
    if isinstance(error, SlackApiError):
        return f"Slack rejected {token}: {problem_of(error)}."
    return f"Slack cannot be reached ({problem_of(error)}). Check the network and SLACK_API_URL."
