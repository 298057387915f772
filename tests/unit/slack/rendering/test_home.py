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

from evoslack.calling.calls import Call, CallNote, CallRequest, HangUp, LostReason, Progress, Result, State
from evoslack.calling.history_filter import HistoryFilter, OutcomeGroup, Scope
from evoslack.calling.history_page import Count, Cursor, HistoryPage, Way
from evoslack.calling.number_format import unbroken
from evoslack.calling.outcomes import Reason
from evoslack.calling.refusals import CannotCheck, Denial, Lack, NotAllowed, NothingToOffer, Refusal, Source
from evoslack.slack.rendering import cards, history, home, messages
from evoslack.slack.rendering.cards import CALL_AGAIN, HANG_UP
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.home import MOST_LIVE, PER_PAGE, PLACE, Page
from evoslack.slack.rendering.home_filters import ANY, EXPORT, FilterAction, filter_after, flow_options
from evoslack.slack.rendering.refusal_pages import REQUEST_ACCESS
from evoslack.slack.rendering.status_words import RESULT_WORDS
from sandbox.slack.block_kit import problems_in_view

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
REQUEST = CallRequest("key", "T1", "U_SARA", "acc1", "flow1", "Survey", "+18144043093", "+12025550100")
PLACED = Call("c1", REQUEST, State.PLACED, T0)
TEAM = HistoryFilter(Scope.TEAM)
DEEP = Cursor.older_than(PLACED).packed()
NOW = T0 + timedelta(hours=1)
CLEAR = "Clear a filter to see more."


MINE = HistoryFilter()
RINGING = replace(PLACED, progress=Progress.RINGING, session_id="s1")
TALKING = replace(RINGING, progress=Progress.ANSWERED, answered_at=T0 + timedelta(seconds=20))
NUMBER = unbroken("(814) 404-3093")


def page(
    *calls: Call,
    chosen: HistoryFilter = MINE,
    found: HistoryPage | None = None,
    sees_team: bool = False,
    viewer: str = "U_SARA",
    **more: Any,
) -> Page:
    found = found or HistoryPage(calls)
    return Page(chosen, found, sees_team, viewer, NOW, **more)


def with_live(*calls: Call, total: int | None = None, **more: Any) -> Page:
    """A page above which these calls are live."""
    return page(live=calls, live_total=len(calls) if total is None else total, **({"can_end": True} | more))


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


def row(view: dict[str, Any], call_id: str = "c1", kind: str = "call") -> dict[str, Any]:
    return next(block for block in view["blocks"] if block.get("block_id") == f"home_{kind}_{call_id}")


def block_ids(view: dict[str, Any]) -> list[str]:
    return [block.get("block_id", "") for block in view["blocks"]]


def text_of(block: dict[str, Any]) -> str:
    return str(block.get("text", block.get("elements", [{}])[0])["text"])


# --- what stands there ----------------------------------------------------------------------------


def test_the_first_line_has_the_button() -> None:
    first = tab(page())["blocks"][0]

    assert first["text"]["text"] == "*Live now*"
    assert first["accessory"]["text"]["text"] == "Place a call"


@pytest.mark.parametrize(
    ("refusal", "beginning"),
    [
        (NotAllowed(Denial.ROLE), "*You can't place calls.* You need the Manager role"),
        (CannotCheck(Source.EVO_VOICE), "*EvoSlack couldn't check whether you can place calls"),
        (NothingToOffer(Lack.NOT_LOADED), "*EvoSlack can't tell right now"),
    ],
)
def test_a_person_who_may_not_call_reads_why_and_nothing_else(refusal: Refusal, beginning: str) -> None:
    view = home.denied(refusal, "US")

    (line,) = view["blocks"]
    assert problems_in_view(view, "home") == []
    assert line["text"]["text"].startswith(beginning)
    assert elements(view) == {}


def test_a_person_who_lacks_something_can_ask_for_it_there() -> None:
    view = home.denied(NotAllowed(Denial.ROLE), "US", HelpContact.of("U0ADMIN"))

    assert problems_in_view(view, "home") == []
    assert list(elements(view)) == [REQUEST_ACCESS]
    for denial in (Denial.NOT_A_MEMBER, Denial.EMAIL_UNCONFIRMED):
        assert elements(home.denied(NotAllowed(denial), "US", HelpContact.of("U0ADMIN"))) == {}
    assert elements(home.denied(CannotCheck(Source.SLACK), "US", HelpContact.of("U0ADMIN"))) == {}


