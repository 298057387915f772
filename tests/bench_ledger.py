"""`make bench-ledger`: every surface on ledgers of 3,000, 100,000 and a million calls, by ratio, in one run.

All three ledgers are measured in turn, so that a busy moment hits each of them. The smallest one has three
pages of calls for each filter, so that everywhere as much is shown. Home tabs are built by the real
publisher, without Slack in between: what is timed is reading and laying out. The last part times presses
alone, while another thread does nothing but the slowest search, and while others export.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from evoslack.calling.calls import Role
from evoslack.calling.history_filter import HistoryFilter, OutcomeGroup, Scope
from evoslack.calling.history_page import Cursor, Way
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.runtime.unhurried import unhurried
from evoslack.slack.background.home_publisher import HomePublisher
from evoslack.slack.rendering import call_csv
from evoslack.slack.rendering.home import PER_PAGE
from evoslack.slack.rendering.home_filters import FilterAction, filter_after
from tests.bench import SARA, TEAM, dispatch, submission
from tests.bench_rules import Bench, fill, new_postgres, now, p50_ms, stand_ins
from tests.databases import new_sqlite
from tests.postgres import postgres

SIZES, BLOCKED, ROUNDS, PRESSES = (3_000, 100_000, 1_000_000), 100_000, 60, 300
AIMS = {"search": 2.0, "export": 2.0, "press": 1.2}  # all others: 1.2
FORGET_EVERY = 50  # presses: more are not allowed an hour
REPORT = Path("bench-ledger.json")
SEARCHES = {
    "search: 3 digits, in most": "202",
    "search: 3 digits, in some": "777",
    "search: 3 digits, in old ones": "447",
    "search: 4 digits, in few": "3777",
    "search: a full number": "+1 202 520 0003",
    "search: a number never called": "+1 303 520 0003",
}


@dataclass
class Line:
    """How long one step takes on one database: for each size of ledger, in milliseconds."""

    database: str
    step: str
    took_ms: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times the first one."""
        return [round(each / self.took_ms[0], 2) for each in self.took_ms]

    @property
    def is_missed(self) -> bool:
        """Whether more was asked for."""
        return max(self.ratios) > AIMS.get(self.step.split(":")[0].split()[0], 1.2)


