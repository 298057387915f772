"""Long work in the background gives way: it rests as long as it worked, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evoslack.runtime.unhurried import AT_ONCE_S, unhurried


class Work:
    """A clock that the work itself moves on, and the rests that were taken."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self.rests: list[float] = []

    def clock_s(self) -> float:
        return self.at_s

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.at_s += seconds


def test_every_item_comes_in_its_order() -> None:
    work = Work()

    assert list(unhurried(range(1000), clock_s=work.clock_s, rest=work.rest)) == list(range(1000))
    assert work.rests == []


def test_it_rests_for_as_long_as_it_worked() -> None:
    work = Work()
    for _item in unhurried(range(10), clock_s=work.clock_s, rest=work.rest):
        work.at_s += AT_ONCE_S / 2

    assert work.rests == pytest.approx([AT_ONCE_S] * 5)


def test_reading_the_items_counts_as_work() -> None:
    work = Work()

    def read() -> Iterator[int]:
        for n in range(3):
            work.at_s += 1
            yield n

    assert list(unhurried(read(), clock_s=work.clock_s, rest=work.rest)) == [0, 1, 2]
    assert work.rests == [1, 1, 1]


def test_an_error_of_the_items_comes_through() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        list(unhurried(broken()))
