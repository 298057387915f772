"""Over HTTP every request says when it was sent; a clock of ours that is wrong must keep nobody out."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta

from tests.scenario.office import SARA, Office, says_placed


def test_a_clock_that_was_put_right_keeps_nobody_out(empty_office: Office) -> None:
    empty_office.wall_is_off = timedelta(hours=1)  # as after a start without the network
    empty_office.open(over_http=True)

    empty_office.wall_is_off = timedelta(0)

    assert empty_office.slack.type_command(SARA, "help").status == 200
    empty_office.call()
    empty_office.wait_for_card(says_placed)
    assert empty_office.rings == 1


def test_a_clock_that_jumps_keeps_nobody_out(empty_office: Office) -> None:
    empty_office.open(over_http=True)

    empty_office.wall_is_off = timedelta(hours=1)

    assert empty_office.slack.type_command(SARA, "help").status == 200


def test_a_clock_that_counts_too_fast_makes_no_press_late_for_ever(empty_office: Office) -> None:
    bot = empty_office.open(over_http=True)
    empty_office.pass_time(seconds=10)  # and none passes at Slack

    def opens() -> bool:
        bot.wake()
        with contextlib.suppress(AssertionError):
            empty_office.form()
            return True
        return False

    ends = time.monotonic() + 20
    while not opens():
        assert time.monotonic() < ends, "every request seems to be late"
    empty_office.fill()
    assert empty_office.press().acked
    empty_office.wait_for_card(says_placed)
    assert empty_office.rings == 1