def test_a_person_who_asked_reads_that_they_did_and_when_they_can_ask_again() -> None:
    view = home.denied(NotAllowed(Denial.ROLE), "US", HelpContact.of("U0ADMIN"), T0)

    assert elements(view) == {}
    at, later = (int((T0 + timedelta(days=days)).timestamp()) for days in (0, 1))
    asked = view["blocks"][1]["text"]["text"]
    assert asked.startswith(f"You asked <@U0ADMIN> <!date^{at}^")
    assert f". You can ask again <!date^{later}^" in asked
    assert "You asked" not in words(home.denied(NotAllowed(Denial.ROLE), "US", HelpContact.of("IT"), T0))


def test_one_button_is_green() -> None:
    view = tab(with_live(TALKING, chosen=replace(TEAM, search="814"), sees_team=True))

    green = [name for name, each in elements(view).items() if each.get("style") == "primary"]
    assert green == [PLACE]


def test_a_call_has_its_state_number_time_and_flow() -> None:
    ended = replace(
        PLACED,
        progress=Progress.ENDED,
        answered_at=T0,
        ended_at=T0 + timedelta(seconds=125),
        evo_outcome="Done",
    )

    shown = row(tab(page(ended)))

    assert shown["text"]["text"] == (
        f"{messages.headline(ended, 'US', is_bold=True)}\n"
        f"<!date^{int(T0.timestamp())}^{{date_short_pretty}} {{time}}|2026-03-02 09:30 UTC> · Survey"
    )
    assert "2 min 5 sec" in shown["text"]["text"]
    assert shown["accessory"]["action_id"] == CALL_AGAIN
    assert shown["accessory"]["accessibility_label"] == "Call again: (814) 404-3093"


@pytest.mark.parametrize("result", list(Result))
def test_a_call_shows_what_its_caller_says_came_of_it(result: Result) -> None:
    noted = replace(PLACED, note=CallNote(result, "<!channel>", "U_BOSS", T0, 1))

    shown = row(tab(page(noted)))["text"]["text"]

    assert RESULT_WORDS[result] in shown
    assert "channel" not in shown  # the note stands on the card
    assert (
        "📝\u00a0Note" in row(tab(page(replace(noted, note=CallNote(None, "x", "U", T0, 1)))))["text"]["text"]
    )
    assert "📝" not in row(tab(page(PLACED)))["text"]["text"]


def test_a_call_links_to_its_card_if_it_has_one() -> None:
    url = "https://acme.slack.test/archives/C1/p1"
    view = tab(with_live(RINGING, links={"c1": url}))
    assert f"<{url}|Open\u00a0card>" in row(view, kind="live")["text"]["text"]
    assert f"<{url}|Open\u00a0card>" in row(tab(page(PLACED, links={"c1": url})))["text"]["text"]
    assert "|Open" not in words(tab(page(PLACED, links={"c2": url})))


@pytest.mark.parametrize(
    "call",
    [
        replace(PLACED, state=State.ACCEPTED),
        replace(PLACED, state=State.PLACING),
        RINGING,
        TALKING,
    ],
)
def test_a_call_that_is_going_on_cannot_be_called_again_from_here(call: Call) -> None:
    assert "accessory" not in row(tab(page(call)))
    assert CALL_AGAIN not in json.dumps(cards.blocks(call, "US"))


DOUBT = replace(PLACED, id="c3", state=State.IN_DOUBT, reason=Reason.NO_ANSWER, finished_at=NOW)
LOST = replace(PLACED, id="c4", progress=Progress.LOST, ended_at=NOW)


@pytest.mark.parametrize("call", [DOUBT, LOST])
def test_home_and_history_offer_call_again_when_the_card_does(call: Call) -> None:
    """Also while the call may still be going on: the form asks."""
    again = row(tab(page(call)), call.id)["accessory"]

    assert again["action_id"] == CALL_AGAIN
    for shown in (cards.blocks(call, "US"), history.blocks([call], "US")):
        assert CALL_AGAIN in json.dumps(shown)
    assert ("confirm" in again) is (call is DOUBT)


# --- live now -------------------------------------------------------------------------------------


