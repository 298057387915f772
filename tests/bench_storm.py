"""`make bench-storm`: two thousand presses in ten seconds, a thousand live calls at once, and several bots.

The bots are processes of their own, on SQLite on the disk with full sync and on PostgreSQL; the presses and
both stand-ins come from this process. What this machine loses to the load
itself is in every figure, so the load is printed with them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slack_sdk.signature import SignatureVerifier

from evoslack.calling.calls import UNANSWERED, CallRequest, Progress
from evoslack.calling.outcomes import Placed
from evoslack.calling.tracker import CallTracker
from evoslack.evo.client import EvoClient
from evoslack.evo.session_poller import SessionPoller
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger
from evoslack.slack.rendering import views
from sandbox.bot_process import BotProcess
from sandbox.evo.calls import Script
from sandbox.evo.world import PASSWORD
from tests import bench
from tests.chaos.crowd import bot_settings, events_url
from tests.chaos.storm import ASKED, SLACKS_LATENCY_S
from tests.postgres import postgres
from tests.scenario.office import SARA, Office

PRESSES, WITHIN_S, DIALING_S = 2_000, 10.0, 5.0
LANES = 64  # presses handled side by side, as the receivers do
LIVE = 1_000
ACK_P99_MS, ROUND_S = 250.0, 1.0
FLEETS, FLEET_S = (1, 2, 4), 4.0
RATES = (50, 100, 200, 300, 400)  # presses a second, tried one after the other
SLACK_POSTS_PER_S, SLACK_UPDATES_PER_MIN = 1.0, 50.0  # slack-facts 8


def main() -> int:
    """Run all three and print; fails if an aim was missed."""
    missed = [*storm(PRESSES, WITHIN_S), *live_calls(LIVE)]
    fleets()
    print("aims: " + ("; ".join(missed) or "met"))
    return 1 if missed else 0


def load() -> str:
    """What else this machine does."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def storm(presses: int, within_s: float) -> list[str]:
    """So many presses, evenly spread, while Evo Voice takes its time; the aims that were missed."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        office.evo.fault("/sessions/outgoing", "slow", times=None, seconds=DIALING_S)
        bot = BotProcess(bot_settings(office, over_http=True), Path(folder))
        store = Store(office.database_url)
        try:
            address, form = ready(office, [bot])
            bodies = [bench.submission(form) for _ in range(presses)]
            for method in ASKED:
                office.slack.fault(method, "slow", times=None, seconds=SLACKS_LATENCY_S)
            answers: list[bool] = []
            before_s = cpu_s(bot)
            spans = spread(bodies, within_s, lambda body: answers.append(post(address[0], body)))
            spent_ms = (cpu_s(bot) - before_s) * 1000 / presses
            time.sleep(2)  # the last answers are written down
            calls = CallLedger(store).newest(2 * presses)
        finally:
            bot.close()
            store.close()
            office.close()
    wrong = abs(sum(answers) - len(calls))
    late = sum(call.state in UNANSWERED for call in calls)  # they expire, and people are told
    p50, p99 = percentiles(spans)
    states = Counter(call.state.value for call in calls)
    print(f"{presses} presses in {within_s:g} s, {DIALING_S:g} s for each call ({load()})")
    print(f"  ack p50 {p50:.1f} ms, p99 {p99:.1f} ms, slowest {max(spans):.1f} ms")
    denied = presses - sum(answers)
    print(f"  denied because it took too long: {denied}, answered too late: {late}, told wrong: {wrong}")
    print(f"  {spent_ms:.1f} ms of the bot's CPU time for each press, with all that came after it")
    print(f"  right after: {dict(states)}", flush=True)
    return [
        *([f"acks took {p99:.0f} ms (p99)"] if p99 > ACK_P99_MS else []),
        *([f"{wrong} were told wrong"] if wrong else []),
    ]


def cpu_s(bot: BotProcess) -> float:
    """Seconds of CPU time that it has used, on Linux; 0 elsewhere."""
    try:
        fields = Path(f"/proc/{bot.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spread(bodies: Sequence[str], within_s: float, act: Callable[[str], object]) -> list[float]:
    """Do it to every body, evenly spread; milliseconds from the moment when each was due."""
    began, moment = time.perf_counter() + 0.2, threading.Event()

    def one(n: int) -> float:
        due = began + within_s * n / len(bodies)
        moment.wait(max(due - time.perf_counter(), 0))
        act(bodies[n])
        return (time.perf_counter() - due) * 1000

    with ThreadPoolExecutor(LANES) as lanes:
        return list(lanes.map(one, range(len(bodies))))


def percentiles(spans: Sequence[float]) -> tuple[float, float]:
    """p50 and p99."""
    ordered = sorted(spans)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.99)]


def live_calls(count: int) -> list[str]:
    """All change at once; how long the tracker's round takes, and how soon Slack can take the cards."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        office.evo.world.default_script = Script(ring_s=7200, session="at_once")
        url = f"sqlite:///{Path(folder) / 'live.db'}"
        try:
            spans = rounds(office, url, count)
        finally:
            office.close()
    cards_s = count / SLACK_POSTS_PER_S
    updates_s = count / SLACK_UPDATES_PER_MIN * 60
    print(f"{count} calls live at once, all changing ({load()})")
    for what, span in spans.items():
        print(f"  the tracker's round when {what}: {span * 1000:.0f} ms")
    print(
        f"  by Slack's limits: {count} new cards take {cards_s:.0f} s in one channel, and bringing them all"
    )
    print(f"  up to date {updates_s:.0f} s; each shows its newest state when its turn comes", flush=True)
    return [f"the round took {span:.1f} s ({what})" for what, span in spans.items() if span > ROUND_S]


