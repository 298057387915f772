"""What the standard variables for proxies and certificates come to, and how trouble on the way is worded."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from pathlib import Path

import pytest

from evoslack.runtime import network

PROXY = "http://proxy.acme.test:3128"


@pytest.mark.parametrize(
    ("url", "env", "proxy"),
    [
        ("https://slack.com/api/", {}, None),
        ("https://slack.com/api/", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://slack.com/api/", {"https_proxy": PROXY}, PROXY),
        ("https://slack.com/api/", {"ALL_PROXY": PROXY}, PROXY),
        ("https://slack.com/api/", {"HTTPS_PROXY": "proxy.acme.test:3128"}, PROXY),
        ("https://slack.com/api/", {"HTTP_PROXY": PROXY}, None),
        ("http://slack.com/api/", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://slack.com/api/", {"HTTPS_PROXY": PROXY}, None),
        ("wss://wss.slack.com/", {"HTTPS_PROXY": PROXY}, PROXY),
        ("ws://127.0.0.1:1/", {"HTTPS_PROXY": PROXY}, None),
        # This machine, always: plain http, which is allowed there only, carries the password of Evo Voice.
        ("http://127.0.0.1:8080/", {"HTTP_PROXY": PROXY}, None),
        ("http://localhost:8080/", {"HTTP_PROXY": PROXY}, None),
        ("http://[::1]:8080/", {"ALL_PROXY": PROXY}, None),
        ("https://slack.com/api/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.com"}, None),
        ("https://slack.com/api/", {"HTTPS_PROXY": PROXY, "no_proxy": "*"}, None),
        ("https://files.slack.com/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.test, .slack.com"}, None),
        ("wss://wss.slack.com/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.com"}, None),
        ("https://notslack.com/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "slack.com"}, PROXY),
        ("https://evo.test:8443/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "evo.test:8443"}, None),
        ("https://evo.test/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "evo.test:8443"}, PROXY),
        ("https://10.1.2.3/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://11.1.2.3/", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8,localhost"}, PROXY),
    ],
)
def test_the_proxy_for_an_address(
    monkeypatch: pytest.MonkeyPatch, url: str, env: dict[str, str], proxy: str | None
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    assert network.proxy_for(url) == proxy


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HTTPS_PROXY", "socks5://me:secret@proxy:1080", "begins with socks5://"),
        ("https_proxy", "https://me:secret@proxy:1080", "begins with https://"),
        ("HTTP_PROXY", "http://me:secret@proxy:many", "has a host or port that"),
        ("ALL_PROXY", "http://", "has a host or port that"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "cannot be read (No such file"),
        ("SSL_CERT_DIR", "/nowhere", "is not a folder"),
    ],
)
def test_what_cannot_be_used_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)

    (problem,) = network.problems()

    assert problem.startswith(f"{name.upper()} {words}")
    assert "secret" not in problem


def test_a_file_without_certificates_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ca.der").write_bytes(b"\x30\x82")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.der"))

    assert network.problems() == [
        "SSL_CERT_FILE holds no certificate that can be read; it must be in PEM form."
    ]


def test_what_can_be_used_is_no_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy:3128")
    monkeypatch.setenv("HTTP_PROXY", "")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    assert network.problems() == []


def test_variables_in_the_settings_file_count_unless_the_process_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "slack.com")
    for name in ("HTTPS_PROXY", "PORT"):  # so that they are taken away again
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    network.adopt({"HTTPS_PROXY": PROXY, "NO_PROXY": "evovoice.io", "PORT": "1"})

    assert (os.environ["HTTPS_PROXY"], os.environ["NO_PROXY"]) == (PROXY, "slack.com")
    assert "PORT" not in os.environ


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such host: evovoice.io"),
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure"),
            "the name evovoice.io cannot be looked up right now",
        ),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "Connection reset by peer"),
        (TimeoutError("timed out"), "timed out"),
        (
            ssl.SSLError(1, "WRONG_VERSION_NUMBER"),
            "TLS with evovoice.io failed (WRONG_VERSION_NUMBER)",
        ),
        (
            Exception("Failed to connect to the proxy (proxy: http://me:secret@p, connect status code: 403)"),
            "the proxy evovoice.io does not connect us: status 403",
        ),
        (ValueError("a bug"), None),
    ],
)
def test_the_innermost_error_is_worded(error: Exception, words: str | None) -> None:
    outer = OSError(RuntimeError("library"))
    outer.__cause__ = KeyError()
    outer.__cause__.__context__ = error

    assert network.problem_words(outer, "https://evovoice.io/users") == words


def test_a_proxy_that_is_down_is_not_blamed_on_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)

    words = network.problem_words(ConnectionRefusedError(111, "Connection refused"), "https://evovoice.io")

    assert words == "the proxy proxy.acme.test cannot be reached: Connection refused"


def test_a_name_that_is_not_found_may_be_the_proxys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)

    words = network.problem_words(socket.gaierror(socket.EAI_NONAME, ""), "https://evovoice.io")

    assert words == "no such host: proxy.acme.test"
