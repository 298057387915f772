"""Somebody hears of a trouble that lasts, from the real bot: once when it lasts, once when it is over."""

from __future__ import annotations

import pytest

from tests.scenario.office import Office, says_placed


def told(office: Office) -> list[str]:
    return [str(message["text"]) for message in office.slack.messages("C_GENERAL")]


@pytest.mark.timeout(90)
def test_a_changed_password_is_told_and_that_it_is_right_again(
    empty_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office = empty_office
    office.open(ALERT_CHANNEL="C_GENERAL")
    office.call()
    office.wait_for_card(says_placed)
    office.evo.expire_logins()
    office.evo.fault("/auth/credentials", "401_text", times=None)

    office.let_time_pass_until(lambda: told(office), within_s=30, step_s=20)
    assert "Evo Voice refuses EvoSlack's login." in told(office)[0]
    assert len([line for line in caplog.messages if "Evo Voice refuses the login" in line]) == 1
