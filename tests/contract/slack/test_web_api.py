"""Slack's clients: a request ends when its time is up, and whatever is no answer is one exception."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.refusals import CannotCheck
from evoslack.runtime.deadline import Deadline
from evoslack.slack.people import SlackPeople
from evoslack.slack.web_api import DeadlineWebhookClient, SlackUnanswered
from evoslack.slack.workspace import pause_of, problem_of, web_client
from sandbox.slack.workspace import SlackWorkspace

BUDGET_S = 0.5
SLACK_MORE_S = 0.5  # for a machine that is busy
STALLS = ["hang", "drip", "drip_head"]


@pytest.fixture(scope="module")
def started() -> Iterator[SlackWorkspace]:
    workspace = SlackWorkspace()
    workspace.start()
    yield workspace
    workspace.close()


@pytest.fixture
def slack(started: SlackWorkspace) -> Iterator[SlackWorkspace]:
    yield started
    started.clear_faults()


@pytest.fixture
def client(slack: SlackWorkspace) -> WebClient:
    return impatient(slack.api_url, slack.bot_token)


def impatient(api_url: str, token: str = "xoxb-1") -> WebClient:
    client = web_client(token, api_url)
    client.timeout = BUDGET_S  # type: ignore[assignment]  # the SDK takes fractions as well
    return client


class Peer:
    """A server that sends `first`, and after each of the client's words its next bytes, one at a time."""

    def __init__(self, answer: bytes, *, every_s: float = 0.0, then: str = "close") -> None:
        self._answer, self._every_s, self._then = answer, every_s, then
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.heard: list[bytes] = []
        self.was_cut = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._server.accept()
                with sock:
                    self._answer_one(sock)

    def _answer_one(self, sock: socket.socket) -> None:
        self.heard.append(sock.recv(65536))
        try:
            if not self._every_s:
                sock.sendall(self._answer)
            for byte in self._answer if self._every_s else b"":
                sock.sendall(bytes([byte]))
                if self._over.wait(self._every_s):
                    return
            if self._then == "wait":
                while sock.recv(65536):
                    pass
                self.was_cut.set()
        except OSError:
            self.was_cut.set()

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def make(answer: bytes, *, every_s: float = 0.0, then: str = "close") -> Peer:
        peers.append(Peer(answer, every_s=every_s, then=then))
        return peers[-1]

    yield make
    for each in peers:
        each.close()


def http(body: str, status: str = "200 OK", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body.encode())}"])
    return f"{head}\r\n\r\n{body}".encode()


def unanswered(work: Callable[[], object]) -> str:
    """Why there was no answer, within the budget."""
    began = time.monotonic()
    with pytest.raises(SlackUnanswered) as caught:
        work()
    assert time.monotonic() - began < BUDGET_S + SLACK_MORE_S
    return problem_of(caught.value)


# --- the deadline


@pytest.mark.parametrize("kind", STALLS)
def test_an_answer_that_drips_ends_with_its_time(slack: SlackWorkspace, client: WebClient, kind: str) -> None:
    slack.fault("users.info", kind, seconds=0.05)

    assert unanswered(lambda: client.users_info(user="U_SARA")) == "timed out"


@pytest.mark.parametrize("kind", STALLS)
def test_a_person_cannot_be_checked_while_slack_drips(
    slack: SlackWorkspace, client: WebClient, kind: str
) -> None:
    slack.fault("users.info", kind, seconds=0.05)
    people = SlackPeople(client, team_id=slack.team_id, enterprise_id=None)
    began = time.monotonic()

    with pytest.raises(CannotCheck):
        people.confirmed_email("U_SARA", slack.team_id, needs_email=True)

    assert time.monotonic() - began < BUDGET_S + SLACK_MORE_S


@pytest.mark.parametrize("kind", STALLS)
def test_a_message_to_a_response_url_ends_with_its_deadline(slack: SlackWorkspace, kind: str) -> None:
    url = slack.type_command("U_SARA").sent["response_url"]
    client = DeadlineWebhookClient(url, retry_handlers=[])
    client.timeout = BUDGET_S  # type: ignore[assignment]
    slack.fault("response_url", kind, seconds=0.05)

    assert unanswered(lambda: client.send(text="a")) == "timed out"


def test_an_answer_that_is_quick_enough_may_drip(slack: SlackWorkspace, client: WebClient) -> None:
    client.timeout = 20
    slack.fault("users.info", "drip", seconds=0.0001)

    assert client.users_info(user="U_SARA")["user"]["id"] == "U_SARA"


def test_tls_that_drips_ends_with_its_time(peer: Callable[..., Peer]) -> None:
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(10_000)  # the begin of a long server hello

    stalled = peer(record, every_s=0.05)

    assert unanswered(impatient(f"https://127.0.0.1:{stalled.port}/api/").auth_test) == "timed out"


def test_a_body_without_a_length_is_no_answer_when_it_was_cut(peer: Callable[..., Peer]) -> None:
    """Its end looks like any other; what came so far must not be taken for the whole."""
    endless = peer(b'HTTP/1.1 200 OK\r\n\r\n{"ok": true, "team_id": "T1"}', then="wait")

    assert unanswered(impatient(f"http://127.0.0.1:{endless.port}/api/").auth_test) == "timed out"
    assert endless.was_cut.wait(5), "the connection is not left behind"


