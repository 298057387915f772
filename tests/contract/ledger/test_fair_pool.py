"""Threads get the one SQLite connection in the order in which they asked."""

from __future__ import annotations

import threading

import pytest

from evoslack.ledger.fair_pool import FairLock


def asks(lock: FairLock, name: str, got: list[str]) -> threading.Thread:
    """Another thread asks for the lock; returns once it waits."""

    def ask() -> None:
        assert lock.acquire(10)
        got.append(name)
        lock.release()

    before = len(lock._waiting)
    thread = threading.Thread(target=ask)
    thread.start()
    while len(lock._waiting) == before:
        pass
    return thread


def test_a_thread_that_asks_again_comes_after_those_who_wait() -> None:
    lock, got = FairLock(), []
    assert lock.acquire(0)
    threads = [asks(lock, name, got) for name in ("first", "second")]

    lock.release()
    assert lock.acquire(10)  # at once, but the others waited before
    got.append("again")
    lock.release()

    for thread in threads:
        thread.join(10)
    assert got == ["first", "second", "again"]


def test_a_thread_that_gave_up_is_not_waited_for() -> None:
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0.01)

    lock.release()

    assert lock.acquire(0)


@pytest.mark.parametrize("times", [1, 3])
def test_a_free_lock_is_taken_at_once(times: int) -> None:
    lock = FairLock()
    for _time in range(times):
        assert lock.acquire(0)
        assert not lock.acquire(0)
        lock.release()
