"""What is asked in the background: once for everyone, remembered briefly, and never waited for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from evoslack.health.ledger_probe import LedgerProbe
from evoslack.ledger.health import LedgerCounts

NOTHING = LedgerCounts(0, 0.0, 0, 0, 0, 0, 0, 0, 0)
T0 = datetime(2026, 3, 2, tzinfo=UTC)
SOON_S = 5.0


class Ledger:
    """A ledger that works, says no, or hangs until `goes_on`."""

    def __init__(self) -> None:
        self.at_s = 1000.0
        self.asked = 0
        self.problem: Exception | None = None
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.probe = LedgerProbe(self.read, lambda: T0, clock_s=lambda: self.at_s)

    def read(self, _at: datetime) -> LedgerCounts:
        self.asked += 1
        self.goes_on.wait()
        if self.problem is not None:
            raise self.problem
        return NOTHING


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    found = Ledger()
    yield found
    found.goes_on.set()


def test_it_is_asked_once_for_all_who_want_to_know_within_five_seconds(ledger: Ledger) -> None:
    readers = [threading.Thread(target=ledger.probe.reading, args=[SOON_S]) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    ledger.at_s += 4.9
    assert ledger.probe.reading(SOON_S).counts == NOTHING
    assert ledger.asked == 1

    ledger.at_s += 0.2
    ledger.probe.reading(SOON_S)
    assert ledger.asked == 2


def test_a_problem_is_told_in_the_words_of_the_database(ledger: Ledger) -> None:
    ledger.problem = OSError("disk full\nsecond line")

    reading = ledger.probe.reading(SOON_S)

    assert (reading.counts, reading.problem) == (None, "The ledger cannot be written: disk full.")


def test_a_ledger_that_hangs_is_not_waited_for_and_not_asked_again(ledger: Ledger) -> None:
    ledger.goes_on.clear()
    began_s = time.monotonic()
    assert ledger.probe.reading(0.05).counts is None
    ledger.at_s += 40
    reading = ledger.probe.reading(0.05)

    assert time.monotonic() - began_s < 1
    assert reading.problem == "The ledger has not answered for 40 s."
    assert ledger.asked == 1

    ledger.goes_on.set()
    assert ledger.probe.reading(SOON_S).counts == NOTHING


def test_it_has_worked_since_it_was_first_seen_working_without_a_break(ledger: Ledger) -> None:
    def worked_for_s() -> float:
        ledger.probe.reading(SOON_S)
        return ledger.probe.worked_for_s()

    assert worked_for_s() == 0
    for _ in range(4):
        ledger.at_s += 20
        worked_for_s()
    assert worked_for_s() == 80

    ledger.problem = OSError()
    ledger.at_s += 20
    assert worked_for_s() == 0

    ledger.problem = None
    ledger.at_s += 20
    assert worked_for_s() == 0
    ledger.at_s += 40
    assert worked_for_s() == 0, "nobody asked for too long, so it may have been away"
