"""What EvoSlack's side of the line promises, over real HTTP against the stand-in Evo Voice.

One press is one request on the wire, whatever the wire does; and what comes back is never read as more
than it proves.
"""

from __future__ import annotations

import json
import re
import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evoslack.calling.calls import CallRequest
from evoslack.calling.offer import CallerId, Flow
from evoslack.calling.outcomes import PROOF, InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.calling.permission import Permission
from evoslack.calling.refusals import CannotCheck, Denial, Lack, NotAllowed, NothingToOffer, Source
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import EvoClient
from evoslack.evo.directory import Directory
from evoslack.evo.errors import EvoUnavailable, Forbidden, LoginFailed
from sandbox.evo.faults import ANSWERS, BEHAVIORS
from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD

BOT = "bot@acme.test"
CALL = CallRequest("key", "T1", "U_SARA", "acc1", "flow1", "Survey", "+12025550143", "+12025550100")
OUTGOING, LOGIN = "/sessions/outgoing", "/auth/credentials"
PLENTY_S = 10.0  # for what should take no time at all
DEADLINE_S = 0.3  # for those that will certainly use it up
SLACK_S = 0.5  # what a busy machine may add to a deadline


def client_of(
    evo: EvoVoice | str, *, login: str = BOT, password: str = PASSWORD, deadline_s: float = PLENTY_S
) -> EvoClient:
    url = evo if isinstance(evo, str) else evo.url
    return EvoClient(url, login, password, dial_deadline_s=deadline_s)


def logged_in(evo: EvoVoice, **more: Any) -> EvoClient:
    client = client_of(evo, **more)
    client.whoami(budget_s=PLENTY_S)
    return client


def logins(evo: EvoVoice) -> int:
    return evo.count("POST", LOGIN)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What happens inside takes no longer than that, give or take a busy machine."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds + SLACK_S