def test_an_upload_that_slack_takes_arrives_whole(slack: SlackWorkspace, client: WebClient) -> None:
    channel = client.conversations_open(users="U_SARA")["channel"]["id"]

    client.files_upload_v2(channel=channel, content=b"a,b\n", filename="calls.csv", title="Calls")

    assert [file.content for file in slack.files("U_SARA")] == [b"a,b\n"]


@pytest.mark.parametrize("kind", ["cut", "lose_answer"])
def test_an_upload_that_breaks_is_said_to_be_unanswered(
    slack: SlackWorkspace, client: WebClient, kind: str
) -> None:
    channel = client.conversations_open(users="U_SARA")["channel"]["id"]
    slack.fault("upload", kind)

    with pytest.raises(SlackUnanswered):
        client.files_upload_v2(channel=channel, content=b"a,b\n", filename="calls.csv", title="Calls")


def test_a_deadline_that_comes_later_does_not_hold_up_an_earlier_one(slack: SlackWorkspace) -> None:
    patient, quick = impatient(slack.api_url, slack.bot_token), impatient(slack.api_url, slack.bot_token)
    patient.timeout = 2
    slack.fault("auth.test", "hang", times=2)
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(patient.auth_test)
        slack.wait_for(lambda: slack.api_calls("auth.test"))

        assert unanswered(quick.auth_test) == "timed out"

        assert not later.done()
        assert isinstance(later.exception(timeout=2 + SLACK_MORE_S), SlackUnanswered)


def test_a_connection_that_was_given_back_is_not_shut() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Deadline(0.05) as deadline:
            deadline.watch(ours)
        with Deadline(0.1) as another:  # by the end of it the time of the first one is up
            other, end = socket.socketpair()
            another.watch(other)
            assert end.recv(1) == b""
            other.close()
            end.close()

        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


# --- proxies of the surroundings


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_surroundings_is_used(
    peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    proxy = peer(http('{"ok": true, "team_id": "T1"}'))
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    assert impatient("http://slack.invalid/api/").auth_test()["team_id"] == "T1"
    assert proxy.heard[0].startswith(b"POST http://slack.invalid/api/auth.test ")


def test_a_proxy_that_drips_its_consent_ends_with_the_time(
    peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = peer(b"HTTP/1.1 200 Connection established\r\nX: " + b"x" * 1000, every_s=0.05)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

    assert unanswered(impatient("https://slack.invalid/api/").auth_test) == "timed out"
    assert proxy.heard[0].startswith(b"CONNECT slack.invalid:443 ")


# --- what is no answer


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '["ok"]', '"ok"', "1", "<html>", '{"ok": tr', "[" * 100_000]
)
@pytest.mark.parametrize("status", ["200 OK", "502 Bad Gateway"])
def test_what_is_no_json_object_is_no_answer(peer: Callable[..., Peer], body: str, status: str) -> None:
    odd = peer(http(body, status))

    problem = unanswered(impatient(f"http://127.0.0.1:{odd.port}/api/").auth_test)

    assert problem == f"status {status[:3]} without a JSON object"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "RemoteDisconnected"),
        (b"\x00\x01\x02\r\n", "BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "IncompleteRead"),
    ],
)
def test_a_broken_answer_is_no_answer(peer: Callable[..., Peer], answer: bytes, problem: str) -> None:
    broken = peer(answer)

    assert unanswered(impatient(f"http://127.0.0.1:{broken.port}/api/").auth_test) == problem


def test_slack_that_cannot_be_reached_is_said_in_plain_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert unanswered(impatient(f"http://127.0.0.1:{port}/api/").auth_test) == "Connection refused"


def test_the_token_does_not_follow_a_redirect(peer: Callable[..., Peer]) -> None:
    elsewhere = peer(http('{"ok": true}'))
    here = peer(http("", "302 Found", f"Location: http://127.0.0.1:{elsewhere.port}/"))

    unanswered(impatient(f"http://127.0.0.1:{here.port}/api/").auth_test)

    assert elsewhere.heard == []


# --- what is an answer


@pytest.mark.parametrize("body", ['{"ok": false, "error": "ratelimited"}', "<html>slow down</html>", ""])
@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        (("Retry-After: 30",), 30.0),
        (("retry-after: 30",), 30.0),
        (("Retry-After: 0",), 1.0),
        (("Retry-After: soon",), 5.0),
        ((), 5.0),
    ],
)
def test_a_429_is_a_limit_whatever_its_body_says(
    peer: Callable[..., Peer], body: str, headers: tuple[str, ...], pause_s: float
) -> None:
    busy = peer(http(body, "429 Too Many Requests", *headers))

    with pytest.raises(SlackApiError) as caught:
        impatient(f"http://127.0.0.1:{busy.port}/api/").auth_test()

    assert (problem_of(caught.value), pause_of(caught.value)) == ("ratelimited", pause_s)


def test_an_error_of_slack_keeps_its_word_whatever_the_status(peer: Callable[..., Peer]) -> None:
    angry = peer(http('{"ok": false, "error": "fatal_error"}', "500 Internal Server Error"))

    with pytest.raises(SlackApiError) as caught:
        impatient(f"http://127.0.0.1:{angry.port}/api/").auth_test()

    assert problem_of(caught.value) == "fatal_error"
    assert pause_of(caught.value) is None


def test_our_own_mistakes_are_not_taken_for_slacks_silence(client: WebClient) -> None:
    with pytest.raises(UnicodeEncodeError):
        client.users_info(user="\ud800")
