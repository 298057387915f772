"""`python -m sandbox` from the outside: the program in a process of its own, and its page over HTTP."""

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
import yaml

from sandbox.page import FILES, FOLDER
from sandbox.play import free_port
from tests.scenario.office import as_read, says_placed

HERE = Path(__file__).resolve().parents[2]
SARA, AGENT, ROOT, OTHER = "U_SARA", "U_AGENT", "U_ROOT", "U_OTHER"
PATIENCE_S = 40  # a card whose posting a kill left open is looked for after 15 s

State = dict[str, Any]


class Visitor:
    """A person with a browser: sees what the page receives, does what its buttons do."""

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
        self.see(lambda state: "· dialing" in words(state["modal"]))
        self.act("close")

    def calls_go(self, course: str = "answered", ring_s: float = 2, record: str = "on_answer") -> None:
        """Choose what the next calls meet at the phone."""
        self.act("next_calls", course=course, ring_s=ring_s, record=record, archived=False)

    def see_call(self, number: str, status: str) -> State:
        """Wait until the phone system has this call in this condition."""
        is_so = {"number": number, "status": status}.items()
        return next(
            call
            for call in self.see(lambda state: any(is_so <= call.items() for call in state["calls"]))["calls"]
            if is_so <= call.items()
        )

    def press(self, button: State, message: State, person: str = SARA) -> State:
        """Press a button on a card."""
        block = next(each for each in message["blocks"] if button in each.get("elements", []))
        where = {"channel": "C_CALLS", "ts": message["ts"], "block": block["block_id"]}
        return self.act("click", person, action=button["action_id"], **where)


def words(shown: Any) -> str:
    """All the text in blocks, messages or a view, as people read it."""
    return as_read(json.dumps(shown, ensure_ascii=False))


def components(blocks: list[State], action: str) -> list[State]:
    """The buttons and fields with this action id."""
    inside = [(block.get("accessory"), block.get("element"), *block.get("elements", [])) for block in blocks]
    return [each for row in inside for each in row if each and each.get("action_id") == action]


def field(view: State, label: str) -> State:
    """The input with this label."""
    return next(each for each in view["blocks"] if each["type"] == "input" and label in words(each["label"]))


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
        [sys.executable, "-m", "sandbox"],
        cwd=folder,
        env={**os.environ, **astray, "PYTHONPATH": str(HERE)},
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
    before = visitor.open_form("(814) 404-3093 survey")
    form = before["modal"]
    assert form["state"]["values"]["number"]["number"]["value"] == "(814) 404-3093"
    assert form["state"]["values"]["flow"]["flow"]["selected_option"]["text"]["text"] == "Customer survey"

    visitor.act("submit", typed={})
    state = visitor.see(lambda state: any(says_placed(card["text"]) for card in cards(state, "404-3093")))

    assert len(cards(state, "404-3093")) == 1
    assert [call["number"] for call in state["calls"]].count("+18144043093") == 1
    assert state["rings"] == before["rings"] + 1
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
    assert list(state["errors"]) == ["number"]
    # The line under the number may have said why already; then the error says what to do.
    said = state["errors"]["number"] + words(state["modal"])
    assert "EvoSlack never dials emergency numbers. Use a phone." in said
    assert state["rings"] == before
    visitor.act("close")


def test_who_may_call_is_told_beside_the_name_and_the_bot_agrees(visitor: Visitor) -> None:
    visitor.act("write", AGENT, channel="C_GENERAL", text="/call")
    state = visitor.see(lambda state: "Manager role" in words(state["modal"]), AGENT)
    people = {person["id"]: person for person in state["people"]}
    assert (people[SARA]["role"], people[AGENT]["role"]) == ("Manager", "no calling role")
    assert people[SARA]["name"] == "Sara Lind"
    assert "won't call for you" in people[AGENT]["expects"]
    assert visitor.see(lambda state: True)["modal"] is None, "nobody sees another one's screen"
    visitor.act("close", AGENT)


def test_a_manager_of_another_account_is_told_that(visitor: Visitor) -> None:
    visitor.act("write", OTHER, channel="C_GENERAL", text="/call")
    state = visitor.see(lambda state: "account" in words(state["modal"]), OTHER)
    assert "but not in the account that this workspace calls from" in words(state["modal"])
    person = next(each for each in state["people"] if each["id"] == OTHER)
    assert "You manage another account of Evo Voice." in person["expects"]
    visitor.act("close", OTHER)