class Relay(socketserver.ThreadingTCPServer):
    """A wire to Evo Voice that knows which requests shared a connection, and can cut answers short."""

    daemon_threads = True

    def __init__(self, evo: EvoVoice) -> None:
        super().__init__(("127.0.0.1", 0), _Forwarding)
        self.upstream = ("127.0.0.1", int(evo.url.rpartition(":")[2]))
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.connections: list[list[str]] = []  # the request lines on each
        self.most_bytes_of_a_call: int | None = None
        self.hangs_up_after: str | None = None  # close when the next such request arrives on a used wire

    def __enter__(self) -> Relay:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Forwarding(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        relay: Any = self.server
        lines: list[str] = []
        relay.connections.append(lines)
        sent = 0
        with suppress(OSError), socket.create_connection(relay.upstream) as upstream:
            while True:
                ready, _, _ = select.select([self.request, upstream], [], [])
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is self.request:
                        if found := re.match(rb"(\w+ \S+) HTTP/1.1\r\n", data):
                            if lines and found[1].decode() == relay.hangs_up_after:
                                return
                            lines.append(found[1].decode())
                        upstream.sendall(data)
                    elif lines[-1] == f"POST {OUTGOING}" and relay.most_bytes_of_a_call is not None:
                        part = data[: relay.most_bytes_of_a_call - sent]
                        sent += len(part)
                        self.request.sendall(part)
                        if sent >= relay.most_bytes_of_a_call:
                            return
                    else:
                        self.request.sendall(data)


@pytest.fixture
def relay(evo: EvoVoice) -> Iterator[Relay]:
    with Relay(evo) as relay:
        yield relay


# --- how dialing ends: every way in which Evo Voice can answer, or not ---------------------------

NO = Rejected(Reason.BAD_REQUEST, "The stand-in does not like this")
FORBIDDEN = Rejected(Reason.NOT_PERMITTED, "You do not have access to this account")
FAILED = InDoubt(Reason.SERVER_ERROR, "500")
GATEWAY = InDoubt(Reason.SERVER_ERROR, "502")

# What the client must make of each kind of answer, whether or not the phone rang behind it.
BY_ANSWER: dict[str, Outcome] = {
    "204": Placed(),
    "206": InDoubt(Reason.ODD_ANSWER, "206"),
    "redirect": InDoubt(Reason.ODD_ANSWER, "302"),
    "400": NO,
    "400_json": NO,
    "400_text": InDoubt(Reason.ODD_ANSWER, "400"),
    "403_text": Rejected(Reason.ROLE_MISSING),
    "403_json": FORBIDDEN,
    "404_text": Rejected(Reason.NOT_FOUND),
    "404_json": Rejected(Reason.NOT_FOUND, "The stand-in does not know this"),
    "429": Rejected(Reason.TOO_MANY, "1"),
    "500": FAILED,
    "500_json": FAILED,
    "502": GATEWAY,
    "502_html": GATEWAY,
    "html_200": InDoubt(Reason.IN_BETWEEN, "200"),
    "garbage_200": Placed(),
}
# And of each way of not quite answering, within the deadline.
BY_MANNER: dict[str, Outcome] = {
    "hang": InDoubt(Reason.NO_ANSWER),
    "hang_after_ring": InDoubt(Reason.NO_ANSWER),
    "cut": InDoubt(Reason.CUT_OFF),
    "cut_after_ring": InDoubt(Reason.CUT_OFF),
    "slow": InDoubt(Reason.NO_ANSWER),
    "slow_after_ring": InDoubt(Reason.NO_ANSWER),
    "late_ring": InDoubt(Reason.NO_ANSWER),
    "late_ring_after_ring": InDoubt(Reason.NO_ANSWER),
    "drip": InDoubt(Reason.NO_ANSWER),
    "drip_after_ring": InDoubt(Reason.NO_ANSWER),
    "cut_in_answer": GATEWAY,
    "cut_in_answer_after_ring": Placed(),
    "headers_then_silence": Placed(),  # a 200 is a 200, even if its body never comes
    "headers_then_silence_after_ring": Placed(),
}
ALONE = {"401_empty"}  # has tests of its own below
RINGS_LATE = {"late_ring"}


def test_every_way_in_which_the_stand_in_can_fail_is_in_the_tables() -> None:
    assert set(BY_ANSWER) | ALONE == set(ANSWERS)
    assert {kind.removesuffix("_after_ring") for kind in BY_MANNER} == set(BEHAVIORS)


@pytest.mark.parametrize("kind", sorted(BY_ANSWER))
def test_an_answer_is_never_read_as_more_than_it_proves(evo: EvoVoice, kind: str) -> None:
    client = logged_in(evo)
    evo.fault(OUTGOING, kind)

    outcome = client.dial(CALL)

    assert outcome == BY_ANSWER[kind]
    assert (evo.posts, len(evo.world.rings)) == (1, 0)


@pytest.mark.parametrize("kind", sorted(BY_ANSWER))
def test_a_call_that_went_out_is_never_reported_as_not_dialed(evo: EvoVoice, kind: str) -> None:
    """A 400, 403, 404 or 429 may come from late in the service: it is no proof."""
    client = logged_in(evo)
    evo.fault(OUTGOING, f"{kind}_after_ring")

    outcome = client.dial(CALL)

    assert outcome == BY_ANSWER[kind]
    assert not isinstance(outcome, NotSent)
    assert not (isinstance(outcome, Rejected) and outcome.reason in PROOF)
    assert (evo.posts, len(evo.world.rings)) == (1, 1)


@pytest.mark.parametrize("kind", sorted(BY_MANNER))
def test_silence_and_broken_connections_end_in_doubt_at_the_deadline(evo: EvoVoice, kind: str) -> None:
    client = logged_in(evo, deadline_s=PLENTY_S if kind.startswith("cut") else DEADLINE_S)
    evo.fault(OUTGOING, kind, seconds=0.1 if kind.startswith("drip") else DEADLINE_S + 0.2)

    with within(DEADLINE_S):
        outcome = client.dial(CALL)

    assert outcome == BY_MANNER[kind]
    if kind in RINGS_LATE:
        evo.wait_for(lambda: evo.world.rings)
    assert (evo.posts, len(evo.world.rings)) == (1, 1 if kind in RINGS_LATE or "after" in kind else 0)


def test_a_drip_of_bytes_does_not_make_the_deadline_any_longer(evo: EvoVoice) -> None:
    """Every byte arrives well within any time-out that counts from byte to byte."""
    client = logged_in(evo, deadline_s=1)
    evo.fault(OUTGOING, "drip_after_ring", seconds=0.2)

    with within(1):
        assert client.dial(CALL) == InDoubt(Reason.NO_ANSWER)
    assert (evo.posts, len(evo.world.rings)) == (1, 1)


def test_a_drip_that_is_quick_enough_is_an_answer(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.fault(OUTGOING, "drip_after_ring", seconds=0)

    assert client.dial(CALL) == Placed()
    assert (evo.posts, len(evo.world.rings)) == (1, 1)


@pytest.mark.parametrize("answer", ["204", "200_empty", "200_garbage"])
def test_a_good_answer_needs_no_body(evo: EvoVoice, answer: Any) -> None:
    evo.answer = answer

    assert client_of(evo).dial(CALL) == Placed()
    assert (evo.posts, len(evo.world.rings)) == (1, 1)


def test_ids_are_picked_up_when_the_answer_happens_to_have_them(evo: EvoVoice) -> None:
    evo.answer = "200_session"

    outcome = client_of(evo).dial(CALL)

    (call,) = evo.world.calls
    assert outcome == Placed(session_id=call.session_id, call_sid=call.sid)


def test_what_rings_is_what_was_asked_for(evo: EvoVoice) -> None:
    """The caller ID always goes along: without one Evo Voice would take a random number."""
    client_of(evo).dial(CALL)

    (ring,) = evo.world.rings
    assert (ring.flow_id, ring.number, ring.caller_id) == (CALL.flow_id, CALL.number, CALL.caller_id)
    (post,) = [request for request in evo.requests if request.path == OUTGOING]
    assert json.loads(post.body) == {
        "flowId": CALL.flow_id,
        "numberToDial": CALL.number,
        "callerId": CALL.caller_id,
    }
    assert post.headers["Accept"] == post.headers["Content-Type"] == "application/json"
    assert post.headers["User-Agent"].startswith("EvoSlack/")


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ({"flow_id": "gone"}, Rejected(Reason.NOT_FOUND, "Flow not found")),
        ({"flow_id": "foreign"}, FORBIDDEN),
        (
            {"number": "911"},
            Rejected(Reason.BAD_REQUEST, "The number to dial must be in E.164 format"),
        ),
        (
            {"caller_id": "+12025550198"},
            Rejected(Reason.BAD_REQUEST, "The caller ID is not a phone number of this account"),
        ),
    ],
)
def test_the_services_own_no_comes_back_in_its_words(
    evo: EvoVoice, asked: dict[str, str], outcome: Outcome
) -> None:
    evo.world.add_flow("foreign", "Elsewhere", account_id="acc2")

    assert client_of(evo).dial(replace(CALL, **asked)) == outcome
    assert (evo.posts, len(evo.world.rings)) == (1, 0)


