"""What `deploy/` promises: no more rights than needed, time to finish calls, secrets in files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

import evoslack

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
STOP_TIMEOUT_S = 90  # docs/operations.md, "Stopping and updating"
COMPOSE = ("compose.yaml", "compose.postgres.yaml")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    pairs = [line.split(maxsplit=1) for line in lines.splitlines() if line.strip()]
    return [(name, rest.strip()) for name, rest in pairs]


def final_stage() -> dict[str, str]:
    """The instructions after the last FROM; the last one of each name."""
    all_of_them = instructions()
    last = max(number for number, (name, _) in enumerate(all_of_them) if name == "FROM")
    return dict(all_of_them[last:])


def test_what_the_image_copies_is_there_and_reaches_the_builder() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }

    assert copied == let_in
    assert {name for name in copied if not (ROOT / name).exists()} == set()


def test_the_image_runs_as_nobody_in_particular_and_stops_in_order() -> None:
    stage = final_stage()

    assert [name for name, _ in instructions()].count("FROM") == 2
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", stage["USER"])
    assert json.loads(stage["ENTRYPOINT"]) == ["evoslack"]  # exec form: the bot itself gets the signal
    assert stage["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(stage["VOLUME"]) == [stage["WORKDIR"]] == ["/data"]


def test_the_image_installs_only_what_has_a_hash() -> None:
    commands = [part for name, rest in instructions() if name == "RUN" for part in rest.split("&&")]
    installs = [command for command in commands if re.search(r"\bpip\b.* install ", command)]

    assert len(installs) == 3
    assert all("--require-hashes" in command or "--no-index" in command for command in installs)


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on this machine that answers /livez with this status and all else with 404; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_the_bot_and_no_proxy(status: int, code: int) -> None:
    check = json.loads(final_stage()["HEALTHCHECK"].partition(" CMD ")[2])
    nowhere = "http://127.0.0.1:9"  # a proxy in the environment must not be asked about this machine
    with answering(status) as port:
        env = {"HEALTH_PORT": str(port), "http_proxy": nowhere, "HTTP_PROXY": nowhere}
        done = subprocess.run([sys.executable, *check[1:]], check=False, env=env, capture_output=True)

    assert check[0] == "python"
    assert done.returncode == code


def services(name: str) -> dict[str, dict[str, Any]]:
    """The services of a compose file."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))["services"]
    return found


def bots(name: str) -> list[dict[str, Any]]:
    """The services that are bots."""
    return [service for service in services(name).values() if service["image"].startswith("evoslack:")]


@pytest.mark.parametrize(("name", "count"), [("compose.yaml", 1), ("compose.postgres.yaml", 2)])
def test_a_container_has_no_rights_and_time_to_stop(name: str, count: int) -> None:
    assert len(bots(name)) == count
    for bot in bots(name):
        assert bot["read_only"] is True
        assert bot["cap_drop"] == ["ALL"]
        assert "cap_add" not in bot
        assert bot["security_opt"] == ["no-new-privileges:true"]
        assert bot["stop_grace_period"] == f"{STOP_TIMEOUT_S}s"
        assert bot["image"] == f"evoslack:{evoslack.__version__}"
        assert (DEPLOY / bot["build"]["context"] / bot["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("name", COMPOSE)
def test_volumes_and_secrets_that_are_used_are_declared(name: str) -> None:
    whole = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    mounted = {
        each.partition(":")[0] for service in services(name).values() for each in service.get("volumes", [])
    }
    read = {each for service in services(name).values() for each in service.get("secrets", [])}

    assert mounted == set(whole["volumes"])
    assert read == set(whole.get("secrets", {}))


def test_no_secret_is_in_a_compose_file() -> None:
    for service in services("compose.postgres.yaml").values():
        by_file = {
            setting: Path(value)
            for setting, value in service["environment"].items()
            if re.search("PASSWORD|TOKEN|URL", setting)
        }

        assert by_file
        assert all(setting.endswith("_FILE") for setting in by_file)
        assert {path.name for path in by_file.values()} == set(service["secrets"])


def unit() -> dict[str, list[str]]:
    """The [Service] section: every value of every name."""
    text = (DEPLOY / "evoslack.service").read_text(encoding="utf-8")
    section = text.partition("[Service]")[2].partition("[Install]")[0]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", section, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_service_is_told_when_it_is_ready_and_has_time_to_stop() -> None:
    service = unit()

    assert service["Type"] == ["notify"]
    assert service["NotifyAccess"] == ["main"]
    assert service["TimeoutStopSec"] == [str(STOP_TIMEOUT_S)]
    assert int(service["WatchdogSec"][0]) >= 60
    assert service["RestartPreventExitStatus"] == ["2"]  # bad settings: only a person can change them
    assert "ExecReload" not in service  # nothing is read again while the bot runs


def test_the_service_keeps_its_database_for_itself() -> None:
    service = unit()

    assert service["StateDirectory"] == ["evoslack"]
    assert service["StateDirectoryMode"] == ["0700"]
    assert service["WorkingDirectory"] == ["%S/evoslack"]
    assert service["UMask"] == ["0077"]


def test_every_credential_of_the_service_is_read_by_a_setting() -> None:
    text = (DEPLOY / "evoslack.service").read_text(encoding="utf-8")
    given = re.findall(r"^#?LoadCredential=(\w+):/etc/evoslack/(\w+)$", text, re.MULTILINE)
    read = re.findall(r"^#?Environment=(\w+)_FILE=%d/(\w+)$", text, re.MULTILINE)

    assert [name for name, _ in given] == [name for _, name in given] == [name for _, name in read]
    assert [setting.lower() for setting, _ in read] == [name for _, name in read]


def test_every_line_of_hardening_says_why() -> None:
    text = (DEPLOY / "evoslack.service").read_text(encoding="utf-8")
    hardening = text.partition("# Hardening:")[2].partition("[Install]")[0].strip()
    lines = hardening.splitlines()[1:]
    silent = [
        line
        for before, line in pairwise(lines)
        if not line.startswith("#")
        and not before.startswith("#")
        and before.partition("=")[0] != line.partition("=")[0]
    ]

    assert len(lines) > 40
    assert silent == []