def test_a_switch_loses_one_answer_and_the_caller_hears_that_it_is_not_certain(visitor: Visitor) -> None:
    for fault in ("calls_hidden", "answer_lost"):  # else the call would be found again at once
        visitor.act("set_fault", id=fault, on=True)
    visitor.call("(412) 555-0100")

    state = visitor.see(lambda state: "not certain" in words(cards(state, "555-0100")))
    on = {each["id"]: each["on"] for each in state["faults"]}
    assert (on["calls_hidden"], on["answer_lost"]) == (True, False), "the second one was for one call"
    told = visitor.see(lambda state: "555-0100" in words(messages(state, "C_GENERAL")))
    (line,) = (each for each in messages(told, "C_GENERAL") if "555-0100" in words(each))
    assert line["only_you"]
    assert "not certain" in words(line)
    others = visitor.see(lambda state: True, AGENT)
    assert "555-0100" not in words(messages(others, "C_GENERAL"))
    visitor.act("set_fault", id="calls_hidden", on=False)


def test_a_bot_killed_in_the_middle_of_a_call_comes_back_finds_it_and_never_rings_twice(
    visitor: Visitor,
) -> None:
    visitor.calls_go("long")
    visitor.act("set_fault", id="no_answer", on=True)
    visitor.call("(412) 555-0101")
    visitor.see(lambda state: any(call["number"] == "+14125550101" for call in state["calls"]))

    visitor.act("kill")

    state = visitor.see(lambda state: "on the call" in words(cards(state, "555-0101")))
    assert len(cards(state, "555-0101")) == 1
    (call,) = (each for each in state["calls"] if each["number"] == "+14125550101")
    visitor.act("hang_up", sid=call["sid"])
    visitor.open_form("")
    visitor.act("close")


def test_the_shortcuts_bear_the_names_of_the_manifest_and_open_what_they_say(visitor: Visitor) -> None:
    manifest = yaml.safe_load((HERE / "manifest.yml").read_text("utf-8"))
    offered = visitor.see(lambda state: True)["app"]["shortcuts"]
    assert offered == manifest["features"]["shortcuts"]
    (place,) = (each for each in offered if each["type"] == "global")
    assert visitor.act("shortcut", id=place["callback_id"])["seen"] == ""
    visitor.see(lambda state: (state["modal"] or {}).get("callback_id") == "call_form")
    visitor.act("close")


def test_of_several_numbers_in_a_message_one_is_chosen_and_fills_the_form(visitor: Visitor) -> None:
    visitor.act("write", channel="C_GENERAL", text="Try (412) 555-0110 or (412) 555-0111 & tell <me>")
    state = visitor.see(lambda state: "555-0110" in words(messages(state, "C_GENERAL")))
    (message,) = (each for each in messages(state, "C_GENERAL") if "555-0110" in words(each))
    assert message["text"].endswith("&amp; tell &lt;me&gt;")
    (shortcut,) = (each for each in state["app"]["shortcuts"] if each["type"] == "message")

    visitor.act("message_shortcut", id=shortcut["callback_id"], channel="C_GENERAL", ts=message["ts"])
    choice = visitor.see(lambda state: (state["modal"] or {}).get("callback_id") == "call_choice")["modal"]
    (numbers,) = components(choice["blocks"], "number")
    assert [each["value"] for each in numbers["options"]] == ["+14125550110", "+14125550111"]
    visitor.act("choose", block="number", value="+14125550111")
    visitor.act("submit", typed={})

    form = visitor.see(lambda state: (state["modal"] or {}).get("callback_id") == "call_form")["modal"]
    assert form["state"]["values"]["number"]["number"]["value"] == "+14125550111"
    visitor.act("close")


def test_hanging_up_on_the_card_asks_first_and_ends_the_call_at_the_phone(visitor: Visitor) -> None:
    visitor.calls_go("long", ring_s=0)
    visitor.call("(412) 555-0112")
    state = visitor.see(lambda state: "hang_up" in words(cards(state, "555-0112")))
    (card,) = cards(state, "555-0112")
    (button,) = components(card["blocks"], "hang_up")
    assert button["style"] == "danger"
    assert button["confirm"].keys() >= {"title", "text", "confirm", "deny"}

    assert visitor.press(button, card)["seen"] == ""
    visitor.see_call("+14125550112", "hung up")
    visitor.see(lambda state: "talked" in words(cards(state, "555-0112")))


