"""A trouble that lasts is logged once when it begins and once when it is over."""

from __future__ import annotations

import logging

import pytest

from evoslack.runtime.trouble_log import MOST_KINDS, TroubleLog

log = logging.getLogger("testing")


class Watch:
    """A monotonic clock that goes on only when somebody says so."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def troubles(watch: Watch) -> TroubleLog:
    return TroubleLog(log, "telling", over_after_s=60, clock_s=watch)


def test_an_hour_without_a_database_is_two_lines(
    troubles: TroubleLog, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every two seconds four threads meet it, and now and then one of them gets through."""
    for moment in range(1800):
        watch.s += 2
        for _ in range(4):
            troubles.broke(OSError("the database is away"))
        if moment % 7 == 0:
            troubles.went_well()
    watch.s += 61
    for _ in range(4):
        troubles.went_well()

    begin, end = caplog.records
    assert (begin.levelno, begin.exc_info is not None) == (logging.ERROR, True)
    assert "telling" in begin.getMessage()
    assert (end.levelno, end.exc_info) == (logging.WARNING, None)
    assert "telling works again: no OSError for 60 s (it happened 7200 times)" in end.getMessage()


def test_a_trouble_that_comes_back_is_logged_again(
    troubles: TroubleLog, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        troubles.broke(OSError("away"))
        watch.s += 61
        troubles.went_well()

    assert [each.levelno for each in caplog.records] == [logging.ERROR, logging.WARNING] * 2


def test_silence_is_no_success(troubles: TroubleLog, watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    troubles.broke(OSError("away"))
    watch.s += 3600
    troubles.broke(OSError("away"))

    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "other", [ValueError("away"), OSError("the disk is full")], ids=["another type", "another message"]
)
def test_a_new_kind_is_logged_while_the_old_one_lasts(
    troubles: TroubleLog, other: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        troubles.broke(OSError("away"))
        troubles.broke(other)

    assert len(caplog.records) == 2


def test_a_message_that_only_counts_on_is_the_same_trouble(
    troubles: TroubleLog, caplog: pytest.LogCaptureFixture
) -> None:
    for port in range(50_000, 50_010):
        troubles.broke(OSError(f"no answer on port {port} for <Socket at 0x{port:x}>"))

    assert len(caplog.records) == 1


def test_kinds_without_end_are_not_remembered_without_end(
    troubles: TroubleLog, caplog: pytest.LogCaptureFixture
) -> None:
    lasting = OSError("away")
    for kind in range(3 * MOST_KINDS):
        troubles.broke(OSError("x" * kind))
        troubles.broke(lasting)

    assert len(caplog.records) == 3 * MOST_KINDS + 1, "the one that lasts is not forgotten for those"