def test_a_bot_without_the_role_is_told_so(evo: EvoVoice) -> None:
    assert client_of(evo, login="agent@acme.test").dial(CALL) == Rejected(Reason.ROLE_MISSING)
    assert (evo.posts, len(evo.world.rings)) == (1, 0)


def test_an_answer_cut_after_any_byte_never_denies_the_ring(evo: EvoVoice, relay: Relay) -> None:
    """The bytes of a good answer, cut after each of them: placed once the status is there, doubt before."""
    client = client_of(relay.url)
    status_line = len(b"HTTP/1.1 204")
    for count in range(1, 40):
        relay.most_bytes_of_a_call = count
        expected: Outcome = InDoubt(Reason.CUT_OFF) if count < status_line else Placed()
        assert client.dial(CALL) == expected, f"cut after {count} bytes"
        assert len(evo.world.rings) == evo.posts == count


# --- 401: proves that nothing was dialed, so one more request is allowed -------------------------


def test_after_a_401_it_logs_in_again_and_the_phone_rings_once(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.fault(OUTGOING, "401_empty")

    assert client.dial(CALL) == Placed()
    assert (evo.posts, len(evo.world.rings), logins(evo)) == (2, 1, 2)


def test_an_expired_login_costs_one_more_request_and_no_call(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.expire_logins()

    assert client.dial(CALL) == Placed()
    assert (evo.posts, len(evo.world.rings), logins(evo)) == (2, 1, 2)


def test_a_401_for_ever_is_a_no_after_two_requests(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.fault(OUTGOING, "401_empty", times=None)

    assert client.dial(CALL) == Rejected(Reason.LOGIN_REJECTED)
    assert (evo.posts, len(evo.world.rings), logins(evo)) == (2, 0, 2)


def test_after_a_401_for_ever_the_next_calls_do_not_log_in_again_at_once(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.fault(OUTGOING, "401_empty", times=None)
    client.dial(CALL)

    assert client.dial(CALL) == Rejected(Reason.LOGIN_REJECTED)
    assert (evo.posts, logins(evo)) == (3, 2)


@pytest.mark.parametrize("kind", ["401_empty", "403_json", "400_json", "500_json", "cut"])
def test_a_401_stays_a_no_when_logging_in_again_does_not_work(evo: EvoVoice, kind: str) -> None:
    client = logged_in(evo)
    evo.expire_logins()
    evo.fault(LOGIN, kind)

    assert client.dial(CALL) == Rejected(Reason.LOGIN_REJECTED)
    assert (evo.posts, len(evo.world.rings)) == (1, 0)


def test_the_second_request_after_a_401_shares_the_deadline(evo: EvoVoice) -> None:
    client = logged_in(evo, deadline_s=1)
    evo.expire_logins()
    evo.fault(LOGIN, "slow", seconds=0.5)
    evo.fault(OUTGOING, "hang_after_ring", times=None)  # the first meets it too, but gets its 401

    with within(1):
        assert client.dial(CALL) == InDoubt(Reason.NO_ANSWER)
    assert (evo.posts, len(evo.world.rings)) == (2, 1)


def test_logging_in_again_while_another_call_is_on_its_way_hurts_neither(evo: EvoVoice) -> None:
    """A call's late 401 must not bring the cookies of the old login back over those of the new one."""
    client = logged_in(evo)
    evo.fault(OUTGOING, "slow", seconds=0.3)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.dial, CALL)
        evo.wait_for(lambda: evo.posts == 1)
        evo.expire_logins()
        client.get("/users", {}, budget_s=PLENTY_S)  # logs in again; then the first call gets its 401
        outcome = first.result(PLENTY_S)

    assert outcome == Placed()
    assert (evo.posts, len(evo.world.rings), logins(evo)) == (2, 1, 2)


# --- logging in before the first call ---------------------------------------------------------------

NOT_LET_IN = NotSent(Reason.LOGIN_FAILED)
NOT_REACHED = NotSent(Reason.UNREACHABLE)

BY_LOGIN_ANSWER: dict[str, Outcome] = {
    "400": NOT_LET_IN,
    "400_json": NOT_LET_IN,
    "400_text": NOT_LET_IN,
    "401_empty": NOT_LET_IN,
    "403_json": NOT_LET_IN,
    "403_text": NOT_LET_IN,
    "206": NOT_REACHED,
    "redirect": NOT_REACHED,
    "404_json": NOT_REACHED,
    "404_text": NOT_REACHED,
    "429": NOT_REACHED,
    "500": NOT_REACHED,
    "500_json": NOT_REACHED,
    "502": NOT_REACHED,
    "502_html": NOT_REACHED,
    "hang": NOT_REACHED,
    "cut": NOT_REACHED,
    "slow": NOT_REACHED,
    "late_ring": NOT_REACHED,
    "drip": NOT_REACHED,
}


@pytest.mark.parametrize("kind", sorted(BY_LOGIN_ANSWER))
def test_without_a_login_no_call_is_sent_and_that_is_said(evo: EvoVoice, kind: str) -> None:
    evo.fault(LOGIN, kind, seconds=0.1 if kind == "drip" else 5)
    deadline_s = DEADLINE_S if kind in {"hang", "slow", "late_ring", "drip"} else PLENTY_S

    with within(DEADLINE_S):
        outcome = client_of(evo, deadline_s=deadline_s).dial(CALL)

    assert outcome == BY_LOGIN_ANSWER[kind]
    assert (evo.posts, logins(evo)) == (0, 1)


def test_after_a_slow_login_no_call_is_sent_in_a_hurry(evo: EvoVoice) -> None:
    """With hardly any time left for an answer it would only make doubt."""
    evo.fault(LOGIN, "slow", seconds=0.8)

    assert client_of(evo, deadline_s=1).dial(CALL) == NOT_REACHED
    assert (evo.posts, logins(evo)) == (0, 1)


@pytest.mark.parametrize("kind", ["html_200", "garbage_200"])
def test_a_login_page_instead_of_a_login_ends_in_a_no(evo: EvoVoice, kind: str) -> None:
    """Something in between answers 200; the calls themselves then get 401."""
    evo.fault(LOGIN, kind, times=None)

    assert client_of(evo).dial(CALL) == Rejected(Reason.LOGIN_REJECTED)
    assert (evo.posts, len(evo.world.rings)) == (2, 0)


def test_a_wrong_password_is_tried_once_and_then_not_for_a_while(evo: EvoVoice) -> None:
    """Trying again and again might lock the account."""
    client = client_of(evo, password="wrong")

    assert [client.dial(CALL) for _ in range(3)] == [NOT_LET_IN] * 3
    with pytest.raises(LoginFailed):
        client.whoami(budget_s=PLENTY_S)
    assert (evo.posts, logins(evo)) == (0, 1)


def test_a_login_that_only_was_not_answered_is_tried_again_with_the_next_call(evo: EvoVoice) -> None:
    client = client_of(evo)
    evo.fault(LOGIN, "502_html")

    assert [client.dial(CALL), client.dial(CALL)] == [NOT_REACHED, Placed()]
    assert (evo.posts, len(evo.world.rings), logins(evo)) == (1, 1, 2)


def test_sixteen_calls_at_once_share_one_login_and_ring_once_each(evo: EvoVoice) -> None:
    client = client_of(evo)
    numbers = [f"+120255501{count:02}" for count in range(16)]
    gate = threading.Barrier(16)

    def press(number: str) -> Outcome:
        gate.wait(PLENTY_S)
        return client.dial(replace(CALL, number=number))

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(press, numbers))

    assert outcomes == [Placed()] * 16
    assert sorted(ring.number for ring in evo.world.rings) == numbers
    assert (evo.posts, logins(evo)) == (16, 1)


# --- connections -------------------------------------------------------------------------------------


def test_without_a_connection_nothing_was_sent(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.stop()

    assert client.dial(CALL) == NOT_REACHED
    evo.start()
    assert client.dial(CALL) == Placed()
    assert (evo.posts, len(evo.world.rings)) == (1, 1)


def test_a_failed_tls_handshake_sent_nothing(evo: EvoVoice) -> None:
    client = client_of(evo.url.replace("http:", "https:"), deadline_s=2)

    assert client.dial(CALL) == NOT_REACHED
    assert evo.requests == []


def test_a_host_that_cannot_be_resolved_was_sent_nothing() -> None:
    assert client_of(f"http://{'x' * 64}.test").dial(CALL) == NOT_REACHED


@contextmanager
def deaf_port(port: int) -> Iterator[None]:
    """A port where connecting never ends: its queue is full and nothing accepts."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield
        for each in waiting:
            each.close()


def test_connecting_without_end_is_given_up_at_the_deadline_and_nothing_was_sent(evo: EvoVoice) -> None:
    client = logged_in(evo, deadline_s=DEADLINE_S)
    evo.stop()

    with deaf_port(int(evo.url.rpartition(":")[2])), within(DEADLINE_S):
        assert client.dial(CALL) == NOT_REACHED
    assert evo.posts == 0


def test_each_call_has_a_connection_of_its_own(evo: EvoVoice, relay: Relay) -> None:
    """A kept connection may have died without a word, which would turn an ordinary call into doubt."""
    client = client_of(relay.url)
    for _ in range(2):
        client.whoami(budget_s=PLENTY_S)
        client.dial(CALL)

    with_a_call = [lines for lines in relay.connections if f"POST {OUTGOING}" in lines]
    assert with_a_call == [[f"POST {OUTGOING}"]] * 2
    assert ["GET /auth/status"] * 2 in relay.connections, "reads share one"


def test_a_read_on_a_connection_that_died_is_asked_again(evo: EvoVoice, relay: Relay) -> None:
    client = client_of(relay.url)
    client.whoami(budget_s=PLENTY_S)
    relay.hangs_up_after = "GET /auth/status"

    assert client.whoami(budget_s=PLENTY_S).email == BOT


@pytest.mark.parametrize("kind", ["redirect", "redirect_after_ring"])
def test_a_redirect_is_not_followed(evo: EvoVoice, kind: str) -> None:
    client = logged_in(evo)
    evo.fault(OUTGOING, kind)

    client.dial(CALL)

    assert evo.posts == 1
    assert not [request for request in evo.requests if request.path == "/elsewhere"]


def test_passwords_of_the_machine_are_not_sent_along(
    evo: EvoVoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.netrc` would put a Basic login on every request, and Basic ends the session (evo-voice-api 3.1)."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {BOT} password {PASSWORD}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    assert client_of(evo).dial(CALL) == Placed()
    assert not [request for request in evo.requests if "Authorization" in request.headers]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("hang_after_ring", InDoubt(Reason.NO_ANSWER)),
        ("drip_after_ring", InDoubt(Reason.NO_ANSWER)),
        ("cut_after_ring", InDoubt(Reason.CUT_OFF)),
    ],
)
def test_behind_a_proxy_of_the_machine_a_ring_is_no_less_in_doubt(
    evo: EvoVoice, monkeypatch: pytest.MonkeyPatch, kind: str, outcome: Outcome
) -> None:
    """Companies send everything through a proxy; the stand-in plays it here."""
    monkeypatch.setenv("http_proxy", evo.url)
    client = client_of("http://evo-voice.test", deadline_s=DEADLINE_S)
    assert client.whoami(budget_s=PLENTY_S).email == BOT
    evo.fault(OUTGOING, kind, seconds=0.05)

    with within(DEADLINE_S):
        assert client.dial(CALL) == outcome
    assert (evo.posts, len(evo.world.rings)) == (1, 1)


def test_a_proxy_that_does_not_give_the_way_was_sent_no_call(
    evo: EvoVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in is no proxy for https: it refuses to connect anybody."""
    monkeypatch.setenv("https_proxy", evo.url)

    assert client_of("https://evo-voice.test").dial(CALL) == NOT_REACHED
    assert evo.posts == 0


# --- reading -------------------------------------------------------------------------------------------


def test_the_bot_knows_who_it_is(evo: EvoVoice) -> None:
    me = client_of(evo).whoami(budget_s=PLENTY_S)

    assert (me.email, me.account_ids, me.account_names) == (BOT, {"acc1"}, {"acc1": "Acme"})
    assert "Manager" in me.roles


@pytest.mark.parametrize("signed_out", ["json", "empty"])
def test_whoami_after_the_login_expired_logs_in_again(evo: EvoVoice, signed_out: Any) -> None:
    """`/auth/status` needs no login, so an expired one shows in the answer and not as a 401."""
    evo.quirks.signed_out_status = signed_out
    client = logged_in(evo)
    evo.expire_logins()

    assert client.whoami(budget_s=PLENTY_S).email == BOT


def test_a_read_after_the_login_expired_logs_in_again(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.expire_logins()

    assert client.get("/users", {}, budget_s=PLENTY_S)["totalCount"] > 0
    assert logins(evo) == 2


def test_a_read_that_always_gets_401_ends_the_attempts_to_log_in(evo: EvoVoice) -> None:
    client = logged_in(evo)
    evo.fault("/users", "401_empty", times=None)
    for _ in range(3):
        with pytest.raises(LoginFailed):
            client.get("/users", {}, budget_s=PLENTY_S)

    assert logins(evo) == 2


@pytest.mark.parametrize("kind", ["403_text", "403_json"])
def test_a_read_that_is_not_permitted_is_told_apart(evo: EvoVoice, kind: str) -> None:
    client = logged_in(evo)
    evo.fault("/users", kind)

    with pytest.raises(Forbidden) as denied:
        client.get("/users", {"emailFilter": "sara@acme.test"}, budget_s=PLENTY_S)
    assert "sara" not in str(denied.value), "Evo Voice repeats the query, which does not belong into a log"


NO_USE_FOR_A_READ = {"206", "redirect", "400", "400_text", "404_text", "429", "500", "502", "html_200"}
NO_USE_FOR_A_READ |= {"garbage_200", "cut_in_answer", "hang", "slow", "drip", "headers_then_silence"}


@pytest.mark.parametrize("kind", sorted(NO_USE_FOR_A_READ))
def test_a_read_ends_within_its_budget_whatever_comes(evo: EvoVoice, kind: str) -> None:
    client = logged_in(evo)
    evo.fault("/users", kind, times=None, seconds=0.05 if kind == "drip" else 5)

    budget_s = DEADLINE_S if kind in {"hang", "slow", "drip", "headers_then_silence"} else PLENTY_S
    with within(DEADLINE_S), pytest.raises(EvoUnavailable):
        client.get("/users", {}, budget_s=budget_s)


def test_an_error_that_looks_like_an_empty_list_is_an_error(evo: EvoVoice) -> None:
    """The answer class of `/calls/active` has no room for an error (evo-voice-api 5.6)."""
    with pytest.raises(EvoUnavailable):
        logged_in(evo).get("/calls/active", {}, budget_s=PLENTY_S)


# --- who may call ----------------------------------------------------------------------------------------


def directory_of(evo: EvoVoice, login: str = BOT) -> Directory:
    return Directory(logged_in(evo, login=login))


def denial(directory: Directory, email: str, account_id: str = "acc1") -> Denial | None:
    try:
        directory.require_caller(email, account_id, budget_s=PLENTY_S)
    except NotAllowed as denied:
        return denied.denial
    return None


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("sara@acme.test", None),
        ("root@acme.test", None),  # a system administrator belongs to no account in particular
        ("SARA@Acme.Test", None),
        ("  sara@acme.test\n", None),
        ("agent@acme.test", Denial.ROLE),
        ("readonly@acme.test", Denial.READ_ONLY),
        ("nobody@acme.test", Denial.NO_LOGIN),
        ("ara@acme.test", Denial.NO_LOGIN),  # the filter finds parts of addresses
        ("sara@acme", Denial.NO_LOGIN),
        ("@", Denial.NO_LOGIN),
        ("", Denial.NO_LOGIN),  # an empty filter finds everybody
        ("   ", Denial.NO_LOGIN),
    ],
)
def test_only_the_whole_address_of_a_manager_may_call(
    evo: EvoVoice, email: str, expected: Denial | None
) -> None:
    assert denial(directory_of(evo), email) == expected


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("sara+calls@acme.test", "sara+calls@acme.test"),
        ("Sara.Lind@acme.test", "sara.lind@acme.test"),
        ("sara.lind+x@acme.test", "SARA.LIND+X@acme.test"),
        (" padded@acme.test ", "padded@acme.test"),
    ],
)
def test_plus_dot_case_and_spaces_in_an_address_get_through(evo: EvoVoice, stored: str, typed: str) -> None:
    evo.world.add_login(stored, PASSWORD)

    assert denial(directory_of(evo), typed) is None
    filters = [request.query.get("emailFilter") for request in evo.requests if request.path == "/users"]
    assert filters[0] == typed, "a bare + in a query would have become a space"


