"""The Home tab on paper: what stands in it, what a press changes, and Slack's limits at their worst."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calls import Call, CallRequest, Progress, Reason, State
from evoslack.calling.history_filter import HistoryFilter, Scope
from evoslack.calling.refusals import CannotCheck, Denial, Lack, NotAllowed, NothingToOffer, Refusal, Source
from evoslack.slack.rendering import home
from evoslack.slack.rendering.cards import CALL_AGAIN
from evoslack.slack.rendering.home import PER_PAGE, FilterAction, Page, filter_after
from sandbox.slack.block_kit import problems_in_view

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
REQUEST = CallRequest("key", "T1", "U_SARA", "acc1", "flow1", "Survey", "+18144043093", "+12025550100")
PLACED = Call("c1", REQUEST, State.PLACED, T0)
TEAM = HistoryFilter(Scope.TEAM)


MINE = HistoryFilter()


def page(
    *calls: Call, chosen: HistoryFilter = MINE, total: int | None = None, sees_team: bool = False
) -> Page:
    return Page(chosen, calls, len(calls) if total is None else total, sees_team)


def tab(shown: Page) -> dict[str, Any]:
    """The tab, as Slack takes it."""
    view = home.view(shown, "US")
    assert problems_in_view(view, "home") == []
    return view


def words(view: dict[str, Any]) -> str:
    return json.dumps(view["blocks"], ensure_ascii=False)


def elements(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Everything that can be used, by action id."""
    found: dict[str, dict[str, Any]] = {}
    for block in view["blocks"]:
        inside = [block.get("accessory"), block.get("element"), *block.get("elements", [])]
        found |= {each["action_id"]: each for each in inside if each and "action_id" in each}
    return found


def row(view: dict[str, Any], call_id: str = "c1") -> dict[str, Any]:
    return next(block for block in view["blocks"] if block.get("block_id") == f"home_call_{call_id}")


# --- what stands there ----------------------------------------------------------------------------


def test_the_first_line_says_that_i_may_call_and_has_the_button() -> None:
    first = tab(page())["blocks"][0]

    assert first["text"]["text"] == "*You can place calls.*"
    assert first["accessory"]["text"]["text"] == "Place a call"


@pytest.mark.parametrize(
    ("refusal", "beginning"),
    [
        (NotAllowed(Denial.ROLE), "*You can't place calls.* You need the Manager role"),
        (CannotCheck(Source.EVO_VOICE), "*EvoSlack can't tell right now"),
        (NothingToOffer(Lack.NOT_LOADED), "*EvoSlack can't tell right now"),
    ],
)
def test_a_person_who_may_not_call_reads_why_and_nothing_else(refusal: Refusal, beginning: str) -> None:
    view = home.denied(refusal, "US")

    (line,) = view["blocks"]
    assert problems_in_view(view, "home") == []
    assert line["text"]["text"].startswith(beginning)
    assert elements(view) == {}


def test_a_call_has_its_state_number_flow_time_and_length() -> None:
    ended = replace(
        PLACED,
        progress=Progress.ENDED,
        answered_at=T0,
        ended_at=T0 + timedelta(seconds=125),
        evo_outcome="Done",
    )

    shown = row(tab(page(ended)))

    assert shown["text"]["text"] == (
        "*⏹️ ended · “Done” · talked 2 min 5 sec* · (814) 404-3093\n"
        f"Survey · <!date^{int(T0.timestamp())}^{{date_short_pretty}} {{time}}|2026-03-02 09:30 UTC>"
    )
    assert shown["accessory"]["action_id"] == CALL_AGAIN
    assert shown["accessory"]["accessibility_label"] == "Call again: (814) 404-3093"


@pytest.mark.parametrize(
    "call",
    [
        replace(PLACED, state=State.ACCEPTED),
        replace(PLACED, state=State.PLACING),
        replace(PLACED, progress=Progress.RINGING),
        replace(PLACED, progress=Progress.ANSWERED),
    ],
)
def test_a_call_that_goes_on_cannot_be_called_again_from_here(call: Call) -> None:
    assert "accessory" not in row(tab(page(call)))


def test_calling_again_after_a_doubt_asks_first() -> None:
    doubt = replace(PLACED, state=State.IN_DOUBT, reason=Reason.NO_ANSWER)

    assert "confirm" in row(tab(page(doubt)))["accessory"]


