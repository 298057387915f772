"""Lets long work in the background give way to people who wait.

Python runs one thread at a time. While a file with a hundred thousand calls is made, a press would take up to
seven times as long, so the work rests in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

AT_ONCE_S = 0.002  # of work; most of a press takes about as long


def unhurried(
    items: Iterable[T],
    *,
    clock_s: Callable[[], float] = time.perf_counter,
    rest: Callable[[float], object] = time.sleep,
) -> Iterator[T]:
    """The same items. Every few milliseconds it rests for as long as they and the work on them took."""
    began_s = clock_s()
    for item in items:
        yield item
        took_s = clock_s() - began_s
        if took_s >= AT_ONCE_S:
            rest(took_s)
            began_s = clock_s()
