"""`make bench-following`: what tracking calls costs, and how soon people see a change.

Three measurements with the real bot between the stand-ins: requests a minute at Evo Voice by how many calls
are open; the time from a change at the phone system to the card; and how long two hundred calls take to
show their last state, with a Slack that is as strict as the real one.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evoslack.calling.calls import CallRequest
from evoslack.calling.outcomes import Placed
from sandbox.evo.calls import OutgoingCall, Script
from tests.scenario.office import Office

WINDOW_S = 30.0
SESSIONS = Script(ring_s=7200, session="at_once")
POLLS = ("/calls/active", "/sessions")
CHANGES, STRICT_CALLS, PATIENCE_S = 30, 200, 1200
_clock = threading.Event()  # to wait for time to pass


def main() -> int:
    """Measure and print; fails if a call's last state is not shown in the end."""
    print("requests a minute at Evo Voice, while every call rings")
    for count in (0, 1, 10, 100, 1000):
        print(f"  {count:>5} calls: {requests_a_minute(count):6.1f}", flush=True)
    print("seconds from a change at the phone system to the card")
    for count in (1, 100):
        spans = sorted(times_to_the_card(count))
        p50, p95 = spans[len(spans) // 2], spans[int(len(spans) * 0.95)]
        print(f"  {count:>5} calls: p50 {p50:.1f}  p95 {p95:.1f}  max {spans[-1]:.1f}", flush=True)
    return at_once()


def an_office(folder: str, **settings: str) -> Office:
    """A bot that tracks calls, with default settings."""
    office = Office(Path(folder))
    office.evo.world.default_script = SESSIONS
    office.open(**settings)
    return office


def place(office: Office, count: int) -> list[OutgoingCall]:
    """That many calls that ring, straight into the ledger and the phone system, with their cards told."""
    flow = office.bot.catalog.offer().flows[0]
    for n in range(count):
        number = f"+1202{5550000 + n}"
        request = CallRequest(f"key{n}", "T0", "U_SARA", "acc1", flow.id, flow.name, number, "+12025550100")
        at = datetime.now(UTC)
        call = office.bot.calls.accept(request, at=at)
        office.bot.calls.begin(at=at, accepted_after=at - timedelta(minutes=1))
        office.evo.world.place(flow.id, number, "+12025550100", "bot@acme.test")
        office.bot.calls.finish(call.id, Placed(), at=datetime.now(UTC), known_ids=())
    return office.evo.world.calls[-count:] if count else []


def requests_a_minute(count: int) -> float:
    """With that many calls going on."""
    with tempfile.TemporaryDirectory() as folder:
        office = an_office(folder)
        try:
            place(office, count)
            _clock.wait(8)  # every card posted, every call bound
            seen = len(office.evo.requests)
            _clock.wait(WINDOW_S)
            polls = [request for request in list(office.evo.requests)[seen:] if request.path in POLLS]
            return len(polls) * 60 / WINDOW_S
        finally:
            office.close()


def times_to_the_card(count: int) -> list[float]:
    """Answer one call after the other; when does its card say so?"""
    with tempfile.TemporaryDirectory() as folder:
        office = an_office(folder)
        try:
            calls = place(office, count)
            office.slack.wait_for(
                lambda: sum("ringing" in card["text"] for card in office.cards()) == count, 60
            )
            spans = []
            for n in range(CHANGES):
                call = calls[n % count]
                _clock.wait(random.uniform(0, 3))
                is_talking = call.script.ring_s < 7000
                shown = call.number[-4:]
                began = time.monotonic()
                age = office.evo.world.age(call)
                if is_talking:
                    office.evo.world.hang_up(call)
                    wanted = "completed"
                else:
                    call.script = replace(call.script, ring_s=age, talk_s=7200)
                    wanted = "on the call"
                office.slack.wait_for(
                    lambda shown=shown, wanted=wanted: any(
                        shown in card["text"] and wanted in card["text"] for card in office.cards()
                    ),
                    30,
                )
                spans.append(time.monotonic() - began)
                if is_talking and count == 1:
                    calls = place_another(office, n)
            return spans
        finally:
            office.close()


def place_another(office: Office, n: int) -> list[OutgoingCall]:
    """The next call, when the only one is over."""
    number = f"814 404 {3000 + n}"
    office.call(number=number)
    shown = f"404-{3000 + n}"
    office.slack.wait_for(
        lambda: any(shown in card["text"] and "ringing" in card["text"] for card in office.cards()), 30
    )
    return office.evo.world.calls[-1:]


def at_once() -> int:
    """Two hundred calls ring, are answered and end within a minute, and Slack is strict."""
    with tempfile.TemporaryDirectory() as folder:
        office = an_office(folder)
        office.slack.limits.posts_per_s, office.slack.limits.updates_per_min = 1, 50
        try:
            calls = place(office, STRICT_CALLS)
            began = time.monotonic()
            for call in calls:
                ring_s, talk_s = random.uniform(2, 20), random.uniform(5, 30)
                call.script = replace(call.script, ring_s=ring_s, talk_s=talk_s, answer=random.random() < 0.7)
            over = time.monotonic() + 60

            def right() -> int:
                return sum(card["text"].startswith(("☑️", "⏹️", "🚫", "🔕")) for card in office.cards())

            while right() < STRICT_CALLS and time.monotonic() - began < PATIENCE_S:
                _clock.wait(1)
            took, late = time.monotonic() - began, time.monotonic() - over
            cards = len(office.cards())
            limited = office.slack.limits.rejections
            written = {"chat.postMessage", "chat.update"}
            writes = sum(call.method in written for call in office.slack.api_calls()) - limited
            print(
                f"{STRICT_CALLS} calls at once, one post a second and fifty updates a minute:\n"
                f"  every card right after {took:.0f} s ({max(late, 0):.0f} s after the last call ended), "
                f"{cards} cards, {right()} right, {writes} writes, {limited} rate limited (429), "
                f"{len(office.told())} private messages"
            )
            return int(right() != STRICT_CALLS or cards != STRICT_CALLS)
        finally:
            office.close()


if __name__ == "__main__":
    sys.exit(main())