def test_the_team_view_says_who_called_and_mine_does_not() -> None:
    assert "<@U_SARA>" in words(tab(page(PLACED, chosen=TEAM, sees_team=True)))
    assert "<@U_SARA>" not in words(tab(page(PLACED, sees_team=True)))


def test_only_who_may_see_the_team_finds_the_way_there() -> None:
    assert FilterAction.TEAM not in elements(tab(page()))
    tabs = elements(tab(page(chosen=TEAM, sees_team=True)))
    assert (tabs[FilterAction.TEAM].get("style"), tabs[FilterAction.MINE].get("style")) == ("primary", None)


def test_people_are_searched_for_in_the_teams_calls_only() -> None:
    assert FilterAction.PERSON not in elements(tab(page(sees_team=True)))
    chosen = elements(tab(page(chosen=replace(TEAM, person="U_BOSS"), sees_team=True)))
    assert chosen[FilterAction.PERSON]["initial_user"] == "U_BOSS"


def test_the_search_keeps_what_was_typed_and_can_be_cleared() -> None:
    assert FilterAction.CLEAR not in elements(tab(page()))
    shown = elements(tab(page(chosen=HistoryFilter(search="(814) 404"))))
    assert shown[FilterAction.SEARCH]["initial_value"] == "(814) 404"
    assert FilterAction.CLEAR in shown


def test_a_refresh_leaves_a_half_typed_search_alone_and_a_cleared_one_is_empty() -> None:
    """Slack keeps what is typed where the ids stay the same."""

    def field(chosen: HistoryFilter) -> str:
        return next(b["block_id"] for b in tab(page(PLACED, chosen=chosen))["blocks"] if b["type"] == "input")

    assert field(HistoryFilter()) == field(HistoryFilter(page=1))
    assert field(HistoryFilter()) != field(HistoryFilter(search="814"))


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (HistoryFilter(), "No calls yet."),
        (TEAM, "No calls yet."),
        (HistoryFilter(search="814"), "No calls match this search."),
        (replace(TEAM, person="U_BOSS"), "No calls match this search."),
        (HistoryFilter(search="Sara"), "Enter at least 3 digits"),
    ],
)
def test_an_empty_page_says_why_it_is_empty(chosen: HistoryFilter, said: str) -> None:
    assert said in words(tab(page(chosen=chosen, sees_team=True)))


@pytest.mark.parametrize(
    ("number", "total", "heading", "ways"),
    [
        (0, 7, "1–7 of 7", set()),
        (0, 10, "1–10 of 10", set()),
        (0, 11, "1–10 of 11", {FilterAction.OLDER}),
        (1, 25, "11–20 of 25", {FilterAction.NEWER, FilterAction.OLDER}),
        (2, 25, "21–25 of 25", {FilterAction.NEWER}),
    ],
)
def test_a_page_says_where_it_is_and_leads_on(
    number: int, total: int, heading: str, ways: set[FilterAction]
) -> None:
    here = min(total - number * PER_PAGE, PER_PAGE)
    calls = [replace(PLACED, id=f"c{index}") for index in range(here)]

    view = tab(page(*calls, chosen=HistoryFilter(page=number), total=total))

    assert heading in words(view)
    assert {FilterAction.NEWER, FilterAction.OLDER} & set(elements(view)) == ways


# --- the worst ------------------------------------------------------------------------------------


def worst(names: Sequence[str]) -> list[Call]:
    return [
        replace(
            PLACED,
            id=f"{index:032}",
            request=replace(REQUEST, flow_name=names[index % len(names)], user_id="U" + "0" * 20),
            state=State.IN_DOUBT,
            progress=Progress.ENDED,
            answered_at=T0,
            ended_at=T0 + timedelta(hours=9),
        )
        for index in range(PER_PAGE)
    ]


def test_the_fullest_page_stays_within_slacks_limits() -> None:
    chosen = HistoryFilter(Scope.TEAM, "&" * 40, "U" + "0" * 20, page=3)

    view = tab(page(*worst(["&" * 5000]), chosen=chosen, total=10_000, sees_team=True))

    assert len(view["blocks"]) <= 100
    assert len(json.dumps(view).encode()) < 50_000


@given(st.lists(st.text(max_size=300), min_size=1, max_size=PER_PAGE), st.text(max_size=40))
def test_no_name_and_no_search_breaks_the_page_or_gets_markup_in(names: list[str], typed: str) -> None:
    hostile = [f"<!channel> <http://evil.test|{name}>" for name in names]

    view = tab(page(*worst(hostile), chosen=HistoryFilter(search=typed)))

    rows = [block["text"] for block in view["blocks"] if block.get("block_id", "").startswith("home_call_")]
    assert all("<!channel" not in each["text"] and "<http" not in each["text"] for each in rows)
    assert all(each["verbatim"] for each in rows)