def test_a_card_tells_since_when_people_talk_in_a_form_that_the_page_keeps_up_to_date(
    visitor: Visitor,
) -> None:
    visitor.calls_go("long", ring_s=0)
    visitor.call("(412) 555-0113")
    state = visitor.see(lambda state: "{time_secs}" in words(cards(state, "555-0113")))
    assert re.search(r"<!date\^\d+\^\{ago\} at \{time_secs\}\|", words(cards(state, "555-0113")))
    visitor.act("hang_up", sid=visitor.see_call("+14125550113", "answered")["sid"])
    visitor.see_call("+14125550113", "hung up")


def test_one_picks_up_a_ringing_phone_and_hangs_up_there(visitor: Visitor) -> None:
    visitor.calls_go("no_answer", record="at_once")
    visitor.call("(412) 555-0114")
    ringing = visitor.see_call("+14125550114", "ringing")
    assert (ringing["script"], ringing["record"]) == ("no answer after 25 sec", "its session is listed")

    visitor.act("answer", sid=ringing["sid"])
    visitor.see(lambda state: "on the call" in words(cards(state, "555-0114")))
    visitor.act("hang_up", sid=ringing["sid"])
    visitor.see(lambda state: "talked" in words(cards(state, "555-0114")))


@pytest.mark.parametrize(
    ("course", "record", "number", "status", "listed"),
    [
        ("busy", "late", "(412) 555-0115", "busy", "its session is listed"),
        ("failed", "never", "(412) 555-0116", "failed", "no session is listed"),
        ("busy", "at_once", "(412) 555-0117", "busy", "its session is listed"),
    ],
)
def test_the_next_calls_go_as_one_chooses(
    visitor: Visitor, course: str, record: str, number: str, status: str, listed: str
) -> None:
    visitor.calls_go(course, record=record)
    chosen = visitor.see(lambda state: True)["next_calls"]
    assert (chosen["course"], chosen["record"]) == (course, record)
    visitor.call(number)
    call = visitor.see_call("+1" + "".join(filter(str.isdigit, number)), status)
    assert call["record"] == listed


def test_two_sessions_or_one_in_the_archive_can_be_asked_for(visitor: Visitor) -> None:
    body = {"course": "answered", "ring_s": 0, "record": "twice", "archived": True}
    visitor.act("next_calls", **body)
    visitor.call("(412) 555-0118")
    call = visitor.see_call("+14125550118", "answered")
    assert call["record"] == "two sessions are listed"
    visitor.act("hang_up", sid=call["sid"])
    assert visitor.see_call("+14125550118", "hung up")["record"] == "its session is in the archive"


def test_the_home_tab_shows_what_one_may_and_its_search_and_buttons_work(visitor: Visitor) -> None:
    visitor.calls_go("busy", ring_s=0, record="at_once")
    visitor.call("(412) 555-0119")
    visitor.act("open_home", tab="home")
    # While it may still be on the phone, it stands above the history, whatever is searched for.
    home = visitor.see(lambda state: re.search(r"\(412\) 555-0119 · busy", words(state["home"])))["home"]

    search = field(home, "Search")
    ids = {"block": search["block_id"], "action": search["element"]["action_id"]}
    visitor.act("type_home", **ids, text="5550999", enter=True)
    found = visitor.see(lambda state: "No calls match" in words(state["home"]))["home"]
    assert "555-0119" not in words(found)

    (place,) = components(found["blocks"], "home_place")
    block = next(
        each for each in found["blocks"] if place in (each.get("accessory"), *each.get("elements", []))
    )
    visitor.act("click_home", block=block["block_id"], action="home_place", typed=[])
    visitor.see(lambda state: (state["modal"] or {}).get("callback_id") == "call_form")
    visitor.act("close")


def test_everybody_has_a_home_tab_of_their_own(visitor: Visitor) -> None:
    for person, said in ((AGENT, "You can't place calls"), (ROOT, "Team calls")):
        visitor.act("open_home", person, tab="home")
        visitor.see(lambda state, said=said: said in words(state["home"]), person)


def test_a_workflow_step_is_filled_in_with_the_apps_own_options_and_runs_to_its_end(visitor: Visitor) -> None:
    visitor.calls_go("busy", record="at_once")
    (step,) = visitor.see(lambda state: True)["app"]["steps"]
    assert step["title"] == "Place a call"
    kinds = {each["block_id"]: each.get("element", {}).get("type") for each in step["blocks"]}
    assert (kinds["flow"], kinds["number"], kinds["person"]) == ("external_select", "plain_text_input", None)
    asked = {"step": step["id"], "block": "flow", "values": {}}
    (option,) = visitor.act("step_options", query="survey", **asked)["options"]
    assert option["text"]["text"] == "Customer survey"
    assert visitor.act("step_options", AGENT, query="survey", **asked)["options"] == []

    values = {"flow": option["value"]}
    assert visitor.act("run_step", step=step["id"], values=values) == {"missing": ["number"]}
    values["number"] = "(412) 555-0120"
    assert visitor.act("run_step", step=step["id"], values=values) == {"missing": []}
    run = visitor.see(lambda state: [each for each in state["runs"] if each["outputs"]])["runs"][0]
    assert (run["status"], run["inputs"]["number"]) == ("completed", "(412) 555-0120")
    assert run["outputs"]["call_id"]
    visitor.see_call("+14125550120", "busy")


