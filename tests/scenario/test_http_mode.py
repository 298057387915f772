"""Without an app-level token the bot serves HTTP: the same stories, and a locked front door."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from tests.scenario.office import SARA, Office

BODY = urlencode({"command": "/call", "text": "help", "user_id": SARA, "team_id": "T0SANDBOX"})


@pytest.fixture
def served(empty_office: Office) -> Office:
    empty_office.open(over_http=True)
    return empty_office


def signed(body: str, *, secret: str = "sandbox-secret", at: float | None = None) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def post(office: Office, body: str, headers: dict[str, str | bytes]) -> requests.Response:
    return requests.post(office.slack.request_url, data=body, headers=headers, timeout=5)


def test_the_whole_way_works_over_http(served: Office) -> None:
    served.call()

    served.wait_for_card("Placed")
    assert served.rings == 1
    assert not served.slack.complaints


def test_a_properly_signed_request_is_answered(served: Office) -> None:
    answer = post(served, BODY, signed(BODY))

    assert answer.status_code == 200
    assert "opens a form" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, secret="another-secret"),
        signed("text=other"),
        signed(BODY, at=time.time() - 400),
        signed(BODY, at=time.time() + 400),
        {**signed(BODY), "X-Slack-Request-Timestamp": "soon"},
        {**signed(BODY), "X-Slack-Request-Timestamp": "9" * 30},
        {**signed(BODY), "X-Slack-Signature": "v0=é".encode()},
        {**signed(BODY), "X-Slack-Signature": ""},
    ],
    ids=["none", "secret", "body", "old", "future", "words", "huge", "not-ascii", "empty"],
)
def test_a_request_that_slack_did_not_sign_is_refused(served: Office, headers: dict) -> None:
    assert post(served, BODY, headers).status_code == 401
    assert served.slack.api_calls("views.open") == []


def test_deep_json_without_a_signature_costs_nothing(served: Office) -> None:
    body = urlencode({"payload": "[" * 200_000})

    assert post(served, body, {"Content-Type": "application/x-www-form-urlencoded"}).status_code == 401


def test_an_oversized_body_is_refused(served: Office) -> None:
    body = "text=" + "x" * (2 * 1024 * 1024)

    assert post(served, body, signed(body)).status_code == 413


def test_a_flood_of_headers_is_refused(served: Office) -> None:
    headers = {f"X-Flood-{number}": "x" * 100 for number in range(400)}

    assert post(served, BODY, signed(BODY) | headers).status_code == 431


def test_only_the_known_paths_and_verbs_answer(served: Office) -> None:
    parts = urlsplit(served.slack.request_url)
    address = f"{parts.scheme}://{parts.netloc}"

    assert requests.get(f"{address}/", timeout=5).status_code == 404
    assert requests.get(f"{address}/slack/events", timeout=5).status_code == 405


def test_healthz_says_which_part_is_well(served: Office) -> None:
    parts = urlsplit(served.slack.request_url)

    answer = requests.get(f"{parts.scheme}://{parts.netloc}/healthz", timeout=5)

    assert answer.status_code == 200
    assert answer.json() == {
        "database": True,
        "slack": True,
        "dialling": True,
        "telling": True,
        "sweeping": True,
    }
