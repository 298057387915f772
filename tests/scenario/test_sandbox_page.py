"""`python bot.py --sandbox` from the outside: the program in a process of its own, and its page over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from evoslack.sandbox.page import FILES, FOLDER
from evoslack.sandbox.play import free_port

BOT = Path(__file__).resolve().parents[2] / "bot.py"
SARA, AGENT = "U_SARA", "U_AGENT"
PATIENCE_S = 40  # a card whose posting a kill left open is looked for after 15 s

State = dict[str, Any]


class Visitor:
    """Somebody with a browser: sees what the page is sent, does what its buttons do."""

    def __init__(self, url: str) -> None:
        self.url = url

    def see(self, until: Callable[[State], object], person: str = SARA) -> State:
        """The first state of the page that is as wanted."""
        ends = time.monotonic() + PATIENCE_S
        address = f"{self.url}/events?person={person}"
        with requests.get(address, stream=True, timeout=PATIENCE_S) as stream:
            for line in stream.iter_lines(chunk_size=None):
                state = json.loads(line.removeprefix(b"data: ")) if line else None
                if state and until(state):
                    return dict(state)
                assert time.monotonic() < ends, f"waited in vain, the page shows {state}"
        raise AssertionError("the sandbox went away")

    def act(self, act: str, person: str = SARA, **body: Any) -> State:
        """Do something; the answer."""
        answer = requests.post(f"{self.url}/act/{act}", json={"person": person, **body}, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def open_form(self, text: str) -> State:
        """Type the command as Sara and wait for the form."""
        assert not self.act("write", channel="C_GENERAL", text=f"/call {text}").get("seen")
        return self.see(lambda state: (state["modal"] or {}).get("callback_id") == "call_form")

    def call(self, number: str) -> None:
        """The whole way to a call: command, form, button, and the page that follows closed again."""
        self.open_form(f"{number} survey")
        told = self.act("submit", typed={"number": number})
        assert told == {"seen": "", "missing": []}
        self.see(lambda state: "On its way" in words(state["modal"]))
        self.act("close")


def words(shown: Any) -> str:
    """All the text in blocks, messages or a view."""
    return json.dumps(shown, ensure_ascii=False)


def messages(state: State, channel_id: str) -> list[State]:
    """What stands in a channel."""
    return next(list(each["messages"]) for each in state["channels"] if each["id"] == channel_id)


def cards(state: State, number: str) -> list[State]:
    """The cards about a number."""
    return [card for card in messages(state, "C_CALLS") if number in words(card)]


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """The sandbox runs in a folder with a `.env` that would lead it astray, and so does the environment."""
    folder = tmp_path_factory.mktemp("somewhere")
    (folder / ".env").write_text("SLACK_COMMAND=/other\nEVO_BASE_URL=https://evovoice.invalid\n")
    astray = {"DATABASE_URL": "nonsense", "SLACK_BOT_TOKEN": "xoxb-real", "HTTP_PROXY": "http://127.0.0.1:9"}
    sandbox = subprocess.Popen(
        [sys.executable, str(BOT), "--sandbox"],
        cwd=folder,
        env={**os.environ, **astray},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sandbox.stdout is not None
    with sandbox, sandbox.stdout as output:
        line = output.readline()
        try:
            found = re.fullmatch(r"Play with EvoSlack at (http://127\.0\.0\.1:\d+)\n", line)
            assert found, line
            yield Visitor(found[1])
            sandbox.send_signal(signal.SIGTERM)
            assert sandbox.wait(PATIENCE_S) == 0
            assert output.read() == "", "it says one line and no more"
        finally:
            sandbox.kill()
    assert list(folder.iterdir()) == [folder / ".env"], "it leaves nothing behind"


def test_a_manager_calls_and_sees_form_ring_and_card(visitor: Visitor) -> None:
    form = visitor.open_form("(814) 404-3093 survey")["modal"]
    assert form["state"]["values"]["number"]["number"]["value"] == "(814) 404-3093"
    assert form["state"]["values"]["flow"]["flow"]["selected_option"]["text"]["text"] == "Customer survey"

    visitor.act("submit", typed={})
    state = visitor.see(lambda state: "Placed" in words(cards(state, "404-3093")))

    assert len(cards(state, "404-3093")) == 1
    assert [call["number"] for call in state["calls"]] == ["+18144043093"]
    assert state["rings"] == 1
    assert state["complaints"] == []


def test_searching_and_choosing_a_flow_asks_the_bot_as_slack_does(visitor: Visitor) -> None:
    visitor.open_form("")
    options = visitor.act("suggest", block="flow", query="remind")["options"]
    assert [option["text"]["text"] for option in options] == ["Appointment reminder", "Payment reminder"]
    visitor.act("choose", block="flow", value=options[1]["value"])
    state = visitor.see(lambda state: "Payment reminder" in words(state["modal"]["state"]))
    assert state["errors"] == {}
    assert visitor.act("submit", typed={})["missing"] == ["number"]
    visitor.act("close")


def test_an_emergency_number_is_refused_under_its_field_and_nothing_rings(visitor: Visitor) -> None:
    before = visitor.open_form("survey")["rings"]
    visitor.act("submit", typed={"number": "911"})
    state = visitor.see(lambda state: state["errors"])
    assert state["errors"] == {"number": "Emergency numbers are never dialled from here. Use a phone."}
    assert state["rings"] == before
    visitor.act("close")


def test_who_may_call_is_told_beside_the_name_and_the_bot_agrees(visitor: Visitor) -> None:
    visitor.act("write", AGENT, channel="C_GENERAL", text="/call")
    state = visitor.see(lambda state: "role Manager" in words(state["modal"]), AGENT)
    roles = {person["name"]: person["role"] for person in state["people"]}
    assert (roles["Sara"], roles["Agent"]) == ("Manager", "no calling role")
    assert visitor.see(lambda state: True)["modal"] is None, "nobody sees another one's screen"
    visitor.act("close", AGENT)


def test_a_switch_loses_one_answer_and_the_caller_hears_that_it_is_not_certain(visitor: Visitor) -> None:
    visitor.act("trouble", id="answer_lost", on=True)
    visitor.call("(412) 555-0100")

    state = visitor.see(lambda state: "Not certain" in words(cards(state, "555-0100")))
    (switch,) = (each for each in state["troubles"] if each["id"] == "answer_lost")
    assert not switch["on"], "it was for one call"
    told = visitor.see(lambda state: "Not certain" in words(messages(state, "C_GENERAL")))
    assert [line["only_you"] for line in messages(told, "C_GENERAL")] == [True]
    others = visitor.see(lambda state: True, AGENT)
    assert messages(others, "C_GENERAL") == []


def test_a_bot_killed_in_the_middle_of_a_call_comes_back_and_never_rings_twice(visitor: Visitor) -> None:
    visitor.act("trouble", id="no_answer", on=True)
    visitor.call("(412) 555-0101")
    visitor.see(lambda state: any(call["number"] == "+14125550101" for call in state["calls"]))

    visitor.act("kill")

    state = visitor.see(lambda state: "Not certain" in words(cards(state, "555-0101")))
    assert len(cards(state, "555-0101")) == 1
    assert sum(call["number"] == "+14125550101" for call in state["calls"]) == 1
    visitor.open_form("")
    visitor.act("close")


def test_slack_says_itself_what_is_not_a_command(visitor: Visitor) -> None:
    told = visitor.act("write", channel="C_GENERAL", text="/coll 911")
    assert told == {"seen": "/coll is not a valid command."}


def test_the_page_comes_from_here_and_writes_no_foreign_text_as_html(visitor: Visitor) -> None:
    for name in FILES:
        answer = requests.get(f"{visitor.url}/{name}", timeout=PATIENCE_S)
        assert answer.text == (FOLDER / name).read_text("utf-8")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert not re.search(r"https?://\w|innerHTML|insertAdjacentHTML|document\.write", answer.text), name
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)


def test_only_the_page_itself_can_do_something(visitor: Visitor) -> None:
    form = requests.post(f"{visitor.url}/act/kill", data={"person": SARA}, timeout=PATIENCE_S)
    assert form.status_code == 404, "another site could send this"
    stale = requests.post(f"{visitor.url}/act/submit", json={"person": SARA, "typed": {}}, timeout=PATIENCE_S)
    assert stale.status_code == 409
    assert "no modal" in stale.json()["problem"]
    assert requests.get(f"{visitor.url}/%2e%2e/page.py", timeout=PATIENCE_S).status_code == 404


def test_another_sandbox_finds_a_port_of_its_own(visitor: Visitor) -> None:
    assert visitor.url != f"http://127.0.0.1:{free_port()}"
