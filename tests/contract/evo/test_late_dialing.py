"""A machine that was paused sends nothing: the time is asked again right before the first byte leaves.

Over real HTTP, through a wire that can let an hour pass in the middle of things. The monotonic clock of a
suspended machine stands still while the wall clock goes on; a wall clock that is put back hides a pause.
"""

from __future__ import annotations

import re
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.outcomes import Outcome, Reason
from evoslack.calling.switchboard import LATEST_DIALING, Switchboard
from evoslack.evo.client import EvoClient
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD

OUTGOING, LOGIN = "POST /sessions/outgoing", "POST /auth/credentials"
HOUR = timedelta(hours=1)
TICK = timedelta(milliseconds=1)


class Wire(socketserver.ThreadingTCPServer):
    """A wire to Evo Voice that tells of each request before it passes it on."""

    daemon_threads = True

    def __init__(self, evo: EvoVoice) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.upstream = ("127.0.0.1", int(evo.url.rpartition(":")[2]))
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[str] = []
        self.happens: Callable[[str], object] = lambda _request: None
        self.silent = threading.Semaphore(0)  # connections that came and went without a byte

    def __enter__(self) -> Wire:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Passing(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire: Any = self.server
        said = False
        with suppress(OSError), socket.create_connection(wire.upstream) as upstream:
            while True:
                ready, _, _ = select.select([self.request, upstream], [], [])
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        if not said:
                            wire.silent.release()
                        return
                    if source is upstream:
                        self.request.sendall(data)
                        continue
                    said = True
                    if found := re.match(rb"(\w+ \S+) HTTP/1.1\r\n", data):
                        wire.requests.append(found[1].decode())
                        wire.happens(wire.requests[-1])
                    upstream.sendall(data)


class House:
    """A switchboard at a real wire, with two clocks that stand still until they are put forward or back."""

    def __init__(self, wire: Wire, store: Store) -> None:
        self.wire = wire
        self.clocks = dict.fromkeys(("steady", "wall"), datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
        self.ledger = CallLedger(store)
        self.client = EvoClient(wire.url, "bot@acme.test", PASSWORD)
        self.phone: Any = self.client

    def pass_time(self, clock: str, span: timedelta = HOUR) -> None:
        self.clocks[clock] += span

    def call(self) -> Call:
        board = Switchboard(
            self.ledger,
            self.phone,
            lambda _account_id: None,
            max_wait=timedelta(minutes=2),
            now=lambda: self.clocks["steady"],
            wall=lambda: self.clocks["wall"],
            on_change=lambda: None,
            before_dialing=lambda _call: None,
        )
        number, caller_id = "+12025550143", "+12025550100"
        call = self.ledger.accept(
            CallRequest("k", "T1", "U1", "acc1", "flow1", "Reminder", number, caller_id),
            at=self.clocks["steady"],
        )
        while board.dial_next():
            pass
        found = self.ledger.get(call.id)
        assert found is not None
        return found


class _InTheLastMoment:
    """Dials over the real client; `happens` when everything is connected, right before the first byte."""

    def __init__(self, client: EvoClient, happens: Callable[[], object]) -> None:
        self._client = client
        self._happens = happens

    def dial(self, request: CallRequest, may_leave: Callable[[], bool]) -> Outcome:
        def asked() -> bool:
            self._happens()
            return may_leave()

        return self._client.dial(request, asked)


@pytest.fixture
def wire(evo: EvoVoice) -> Iterator[Wire]:
    with Wire(evo) as wire:
        yield wire


@pytest.fixture
def house(wire: Wire, sqlite_url: str) -> Iterator[House]:
    store = Store(sqlite_url)
    store.open()
    yield House(wire, store)
    store.close()


def how(call: Call) -> tuple[State, Reason | None]:
    return call.state, call.reason


HELD_UP = (State.NOT_SENT, Reason.HELD_UP)
CLOCKS = pytest.mark.parametrize("clock", ["steady", "wall"])


@CLOCKS
def test_an_hour_that_passes_while_logging_in_leaves_the_phone_alone(
    evo: EvoVoice, house: House, clock: str
) -> None:
    house.wire.happens = lambda request: request == LOGIN and house.pass_time(clock)

    assert how(house.call()) == HELD_UP
    assert (house.wire.requests, len(evo.world.rings)) == ([LOGIN], 0)


@CLOCKS
def test_an_hour_that_passes_while_connecting_leaves_the_phone_alone(
    evo: EvoVoice, house: House, clock: str
) -> None:
    """The connection is made and stays empty: no byte of the request went out."""
    house.phone = _InTheLastMoment(house.client, lambda: house.pass_time(clock))

    assert how(house.call()) == HELD_UP
    assert house.wire.silent.acquire(timeout=5)
    assert (house.wire.requests, len(evo.world.rings)) == ([LOGIN], 0)


@CLOCKS
def test_an_hour_that_passes_while_logging_in_again_leaves_the_phone_alone(
    evo: EvoVoice, house: House, clock: str
) -> None:
    """The first request got a 401, so nothing was dialed by it; the second one must ask anew."""
    house.client.whoami(budget_s=5)
    evo.expire_logins()
    house.wire.requests.clear()
    house.wire.happens = lambda request: request == LOGIN and house.pass_time(clock)

    assert how(house.call()) == HELD_UP
    assert (house.wire.requests, len(evo.world.rings)) == ([OUTGOING, LOGIN], 0)


@pytest.mark.parametrize(
    ("steady", "wall", "state"),
    [
        (LATEST_DIALING, LATEST_DIALING, State.PLACED),
        (LATEST_DIALING + TICK, timedelta(0), State.NOT_SENT),
        (timedelta(0), LATEST_DIALING + TICK, State.NOT_SENT),
        (LATEST_DIALING + TICK, -HOUR, State.NOT_SENT),  # the wall clock was put back meanwhile
        (timedelta(0), -HOUR, State.PLACED),  # only that: no time has passed
    ],
)
def test_the_clock_that_saw_more_time_pass_decides(
    evo: EvoVoice, house: House, steady: timedelta, wall: timedelta, state: State
) -> None:
    def passes() -> None:
        house.pass_time("steady", steady)
        house.pass_time("wall", wall)

    house.phone = _InTheLastMoment(house.client, passes)

    assert house.call().state is state
    assert len(evo.world.rings) == (state is State.PLACED)


def test_a_call_that_was_held_up_is_never_sent_later(evo: EvoVoice, house: House) -> None:
    house.phone = _InTheLastMoment(house.client, lambda: house.pass_time("wall"))
    call = house.call()

    house.phone = house.client
    assert house.call() == call, "the same press again"
    assert len(evo.world.rings) == 0
