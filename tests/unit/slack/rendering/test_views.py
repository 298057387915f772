"""The form and its lists: what Slack takes, filled with what was typed, safe with any name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calls import Call, State
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.slack.rendering import number_line, select_options, typed_words, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from sandbox.slack.block_kit import problems_in_options, problems_in_view
from tests.calls import call_request

FLOWS = (
    Flow("flow1", "Appointment reminder"),
    Flow("flow2", "Customer survey"),
    Flow("flow3", "Payment reminder", "Bakery"),
)
MAIN_OFFICE, SUPPORT = CallerId("+12025550100", "Main office"), CallerId("+442079460958", "Support")
OFFER = Offer("acc1", FLOWS, (MAIN_OFFICE, SUPPORT), SUPPORT)
METADATA = FormMetadata("key", "1772443800", "C1", "https://hooks.slack.com/x")
NASTY = ["<!channel> & <@U1>", "*bold* `code` ~x~", "x" * 300, "日本語" * 60, "👩‍👩‍👧" * 40, "a\nb\tc", '"}]']


SETTINGS = views.FormSettings("/call", "US", frozenset({"US"}), "C_CALLS", frozenset())


def form(offer: Offer = OFFER, **prefill: str) -> Block:
    return views.form(offer, METADATA, SETTINGS, views.Prefill(**prefill))


def element(view: Block, block: str) -> dict[str, Any]:
    return next(each["element"] for each in view["blocks"] if each["block_id"] == block)


def chosen(view: Block, block: str) -> str | None:
    return element(view, block).get("initial_option", {}).get("value")


# --- what a form remembers -----------------------------------------------------------------------------


def test_what_a_form_remembers_comes_back_as_it_was() -> None:
    assert FormMetadata.unpacked(METADATA.packed()) == METADATA
    assert FormMetadata.unpacked(form()["private_metadata"]) == METADATA


def test_a_form_that_asks_remembers_which_call_it_asked_about_and_when() -> None:
    asking = FormMetadata("key", anyway="0f" * 16, asked_at="1772443800123")

    assert FormMetadata.unpacked(asking.packed()) == asking


def test_what_a_form_remembers_fits_into_it() -> None:
    """An address of up to 1,000 characters is taken along; Slack takes 3,000 in all."""
    assert len(FormMetadata("k" * 64, "C" * 32, "https://" + "é" * 400).packed()) <= 3000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"key"',
        "{}",
        '{"key":""}',
        '{"key":1}',
        '{"key":null}',
        '{"channel_id":"C1"}',
        '{"key":"k","channel_id":{"a":1}}',
        '{"key":"k","more":"x"}',
        '{"key":"k","__class__":"x"}',
        '{"key":"k","anyway":"*","asked_at":"1"}',  # any call: only a workflow may say so
        '{"key":"k","anyway":"0123","asked_at":"1"}',
        f'{{"key":"k","anyway":"{"A" * 32}","asked_at":"1"}}',
        f'{{"key":"k","anyway":"{"a" * 32}"}}',  # never asked
        f'{{"key":"k","anyway":"{"a" * 32}","asked_at":"-1"}}',
        '{"key":"k","asked_at":"1"}',
    ],
)
def test_what_this_bot_never_packed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        FormMetadata.unpacked(text)


# --- the form --------------------------------------------------------------------------------------------


def test_the_form_is_one_that_slack_takes_and_has_its_four_fields() -> None:
    view = form(number="202 555 0143", words="survey")

    assert problems_in_view(view) == []
    assert view["callback_id"] == views.FORM
    assert [block["block_id"] for block in view["blocks"]] == ["number", "flow", "caller_id", "when"]
    actions = [block["element"]["action_id"] for block in view["blocks"]]
    assert actions == ["number", "flow", "caller_id", "when"]
    assert chosen(view, "when") == "now", "one press for a call now stays one press"


@pytest.mark.parametrize("nasty", NASTY)
def test_the_form_is_one_that_slack_takes_whatever_things_are_called(nasty: str) -> None:
    flow, caller_id = Flow("flow1", nasty, nasty), CallerId("+12025550100", nasty)

    view = form(Offer("acc1", (flow,), (caller_id,), caller_id), number=nasty * 5, words=nasty)

    assert problems_in_view(view) == []
    assert problems_in_options({"options": select_options.flow_options([flow], "")}) == []
    assert problems_in_options({"options": select_options.caller_id_options([caller_id], "", "US")}) == []


def test_the_preset_caller_id_is_chosen_and_no_flow_is_without_a_word() -> None:
    view = form()

    assert chosen(view, views.CALLER_ID) == SUPPORT.number
    assert chosen(view, views.FLOW) is None
    assert "initial_value" not in element(view, views.NUMBER)
    assert element(view, views.NUMBER)["focus_on_load"] is True


def test_with_a_number_the_cursor_goes_to_what_is_missing() -> None:
    view = form(number="202 555 0143")

    assert element(view, views.NUMBER)["focus_on_load"] is False
    assert element(view, views.FLOW)["focus_on_load"] is True
    wrong = views.FormAbout(line=number_line.problem(BadNumber(Problem.EMERGENCY), "US"))
    view = views.form(OFFER, METADATA, SETTINGS, views.Prefill(number="911"), wrong)
    assert element(view, views.NUMBER)["focus_on_load"] is True


def test_a_typed_number_and_flow_are_filled_in_and_the_cursor_goes_to_the_number() -> None:
    view = form(number="202 555 0143", words="survey")

    assert element(view, views.NUMBER)["initial_value"] == "202 555 0143"
    assert chosen(view, views.FLOW) == "flow2"
    assert element(view, views.NUMBER)["focus_on_load"] is True


def test_an_only_flow_is_chosen_whatever_was_typed() -> None:
    only = Offer("acc1", FLOWS[:1], (SUPPORT,), SUPPORT)

    assert chosen(form(only), views.FLOW) == "flow1"
    assert chosen(form(only, words="something else"), views.FLOW) == "flow1"
    assert "You have no flow called “something else”." in str(form(only, words="something else"))


def test_preset_options_are_exactly_those_that_the_lists_offer() -> None:
    """Slack shows a preset option as it is; another text than in the list would be confusing."""
    view = form(words="payment")

    assert element(view, views.FLOW)["initial_option"] in select_options.flow_options(FLOWS, "")
    listed = select_options.caller_id_options(OFFER.caller_ids, "", "US")
    assert element(view, views.CALLER_ID)["initial_option"] in listed


def test_the_lists_ask_us_from_the_first_moment() -> None:
    """By default Slack asks only after three typed characters."""
    for block in (views.FLOW, views.CALLER_ID):
        assert element(form(), block)["type"] == "external_select"
        assert element(form(), block)["min_query_length"] == 0


def test_the_number_is_typed_as_text_and_not_as_a_number() -> None:
    """Slack's number field would drop the plus, zeros and spaces."""
    assert element(form(), views.NUMBER)["type"] == "plain_text_input"