# --- what a press changes -------------------------------------------------------------------------


def after(chosen: HistoryFilter, action_id: str, **more: Any) -> HistoryFilter:
    return filter_after(chosen, {"action_id": action_id, **more})


def test_every_press_leads_to_what_it_says() -> None:
    deep = HistoryFilter(Scope.TEAM, "814", "U_BOSS", 3)

    assert after(deep, FilterAction.MINE) == HistoryFilter(Scope.MINE, "814")
    assert after(HistoryFilter(search="814", page=2), FilterAction.TEAM) == HistoryFilter(Scope.TEAM, "814")
    assert after(deep, FilterAction.SEARCH, value=" (202) 555 ") == HistoryFilter(
        Scope.TEAM, "(202) 555", "U_BOSS"
    )
    assert after(deep, FilterAction.SEARCH, value=None) == HistoryFilter(Scope.TEAM, "", "U_BOSS")
    assert after(deep, FilterAction.PERSON, selected_user="U_SARA") == HistoryFilter(
        Scope.TEAM, "814", "U_SARA"
    )
    assert after(deep, FilterAction.PERSON, selected_user=None) == HistoryFilter(Scope.TEAM, "814")
    assert after(deep, FilterAction.OLDER, value="4") == replace(deep, page=4)
    assert after(deep, FilterAction.NEWER, value="2") == replace(deep, page=2)
    assert after(deep, FilterAction.CLEAR) == TEAM


@pytest.mark.parametrize(
    "forged",
    [
        {"action_id": FilterAction.OLDER, "value": "-1"},
        {"action_id": FilterAction.OLDER, "value": "9" * 5000},
        {"action_id": FilterAction.OLDER, "value": "²"},
        {"action_id": FilterAction.PERSON, "selected_user": "' OR 1=1"},
        {"action_id": FilterAction.PERSON, "selected_user": ["U_BOSS"]},
        {"action_id": FilterAction.SEARCH, "value": "\x00\ud800"},
        {"action_id": "home_turn_nowhere"},
        {},
    ],
)
def test_a_forged_press_leads_nowhere(forged: dict[str, Any]) -> None:
    assert filter_after(HistoryFilter(), forged) == HistoryFilter()


PRINTABLE = st.text(st.characters().filter(str.isprintable), max_size=40)


@given(st.builds(HistoryFilter, st.sampled_from(Scope), PRINTABLE, st.just("U_BOSS"), st.integers(0, 999)))
def test_a_filter_can_be_packed_and_unpacked(chosen: HistoryFilter) -> None:
    assert HistoryFilter.unpacked(chosen.packed()) == chosen


def test_a_filter_of_an_older_version_can_still_be_read() -> None:
    """Rows and open tabs have it."""
    text = '{"whose":"team","typed":"814","person":"U_BOSS","page":2}'

    assert HistoryFilter.unpacked(text) == HistoryFilter(Scope.TEAM, "814", "U_BOSS", 2)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "1", "[]", "{}", '{"whose":"mine"}', '{"scope":"mine"}', "[" * 100_000),
        '{"whose":"everybody","typed":"","person":"","page":0}',
        '{"whose":"team","typed":1,"person":"","page":0}',
        '{"whose":"team","typed":"","person":1,"page":0}',
        '{"scope":"everybody","search":"","person":"","page":0}',
        '{"scope":"team","search":1,"person":"","page":0}',
        '{"whose":"team","typed":"","person":"","page":-1}',
        '{"whose":"team","typed":"","person":"","page":1e9}',
    ],
)
def test_a_filter_that_cannot_be_read_is_the_default_one(text: str) -> None:
    assert HistoryFilter.unpacked(text) == HistoryFilter()


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("(814) 404-3093", "8144043093"),
        ("+44 (0)20 7946", "44207946"),
        ("030 1234", "301234"),
        ("0049 30", "4930"),
        ("８１４", "814"),
        ("٨١٤", "814"),
        ("²³⁴", ""),
        ("81", ""),
        ("00", ""),
        ("Sara", ""),
        ("%814_", "814"),
    ],
)
def test_a_search_compares_digits_however_they_are_spelled(typed: str, digits: str) -> None:
    assert HistoryFilter(search=typed).digits == digits