def test_a_step_that_may_not_call_fails_with_words(visitor: Visitor) -> None:
    values = {"flow": "flow2", "number": "(412) 555-0121"}
    visitor.act("run_step", AGENT, step="place_call", values=values)
    state = visitor.see(lambda state: any(each["error"] for each in state["runs"]))
    (run,) = (each for each in state["runs"] if each["status"] == "failed")
    assert "Manager role" in run["error"]
    assert "5550121" not in words(state["calls"])


def test_an_exported_file_comes_privately_and_can_be_saved(visitor: Visitor) -> None:
    visitor.calls_go("busy")
    visitor.call("(412) 555-0122")
    visitor.see_call("+14125550122", "busy")
    visitor.act("write", ROOT, channel="C_GENERAL", text="/call export")

    def files(state: State) -> list[tuple[str, State]]:
        rooms = [each for each in state["channels"] if each["is_im"]]
        return [
            (room["id"], file)
            for room in rooms
            for each in room["messages"]
            for file in each.get("files", [])
        ]

    room, file = files(visitor.see(files, ROOT))[0]
    answer = requests.get(f"{visitor.url}/files/{room}/{file['id']}", timeout=PATIENCE_S)
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{file['name']}"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert len(answer.content) == file["size"]
    assert answer.content.decode("utf-8-sig").startswith("call id,")
    assert requests.get(f"{visitor.url}/files/C_CALLS/{file['id']}", timeout=PATIENCE_S).status_code == 404
    assert files(visitor.see(lambda state: True)) == [], "Sara does not see it"


def test_slack_says_itself_what_is_not_a_command(visitor: Visitor) -> None:
    told = visitor.act("write", channel="C_GENERAL", text="/coll 911")
    assert told == {"seen": "/coll is not a valid command."}


def is_on(state: dict[str, Any], fault: str) -> bool:
    return next(bool(each["on"]) for each in state["faults"] if each["id"] == fault)


def test_the_bot_can_be_invited_as_its_message_says(visitor: Visitor) -> None:
    visitor.act("set_fault", id="not_invited", on=True)
    visitor.see(lambda state: is_on(state, "not_invited"))

    told = visitor.act("write", channel="C_CALLS", text="/invite @EvoSlack")

    assert told == {"seen": "EvoSlack is in this channel now."}
    visitor.see(lambda state: not is_on(state, "not_invited"))


def test_the_page_comes_from_here_and_writes_no_foreign_text_as_html(visitor: Visitor) -> None:
    for name in FILES:
        answer = requests.get(f"{visitor.url}/{name}", timeout=PATIENCE_S)
        assert answer.text == (FOLDER / name).read_text("utf-8")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert not re.search(r"https?://\w|innerHTML|insertAdjacentHTML|document\.write", answer.text), name
        assert set(re.findall(r'from "\./([^"]+)"', answer.text)) <= set(FILES), name


def test_only_the_page_itself_can_do_something(visitor: Visitor) -> None:
    form = requests.post(f"{visitor.url}/act/kill", data={"person": SARA}, timeout=PATIENCE_S)
    assert form.status_code == 404, "another site could send this"
    stale = requests.post(f"{visitor.url}/act/submit", json={"person": SARA, "typed": {}}, timeout=PATIENCE_S)
    assert stale.status_code == 409
    assert "no modal" in stale.json()["problem"]
    nowhere = requests.post(f"{visitor.url}/act/answer", json={"sid": "CA0"}, timeout=PATIENCE_S)
    assert (nowhere.status_code, nowhere.json()["problem"]) == (409, "no such call")
    assert requests.get(f"{visitor.url}/%2e%2e/page.py", timeout=PATIENCE_S).status_code == 404


def test_another_sandbox_finds_a_port_of_its_own(visitor: Visitor) -> None:
    assert visitor.url != f"http://127.0.0.1:{free_port()}"