@dataclass
class Home:
    """A publisher of Home tabs that hands over the view instead of sending it to Slack."""

    bench: Bench
    role: Role = Role.ADMINISTRATOR
    view: dict[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        store, this = self.bench.bot.store, self
        self.tabs = HomeTabLedger(store)
        client: Any = this
        self._publisher = HomePublisher(
            client,
            self.tabs,
            self.bench.history,
            ScheduledCallLedger(store),
            lambda _user, _team: self.role,
            bool,
            asked_at=lambda _team, _user: None,
            links_of=lambda _calls: {},
            can_end=lambda: True,
            region="US",
            now=lambda: self.at,  # however long it takes, it is published
        )

    def views_publish(self, *, user_id: str, view: dict[str, Any]) -> None:
        """As Slack's client has it."""
        assert user_id == SARA
        self.view = view

    def choose(self, wanted: HistoryFilter) -> None:
        """Not timed: a press in the tab is written down."""
        self.at = now()
        self.tabs.set_filter(TEAM, SARA, wanted, at=self.at)

    def publish(self) -> None:
        """What a worker does then."""
        assert self._publisher.publish_next()

    def turned(self, wanted: HistoryFilter, action: FilterAction) -> HistoryFilter:
        """The filter after that button on the page that this filter shows."""
        self.choose(wanted)
        self.publish()
        (button,) = (
            element
            for block in self.view["blocks"]
            for element in block.get("elements", [])
            if element.get("action_id") == action
        )
        return filter_after(HistoryFilter.unpacked(self.view["private_metadata"]), button)


def main() -> int:
    """Measure, print the table, write it down, and fail if an aim was missed."""
    report, notes = [], []
    for name, urls in databases():
        with stand_ins() as (slack, evo), ExitStack() as bots:
            benches = [Bench(slack, evo, url) for url in urls]
            for bench, size in zip(benches, SIZES, strict=True):
                bots.callback(bench.bot.stop)
                began = time.monotonic()
                fill(bench.bot.store, bench.account_id, size, BLOCKED if size > SIZES[0] else 50)
                notes.append(f"{name}: {size:,} calls filled in {time.monotonic() - began:.0f} s")
                print(notes[-1], flush=True)
            report += measure(name, benches, ROUNDS)
            report += disturbed(name, benches[-1], PRESSES)
    print(table(report))
    lines = [vars(each) | {"ratios": each.ratios, "is_missed": each.is_missed} for each in report]
    found = {"cores": os.cpu_count(), "sizes": SIZES, "notes": notes, "lines": lines}
    REPORT.write_text(json.dumps(found, indent=1) + "\n")
    missed = [f"{each.database}: {each.step}" for each in report if each.is_missed]
    print("aims missed: " + ", ".join(missed) if missed else "all aims met")
    return 1 if missed else 0


def table(report: list[Line]) -> str:
    """The report in lines."""
    head = f"{'p50 in ms; presses: p99':<44}" + "".join(f"{size:>11,}" for size in SIZES)
    rows = [head + "".join(f"{'x':>8}" for _ in SIZES[1:])]
    for each in report:
        took = "".join(f"{took_ms:>11.3f}" for took_ms in each.took_ms)
        ratios = "".join(f"{ratio:>8.2f}" for ratio in each.ratios[1:])
        rows.append(f"{each.database + ': ' + each.step:<44}{took}{ratios}{'  !' if each.is_missed else ''}")
    return "\n".join(rows)


def databases() -> Iterator[tuple[str, list[str]]]:
    """Ledgers to fill, of each kind; one kind after the other."""
    with tempfile.TemporaryDirectory() as folder:
        yield "SQLite", [new_sqlite(Path(folder) / f"{size}.db") for size in SIZES]
    with postgres() as server:
        yield "PostgreSQL", [new_postgres(server, f"calls{size}") for size in SIZES]


def measure(name: str, benches: list[Bench], rounds: int) -> list[Line]:
    """Each step in each ledger, in turn."""
    steps = [_steps(bench) for bench in benches]
    took: dict[str, list[list[float]]] = {step: [[] for _ in benches] for step in steps[0]}
    warm_up = rounds // 10 + 1
    for n in range(rounds + warm_up):
        for index, bench in enumerate(benches):
            for step, (prepare, act) in steps[index].items():
                prepare()
                began = time.perf_counter()
                act()
                took[step][index].append(time.perf_counter() - began)
            bench.forget()
        if n == warm_up - 1:
            for spans in took.values():
                for each in spans:
                    each.clear()
    lines = [Line(name, step, [p50_ms(spans) for spans in each]) for step, each in took.items()]
    return [*lines, _export(name, benches)]


Step = tuple[Callable[[], object], Callable[[], object]]  # what comes before is not timed


def _steps(bench: Bench) -> dict[str, Step]:
    number = "+12025200003"
    ledger, home = NotificationLedger(bench.bot.store), Home(bench)

    def claim() -> None:
        at = now()
        assert ledger.claim(at=at, until=at + timedelta(seconds=30)) is not None

    def nothing() -> None:
        pass

    found: dict[str, Step] = {
        "/call": (nothing, lambda: bench.open_form(number)),
        "Submit": (nothing, lambda: bench.submit(number)),
        "dialing": (bench.accept, lambda: bench.dial(number)),
        "taking a due row": (nothing, claim),
    }
    for words, wanted in _homes(home).items():
        found[words] = (lambda wanted=wanted: home.choose(wanted), home.publish)
    return found


def _homes(home: Home) -> dict[str, HistoryFilter]:
    """What Home tabs show."""
    team = HistoryFilter(Scope.TEAM)
    half = Cursor(Way.OLDER, now() - timedelta(days=183), "call")
    pages = {
        "Home: mine": HistoryFilter(),
        "Home: team": team,
        "Home: team, next page": home.turned(team, FilterAction.OLDER),
        "Home: team, middle page": replace(team, place=half.packed()),
        "Home: team, last page": home.turned(team, FilterAction.OLDEST),
    }
    busy, flow = str(OutcomeGroup.BUSY), "flow2"
    day = f"{now() - timedelta(days=100):%Y-%m-%d}"
    filters = {
        "filter: outcome": replace(team, outcome=busy),
        "filter: flow": replace(team, flow=flow),
        "filter: person": replace(team, person="U7"),
        "filter: days": replace(team, last=day),
        "filter: all of them": replace(team, outcome=busy, flow=flow, person="U7", last=day),
        "filter: what no call has": replace(team, outcome=str(OutcomeGroup.NOT_CERTAIN)),
    }
    return pages | filters | {words: replace(team, search=typed) for words, typed in SEARCHES.items()}


def _export(name: str, benches: list[Bench]) -> Line:
    """A month; for each of its calls."""
    took = []
    for bench in benches:
        first = f"{now() - timedelta(days=120):%Y-%m-%d}"
        month = HistoryFilter(Scope.TEAM, first=first, last=f"{now() - timedelta(days=91):%Y-%m-%d}")
        spans = []
        for _round in range(3):
            began = time.perf_counter()
            rows = sum(1 for _call in bench.history.matching(TEAM, None, month))
            spans.append((time.perf_counter() - began) / max(rows, 1) * 1000)
        took.append(min(spans))
    return Line(name, "export of a month, for each call", took)


def disturbed(name: str, bench: Bench, presses: int) -> list[Line]:
    """The slowest presses: alone, and while others read."""
    home = Home(bench)
    slowest = max(SEARCHES.values(), key=lambda typed: _span(home, typed))

    def search() -> None:
        bench.history.page(TEAM, None, HistoryFilter(Scope.TEAM, search=slowest), limit=PER_PAGE)

    def export() -> None:
        everything = bench.history.matching(TEAM, None, HistoryFilter(Scope.TEAM))
        wanted = itertools.takewhile(lambda _call: going_on.is_set(), everything)
        call_csv.file_of(unhurried(wanted), lambda _user: call_csv.NOBODY)

    found = []
    for words, other in (("the slowest search", search), ("an export", export)):
        alone, beside = [], []
        for _part in range(3):
            alone += _presses(bench, presses // 3)
            going_on = threading.Event()
            with repeated(other, going_on):
                beside += _presses(bench, presses // 3)
        found.append(Line(name, f"press during {words}", [p99_ms(alone), p99_ms(alone), p99_ms(beside)]))
    return found


def _span(home: Home, typed: str) -> float:
    home.choose(HistoryFilter(Scope.TEAM, search=typed))
    began = time.perf_counter()
    home.publish()
    return time.perf_counter() - began


@contextmanager
def repeated(act: Callable[[], None], going_on: threading.Event) -> Iterator[None]:
    """It is done again and again meanwhile, in another thread."""
    going_on.set()

    def repeat() -> None:
        while going_on.is_set():
            act()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        going_on.clear()
        thread.join()


def _presses(bench: Bench, count: int) -> list[float]:
    spans = []
    for n in range(count):
        if n % FORGET_EVERY == 0:
            bench.forget()
        body = submission(bench.form)
        began = time.perf_counter()
        dispatch(bench.bot.app, body)
        spans.append(time.perf_counter() - began)
    bench.forget()
    return spans


def p99_ms(spans: list[float]) -> float:
    """What one in a hundred exceeds, in milliseconds."""
    return statistics.quantiles(spans, n=100)[98] * 1000


if __name__ == "__main__":
    sys.exit(main())
