"""`docs/states.md` says what the code says: the states, what follows what, and the words on the card."""

from __future__ import annotations

import re
from pathlib import Path

from evoslack.calling.calls import TRANSITIONS, Call, CallRequest, Progress, State
from evoslack.calling.status import CallStatus, status_of
from evoslack.slack.rendering.status_words import STATUS_WORDS
from tests.calls import T0

TEXT = (Path(__file__).parents[2] / "docs" / "states.md").read_text(encoding="utf-8")
REQUEST = CallRequest("key", "T", "U", "acc", "flow", "Survey", "+18144043093", "+12025550100")


def table(heading: str) -> dict[str, str]:
    """The first two columns of the table under a heading."""
    part = re.split(r"^## ", TEXT.split(f"## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", part, re.MULTILINE))


def on_the_card(state: State, progress: Progress | None = None) -> str:
    """Symbol and words of a call in this state."""
    return str(STATUS_WORDS[status_of(Call("id", REQUEST, state, T0, progress=progress))])


def test_every_state_has_its_card() -> None:
    assert table("States") == {
        state.value: "see below" if state is State.PLACED else on_the_card(state) for state in State
    }


def test_every_step_of_a_placed_call_has_its_card() -> None:
    followed = {each for each in Progress if each is not Progress.ENDED}
    told = table("Placed calls")

    assert {name: words for name, words in told.items() if name != Progress.ENDED} == {
        progress.value: on_the_card(State.PLACED, progress) for progress in followed
    }
    assert set(told) == {each.value for each in Progress}


def test_every_word_that_a_card_can_say_is_there() -> None:
    assert [str(STATUS_WORDS[status]) for status in CallStatus if str(STATUS_WORDS[status]) not in TEXT] == []


def test_the_diagram_has_the_transitions_of_the_code_and_no_others() -> None:
    diagram = TEXT.split("```mermaid\n")[1].split("```")[0]
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)", diagram, re.MULTILINE))

    assert drawn == {(one.value, other.value) for one, others in TRANSITIONS.items() for other in others}