@pytest.mark.parametrize(
    "view", [views.loading("ours"), views.notice("Words & <@U1>"), views.notice("x" * 2999)]
)
def test_the_other_pages_are_ones_that_slack_takes_and_have_nothing_to_press(view: Block) -> None:
    assert problems_in_view(view) == []
    assert "submit" not in view


# --- the last call ---------------------------------------------------------------------------------------


def last(flow_id: str = "flow3", caller_id: str = MAIN_OFFICE.number) -> Call:
    request = call_request(flow_id=flow_id, caller_id=caller_id)
    return Call("id", request, State.PLACED, datetime(2026, 3, 2, tzinfo=UTC))


def form_after(call: Call, offer: Offer = OFFER, **prefill: str) -> Block:
    return views.form(offer, METADATA, SETTINGS, views.Prefill(**prefill), views.FormAbout(call))


def test_the_last_flow_and_caller_id_are_preset() -> None:
    view = form_after(last(), number="202 555 0143")

    assert (chosen(view, views.FLOW), chosen(view, views.CALLER_ID)) == ("flow3", MAIN_OFFICE.number)


def test_words_win_over_the_last_flow() -> None:
    assert chosen(form_after(last(), words="survey"), views.FLOW) == "flow2"


def test_words_that_name_no_flow_leave_it_open_and_are_said() -> None:
    """The last flow would look as if it had been asked for."""
    view = form_after(last(), words="sruvey")

    assert chosen(view, views.FLOW) is None
    assert "You have no flow called “sruvey”." in str(view)


def test_an_earlier_call_wins_over_the_last_one_and_a_flow_that_is_gone_stays_open() -> None:
    assert chosen(form_after(last(), flow_id="flow1", caller_id=SUPPORT.number), views.FLOW) == "flow1"
    assert chosen(form_after(last(), flow_id="gone", caller_id="+1"), views.FLOW) is None
    assert chosen(form_after(last(), flow_id="gone", caller_id="+1"), views.CALLER_ID) == SUPPORT.number


def test_what_is_no_longer_on_offer_is_not_preset() -> None:
    view = form_after(last("gone", "+12025550199"))

    assert (chosen(view, views.FLOW), chosen(view, views.CALLER_ID)) == (None, SUPPORT.number)


def test_a_flows_default_that_the_account_no_longer_owns_is_said_where_another_one_is_filled_in() -> None:
    def hint(defaults: dict[str, str]) -> str:
        about = views.FormAbout(last(), caller_ids=defaults, defaults=defaults)
        view = views.form(OFFER, METADATA, SETTINGS, views.Prefill(number="202 555 0143"), about)
        assert problems_in_view(view) == []
        assert chosen(view, views.CALLER_ID) == MAIN_OFFICE.number
        (field,) = [block for block in view["blocks"] if block["block_id"] == views.CALLER_ID]
        return str(field["hint"]["text"])

    assert hint({"flow3": "+12025550199"}) == (
        "What they'll see on their phone. This flow's default, (202) 555-0199, no longer belongs "
        "to this account, so another one is filled in."
    )
    for fine in ({"flow3": MAIN_OFFICE.number}, {"flow1": "+12025550199"}, {}):
        assert hint(fine) == "What they'll see on their phone."


