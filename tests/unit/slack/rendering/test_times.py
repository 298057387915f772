"""Times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evoslack.slack.rendering import times

AT = datetime(2026, 3, 2, 9, 5, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((-3, "just now"), (0.4, "just now"), (1, "1 second ago"), (59, "59 seconds ago")),
        *((60, "1 minute ago"), (3599, "59 minutes ago"), (3600, "1 hour ago"), (14_700, "4 hours ago")),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit(seconds: float, words: str) -> None:
    assert times.ago(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("hour", "shown"), [(0, "12:05 AM"), (9, "9:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")]
)
def test_the_clock_is_the_american_one_and_stays_on_one_line(hour: int, shown: str) -> None:
    assert times.clock(AT.replace(hour=hour)) == shown.replace(" ", times.NO_BREAK)


def test_slack_shows_a_moment_in_each_readers_zone_and_others_read_utc() -> None:
    stamp = int(AT.timestamp())

    assert times.when(AT) == f"<!date^{stamp}^{{date_short_pretty}} {{time}}|2026-03-02 09:05 UTC>"
    assert times.since(AT) == f"<!date^{stamp}^{{ago}}|09:05 UTC>"
