"""The running bot: starts its parts in the right order, and stops them so that nothing is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slack_bolt import App

from evoslack import __version__
from evoslack.calling.calls import State
from evoslack.calling.switchboard import Switchboard
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import EvoClient
from evoslack.health.monitoring import CannotListen, Monitoring
from evoslack.health.probes import Parts
from evoslack.ledger.backup import CannotBackUp
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.database_words import database_problem
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.postgres import is_passing
from evoslack.ledger.store import LedgerTaken, Store, with_short_lock_timeout
from evoslack.ledger.timeline import Timeline
from evoslack.runtime.background_pool import BackgroundPool
from evoslack.runtime.clock import Clock
from evoslack.runtime.heartbeat import Heartbeat
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.slack.receivers.receiver import Receiver
from evoslack.slack.receivers.socket_connection import NoHello
from evoslack.slack.workspace import SLACK_ERRORS
from evoslack.start_trouble import Away, CannotStart, slack_trouble

log = logging.getLogger(__name__)

DRAIN_S = 40.0  # dialing one call takes up to 30 s
SETTLE_S = 2.0  # for submissions whose acknowledgment has just been sent
GOODBYE_S = 5.0  # for the last cards and private messages
NOTHING_YET = "EvoSlack stopped before it was ready. Nothing was dialed."
STEP_S = 1.0  # for steps that may stop at any moment, before the database is closed


@dataclass(frozen=True, slots=True)
class PooledStep:
    """A worker pool and the step that it repeats."""

    pool: WorkerPool
    step: Callable[[], bool]

    def start(self) -> None:
        """Start the pool; the first step runs at once."""
        self.pool.start(with_short_lock_timeout(self.step))


class Bot:
    """The whole bot, built but not started."""

    def __init__(
        self,
        *,
        store: Store,
        timeline: Timeline,
        calls: CallLedger,
        notifications: NotificationLedger,
        catalog: Catalog,
        switchboard: Switchboard,
        answers: PooledStep,
        dial: PooledStep,
        notify: PooledStep,
        private_messages: PooledStep,
        others: list[PooledStep],  # may stop at any moment: the next start finds what is left
        background: Iterable[BackgroundPool],  # stopped in this order
        app: App,
        evo: EvoClient,
        make_receiver: Callable[[Callable[[], dict[str, bool]]], Receiver],  # is given our health check
        make_monitoring: Callable[[Parts], Monitoring],
        about: str,
        clock: Clock,
        heartbeat: Heartbeat,
    ) -> None:
        self.store, self.calls, self.notifications = store, calls, notifications
        self._timeline = timeline
        self.catalog, self.switchboard = catalog, switchboard
        self.app, self.evo = app, evo
        self._answers, self._dial, self._others = answers, dial, others
        self._notify, self._private_messages = notify, private_messages
        self._background = tuple(background)
        self._about = about
        self._clock, self._heartbeat = clock, heartbeat
        self.is_working = False  # from here on there is something to finish
        self._is_stopped, self._changing = False, threading.Lock()
        self.receiver = make_receiver(self.health)
        try:
            self.monitoring = make_monitoring(Parts(self._pools(), self.receiver, heartbeat))
        except CannotListen as reason:
            raise CannotStart(str(reason)) from reason

    def start(self) -> str:
        """Open the ledger, start the pools, and let payloads in: `open`, `work` and `receive` at once.

        Returns the ready line. Raises `CannotStart`.
        """
        self.open()
        try:
            self.work()
            return self.receive()
        except Exception:
            self.stop()  # calls that are being dialed already are finished
            raise

    def open(self) -> None:
        """Open the ledger and repair what a crash left. Raises `CannotStart`; `Away` can be tried again."""
        self.monitoring.start()  # from here on, as a database that is away may take long
        try:
            self._open_ledger()
        except Away:
            raise
        except CannotStart:
            self.monitoring.stop()
            raise

    def _open_ledger(self) -> None:
        try:
            self.store.open()
            if (now := self.store.time()) is not None:
                self._clock.set(now)
            self._timeline.take_up(at=self._clock.now())
            if self.store.is_sqlite:  # one bot per file, so whatever was in progress is orphaned
                self.notifications.drop_leases(at=self._clock.now())
                self.switchboard.sweep(everything_is_orphaned=True)
        except CannotBackUp as reason:
            words = f"Its tables must be brought up to date, and no copy could be made first. {reason}."
            raise CannotStart(words) from reason
        except LedgerTaken as taken:
            raise CannotStart(f"Another bot is using {taken}. Stop it first, or use PostgreSQL.") from taken
        except Exception as error:
            if is_passing(error):
                raise Away(f"PostgreSQL does not answer: {database_problem(error)}.") from error
            raise CannotStart(f"The database cannot be used: {database_problem(error)}") from error

    def work(self) -> None:
        """Start the pools, which take on what the ledger holds."""
        with self._changing:
            if self._is_stopped:
                return
            self.is_working = True
            self.monitoring.opened()
            self._heartbeat.start()
            for each in self._pooled_steps():
                each.start()

    def receive(self) -> str:
        """Let payloads in. Returns the ready line. Raises `CannotStart`; can be tried again."""
        try:
            way = self.receiver.start()
        except (*SLACK_ERRORS, NoHello) as error:
            raise slack_trouble("SLACK_APP_TOKEN", error) from error
        ready = f"EvoSlack {__version__} is ready: {way}, {self._about}."
        self.monitoring.ready(ready)
        return ready

    def stop(self) -> str:
        """Take no more requests, finish what is being dialed, and return what is left, in words.

        May be called while `receive` is still trying, in another thread.
        """
        self.monitoring.stopping()
        with self._changing:
            self._is_stopped = True
            if not self.is_working:
                self.receiver.stop()
                self.store.close()
                self.monitoring.stop()
                return NOTHING_YET
        self.receiver.stop()
        for each in self._others:
            each.pool.stop(within_s=0)
        self._answers.pool.stop(within_s=SETTLE_S, finish_all=True)
        finished = self._dial.pool.stop(within_s=DRAIN_S)
        self.switchboard.stop()
        ends = time.monotonic() + GOODBYE_S
        for pool in self._background:
            pool.stop(within_s=max(ends - time.monotonic(), 0))
        # After the background pools: people whose task was cut short are told, mostly by direct message.
        self._private_messages.pool.stop(within_s=GOODBYE_S, finish_all=True)
        self._notify.pool.stop(within_s=GOODBYE_S, finish_all=True)
        try:
            return self._left_words(finished)
        finally:
            self._heartbeat.stop()
            ends = time.monotonic() + STEP_S
            for each in self._others:  # most have ended by now; a connection in use could not be closed
                each.pool.stop(within_s=max(ends - time.monotonic(), 0))
            self.store.close()
            self.monitoring.stop()

    def wake(self) -> None:
        """Wake every pool now instead of waiting for its next poll."""
        for pool in self._pools():
            pool.wake()

    def health(self) -> dict[str, bool]:
        """The parts that the promise depends on, and whether each works."""
        return {
            "database": self.store.answers(),
            "slack": self.receiver.is_open(),
            **{pool.name: pool.is_working for pool in self._pools()},
        }

    def _pools(self) -> list[WorkerPool]:
        return [each.pool for each in self._pooled_steps()]

    def _pooled_steps(self) -> list[PooledStep]:
        return [self._answers, self._dial, self._notify, self._private_messages, *self._others]

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