def test_a_plus_is_not_a_pattern_that_matches_another_person(evo: EvoVoice) -> None:
    evo.world.add_login("saraa@acme.test", PASSWORD)

    assert denial(directory_of(evo), "sara+@acme.test") is Denial.NO_LOGIN


@pytest.mark.parametrize(
    ("email", "may_be_misread"),
    [
        ("nobody@acme.test", False),  # there is a point in every address, and it matches itself
        ("no.body_at-home@acme.test", False),
        ("no'body/x=y~z!#%&@acme.test", False),
        ("no+body@acme.test", True),
        ("no*body@acme.test", True),
        ("no{2}body@acme.test", True),
        ("nobody?@acme.test", True),
        ("^nobody$@acme.test", True),
    ],
)
def test_only_an_address_that_a_pattern_would_not_match_is_searched_for_in_the_whole_list(
    evo: EvoVoice, email: str, may_be_misread: bool
) -> None:
    assert denial(directory_of(evo), email) is Denial.NO_LOGIN

    asked = [request.query for request in evo.requests if request.path == "/users"]
    assert [("emailFilter" in query, query.get("accountIds")) for query in asked] == [
        (True, "acc1"),
        (True, None),
        *([(False, "acc1")] if may_be_misread else []),
    ]


def test_a_person_without_a_login_costs_two_small_requests_in_ten_seconds(evo: EvoVoice) -> None:
    """However often they press, and however many logins there are."""
    for count in range(250):
        evo.world.add_login(f"user{count}@acme.test", PASSWORD)
    permission = Permission(_email_of, directory_of(evo).require_caller, user_map={})

    for _ in range(30):
        with pytest.raises(NotAllowed):
            permission.require("nobody", "T1", "acc1")

    assert evo.count("GET", "/users") == 2
    assert all("emailFilter" in request.query for request in evo.requests if request.path == "/users")