def test_live_calls_stand_on_top_and_say_for_how_long() -> None:
    ringing = replace(RINGING, id="c2")

    view = tab(with_live(TALKING, ringing))

    assert text_of(view["blocks"][0]) == "*Live now*"
    talking, below = block_ids(view)[1:3]
    assert (talking, below) == ("home_live_c1", "home_live_c2")
    assert row(view, kind="live")["text"]["text"] == (
        f"{messages.headline(TALKING, 'US', is_bold=True)}\n"
        f"Answered <!date^{int(T0.timestamp()) + 20}^{{ago}}|09:30 UTC> · Survey"
    )
    assert f"Started <!date^{int(T0.timestamp())}^" in row(view, "c2", "live")["text"]["text"]


def test_an_administrators_live_calls_say_whose_they_are() -> None:
    assert (
        "<@U_SARA>"
        in row(tab(with_live(TALKING, sees_team=True, viewer="U_ROOT")), kind="live")["text"]["text"]
    )
    assert "<@U_SARA>" not in words(tab(with_live(TALKING)))
    assert text_of(tab(with_live(TALKING, sees_team=True))["blocks"][0]) == "*Live now · team*"


def test_without_live_calls_the_tab_says_so_and_no_more_than_it_knows() -> None:
    """A manager does not see the team's calls."""
    assert text_of(tab(page(PLACED))["blocks"][1]) == "No live calls."
    assert text_of(tab(page(PLACED, sees_team=True))["blocks"][1]) == "No live calls."


def test_uncertain_calls_stand_below_the_live_ones_under_their_own_words() -> None:
    view = tab(with_live(DOUBT, LOST, TALKING))

    assert block_ids(view)[1:5] == ["home_live_c1", "", "home_live_c3", "home_live_c4"]
    assert text_of(view["blocks"][2]) == "*May still be going on*"
    alone = tab(with_live(DOUBT))
    assert [text_of(block) for block in alone["blocks"][:3]] == [
        "*Live now*",
        "None confirmed.",
        "*May still be going on*",
    ]
    assert "May still be going on" not in words(tab(with_live(TALKING)))


def test_live_calls_can_be_hung_up_from_here() -> None:
    button = row(tab(with_live(TALKING)), kind="live")["accessory"]

    assert (button["action_id"], button["value"], button["style"]) == (HANG_UP, "c1", "danger")
    assert "The call ends right away" in button["confirm"]["text"]["text"]
    assert button["accessibility_label"] == "Hang up: (814) 404-3093"
    assert HANG_UP in elements(tab(with_live(TALKING, viewer="U_ROOT", sees_team=True)))


@pytest.mark.parametrize(
    ("call", "more"),
    [
        (TALKING, {"can_end": False}),
        (TALKING, {"viewer": "U_BOSS"}),
        (replace(TALKING, found_later=True), {}),
        (replace(TALKING, session_id=""), {}),
        (replace(TALKING, hang_up=HangUp.ASKED), {}),
        (replace(PLACED, progress=Progress.LOST, lost_reason=LostReason.UNSEEN, session_id="s1"), {}),
    ],
)
def test_no_hang_up_where_it_cannot_work_or_is_not_theirs(call: Call, more: dict[str, Any]) -> None:
    assert HANG_UP not in elements(tab(with_live(call, **more)))


def test_a_hang_up_that_is_under_way_or_failed_is_told() -> None:
    assert "hang-up requested" in words(tab(with_live(replace(TALKING, hang_up=HangUp.ASKED))))
    failed = tab(with_live(replace(TALKING, hang_up=HangUp.NO_EFFECT)))
    assert "hanging up had no effect" in words(failed)
    assert HANG_UP in elements(failed)


def test_more_live_calls_than_fit_are_counted() -> None:
    many = [replace(RINGING, id=f"c{index}") for index in range(MOST_LIVE)]

    assert "and 3 more" in words(tab(with_live(*many, total=MOST_LIVE + 3)))
    assert "more" not in words(tab(with_live(*many)))


