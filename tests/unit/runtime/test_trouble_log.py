"""A trouble that lasts is logged once when it begins and once when it is over."""

from __future__ import annotations

import logging

import pytest

from evoslack.runtime.trouble_log import MOST_PROBLEMS, TroubleLog

log = logging.getLogger("testing")


class Watch:
    """A monotonic clock that only the test moves."""

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
            troubles.worked()
    watch.s += 61
    for _ in range(4):
        troubles.worked()

    begin, end = caplog.records
    assert (begin.levelno, begin.exc_info is not None) == (logging.ERROR, True)
    assert "telling" in begin.getMessage()
    assert (end.levelno, end.exc_info) == (logging.WARNING, None)
    assert "telling works again; failures: 7200 (OSError)" in end.getMessage()


def test_a_trouble_that_comes_back_is_logged_again(
    troubles: TroubleLog, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        troubles.broke(OSError("away"))
        watch.s += 61
        troubles.worked()

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
    for kind in range(3 * MOST_PROBLEMS):
        troubles.broke(OSError("x" * kind))
        troubles.broke(lasting)

    assert len(caplog.records) == 3 * MOST_PROBLEMS + 1, "the one that lasts is not forgotten for those"


@pytest.fixture
def polling(watch: Watch) -> TroubleLog:
    return TroubleLog(log, "polling", clock_s=watch)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records]


def test_a_known_problem_is_logged_when_it_begins_changes_and_ends(
    polling: TroubleLog, caplog: pytest.LogCaptureFixture
) -> None:
    for problem in ("timed out", "timed out", "status 500", "status 500", "status 500"):
        polling.failed(problem)
    polling.worked()
    polling.worked()

    assert lines(caplog) == [
        "polling failed: timed out",
        "polling failed: status 500",
        "polling works again; failures: 3 (status 500)",
    ]
    assert {each.levelno for each in caplog.records} == {logging.WARNING}


def test_a_problem_that_several_share_begins_with_the_first_and_ends_with_the_last(
    polling: TroubleLog, caplog: pytest.LogCaptureFixture
) -> None:
    polling.failed("timed out", key="one")
    polling.failed("timed out", key="two")
    polling.worked("one")
    polling.worked("never failed")
    polling.failed("timed out", key="one")
    polling.worked("two")
    polling.worked("one")

    assert lines(caplog) == [
        "polling failed: timed out",
        "polling works again; failures: 3 (timed out)",
    ]


def test_each_key_has_its_own_problem(polling: TroubleLog, caplog: pytest.LogCaptureFixture) -> None:
    polling.failed("timed out", key="one")
    polling.failed("forbidden", key="two", level=logging.ERROR)
    polling.worked("one")

    assert lines(caplog) == [
        "polling failed: timed out",
        "polling failed: forbidden",
        "polling works again; failures: 1 (timed out)",
    ]
    assert caplog.records[1].levelno == logging.ERROR
