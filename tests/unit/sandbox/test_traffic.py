"""What the playground's inspector shows, and what it keeps to itself."""

from __future__ import annotations

import requests

from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD
from sandbox.slack.workspace import SlackWorkspace
from sandbox.traffic import MOST, Traffic

WAIT_S = 10


def test_payloads_to_slack_and_evo_voice_come_newest_first_and_without_secrets(
    slack: SlackWorkspace, evo: EvoVoice
) -> None:
    login = {"UserName": "sara@acme.test", "Password": PASSWORD, "provider": "credentials"}
    requests.post(f"{evo.url}/auth/credentials", json=login, timeout=WAIT_S)
    form = {"channel": "C_CALLS", "text": "hello", "token": slack.bot_token}
    requests.post(f"{slack.api_url}chat.postMessage", data=form, timeout=WAIT_S)

    newest, before = Traffic(slack, evo).newest(with_polls=False)

    assert (newest["way"], newest["name"], newest["sent"]["text"]) == (
        "bot → Slack",
        "chat.postMessage",
        "hello",
    )
    assert (before["way"], before["name"]) == ("bot → Evo Voice", "POST /auth/credentials")
    assert before["sent"]["Password"] == "•••"
    assert newest["at"] > before["at"]
    assert PASSWORD not in str([newest, before])
    assert slack.bot_token not in str([newest, before])


def test_a_payload_that_nobody_takes_says_so(slack: SlackWorkspace, evo: EvoVoice) -> None:
    slack.type_command("U_SARA", "help")

    (row,) = Traffic(slack, evo).newest(with_polls=False)

    assert (row["way"], row["name"]) == ("Slack → bot", "slash_commands")
    assert row["back"].startswith("unreachable after ")
    assert (row["sent"]["text"], row["sent"]["token"]) == ("help", "•••")


def test_polls_are_shown_only_when_asked_for_and_never_crowd_out_the_rest(
    slack: SlackWorkspace, evo: EvoVoice
) -> None:
    with requests.Session() as session:
        session.post(f"{evo.url}/auth/credentials", json={}, timeout=WAIT_S)
        for _poll in range(MOST + 1):
            session.get(f"{evo.url}/calls/active", timeout=WAIT_S)
    traffic = Traffic(slack, evo)

    assert [row["name"] for row in traffic.newest(with_polls=False)] == ["POST /auth/credentials"]
    assert len(traffic.newest(with_polls=True)) == MOST
