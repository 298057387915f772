"""`--check` says whether the port of the health pages can be had, by the same steps as a start."""

from __future__ import annotations

import socket

from evoslack.check.health_pages import findings
from evoslack.health.server import HealthServer


def test_without_a_port_nothing_is_said() -> None:
    assert list(findings("127.0.0.1", None)) == []


def test_a_free_port_is_fine() -> None:
    (found,) = findings("127.0.0.1", 0)

    assert (found.is_ok, found.is_note) == (True, False)


def test_a_port_that_another_program_has_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (found,) = findings("127.0.0.1", port)

    assert not found.is_ok
    assert found.words.startswith(f"Cannot listen on 127.0.0.1:{port}: Address already in use.")
    assert "Check HEALTH_HOST and HEALTH_PORT" in found.words


def test_a_host_that_is_none_of_ours_is_named_by_its_setting() -> None:
    (found,) = findings("no-such-host.invalid", 9464)

    assert not found.is_ok
    assert "HEALTH_HOST is not a name or an address of this machine." in found.words


def test_a_port_that_evoslack_has_is_a_note() -> None:
    def say_nothing(_environ: object, start_response: object) -> list[bytes]:
        start_response("404 Not Found", [])  # type: ignore[operator]
        return [b""]

    server = HealthServer(say_nothing, "127.0.0.1", 0)
    server.start()
    try:
        (found,) = findings("127.0.0.1", server.port)
    finally:
        server.stop()

    assert (found.is_ok, found.is_note) == (True, True)
