"""Puts the health checks, the metrics, the pages and systemd's notifications of one bot together."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from evoslack.health.gauges import Gauges, Sources
from evoslack.health.ledger_probe import LedgerProbe
from evoslack.health.metrics import Metrics
from evoslack.health.pages import pages
from evoslack.health.probes import Parts, Phase, Probes, as_json, is_fine
from evoslack.health.server import HealthServer
from evoslack.health.services import BotToken, EvoLogin
from evoslack.health.systemd import Systemd
from evoslack.ledger.health import LedgerCounts, LedgerHealth
from evoslack.ledger.store import Store
from evoslack.runtime.request_result import Result

log = logging.getLogger(__name__)

SCRAPE_WITHIN_S = 1.0  # how long /metrics waits for the ledger
TOKEN_WITHIN_S = 0.5
STATUS_EVERY_S = 10.0


class NotOpenYet(Exception):
    """The bot does not own the ledger yet, so nothing is written to it. The message is for people."""


class CannotListen(Exception):
    """The port of the health pages cannot be used. The message tells the operator why."""


class Observers:
    """What the parts of a bot report to while they work; built before them."""

    def __init__(self, ask_token: Callable[[], object]) -> None:
        """`ask_token` is `auth.test`, with a client that reports to `observe_slack`; it may raise."""
        self.metrics = Metrics()
        self.token = BotToken(ask_token)
        self.login = EvoLogin()

    def observe_slack(self, operation: str, result: Result, seconds: float) -> None:
        """A request to Slack has ended."""
        self.metrics.observe_slack(operation, result, seconds)
        self.token.observe(operation, result, seconds)

    def observe_evo(self, operation: str, result: Result, seconds: float) -> None:
        """A request to Evo Voice has ended."""
        self.metrics.observe_evo(operation, result, seconds)
        self.login.observe(operation, result, seconds)


class Monitoring:
    """Shows how one bot is. Without `port` there are no pages; without systemd nobody is notified."""

    def __init__(
        self,
        observers: Observers,
        store: Store,
        now: Callable[[], datetime],
        host: str,
        port: int | None,
        parts: Parts,
        *,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        """Raises `CannotListen`."""
        self._is_open = False
        ledger = LedgerProbe(lambda at: self._read(store, at), now)
        token, login = observers.token, observers.login
        self.probes = Probes(parts, ledger, token, login)
        sources = Sources(
            counts=lambda: ledger.reading(SCRAPE_WITHIN_S).counts,
            pools=parts.pools,
            connections=parts.receiver.connection_count,
            token_works=lambda: token.check(TOKEN_WITHIN_S).is_ok,
            login_works=lambda: login.is_working,
        )
        self.registry = observers.metrics.registry
        self.registry.register(Gauges(sources))
        self._server = None if port is None else self._listen(host, port)
        self._systemd = Systemd.from_env(env)
        self._is_started = False
        self._about = ""
        self._status = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._notify, name="systemd", daemon=True)

    def _listen(self, host: str, port: int) -> HealthServer:
        try:
            return HealthServer(pages(self.probes, self.registry), host, port)
        except OSError as error:
            raise CannotListen(
                f"Cannot listen on {host}:{port} for the health pages: {error.strerror}. "
                "Choose another HEALTH_PORT or HEALTH_HOST."
            ) from error

    @property
    def port(self) -> int | None:
        """Where the pages are served."""
        return None if self._server is None else self._server.port

    def start(self) -> None:
        """Serve the pages; the bot is starting. May be called again: each attempt to start does."""
        if self._server is not None and not self._is_started:
            self._server.start()
            log.info("health pages: %s/livez, /readyz and /metrics", self._server.url)
        self._is_started = True

    def opened(self) -> None:
        """The ledger is open and ours, so the pages may write to it."""
        self._is_open = True

    def _read(self, store: Store, at: datetime) -> LedgerCounts:
        if not self._is_open:
            raise NotOpenYet("it is not open yet")
        return LedgerHealth(store).read(at=at)

    def ready(self, about: str) -> None:
        """The bot has started; `about` is the ready line."""
        self.probes.phase = Phase.RUNNING
        self._about = self._status = about
        if self._systemd is not None:
            self._systemd.ready(about)
            self._thread.start()

    def stopping(self) -> None:
        """The bot finishes what it has begun."""
        self.probes.phase = Phase.STOPPING
        if self._systemd is not None:
            self._systemd.stopping("EvoSlack is stopping. It finishes the calls it is dialing first.")

    def stop(self) -> None:
        """The bot has stopped."""
        self._stopped.set()
        if self._server is not None:
            self._server.stop()

    def _notify(self) -> None:
        """Tell systemd that the bot is alive, at half of the time it allows, and whether it is ready."""
        watchdog_s = self._systemd.watchdog_s if self._systemd else None
        every_s = STATUS_EVERY_S if watchdog_s is None else min(watchdog_s / 2, STATUS_EVERY_S)
        while not self._stopped.wait(every_s):
            try:
                self.notify_once()
            except Exception:
                log.exception("systemd could not be told how EvoSlack is")

    def notify_once(self) -> None:
        """Send the sign for the watchdog if the bot is alive, and the status if it has changed."""
        if self._systemd is None:
            return
        live = self.probes.live()
        if is_fine(live) and self._systemd.watchdog_s is not None:
            self._systemd.alive()
        if self.probes.phase is not Phase.RUNNING:
            return
        found = as_json({**live, **self.probes.ready()})
        status = f"Not ready: {' '.join(found['reasons'])}" if found["reasons"] else self._about
        status = " ".join([status, *found["warnings"]])
        if status != self._status:
            self._status = status
            self._systemd.status(status)
            log.info("systemd was told: %s", status)
