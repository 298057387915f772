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
    clock_s: Callable[[], float] = time.thread_time,
    rest: Callable[[float], object] = time.sleep,
) -> Iterator[T]:
    """The same items. Every few milliseconds of computing, for them and with them, it rests as long.

    `clock_s` is the time that this thread has computed: waiting for others holds up nobody.
    """
    began_s = clock_s()
    for item in items:
        yield item
        took_s = clock_s() - began_s
        if took_s >= AT_ONCE_S:
            rest(took_s)
            began_s = clock_s()