def _email_of(user_id: str, _team_id: str, needs_email: bool) -> str:
    """Everyone is a member and has an address."""
    return f"{user_id}@acme.test" if needs_email else ""


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("Manager",), None),
        (("User", "Manager"), None),
        (("SystemAdministrator",), None),
        ((), Denial.ROLE),
        (("User",), Denial.ROLE),
        (("Customer",), Denial.ROLE),
        (("CallCenterDashboard",), Denial.ROLE),
        (("manager",), Denial.ROLE),
        (("Managers",), Denial.ROLE),
        (("NotAManager",), Denial.ROLE),
        (("Account-Manager",), Denial.ROLE),
    ],
)
def test_the_role_must_be_there_in_exactly_these_letters(
    evo: EvoVoice, roles: tuple[str, ...], expected: Denial | None
) -> None:
    evo.world.add_login("new@acme.test", PASSWORD, roles)

    assert denial(directory_of(evo), "new@acme.test") == expected


@pytest.mark.parametrize("email", ["", "  "])
def test_a_login_without_an_address_belongs_to_no_one(evo: EvoVoice, email: str) -> None:
    evo.world.add_login("", PASSWORD)

    assert denial(directory_of(evo), email) is Denial.NO_LOGIN


def test_a_manager_of_another_account_may_not_call_for_this_one(evo: EvoVoice) -> None:
    both = directory_of(evo, login="root@acme.test")

    assert denial(both, "other@other.test") is Denial.ACCOUNT
    assert denial(both, "other@other.test", "acc2") is None
    assert denial(both, "sara@acme.test", "acc2") is Denial.ACCOUNT