def test_with_one_flow_it_is_chosen_whatever_the_last_one_was() -> None:
    only = Offer("acc1", FLOWS[:1], (SUPPORT,), SUPPORT)

    assert chosen(form_after(last(), only), views.FLOW) == "flow1"


# --- the lists --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["flow1", "flow2", "flow3"]),
        ("  ", ["flow1", "flow2", "flow3"]),
        ("remind", ["flow1", "flow3"]),
        ("REMIND", ["flow1", "flow3"]),
        ("reminder pay", ["flow3"]),
        ("bakery", []),
        ("zzz", []),
    ],
)
def test_flows_are_found_by_any_words_of_their_name(typed: str, found: list[str]) -> None:
    assert [option["value"] for option in select_options.flow_options(FLOWS, typed)] == found


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", [MAIN_OFFICE, SUPPORT]),
        ("main", [MAIN_OFFICE]),
        ("SUPP", [SUPPORT]),
        ("0100", [MAIN_OFFICE]),
        ("(202) 555", [MAIN_OFFICE]),
        ("+44", [SUPPORT]),
        ("zzz", []),
    ],
)
def test_caller_ids_are_found_by_label_or_digits(typed: str, found: list[CallerId]) -> None:
    options = select_options.caller_id_options(OFFER.caller_ids, typed, "US")
    assert [option["value"] for option in options] == [caller_id.number for caller_id in found]


def test_no_more_than_a_hundred_are_listed_and_the_rest_is_found_by_typing() -> None:
    flows = [Flow(f"flow{count}", f"Flow {count:03}") for count in range(500)]
    caller_ids = [CallerId(f"+120255{count:05}", f"Line {count:03}") for count in range(500)]

    assert (
        len(select_options.flow_options(flows, ""))
        == len(select_options.caller_id_options(caller_ids, "", "US"))
        == 100
    )
    assert [option["value"] for option in select_options.flow_options(flows, "499")] == ["flow499"]
    assert problems_in_options({"options": select_options.flow_options(flows, "")}) == []


def test_a_caller_id_shows_its_number_as_people_write_it_and_its_label() -> None:
    assert (
        select_options.caller_id_option(MAIN_OFFICE, "US")["text"]["text"] == "(202) 555-0100 · Main office"
    )
    assert (
        select_options.caller_id_option(CallerId("+12025550100"), "GB")["text"]["text"] == "+1 202-555-0100"
    )


def test_names_are_shown_as_they_are_and_never_as_markup() -> None:
    """Plain text: Slack makes no mention of it, so it is not escaped either."""
    option = select_options.flow_option(Flow("flow1", "<!channel> R&D", "<@U1>"))

    assert option["text"] == {"type": "plain_text", "text": "<!channel> R&D", "emoji": False}
    assert option["description"]["type"] == "plain_text"


@pytest.mark.parametrize(
    ("words", "best"),
    [
        ("Customer survey", "flow2"),
        ("customer", "flow2"),
        ("survey", "flow2"),
        ("custmer survey", "flow2"),  # a slip of the finger
        ("payment", "flow3"),
        ("reminder payment", "flow3"),
        ("", None),
        ("   ", None),
        ("xyz", None),
        ("please", None),
    ],
)
def test_the_flow_that_fits_the_typed_words_is_chosen_or_none(words: str, best: str | None) -> None:
    found = typed_words.best_flow(FLOWS, words)
    assert (found.id if found else None) == best


def test_more_than_a_name_can_be_means_no_flow_and_no_caller_id() -> None:
    typed = "survey " * typed_words.LONGEST_TYPED
    flow = Flow("flow1", typed.strip())

    assert typed_words.best_flow([flow], typed) is None
    assert select_options.flow_options([flow], typed) == []
    assert select_options.caller_id_options([CallerId("+12025550100", typed)], typed, "US") == []


def test_long_names_are_told_apart_by_their_whole_length() -> None:
    long = "Survey of all customers " * 5
    flows = [Flow("flow1", f"{long} east"), Flow("flow2", f"{long} west")]

    found = typed_words.best_flow(flows, f"{long} WEST")
    assert found is not None
    assert found.id == "flow2"


def test_the_whole_name_beats_a_longer_one() -> None:
    flows = [Flow("long", "Survey of customers"), Flow("short", "Survey"), Flow("other", "A survey")]

    found = typed_words.best_flow(flows, "survey")
    assert found is not None
    assert found.id == "short"


@given(st.text(max_size=100), st.text(min_size=1, max_size=100), st.text(max_size=100))
def test_no_typed_text_or_name_breaks_a_list(typed: str, name: str, label: str) -> None:
    typed_words.best_flow([Flow("flow1", name)], typed)
    select_options.flow_options([Flow("flow1", name, label)], typed)
    select_options.caller_id_options([CallerId("+12025550100", label)], typed, "US")
