"""The pages over real HTTP: their statuses, side by side, and with a ledger that hangs."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from evoslack.health.gauges import Gauges, Sources
from evoslack.health.ledger_probe import LedgerProbe
from evoslack.health.metrics import Metrics
from evoslack.health.pages import pages
from evoslack.health.probes import Phase, Probes
from evoslack.health.server import HealthServer
from evoslack.health.services import BotToken, EvoLogin
from evoslack.ledger.health import LedgerCounts
from evoslack.runtime.request_result import Result


class Running:
    """The pages of a bot without pools, whose ledger hangs until `goes_on`."""

    silent_s = 0.1
    pools: tuple[Any, ...] = ()

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.receiver = self.heartbeat = self
        token = BotToken(lambda: None)
        token.observe("auth.test", Result.OK, 0.1)
        ledger = LedgerProbe(self.read, lambda: datetime.now(UTC))
        parts: Any = self
        probes = Probes(parts, ledger, token, EvoLogin())
        probes.phase = Phase.RUNNING
        metrics = Metrics()
        metrics.registry.register(
            Gauges(Sources(lambda: ledger.reading(1.0).counts, (), lambda: 2, lambda: True, lambda: None))
        )
        self.server = HealthServer(pages(probes, metrics.registry), "127.0.0.1", 0)
        self.server.start()

    def is_open(self) -> bool:
        return True

    def read(self, _at: datetime) -> LedgerCounts:
        self.goes_on.wait()
        return LedgerCounts(3, 4.5, 0, 0, 0, 0, 0, 0, 0)

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def running() -> Iterator[Running]:
    found = Running()
    yield found
    found.goes_on.set()
    found.server.stop()


def test_the_three_pages_and_no_others(running: Running) -> None:
    assert running.ask("/livez")[0] == 200
    status, body = running.ask("/readyz")
    assert (status, json.loads(body)["ok"]) == (200, True)
    status, body = running.ask("/metrics")
    assert status == 200
    assert "evoslack_calls_waiting 3.0" in body
    assert "evoslack_oldest_waiting_seconds 4.5" in body
    assert "_created" not in body
    assert running.ask("/readyz", "HEAD") == (200, "")
    assert running.ask("/")[0] == 404
    assert running.ask("/livez", "POST")[0] == 405


def test_a_ledger_that_hangs_gets_an_answer_within_two_seconds_for_many_at_once(running: Running) -> None:
    running.goes_on.clear()
    answers: list[tuple[int, str]] = []
    paths = ["/readyz", "/metrics", "/readyz", "/livez"]
    threads = [threading.Thread(target=lambda path=path: answers.append(running.ask(path))) for path in paths]
    began_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert time.monotonic() - began_s < 2
    assert sorted(status for status, _ in answers) == [200, 200, 503, 503]
    (metrics,) = [body for _, body in answers if "evoslack_up_ledger" in body]
    assert "evoslack_up_ledger 0.0" in metrics
    assert "evoslack_calls_waiting" not in metrics, "an old count would be a wrong one"
    reasons = [json.loads(body)["reasons"] for status, body in answers if status == 503]
    assert all("The ledger has not answered" in found[0] for found in reasons)


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        HealthServer(lambda *_: [], "127.0.0.1", other.getsockname()[1])


def test_after_the_stop_nothing_listens_or_runs(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    running.ask("/livez")
    running.server.stop()
    assert "still running" not in caplog.text, "the operator reads no riddle about threads"
    with pytest.raises(ConnectionError):
        running.ask("/livez")


def test_a_page_that_breaks_says_so_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    probes: Any = None
    said: list[str] = []
    page = pages(probes, Metrics().registry)
    page({"REQUEST_METHOD": "GET", "PATH_INFO": "/livez"}, lambda status, _: said.append(status))  # type: ignore[arg-type,return-value]
    assert said == ["500 Internal Server Error"]
    assert "a health page failed" in caplog.text