def test_a_login_that_our_bot_cannot_see_is_no_login(evo: EvoVoice) -> None:
    assert denial(directory_of(evo), "other@other.test") is Denial.NO_LOGIN


def test_an_administrator_who_may_only_read_may_not_call(evo: EvoVoice) -> None:
    evo.world.logins["root@acme.test"].manager_access = "ReadOnly"

    assert denial(directory_of(evo), "root@acme.test") is Denial.READ_ONLY


@pytest.mark.parametrize("access", ["ReadWrite", "ReadWriteDelete", None])
def test_any_other_access_or_none_named_may_call(evo: EvoVoice, access: str | None) -> None:
    """Older servers do not say."""
    evo.world.logins["sara@acme.test"].manager_access = access

    assert denial(directory_of(evo), "sara@acme.test") is None


def test_two_logins_with_one_address_may_not_call(evo: EvoVoice) -> None:
    evo.world.add_login("Sara@acme.test", PASSWORD)

    assert denial(directory_of(evo), "sara@acme.test") is Denial.SEVERAL_LOGINS


@pytest.mark.parametrize("largest_page", [1, 7, 100])
def test_the_right_login_is_found_behind_pages_of_similar_ones(evo: EvoVoice, largest_page: int) -> None:
    evo.quirks.largest_page = largest_page
    for count in range(13 if largest_page < 100 else 130):
        evo.world.add_login(f"{count}new@acme.test", PASSWORD, ("User",))
    evo.world.add_login("new@acme.test", PASSWORD)

    assert denial(directory_of(evo), "new@acme.test") is None
    assert evo.count("GET", "/users") > 1


def test_a_second_login_on_the_next_page_is_not_overlooked(evo: EvoVoice) -> None:
    evo.quirks.largest_page = 1
    evo.world.add_login("Sara@acme.test", PASSWORD)

    assert denial(directory_of(evo), "sara@acme.test") is Denial.SEVERAL_LOGINS