# --- totals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("totals", "line"),
    [
        ({}, "*Last 24 hours:* no calls"),
        ({OutcomeGroup.REACHED: 1}, "*Last 24 hours:* 1 call · 1 reached"),
        (
            {OutcomeGroup.NOT_CERTAIN: 1, OutcomeGroup.NO_ANSWER: 3, OutcomeGroup.REACHED: 7},
            "*Last 24 hours:* 11 calls · 7 reached · 3 no answer · 1 not certain",
        ),
        (
            dict.fromkeys(OutcomeGroup, 2),
            (
                "*Last 24 hours:* 20 calls · 2 reached · 2 no answer · 2 busy · 2 failed · "
                "2 canceled or hung up · 2 ended or unknown · 2 not certain · 2 not placed · 2 in progress · "
                "2 scheduled"
            ),
        ),
    ],
)
def test_one_line_counts_the_last_24_hours(totals: dict[OutcomeGroup, int], line: str) -> None:
    assert line in [text_of(block) for block in tab(page(totals=totals))["blocks"] if "text" in block]


def test_an_administrators_totals_are_the_teams() -> None:
    assert "*Last 24 hours, team:* no calls" in words(tab(page(sees_team=True)))


# --- the list -------------------------------------------------------------------------------------


def test_the_team_view_says_who_called_and_mine_does_not() -> None:
    assert "<@U_SARA>" in words(tab(page(PLACED, chosen=TEAM, sees_team=True)))
    assert "<@U_SARA>" not in words(tab(page(PLACED, sees_team=True)))


def test_only_who_may_see_the_team_finds_the_way_there() -> None:
    assert FilterAction.TEAM not in elements(tab(page()))
    tabs = elements(tab(page(chosen=TEAM, sees_team=True)))
    shown = [tabs[each]["text"]["text"] for each in (FilterAction.MINE, FilterAction.TEAM)]
    assert shown == ["My calls", "✓ Team calls"]


def test_only_administrators_can_export() -> None:
    assert EXPORT not in elements(tab(page(PLACED)))
    assert elements(tab(page(PLACED, sees_team=True)))[EXPORT]["text"]["text"] == "Export"


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

    assert field(HistoryFilter()) == field(HistoryFilter(place="oldest"))
    assert field(HistoryFilter()) != field(HistoryFilter(search="814"))


FULL = HistoryFilter(
    Scope.TEAM, "814", "U_BOSS", DEEP, OutcomeGroup.BUSY, "flow1", "Survey", "2026-10-01", "2026-10-31"
)


def test_the_filters_show_what_was_chosen() -> None:
    shown = elements(tab(page(PLACED, chosen=FULL, sees_team=True)))

    assert shown[FilterAction.OUTCOME]["initial_option"]["value"] == "busy"
    assert shown[FilterAction.FLOW]["initial_option"] == {
        "text": {"type": "plain_text", "text": "Survey", "emoji": False},
        "value": "flow1",
    }
    assert shown[FilterAction.FIRST_DAY]["initial_date"] == "2026-10-01"
    assert shown[FilterAction.LAST_DAY]["initial_date"] == "2026-10-31"
    one = HistoryPage([PLACED], newer=Count(20))
    found = words(tab(page(chosen=FULL, found=one, sees_team=True)))
    assert "21–21 of 21 · Busy · flow Survey · Oct 1 to Oct 31 (UTC)" in found


def test_the_filters_of_an_unfiltered_tab_are_empty() -> None:
    shown = elements(tab(page(PLACED)))

    assert shown[FilterAction.OUTCOME]["initial_option"]["value"] == ANY
    assert "initial_option" not in shown[FilterAction.FLOW]
    assert "initial_date" not in shown[FilterAction.FIRST_DAY] | shown[FilterAction.LAST_DAY]
    assert FilterAction.CLEAR not in shown


