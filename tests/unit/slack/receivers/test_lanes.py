"""Which threads a payload waits for: no kind can take the last thread of another one."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from evoslack.slack.receivers.lanes import THREADS, Lane, lane_of, lane_of_body

PAYLOADS = [
    ({"type": "view_submission"}, Lane.PRESS),
    ({"type": "block_suggestion"}, Lane.SEARCH),
    ({"type": "event_callback"}, Lane.EVENT),
    ({"type": "block_actions"}, Lane.REST),
    ({"type": "message_action"}, Lane.REST),
    ({"type": "shortcut"}, Lane.REST),
    ({"command": "/call", "text": "help"}, Lane.REST),
    ({}, Lane.REST),
    ({"type": ["view_submission"]}, Lane.REST),
]


@pytest.mark.parametrize(("payload", "lane"), PAYLOADS, ids=str)
def test_a_payload_has_the_same_lane_on_both_ways_in(payload: dict, lane: Lane) -> None:
    assert lane_of(payload) is lane
    if isinstance(payload.get("type"), list):
        return  # signed by Slack it does not exist, and any lane will do
    body = json.dumps(payload) if lane is Lane.EVENT else urlencode({"payload": json.dumps(payload)})
    assert lane_of_body(body.encode()) is lane


def test_a_command_is_a_form_of_its_own() -> None:
    assert lane_of_body(urlencode({"command": "/call", "text": "814 404 3093"}).encode()) is Lane.REST


@pytest.mark.parametrize("body", [b"\xff\x00" * 100, b"[" * 100_000])
def test_any_bytes_have_a_lane(body: bytes) -> None:
    assert lane_of_body(body) is Lane.REST


def test_what_has_no_body_is_no_payload_and_holds_none_up() -> None:
    assert lane_of_body(b"") is Lane.BARE


def test_every_lane_has_threads() -> None:
    assert set(THREADS) == set(Lane)
    assert all(count > 0 for count in THREADS.values())