def test_a_role_that_was_taken_away_is_gone_at_the_next_check(evo: EvoVoice) -> None:
    directory = directory_of(evo)
    assert denial(directory, "sara@acme.test") is None

    evo.world.logins["sara@acme.test"].roles = ("User",)

    assert denial(directory, "sara@acme.test") is Denial.ROLE


@pytest.mark.parametrize("kind", ["500", "502", "429", "403_text", "401_empty", "206", "redirect"])
def test_what_cannot_be_found_out_is_a_no_for_now(evo: EvoVoice, kind: str) -> None:
    directory = directory_of(evo)
    evo.fault("/users", kind, times=None)

    with pytest.raises(CannotCheck) as denied:
        directory.require_caller("sara@acme.test", "acc1", budget_s=PLENTY_S)
    assert denied.value.source is Source.EVO_VOICE


@pytest.mark.parametrize("kind", ["hang", "drip", "slow", "headers_then_silence"])
def test_the_budget_for_a_role_holds_whatever_the_connection_does(evo: EvoVoice, kind: str) -> None:
    directory = directory_of(evo)
    evo.fault("/users", kind, times=None, seconds=0.05 if kind == "drip" else 5)

    with within(DEADLINE_S), pytest.raises(CannotCheck):
        directory.require_caller("sara@acme.test", "acc1", budget_s=DEADLINE_S)


def test_the_budget_for_a_role_covers_all_pages_together(evo: EvoVoice) -> None:
    evo.quirks.largest_page = 1
    directory = directory_of(evo)
    evo.fault("/users", "slow", times=None, seconds=0.2)

    with within(0.5), pytest.raises(CannotCheck):
        directory.require_caller("acme.test", "acc1", budget_s=0.5)
    assert evo.count("GET", "/users") >= 2


def test_with_evo_voice_out_of_reach_or_a_failed_login_no_one_may_call(evo: EvoVoice) -> None:
    denied = Directory(client_of(evo, password="wrong"))
    away = directory_of(evo)
    with pytest.raises(CannotCheck):
        denied.require_caller("sara@acme.test", "acc1", budget_s=PLENTY_S)
    evo.stop()
    with pytest.raises(CannotCheck):
        away.require_caller("sara@acme.test", "acc1", budget_s=PLENTY_S)


# --- what can be offered ------------------------------------------------------------------------------------


def catalog_of(
    evo: EvoVoice,
    *,
    login: str = BOT,
    password: str = PASSWORD,
    account_id: str | None = None,
    flows: tuple[str, ...] = (),
    caller_id: str | None = None,
) -> Catalog:
    client = client_of(evo, login=login, password=password)
    return Catalog(client, account_id=account_id, allowed_flows=flows, default_caller_id=caller_id)


def lack(catalog: Catalog) -> Lack | None:
    try:
        catalog.offer()
    except NothingToOffer as missing:
        return missing.lack
    return None


def test_the_offer_has_the_accounts_flows_by_name_and_its_real_numbers(evo: EvoVoice) -> None:
    """The empty draft, the virtual number, telephones and other accounts are left out."""
    evo.world.add_flow("other-flow", "Another account's", account_id="acc2")
    evo.world.add_number("+12025550150", account_id="acc2")
    catalog = catalog_of(evo, login="root@acme.test", account_id="acc1")

    assert catalog.refresh()
    offer = catalog.offer()
    assert offer.account_id == "acc1"
    assert offer.flows == (
        Flow("flow1", "Appointment reminder"),
        Flow("flow2", "Customer survey"),
        Flow("flow3", "Payment reminder"),
    )
    assert offer.caller_ids == (
        CallerId("+12025550100", "Main office"),
        CallerId("+12025550101", "Support"),
    )
    assert offer.default_caller_id == offer.caller_ids[0]


def test_before_the_first_refresh_there_is_no_offer(evo: EvoVoice) -> None:
    assert lack(catalog_of(evo)) is Lack.NOT_LOADED
    assert evo.requests == []


def test_five_hundred_flows_come_over_pages_each_once(evo: EvoVoice) -> None:
    for count in range(500):
        evo.world.add_flow(f"many{count}", f"Many {count:03}")
    evo.quirks.largest_page = 60
    catalog = catalog_of(evo)

    assert catalog.refresh()
    names = [flow.name for flow in catalog.offer().flows]
    assert len(names) == len(set(names)) == 503
    assert names == sorted(names, key=str.casefold)
    assert evo.count("GET", "/flows") == 9


def test_the_nodes_of_flows_are_never_asked_for(evo: EvoVoice) -> None:
    """They can hold secrets (evo-voice-api 5.12)."""
    assert catalog_of(evo).refresh()
    assert not [request for request in evo.requests if "includenodes" in map(str.lower, request.query)]


@pytest.mark.parametrize("field", ["phoneNumber", "number", "displayName"])
def test_the_number_is_found_in_whichever_field_it_is(evo: EvoVoice, field: Any) -> None:
    evo.quirks.number_field = field
    catalog = catalog_of(evo)

    assert catalog.refresh()
    assert [each.number for each in catalog.offer().caller_ids] == ["+12025550100", "+12025550101"]


def test_only_allowed_flows_are_offered(evo: EvoVoice) -> None:
    catalog = catalog_of(evo, flows=("flow3", "flow2", "flow4", "unknown"))

    assert catalog.refresh()
    assert [flow.id for flow in catalog.offer().flows] == ["flow2", "flow3"]