@pytest.mark.parametrize(
    "change",
    [
        {"person": "U_ROOT"},
        {"outcome": ""},
        {"flow": "flow2"},
        {"flow": "", "flow_name": ""},
        {"first": ""},
        {"last": "2026-11-01"},
    ],
)
def test_a_filter_that_changes_is_drawn_anew_and_a_page_that_turns_leaves_it(change: dict[str, str]) -> None:
    """Slack keeps what was chosen where the ids stay the same."""

    def controls(chosen: HistoryFilter) -> str:
        return next(
            each
            for each in block_ids(tab(page(chosen=chosen, sees_team=True)))
            if each.startswith("home_narrow")
        )

    assert controls(FULL) != controls(replace(FULL, **change))
    assert controls(FULL) == controls(replace(FULL, place="oldest", search="404"))


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (HistoryFilter(), "No calls yet."),
        (TEAM, "No calls yet."),
        (HistoryFilter(search="814"), f"No calls match “814”. {CLEAR}"),
        (replace(TEAM, person="U_BOSS"), f"No calls match <@U_BOSS>. {CLEAR}"),
        (HistoryFilter(search="Sara"), "No calls match “Sara”. Search by at least 3 digits of a number."),
        (
            HistoryFilter(search="<!here>"),
            "No calls match “&lt;!here&gt;”. Search by at least 3 digits of a number.",
        ),
        (HistoryFilter(search="<!814>"), f"No calls match “&lt;!814&gt;”. {CLEAR}"),
        (HistoryFilter(outcome=OutcomeGroup.BUSY), f"No calls match Busy. {CLEAR}"),
        (
            FULL,
            f"No calls match “814” · Busy · flow Survey · Oct 1 to Oct 31 (UTC) · <@U_BOSS>. {CLEAR}",
        ),
        (HistoryFilter(first="2026-10-01"), f"No calls match from Oct 1 (UTC). {CLEAR}"),
        (HistoryFilter(last="2025-10-01"), f"No calls match to Oct 1, 2025 (UTC). {CLEAR}"),
        (
            HistoryFilter(first="2026-10-01", last="2026-10-01"),
            f"No calls match Oct 1 (UTC). {CLEAR}",
        ),
        (HistoryFilter(flow="f", flow_name="<!all>"), f"No calls match flow &lt;!all&gt;. {CLEAR}"),
        (
            HistoryFilter(first="2026-10-02", last="2026-10-01"),
            "No calls match: the first day is after the last day.",
        ),
    ],
)
def test_an_empty_page_says_why_it_is_empty(chosen: HistoryFilter, said: str) -> None:
    last = tab(page(chosen=chosen, sees_team=True))["blocks"][-1]

    assert last["text"] == {"type": "mrkdwn", "text": said, "verbatim": True}


