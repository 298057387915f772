"""Somebody hears of a trouble that lasts, and the log says why nothing gets in."""

from __future__ import annotations

import pytest
import requests

from tests.scenario.office import Office, says_placed


def told(office: Office) -> list[str]:
    return [str(message["text"]) for message in office.slack.messages("C_GENERAL")]


@pytest.mark.timeout(90)
def test_evo_voice_is_away_for_a_while(empty_office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office = empty_office
    office.open(ALERT_CHANNEL="C_GENERAL")
    office.call()
    office.wait_for_card(says_placed)
    office.evo.fault("/", "500_json", times=None)

    office.let_time_pass_until(lambda: told(office), within_s=30, step_s=20)
    assert "Evo Voice isn't answering." in told(office)[0]

    office.evo.clear_faults()
    office.let_time_pass_until(lambda: len(told(office)) == 2, within_s=30, step_s=20)
    assert "Evo Voice answers again." in told(office)[1]
    assert caplog.text.count("Evo Voice is unavailable: status 500") == 1
    assert caplog.text.count("Evo Voice answers again after") == 1


def test_a_wrong_signing_secret_is_one_line_however_often_slack_tries(
    empty_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office = empty_office
    office.open(over_http=True)
    headers = {"X-Slack-Request-Timestamp": "1700000000", "X-Slack-Signature": "v0=0123"}
    for _ in range(5):
        answer = requests.post(office.slack.request_url, data="text=help", headers=headers, timeout=5)
        assert answer.status_code == 401

    (line,) = [line for line in caplog.messages if line.startswith("checking a request failed")]
    assert "its signature differs" in line
    assert "SLACK_SIGNING_SECRET" in line