def rounds(office: Office, url: str, count: int) -> dict[str, float]:
    """Seconds of one poll, by what changed."""
    clock = [datetime.now(UTC)]

    def now() -> datetime:
        return clock[0]

    store = Store(url)
    store.open()
    evo = EvoClient(office.evo.url, "bot@acme.test", PASSWORD)
    tracker = CallTracker(
        SessionPoller(evo, now).poll, evo.end, TrackedCallLedger(store), now=now, on_change=lambda: None
    )
    place(office, CallLedger(store), count)
    spans = {}
    for what, change in (("they ring", _ring), ("they are answered", _answer), ("they end", _end)):
        for call in office.evo.world.calls:
            change(office, call)
        clock[0] = datetime.now(UTC) + timedelta(seconds=6 * (len(spans) + 1))
        began = time.perf_counter()
        tracker.poll()
        spans[what] = time.perf_counter() - began
    left = [one for one in TrackedCallLedger(store).in_progress() if one.progress is not Progress.ENDED]
    if left:
        print(f"  ({len(left)} were not seen to end: {Counter(one.progress.value for one in left)})")
    store.close()
    return spans


def _ring(_office: Office, _call: Any) -> None:
    """Nothing to do: every call rings."""


def _answer(office: Office, call: Any) -> None:
    call.script = replace(call.script, ring_s=office.evo.world.age(call), talk_s=7200)


def _end(office: Office, call: Any) -> None:
    office.evo.world.hang_up(call)


def place(office: Office, ledger: CallLedger, count: int) -> None:
    """That many calls that ring, straight into the ledger and the phone system."""
    flow = next(iter(office.evo.world.flows.values()))
    for n in range(count):
        number = f"+1202{5550000 + n}"
        request = CallRequest(f"key{n}", "T0", SARA, "acc1", flow["id"], flow["name"], number, "+12025550100")
        at = datetime.now(UTC)
        call = ledger.accept(request, at=at)
        ledger.begin(at=at, accepted_after=at - timedelta(minutes=1))
        office.evo.world.place(flow["id"], number, "+12025550100", "bot@acme.test")
        ledger.finish(call.id, Placed(), at=datetime.now(UTC), known_ids=())


def fleets() -> None:
    """Presses a second that 1, 2 and 4 bots take with a p99 within the aim, behind a round robin.

    As in the storm, Evo Voice takes its time: else this process would mostly play Evo Voice and Slack.
    """
    print(f"bots on one PostgreSQL over HTTP, each rate for {FLEET_S:g} s ({load()})")
    with postgres() as server:
        for size in FLEETS:
            server.clear()
            with tempfile.TemporaryDirectory() as folder:
                office = Office(Path(folder), server.url)
                office.evo.fault("/sessions/outgoing", "slow", times=None, seconds=DIALING_S)
                settings = bot_settings(office, over_http=True)
                bots = [BotProcess(settings, Path(folder)) for _ in range(size)]
                try:
                    show_fleet(office, bots)
                finally:
                    for bot in bots:
                        bot.close()
                    office.close()


def ready(office: Office, bots: Sequence[BotProcess]) -> tuple[list[str], dict[str, Any]]:
    """Start them; their addresses, and a form that is open."""
    addresses = [events_url(bot.start(within_s=60)) for bot in bots]
    office.slack.request_url = addresses
    office.slack.type_command(SARA, "814 404 3093 survey")
    return addresses, office.slack.wait_for_modal(SARA, views.FORM)


def show_fleet(office: Office, bots: Sequence[BotProcess]) -> None:
    """A line for each rate, until one is too much."""
    addresses, form = ready(office, bots)
    for n in range(20 * len(addresses)):
        post(addresses[n % len(addresses)], bench.submission(form))
    for rate in RATES:
        bodies = [bench.submission(form) for _ in range(int(rate * FLEET_S))]
        targets = iter(addresses * len(bodies))
        spans = spread(bodies, FLEET_S, lambda body, targets=targets: post(next(targets), body))
        p50, p99 = percentiles(spans)
        print(f"  {len(bots)} bots, {rate:>4} a second: p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True)
        if p99 > ACK_P99_MS:
            return


def post(address: str, body: str) -> bool:
    """A signed press; whether it became a call."""
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(bench.SECRET).generate_signature(timestamp=timestamp, body=body)
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signature or "",
    }
    request = urllib.request.Request(address, body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bench.is_accepted(answer.read().decode())
    except urllib.error.HTTPError:
        return False


if __name__ == "__main__":
    sys.exit(main())