@pytest.mark.parametrize(
    ("newer", "here", "older", "heading", "ways"),
    [
        (Count(0), 1, Count(0), "1–1 of 1", []),
        (Count(0), 10, Count(0), "1–10 of 10", []),
        (Count(0), 10, Count(1), "1–10 of 11", ["Older"]),
        (Count(10), 10, Count(5), "11–20 of 25", ["Newer", "Older"]),
        (Count(20), 5, Count(0), "21–25 of 25", ["Newest", "Newer"]),
        (Count(0), 10, Count(990), "1–10 of 1,000", ["Older", "Oldest"]),
        (Count(0), 10, Count(991), "1–10 of 1,000+", ["Older", "Oldest"]),
        (Count(990), 10, Count(1000, False), "991–1,000 of 1,000+", ["Newest", "Newer", "Older", "Oldest"]),
        (Count(1000, False), 10, Count(3), "10 of 1,000+", ["Newest", "Newer", "Older"]),
        (Count(0), 10, Count(12, False), "1–10 of 22+", ["Older", "Oldest"]),
        (Count(0), 10, Count(0, False), "1–10 of 10+", ["Older", "Oldest"]),
    ],
)
def test_a_page_says_where_it_is_and_leads_on(
    newer: Count, here: int, older: Count, heading: str, ways: list[str]
) -> None:
    calls = [replace(PLACED, id=f"c{index}") for index in range(here)]

    view = tab(page(found=HistoryPage(calls, newer, older)))

    contexts = [block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context"]
    assert heading in contexts
    buttons = [block for block in view["blocks"] if block.get("block_id") == "home_pages"]
    assert [each["text"]["text"] for block in buttons for each in block["elements"]] == ways


# --- the worst ------------------------------------------------------------------------------------


def worst(names: Sequence[str]) -> list[Call]:
    return [
        replace(
            PLACED,
            id=f"{index:032}",
            request=replace(REQUEST, flow_name=names[index % len(names)], user_id="U" + "0" * 20),
            state=State.PLACED,
            progress=Progress.ENDED,
            answered_at=T0,
            ended_at=T0 + timedelta(hours=9),
            evo_outcome=names[index % len(names)],
            session_id="s",
            note=CallNote(Result.DO_NOT_CALL, "&" * 3000, "U", T0, 1),
        )
        for index in range(PER_PAGE)
    ]


def test_the_fullest_page_stays_within_slacks_limits() -> None:
    chosen = replace(FULL, search="&" * 40, flow="😀" * 150, flow_name="😀" * 75, place=DEEP)
    calls = worst(["&" * 5000])
    links = {call.id: "https://acme.slack.test/" + "x" * 100 for call in calls}

    view = tab(
        page(
            chosen=chosen,
            found=HistoryPage(calls, Count(1000, False), Count(1000, False)),
            sees_team=True,
            live=calls,
            live_total=500,
            totals=dict.fromkeys(OutcomeGroup, 10**9),
            links=links,
            can_end=True,
        )
    )

    assert len(view["blocks"]) <= 100
    assert len(view["private_metadata"]) <= 3000
    assert max(len(block["elements"]) for block in view["blocks"] if block["type"] == "actions") <= 25
    assert len(json.dumps(view).encode()) < 70_000


@given(st.lists(st.text(max_size=300), min_size=1, max_size=PER_PAGE), st.text(max_size=40))
def test_no_name_and_no_search_breaks_the_page_or_gets_markup_in(names: list[str], typed: str) -> None:
    hostile = [f"<!channel> <http://evil.test|{name}>" for name in names]

    chosen = HistoryFilter.of(
        {"scope": "mine", "search": typed, "person": "", "page": 0, "flow": "f", "flow_name": hostile[0]}
    )
    view = tab(page(*worst(hostile), chosen=chosen, live=worst(hostile)[:MOST_LIVE]))

    rows = [block["text"] for block in view["blocks"] if block["type"] == "section"]
    rows = [each for each in rows if each["type"] == "mrkdwn"]
    assert len(rows) >= 2 * PER_PAGE
    assert all("<!channel" not in each["text"] and "<http" not in each["text"] for each in rows)
    assert all(each["verbatim"] for each in rows)


# --- what a press changes -------------------------------------------------------------------------


def after(chosen: HistoryFilter, action_id: str, **more: Any) -> HistoryFilter:
    return filter_after(chosen, {"action_id": action_id, **more})


def test_every_press_leads_to_what_it_says() -> None:
    deep = HistoryFilter(Scope.TEAM, "814", "U_BOSS", DEEP)
    option = {"value": "flow1", "text": {"type": "plain_text", "text": "Survey"}}

    assert after(FULL, FilterAction.MINE) == replace(FULL, scope=Scope.MINE, person="", place="")
    assert after(deep, FilterAction.OUTCOME, selected_option={"value": "busy"}) == replace(
        deep, outcome="busy", place=""
    )
    assert after(FULL, FilterAction.OUTCOME, selected_option={"value": ANY}) == replace(
        FULL, outcome="", place=""
    )
    assert after(deep, FilterAction.FLOW, selected_option=option) == replace(
        deep, flow="flow1", flow_name="Survey", place=""
    )
    assert after(
        FULL, FilterAction.FLOW, selected_option={"value": ANY, "text": {"text": "Any flow"}}
    ) == replace(FULL, flow="", flow_name="", place="")
    assert after(deep, FilterAction.FIRST_DAY, selected_date="2026-10-01") == replace(
        deep, first="2026-10-01", place=""
    )
    assert after(deep, FilterAction.LAST_DAY, selected_date="2026-10-31") == replace(
        deep, last="2026-10-31", place=""
    )
    assert after(FULL, FilterAction.FIRST_DAY, selected_date=None) == replace(FULL, first="", place="")
    assert after(FULL, FilterAction.CLEAR) == TEAM

    assert after(deep, FilterAction.MINE) == HistoryFilter(Scope.MINE, "814")
    assert after(HistoryFilter(search="814", place=DEEP), FilterAction.TEAM) == HistoryFilter(
        Scope.TEAM, "814"
    )
    assert after(deep, FilterAction.SEARCH, value=" (202) 555 ") == HistoryFilter(
        Scope.TEAM, "(202) 555", "U_BOSS"
    )
    assert after(deep, FilterAction.SEARCH, value=None) == HistoryFilter(Scope.TEAM, "", "U_BOSS")
    assert after(deep, FilterAction.PERSON, selected_user="U_SARA") == HistoryFilter(
        Scope.TEAM, "814", "U_SARA"
    )
    assert after(deep, FilterAction.PERSON, selected_user=None) == HistoryFilter(Scope.TEAM, "814")
    further = Cursor(Way.OLDER, T0, "c9").packed()
    assert after(deep, FilterAction.OLDER, value=further) == replace(deep, place=further)
    assert after(deep, FilterAction.OLDEST, value="oldest") == replace(deep, place="oldest")
    for newest in (
        None,
        "",
        "2",
        "older",
        "older x y",
        f"older {T0.isoformat()} {'c' * 99}",
        "\x00",
        "9" * 999,
    ):
        assert after(deep, FilterAction.NEWER, value=newest) == replace(deep, place="")
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
        {"action_id": FilterAction.OUTCOME, "selected_option": {"value": "won"}},
        {"action_id": FilterAction.OUTCOME, "selected_option": "busy"},
        {"action_id": FilterAction.OUTCOME, "selected_option": {"value": ["busy"]}},
        {"action_id": FilterAction.FLOW, "selected_option": {"value": "x" * 151}},
        {"action_id": FilterAction.FLOW, "selected_option": {"value": "a\nb", "text": []}},
        {"action_id": FilterAction.FLOW},
        {"action_id": FilterAction.FIRST_DAY, "selected_date": "2026-02-30"},
        {"action_id": FilterAction.FIRST_DAY, "selected_date": "20261031"},
        {"action_id": FilterAction.FIRST_DAY, "selected_date": "2026-W10-1"},
        {"action_id": FilterAction.LAST_DAY, "selected_date": "' OR 1=1"},
        {"action_id": FilterAction.LAST_DAY, "selected_date": ["2026-10-31"]},
        {"action_id": "home_turn_nowhere"},
        {},
    ],
)
def test_a_forged_press_leads_nowhere(forged: dict[str, Any]) -> None:
    assert filter_after(HistoryFilter(), forged) == HistoryFilter()


