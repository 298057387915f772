"""Two and four bots on one PostgreSQL: copies of a press, ten presses at once, a bot that dies, restarts.

Whatever reaches whichever bot, each form rings once and has one card; and what a killed bot leaves behind is
settled and told by the others. The bots are real ones in processes of their own, behind a round robin (HTTP)
or with websockets side by side (Socket Mode). By hand: `python -m tests.chaos.fleet short`.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evoslack.ledger.store import Store
from sandbox.bot_process import READY, BotProcess
from sandbox.slack.delivery import Delivery
from tests.chaos.crowd import (
    Crowd,
    Evidence,
    FormSubmission,
    at_moments,
    at_once,
    bot_settings,
    by_hand,
    events_url,
    evidence_when_kept,
    percentiles_ms,
    until,
)
from tests.chaos.tally import Scale, Tally
from tests.postgres import Postgres, postgres
from tests.scenario.office import Office

OUTGOING = "/sessions/outgoing"
NOBODY_LISTENS = "http://127.0.0.1:9/slack/events"
TAKE_OVER_S = 90.0
SETTLE_S = 60.0
CALLERS = range(4)  # who call all the time while bots are restarted


@dataclass(frozen=True)
class Size:
    """How large a fleet is, and how it is tried."""

    bots: int
    over_http: bool
    copies: int  # presses that are delivered twice
    load: int  # presses while a bot dies
    restarts: bool

    @property
    def name(self) -> str:
        """In a few words."""
        return f"{self.bots} bots ({'HTTP' if self.over_http else 'Socket Mode'})"


SHORT = (Size(2, over_http=True, copies=10, load=16, restarts=False),)
LONG = tuple(
    Size(bots, over_http=over_http, copies=60, load=48, restarts=not over_http)
    for bots in (2, 4)
    for over_http in (True, False)
)


class Fleet:
    """Several bots on one PostgreSQL, and the people they work for."""

    def __init__(self, size: Size, database: Postgres, folder: Path) -> None:
        self.size = size
        self.office = Office(folder, database.url)
        self.store = Store(database.url)
        self.crowd = Crowd(self.office, max(size.copies, size.load))
        settings = bot_settings(self.office, over_http=size.over_http)
        self.bots = [BotProcess(settings, folder) for _ in range(size.bots)]
        self._addresses: dict[BotProcess, str] = {}

    def start(self) -> None:
        """Start every bot, all at once."""
        for bot in self.bots:
            bot.spawn()
        for bot in self.bots:
            self.let_in(bot)
        if not self.size.over_http:
            self.office.slack.wait_for(lambda: self.office.slack.connections >= self.size.bots, 20)

    def let_in(self, bot: BotProcess) -> None:
        """Give a bot that is starting its share of the payloads."""
        ready = bot.wait_for_line(READY)
        if self.size.over_http:
            self._addresses[bot] = events_url(ready)
        self.open_ways()

    def take_out(self, bot: BotProcess) -> None:
        """The load balancer noticed that this bot is gone."""
        self._addresses.pop(bot, None)
        self.open_ways()

    def open_ways(self) -> None:
        """Payloads go to every bot in turn."""
        self.office.slack.request_url = list(self._addresses.values()) if self.size.over_http else None

    def payload(self, press: FormSubmission) -> Delivery:
        """A press of the button that has not reached any bot yet."""
        self.office.slack.request_url = NOBODY_LISTENS
        missed = self.office.slack.submit(press.who)
        self.open_ways()
        return missed

    def wait_until_kept(self, presses: list[FormSubmission], within_s: float = SETTLE_S) -> Evidence:
        """Wait until everything is settled and told; what there is to see then."""
        return evidence_when_kept(lambda: Evidence(self.office, self.store), presses, within_s)

    def close(self) -> None:
        """Leave nothing running."""
        for bot in self.bots:
            bot.close()
        self.store.close()
        self.office.close()


def run(scale: Scale) -> list[Tally]:
    """Every trial of every fleet."""
    tallies = [second_bot_on_one_file()] if scale == "long" else []
    with postgres() as server:
        for size in SHORT if scale == "short" else LONG:
            trials = [copies, ten_at_once, *([rolling_restart] if size.restarts else []), one_dies]
            with _fleet(size, server) as fleet:
                tallies += [trial(fleet) for trial in trials]
    return tallies


@contextmanager
def _fleet(size: Size, server: Postgres) -> Iterator[Fleet]:
    server.empty()
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(size, server, Path(folder))
        try:
            fleet.start()
            yield fleet
        finally:
            fleet.close()


def copies(fleet: Fleet) -> Tally:
    """Each press reaches two bots at the same moment."""
    tally = Tally(f"{fleet.size.name}: each press delivered twice at once")
    presses = fleet.crowd.open_forms(fleet.size.copies)
    for press in presses:
        payload = fleet.payload(press)
        press.deliveries += at_once(2, lambda payload=payload: fleet.office.slack.redeliver(payload))
    return _counted(fleet, tally, presses)


def ten_at_once(fleet: Fleet) -> Tally:
    """Ten presses of one form, spread over all bots."""
    tally = Tally(f"{fleet.size.name}: ten presses of one form at once")
    presses = fleet.crowd.open_forms(3)
    for press in presses:
        sent = fleet.payload(press).sent
        press.deliveries += at_once(10, lambda sent=sent: fleet.office.slack.send("view_submission", sent))
    return _counted(fleet, tally, presses)


def one_dies(fleet: Fleet) -> Tally:
    """One bot is killed for good while it dials and posts; the others settle and tell what it left."""
    tally = Tally(f"{fleet.size.name}: one is killed for good")
    forms = fleet.crowd.open_forms(fleet.size.load)
    _make_everything_slow(fleet)
    with ThreadPoolExecutor(1) as killer:
        killing = killer.submit(_kill_at_work, fleet, forms)
        moments = [0.1 * n for n in range(len(forms))]
        presses, _late = at_moments(moments, lambda n: fleet.crowd.press(forms[n]))
        killed_at = killing.result()
    evidence = fleet.wait_until_kept(presses, TAKE_OVER_S)
    known_s = time.monotonic() - killed_at
    fleet.office.slack.clear_faults()
    fleet.office.evo.clear_faults()
    its = evidence.begun_by(fleet.bots[0], presses)
    left = [
        line
        for press in its
        for line in fleet.office.told(press.who)
        if "stopped while it was placing" in line
    ]
    tally.figures |= {
        "calls that it had begun": len(its),
        "of which its death left in doubt": len(left),
        "s from the kill until everything is settled and told": round(known_s, 1),
        "presses that saw Slack's own error": sum(not press.acked for press in presses),
    }
    tally.lost += [f"not taken over in {TAKE_OVER_S:g} s: {what}" for what in evidence.troubles(presses)]
    if not left:
        tally.lost.append("the killed bot was not dialing, so nothing was tried")
    return _counted(fleet, tally, presses, all_acked=False)


def _make_everything_slow(fleet: Fleet) -> None:
    """Some calls hang, with and without a ring; the others and the cards take their time."""
    evo, slack = fleet.office.evo, fleet.office.slack
    evo.fault(OUTGOING, "hang_after_ring", times=fleet.size.load // 4)
    evo.fault(OUTGOING, "hang", times=fleet.size.load // 8)
    evo.fault(OUTGOING, "slow_after_ring", times=None, seconds=2)
    slack.fault("chat.postMessage", "slow", times=None, seconds=0.5)


def _kill_at_work(fleet: Fleet, forms: list[FormSubmission]) -> float:
    """Kill the first bot once it dials and cards are being posted; when that was."""
    slack, victim = fleet.office.slack, fleet.bots[0]
    posted = len(slack.api_calls("chat.postMessage"))

    def is_busy() -> bool:
        its = Evidence(fleet.office, fleet.store).begun_by(victim, forms)
        return len(its) > 2 and len(slack.api_calls("chat.postMessage")) > posted

    until(is_busy, 9)
    victim.kill()
    fleet.take_out(victim)
    return time.monotonic()


def rolling_restart(fleet: Fleet) -> Tally:
    """Every bot is stopped and started again in turn, while people go on calling."""
    tally = Tally(f"{fleet.size.name}: rolling restart")
    done = threading.Event()
    fleet.office.evo.fault(OUTGOING, "slow_after_ring", times=None, seconds=0.3)
    with ThreadPoolExecutor(len(CALLERS)) as hands:
        calling = [hands.submit(fleet.crowd.keep_calling, fleet.crowd.people[n], done) for n in CALLERS]
        try:
            for bot in fleet.bots:
                if bot.stop() != 0:
                    tally.lost.append("a bot did not stop in good order")
                bot.spawn()
                fleet.let_in(bot)
        finally:
            done.set()
        rounds = [caller.result() for caller in calling]
    fleet.office.evo.clear_faults()
    presses = [press for mine, _missed in rounds for press in mine]
    # People without a form saw Slack's own error, and nothing was pressed: that is counted, not lost.
    tally.figures["commands that saw Slack's own error"] = sum(len(missed) for _mine, missed in rounds)
    return _counted(fleet, tally, presses)


def second_bot_on_one_file() -> Tally:
    """A SQLite file belongs to one bot; a second one fails at its start, with one sentence."""
    tally = Tally("two bots on one SQLite file")
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        settings = bot_settings(office, over_http=False)
        first, second = BotProcess(settings, Path(folder)), BotProcess(settings, Path(folder))
        try:
            first.start()
            second.spawn()
            code = second.wait()
            until(lambda: second.log, 5)
            failed = code == 1 and len(second.log) == 1 and "Another bot is using" in second.log[0]
            tally.count(0, lost="" if failed else f"exit code {code}: {second.log}")
        finally:
            first.close()
            second.close()
            office.close()
    return tally


def _counted(fleet: Fleet, tally: Tally, presses: list[FormSubmission], *, all_acked: bool = True) -> Tally:
    """Wait until everything is settled and told, and count."""
    evidence = fleet.wait_until_kept(presses)
    for press in presses:
        missed = [one for one in press.deliveries if all_acked and not one.acked]
        evidence.count(tally, press, also=f"{press.number}: {missed[0].failure}" if missed else "")
    acks = [one.seconds for press in presses for one in press.deliveries if one.acked]
    tally.figures |= dict(evidence.states(presses)) | percentiles_ms("ack", acks)
    tally.lost += [f"Slack did not understand: {complaint}" for complaint in fleet.office.slack.complaints]
    fleet.office.slack.complaints.clear()
    return tally


if __name__ == "__main__":
    by_hand(run)