def test_the_chosen_caller_id_is_preset_if_it_is_owned(evo: EvoVoice) -> None:
    owned, foreign = catalog_of(evo, caller_id="+12025550101"), catalog_of(evo, caller_id="+12025550199")

    assert owned.refresh()
    assert foreign.refresh()
    assert owned.offer().default_caller_id.number == "+12025550101"
    assert foreign.offer().default_caller_id.number == "+12025550100"


def no_flows(evo: EvoVoice) -> None:
    for flow_id in list(evo.world.flows):
        evo.world.remove_flow(flow_id)


def only_empty_flows(evo: EvoVoice) -> None:
    no_flows(evo)
    evo.world.add_flow("flow4", "Empty draft", node_count=0)


def no_numbers(evo: EvoVoice) -> None:
    for number in ("+12025550100", "+12025550101", "+12025550199"):
        evo.world.remove_number(number)


def only_a_virtual_number(evo: EvoVoice) -> None:
    no_numbers(evo)
    evo.world.add_number("+12025550199", is_virtual=True)


def two_accounts(evo: EvoVoice) -> None:
    evo.world.logins[BOT].account_ids = ("acc1", "acc2")


def no_account(evo: EvoVoice) -> None:
    evo.world.logins[BOT].account_ids = ()


LACKING: list[tuple[Callable[[EvoVoice], None], Lack]] = [
    (no_flows, Lack.FLOWS),
    (only_empty_flows, Lack.FLOWS),
    (no_numbers, Lack.CALLER_IDS),
    (only_a_virtual_number, Lack.CALLER_IDS),
    (two_accounts, Lack.ACCOUNT_UNCLEAR),
    (no_account, Lack.ACCOUNT_UNCLEAR),
]


@pytest.mark.parametrize(("change", "expected"), LACKING)
def test_what_is_missing_is_said_at_the_start_and_later_alike(
    evo: EvoVoice, change: Callable[[EvoVoice], None], expected: Lack
) -> None:
    running, starting = catalog_of(evo), catalog_of(evo)
    assert running.refresh()
    change(evo)

    assert not running.refresh()
    assert not starting.refresh()
    assert (lack(running), lack(starting)) == (expected, expected)


def test_an_allow_list_without_any_known_flow_offers_none(evo: EvoVoice) -> None:
    catalog = catalog_of(evo, flows=("unknown",))

    assert not catalog.refresh()
    assert lack(catalog) is Lack.FLOWS


def test_of_several_accounts_the_chosen_one_is_used(evo: EvoVoice) -> None:
    two_accounts(evo)
    evo.world.add_flow("theirs", "Theirs", account_id="acc2")
    evo.world.add_number("+12025550150", account_id="acc2")
    catalog = catalog_of(evo, account_id="acc2")

    assert catalog.refresh()
    offer = catalog.offer()
    assert (offer.account_id, [flow.id for flow in offer.flows]) == ("acc2", ["theirs"])
    assert [each.number for each in offer.caller_ids] == ["+12025550150"]


def test_an_account_that_the_login_does_not_see_is_not_used(evo: EvoVoice) -> None:
    catalog = catalog_of(evo, account_id="acc2")

    assert not catalog.refresh()
    assert lack(catalog) is Lack.ACCOUNT_HIDDEN
    assert evo.count("GET", "/flows") == 0


@pytest.mark.parametrize("path", ["/auth/status", "/flows", "/endpoints"])
@pytest.mark.parametrize("kind", ["500", "502_html", "429", "garbage_200", "403_text", "cut", "drip"])
def test_the_last_good_offer_stays_when_a_refresh_fails(evo: EvoVoice, path: str, kind: str) -> None:
    catalog = catalog_of(evo)
    catalog.refresh()
    before = catalog.offer()
    evo.world.add_flow("new", "Brand new")
    evo.fault(path, kind, times=None, seconds=0.02)

    with within(0.2):
        assert catalog.refresh(budget_s=0.2 if kind == "drip" else PLENTY_S)
    assert catalog.offer() == before

    evo.clear_faults()
    assert catalog.refresh()
    assert catalog.offer().flow("new") is not None


def test_after_the_login_expired_the_offer_is_read_as_ever(evo: EvoVoice) -> None:
    catalog = catalog_of(evo)
    catalog.refresh()
    evo.expire_logins()
    evo.world.add_flow("new", "Brand new")

    assert catalog.refresh()
    assert catalog.offer().flow("new") is not None


def test_without_a_login_there_is_no_offer(evo: EvoVoice) -> None:
    catalog = catalog_of(evo, password="wrong")

    assert not catalog.refresh()
    assert lack(catalog) is Lack.LOGIN


def test_the_offer_is_there_at_once_during_a_refresh(evo: EvoVoice) -> None:
    catalog = catalog_of(evo)
    catalog.refresh()
    hanging = evo.fault("/flows", "hang")
    with ThreadPoolExecutor(1) as pool:
        refresh = pool.submit(catalog.refresh, budget_s=DEADLINE_S)
        evo.wait_for(lambda: hanging.hits)
        with within(0):
            assert catalog.offer().flows
            assert catalog.refresh(budget_s=0.01), "the second thread does not wait for long"
        assert refresh.result(PLENTY_S)
    assert evo.count("GET", "/flows") == 2


def test_a_login_that_stays_rejected_is_one_line(evo: EvoVoice, caplog: pytest.LogCaptureFixture) -> None:
    catalog = catalog_of(evo, login="nobody@acme.test")

    for _ in range(3):  # the second and third ask nobody: more attempts might lock the account
        assert not catalog.refresh()

    lines = [line for line in caplog.messages if line.startswith("reading flows and numbers")]
    assert len(lines) == 1, lines
    assert evo.count("POST", "/auth/credentials") == 1