PRINTABLE = st.text(st.characters().filter(str.isprintable), max_size=40)


CURSORS = st.builds(Cursor, st.sampled_from(Way), st.datetimes(timezones=st.just(UTC)), st.just("c1")).map(
    Cursor.packed
)
DAYS = st.just("") | st.dates().map(lambda day: day.isoformat())


@given(
    st.builds(
        HistoryFilter,
        st.sampled_from(Scope),
        PRINTABLE,
        st.just("U_BOSS"),
        st.builds(Cursor, st.sampled_from(Way), st.datetimes(timezones=st.just(UTC)), st.just("c1")).map(
            Cursor.packed
        ),
        st.sampled_from(["", *OutcomeGroup]),
        st.just("flow1"),
        PRINTABLE,
        DAYS,
        DAYS,
    )
)
def test_a_filter_can_be_packed_and_unpacked(chosen: HistoryFilter) -> None:
    assert HistoryFilter.unpacked(chosen.packed()) == chosen


def test_a_filter_of_an_older_version_can_still_be_read() -> None:
    """Rows and open tabs have it."""
    for text in (
        '{"whose":"team","typed":"814","person":"U_BOSS","page":2}',
        '{"scope":"team","search":"814","person":"U_BOSS","page":2}',
    ):
        assert HistoryFilter.unpacked(text) == HistoryFilter(Scope.TEAM, "814", "U_BOSS"), "its newest page"


def test_the_list_of_flows_begins_with_any_flow_and_holds_a_hundred() -> None:
    flows = [{"text": {"text": str(index)}, "value": str(index)} for index in range(100)]

    assert [option["value"] for option in flow_options(flows, "")] == [ANY, *(str(i) for i in range(99))]
    assert flow_options(flows[:2], "rem") == flows[:2]


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "1", "[]", "{}", '{"whose":"mine"}', '{"scope":"mine"}', "[" * 100_000),
        '{"whose":"everybody","typed":"","person":"","page":0}',
        '{"whose":"team","typed":1,"person":"","page":0}',
        '{"whose":"team","typed":"","person":1,"page":0}',
        '{"scope":"everybody","search":"","person":"","page":0}',
        '{"scope":"team","search":1,"person":"","page":0}',
        '{"scope":"team","search":"","person":"","place":0}',
        '{"scope":"team","search":"","person":"","page":0,"outcome":"won"}',
        '{"scope":"team","search":"","person":"","page":0,"outcome":["busy"]}',
        '{"scope":"team","search":"","person":"","page":0,"flow":1}',
        '{"scope":"team","search":"","person":"","page":0,"first":"yesterday"}',
        '{"scope":"team","search":"","person":"","page":0,"last":20261031}',
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
