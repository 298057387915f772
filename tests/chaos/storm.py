"""Five hundred people press within five seconds, while Evo Voice takes ten seconds for every call.

Meanwhile another person types /call ten times a second. Everyone is answered before Slack times out;
what can be dialed in time is dialed once, the rest expires honestly, and everybody is told which. The bot
is a real one in a process of its own. By hand: `python -m tests.chaos.storm short`.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from sandbox.bot_process import BotProcess
from sandbox.slack.delivery import Delivery
from tests.chaos.crowd import (
    Crowd,
    Evidence,
    FormSubmission,
    at_moments,
    bot_settings,
    by_hand,
    events_url,
    percentiles_ms,
    until,
)
from tests.chaos.tally import Scale, Tally
from tests.scenario.office import SARA, Office

OUTGOING = "/sessions/outgoing"
SLACKS_LATENCY_S = 0.15  # of whatever the bot asks of Slack, as it really is
ASKED = ("views.open", "views.update", "chat.postMessage", "chat.update", "response_url")
COMMAND_EVERY_S = 0.1
SUBMIT_P99_S = 0.5  # Slack gives up after 3 s
COMMAND_P99_S = 0.2  # on top of Slack's latency


@dataclass(frozen=True)
class Weather:
    """How hard it blows."""

    people: int
    within_s: float
    dialing_s: float
    wait_s: int  # MAX_WAIT_SECONDS
    over_http: bool = False
    posts_per_s: float | None = None

    @property
    def name(self) -> str:
        """In a few words."""
        limit = f", {self.posts_per_s:g} post a second" if self.posts_per_s else ""
        receiver = "HTTP" if self.over_http else "Socket Mode"
        return f"storm of {self.people} presses in {self.within_s:g} s ({receiver}{limit})"


SHORT = (Weather(150, 2, dialing_s=4, wait_s=10),)
LONG = (
    Weather(500, 5, dialing_s=10, wait_s=20),
    Weather(500, 5, dialing_s=10, wait_s=20, over_http=True),
    Weather(150, 2, dialing_s=4, wait_s=10, posts_per_s=1),
)


@dataclass
class Blow:
    """What the storm itself left to count."""

    presses: list[FormSubmission] = field(default_factory=list)
    commands: list[Delivery] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)


def run(scale: Scale) -> list[Tally]:
    """One storm, or one for each kind of weather."""
    return [storm(weather) for weather in (SHORT if scale == "short" else LONG)]


def storm(weather: Weather) -> Tally:
    """Open the forms, let it blow, wait until everybody knows, and count."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        store = Store(office.database_url)
        settings = bot_settings(office, over_http=weather.over_http, MAX_WAIT_SECONDS=str(weather.wait_s))
        bot = BotProcess(settings, Path(folder))
        try:
            _start(office, bot, over_http=weather.over_http)
            return _storm(office, store, weather)
        finally:
            bot.close()
            store.close()
            office.close()


def _storm(office: Office, store: Store, weather: Weather) -> Tally:
    crowd, tally = Crowd(office, weather.people), Tally(weather.name)
    office.form(SARA)
    forms = crowd.open_forms(weather.people)
    office.evo.fault(OUTGOING, "slow", times=None, seconds=weather.dialing_s)
    for method in ASKED:
        office.slack.fault(method, "slow", times=None, seconds=SLACKS_LATENCY_S)
    office.slack.limits.posts_per_s = weather.posts_per_s
    blow = _blow(crowd, forms, weather)
    ended = time.monotonic()
    late_cards = weather.posts_per_s is not None
    evidence = _evidence_when_everybody_knows(office, store, blow.presses, card_may_be_late=late_cards)
    for press in blow.presses:
        evidence.count(tally, press, also=_missed(press), card_may_be_late=late_cards)
    tally.figures |= _figures(blow) | dict(evidence.states(blow.presses))
    tally.figures["everybody knows s after the last press"] = round(time.monotonic() - ended, 1)
    tally.lost += [
        f"/call {n}: {one.seen}" for n, one in enumerate(blow.commands) if not one.acked or one.seen
    ]
    tally.figures["aims that were missed"] = "; ".join(_missed_aims(tally)) or "none"
    tally.lost += [f"Slack did not understand: {complaint}" for complaint in office.slack.complaints]
    return tally


def _start(office: Office, bot: BotProcess, *, over_http: bool) -> None:
    ready = bot.start()
    if over_http:
        office.slack.request_url = events_url(ready)
    else:
        office.slack.wait_for_connection()


def _blow(crowd: Crowd, forms: list[FormSubmission], weather: Weather) -> Blow:
    """Everyone presses, evenly spread, while another person keeps typing the command."""
    blow = Blow()
    step = weather.within_s / len(forms)
    commands = [COMMAND_EVERY_S * n for n in range(int(weather.within_s / COMMAND_EVERY_S))]
    go = threading.Barrier(2)

    def press() -> None:
        go.wait()
        moments = [step * n for n in range(len(forms))]
        blow.presses, late = at_moments(moments, lambda n: crowd.press(forms[n]))
        blow.late_s += late

    def type_commands() -> None:
        go.wait()
        blow.commands, late = at_moments(commands, lambda _n: crowd.office.slack.type_command(SARA))
        blow.late_s += late

    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(press), both.submit(type_commands)]:
            done.result()
    return blow


def _evidence_when_everybody_knows(
    office: Office, store: Store, presses: list[FormSubmission], *, card_may_be_late: bool
) -> Evidence:
    """What there is to see once everybody knows, or when the time is up."""
    calls, notifications = CallLedger(store), NotificationLedger(store)
    found: list[Evidence] = []

    def known() -> bool:
        if sum(calls.count_open().values()) or (not card_may_be_late and notifications.count_untold()):
            return False
        found[:] = [Evidence(office, store)]
        became_calls = [press for press in presses if found[0].call(press)]
        return not found[0].troubles(became_calls, card_may_be_late=card_may_be_late)

    until(known, within_s=150)
    return found[0] if found else Evidence(office, store)


def _missed(press: FormSubmission) -> str:
    return "" if press.acked else f"{press.number}: the person saw Slack's own error"


def _figures(blow: Blow) -> dict[str, float | str]:
    submits = [press.deliveries[0] for press in blow.presses]
    return {
        **percentiles_ms("submit ack", [delivery.seconds for delivery in submits]),
        **percentiles_ms("/call", [delivery.seconds for delivery in blow.commands]),
        "of which Slack's views.open ms": SLACKS_LATENCY_S * 1000,
        "submits that Slack gave up on": sum(not delivery.acked for delivery in submits),
        "/calls that Slack gave up on": sum(not delivery.acked for delivery in blow.commands),
        # The people and both stand-ins share one process: what they lose is in every time above.
        "load of the machine": round(os.getloadavg()[0], 1),
        **percentiles_ms("the load itself late by", blow.late_s),
    }


def _missed_aims(tally: Tally) -> list[str]:
    """Answers that came, but too slowly. A figure and not a failure: it depends on the machine."""
    missed = []
    limits = {"submit ack p99 ms": SUBMIT_P99_S, "/call p99 ms": COMMAND_P99_S + SLACKS_LATENCY_S}
    for figure, limit in limits.items():
        if float(tally.figures[figure]) > limit * 1000:
            missed.append(f"{figure}: {tally.figures[figure]}, and {limit * 1000:g} is too slow already")
    return missed


if __name__ == "__main__":
    by_hand(run)
