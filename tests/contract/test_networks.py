"""Behind a company's proxy, with a company's certificates: all clients of ours go the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evoslack.evo.transport import Transport, TransportError
from evoslack.runtime import network
from evoslack.slack.file_download import FILE_ORIGIN, FileDownload, NotDownloaded
from evoslack.slack.receivers.socket_connection import NoHello, SocketConnection
from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import private_client, web_client
from tests.contract.network_world import CompanyNetwork, make_certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def company(certificates: Path) -> Iterator[CompanyNetwork]:
    network.tls_context.cache_clear()
    with CompanyNetwork(certificates) as company:
        yield company
    network.tls_context.cache_clear()


def ask_slack(address: str) -> None:
    web_client("xoxb-x", f"{address or 'https://slack.com'}/api/").auth_test()


def answer_privately(address: str) -> None:
    private_client(f"{address or 'https://hooks.slack.com'}/actions/1").send(text="x")


def download(address: str) -> None:
    origin = address or FILE_ORIGIN
    FileDownload("xoxb-x", {origin}).content_of({"url_private": f"{origin}/list.csv"})


def open_socket(_address: str) -> None:
    client = web_client("xoxb-x", "https://slack.com/api/")
    connection = SocketConnection("xapp-x", client, lambda *_: None, lambda: None)
    try:
        connection.open()
    finally:
        connection.close()


def ask_evo_voice(address: str) -> None:
    Transport(address or "https://evovoice.io").exchange("GET", "/users", budget_s=5)


Ask = Callable[[str], None]
CLIENTS: dict[str, Ask] = {
    "slack.com": ask_slack,
    "hooks.slack.com": answer_privately,
    "files.slack.com": download,
    "wss-primary.slack.com": open_socket,
    "evovoice.io": ask_evo_voice,
}
OVER_HTTP = [each for each in CLIENTS.values() if each is not open_socket]
every_client = pytest.mark.parametrize(("host", "ask"), CLIENTS.items())


def problem(ask: Ask, address: str = "") -> str:
    with pytest.raises((SlackUnanswered, NotDownloaded, NoHello, TransportError)) as caught:
        ask(address)
    return str(caught.value)


@every_client
def test_everything_goes_through_the_proxy_and_trusts_the_authority(
    company: CompanyNetwork, certificates: Path, monkeypatch: pytest.MonkeyPatch, host: str, ask: Ask
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", company.proxy_url)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))

    ask("")

    assert company.asked[-1] == f"{host}:443"


@every_client
def test_an_authority_that_is_not_known_is_said_in_words(
    company: CompanyNetwork, monkeypatch: pytest.MonkeyPatch, host: str, ask: Ask
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", company.proxy_url)

    words = problem(ask)

    first = "slack.com" if ask is open_socket else host  # a websocket's address is asked for there
    assert words.startswith(f"the certificate of {first} cannot be verified (")
    assert words.endswith("; set SSL_CERT_FILE if a company proxy inspects TLS")


@every_client
def test_a_proxy_that_says_no_is_said_in_words(
    company: CompanyNetwork, monkeypatch: pytest.MonkeyPatch, host: str, ask: Ask
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", company.proxy_url)
    company.consent = "407 Proxy Authentication Required"

    words = problem(ask)

    assert words.startswith("the proxy 127.0.0.1 does not connect us: 407")
    assert "secret" not in words


@pytest.mark.parametrize("ask", OVER_HTTP)
def test_hosts_in_no_proxy_are_asked_directly(
    company: CompanyNetwork, certificates: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", company.proxy_url)
    monkeypatch.setenv("NO_PROXY", "example.com,localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))

    ask(company.server_url)

    assert company.asked == []


@pytest.mark.parametrize("ask", OVER_HTTP)
def test_variables_that_only_one_library_knows_change_nothing(
    company: CompanyNetwork, certificates: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    """requests would trust what REQUESTS_CA_BUNDLE names, for Evo Voice alone."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "ca.pem"))

    assert "cannot be verified" in problem(ask, company.server_url)
