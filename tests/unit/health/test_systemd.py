"""What systemd hears, over a real socket of each kind."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from evoslack.health.systemd import Systemd


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The address as `NOTIFY_SOCKET` has it, and systemd's end."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@evoslack-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        sock.settimeout(5)
        yield name, sock


def test_the_life_of_a_service(heard: tuple[str, socket.socket]) -> None:
    address, sock = heard
    systemd = Systemd.from_env({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"})
    assert systemd is not None
    assert systemd.watchdog_s == 30

    systemd.ready("EvoSlack is ready:\nSocket Mode")
    systemd.alive()
    systemd.status("x" * 500)
    systemd.stopping("Stopping")

    assert [sock.recv(4096).decode() for _ in range(4)] == [
        "READY=1\nSTATUS=EvoSlack is ready: Socket Mode",
        "WATCHDOG=1",
        "STATUS=" + "x" * 200,
        "STOPPING=1\nSTATUS=Stopping",
    ]


@pytest.mark.parametrize("address", ["", "vsock:2:1", "relative"])
def test_without_a_socket_of_systemd_nothing_is_said(address: str) -> None:
    assert Systemd.from_env({"NOTIFY_SOCKET": address}) is None
    assert Systemd.from_env({}) is None


@pytest.mark.parametrize(
    ("usec", "pid", "wanted_s"),
    [("2000000", "mine", 2.0), ("2000000", "1", None), ("0", "", None), ("soon", "", None)],
)
def test_the_watchdog_is_asked_for_by_number_and_for_this_process(
    usec: str, pid: str, wanted_s: float | None
) -> None:
    env = {
        "NOTIFY_SOCKET": "/run/x",
        "WATCHDOG_USEC": usec,
        "WATCHDOG_PID": pid.replace("mine", str(os.getpid())),
    }
    systemd = Systemd.from_env(env)
    assert systemd is not None
    assert systemd.watchdog_s == wanted_s


def test_a_socket_that_is_gone_stops_nothing_and_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    systemd = Systemd(str(tmp_path / "gone"))
    systemd.alive()
    systemd.alive()
    assert len(caplog.records) == 1
