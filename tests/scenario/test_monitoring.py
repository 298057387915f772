"""Someone runs EvoSlack: the health pages, systemd, and metrics that name nobody."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from evoslack import __version__
from evoslack.evo.observed_transport import OPERATIONS as EVO_OPERATIONS
from evoslack.health.metrics import OUTCOMES
from evoslack.running import CannotStart
from evoslack.runtime.request_result import Result
from evoslack.settings import Settings
from evoslack.slack.receivers.lanes import Lane
from evoslack.slack.request_results import OPERATIONS as SLACK_OPERATIONS
from evoslack.start_trouble import Away
from evoslack.wiring import build
from sandbox.bot_process import BotProcess, sandbox_settings
from tests.scenario.office import ROOT, SARA, TYPED, Office, says_placed

PAGES = {"HEALTH_PORT": "0"}
POOLS = {
    *("answers", "dial", "notify", "private-messages", "sweep", "catalog", "track", "schedule"),
    *("live-pages", "home-tabs", "workflow-steps", "card-masks", "number-lines", "slack-time", "alerts"),
}
LABELS: dict[str, set[str]] = {
    "outcome": {outcome.value for outcome in OUTCOMES},
    "result": {result.value for result in Result},
    "operation": set(EVO_OPERATIONS | SLACK_OPERATIONS),
    "kind": {lane.value for lane in Lane},
    "pool": POOLS,
    "version": {__version__},
}


def read(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as answer:
        return answer.code, answer.read().decode()


def values(port: int) -> dict[str, float]:
    """The metrics as they are scraped, such as `evoslack_calls_total{outcome="placed"}`."""
    lines = [line for line in read(port, "/metrics")[1].splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def is_harmless(name: str, value: str) -> bool:
    """Whether a label has one of its few values; limits of histograms and Python's version are numbers."""
    if name in {"le", "python"}:
        return re.fullmatch(r"[0-9.]{1,8}|\+Inf", value) is not None
    return value in LABELS[name]


def test_a_service_in_socket_mode(empty_office: Office, bot_settings: dict[str, str], tmp_path: Path) -> None:
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(tmp_path / "notify"))
    systemd.settimeout(20)
    said_by_systemd = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
    bot = BotProcess({**bot_settings, "HEALTH_PORT": "0", **said_by_systemd}, tmp_path)
    try:
        ready = bot.start()
        assert systemd.recv(4096).decode() == f"READY=1\nSTATUS={ready}"
        assert systemd.recv(4096).decode() == "WATCHDOG=1"
        (line,) = [line for line in bot.log if "health pages" in line]
        port = int(re.search(r":(\d+)/livez", line)[1])  # type: ignore[index]

        empty_office.slack.wait_for_connection()
        empty_office.form(SARA, TYPED)
        empty_office.fill()
        assert empty_office.press().acked
        empty_office.wait_for_card(says_placed)

        assert read(port, "/livez")[0] == 200
        status, body = read(port, "/readyz")
        assert (status, json.loads(body)["reasons"]) == (200, [])
        found = values(port)
        assert found['evoslack_calls_total{outcome="placed"}'] == 1
        assert found['evoslack_evo_requests_total{operation="dial",result="ok"}'] == 1
        assert found['evoslack_answer_seconds_count{kind="press"}'] == 1
        assert found["evoslack_dial_seconds_count"] == found["evoslack_up_ledger"] == 1

        assert bot.stop() == 0
        said = [systemd.recv(4096).decode()]
        while not said[-1].startswith("STOPPING=1"):
            said.append(systemd.recv(4096).decode())
    finally:
        bot.close()
        systemd.close()


def test_no_metric_names_anyone_or_anything(office: Office) -> None:
    """A call that is placed, one that is rejected, and a Home tab. On a busy machine a press may be late."""
    for who, number in ((SARA, TYPED), (ROOT, "202 555 0143")):
        office.form(who)
        office.fill(who, number)
        office.press(who)
        office.wait_until_settled()
        office.evo.fault("/sessions/outgoing", "403_text")
    office.slack.open_home(SARA)

    page = generate_latest(office.bot.monitoring.registry).decode()
    labels = {
        label
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        for label in sample.labels.items()
    }

    assert {name for name, _ in labels} >= {"outcome", "operation", "result", "pool", "kind"}
    assert [label for label in labels if not is_harmless(*label)] == []


def test_what_is_away_is_said_and_the_bot_stays_alive(empty_office: Office) -> None:
    office = empty_office
    bot = office.open(HEALTH_PORT="0")
    port = bot.monitoring.port
    assert port is not None
    office.slack.wait_for(bot.catalog.refresh, what="flows to offer")
    Path(bot.store.file or "").rename(Path(bot.store.file or "").with_suffix(".moved"))

    def reasons() -> list[str]:
        return list(json.loads(read(port, "/readyz")[1])["reasons"])

    office.slack.wait_for(lambda: any("The ledger cannot be written" in each for each in reasons()))
    assert read(port, "/readyz")[0] == 503
    assert read(port, "/livez")[0] == 200
    found = values(port)
    assert found["evoslack_up_ledger"] == 0
    assert "evoslack_calls_waiting" not in found
    Path(bot.store.file or "").with_suffix(".moved").rename(bot.store.file or "")


def test_over_http_unsigned_requests_are_counted(empty_office: Office) -> None:
    bot = empty_office.open(over_http=True, HEALTH_PORT="0")
    port = bot.monitoring.port
    assert port is not None
    with pytest.raises(HTTPError, match="401"):
        urllib.request.urlopen(empty_office.slack.request_url, b"payload=x", timeout=5)

    assert read(port, "/readyz")[0] == 200
    found = values(port)
    assert found['evoslack_denied_requests_total{reason="unsigned"}'] == 1
    assert found["evoslack_slack_connections"] == 1


def test_while_the_database_is_away_at_the_start_the_pages_answer(empty_office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    url = f"postgresql://evo:secret@127.0.0.1:{port}/evo"
    bot = build(Settings.from_env(sandbox_settings(empty_office.slack, empty_office.evo, url) | PAGES))
    for _ in range(2):  # the start tries again, and the pages stay
        with pytest.raises(Away):
            bot.open()
    pages = bot.monitoring.port or 0

    assert read(pages, "/livez")[0] == 200
    status, ready = read(pages, "/readyz")
    assert status == 503
    assert "EvoSlack is still starting." in json.loads(ready)["reasons"]
    assert "The ledger cannot be written: it is not open yet." in json.loads(ready)["reasons"]
    assert read(pages, "/metrics")[0] == 200
    bot.stop()


def test_a_port_that_is_taken_stops_the_start_with_a_sentence(empty_office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            CannotStart, match=f"Cannot listen on 127.0.0.1:{port} for the health pages: Addr"
        ):
            empty_office.open(HEALTH_PORT=str(port))
    empty_office.bots.clear()
