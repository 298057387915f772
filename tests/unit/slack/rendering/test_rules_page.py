"""The page Rules and its forms as people read them; Slack would take every one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.places import known_countries
from evoslack.calling.refusals import CannotCheck, Denial, NotAllowed, Source
from evoslack.calling.rule_changes import Mistake, RuleField, WrongField
from evoslack.calling.rulebook import LIMIT_KINDS, Masking, NumberKind, RuleName, Rules, StoredRule, limits_of
from evoslack.slack.rendering import (
    rule_fields,
    rule_form_messages,
    rule_forms,
    rules_page,
    rules_page_messages,
)
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.help_contact import NO_CONTACT
from evoslack.slack.rendering.rule_fields import FormFacts, block_id
from evoslack.slack.rendering.rule_forms import RuleMetadata
from evoslack.slack.rendering.rules_page import Removal, RulesNow
from sandbox.slack.block_kit import problems_in_options, problems_in_view

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CEILING = Rules(
    frozenset({"US", "CA"}),
    hours=(CallingHours(8 * 60, 21 * 60),),
    limits=limits_of({"person_hour": 60}),
)
NASTY = "<!channel> *&* " + "🎉" * 300
MAIN = CallerId("+12025550100", "Main")
OFFER = Offer("acc1", (Flow("flow1", "Survey"), Flow("flow2", NASTY)), (MAIN,), MAIN)
FACTS = FormFacts(CEILING, OFFER, "US", {"S1": "@sales · Sales"})


def stored(name: str, value: Any, revision: int = 1) -> StoredRule:
    return StoredRule(name, value, revision, "U_ROOT", T0)


def page(*rules: StoredRule, ceiling: Rules = CEILING, number: int = 0, note: str = "") -> Block:
    now = RulesNow.of(ceiling, rules)
    view = rules_page.view(now, OFFER, "US", "/call", T0, number, note)
    assert problems_in_view(view) == []
    return view


def read(view: Block) -> str:
    found = []
    for block in view["blocks"]:
        texts = [block.get("text") or {}, *block.get("elements", [])]
        found += [text["text"] for text in texts if isinstance(text.get("text"), str)]
    return "\n".join(found).replace("\u00a0", " ")


def form(metadata: RuleMetadata, filled: Any, facts: FormFacts = FACTS, **more: str) -> Block:
    view = rule_forms.form(metadata, filled, facts, **more)
    assert problems_in_view(view) == []
    return view


def test_without_changes_the_page_says_what_the_settings_say() -> None:
    words = read(page())

    assert "*Countries*\nCanada and United States" in words
    assert "*Calling hours*\n8:00 AM to 9:00 PM" in words
    assert "*Limits*\n60 calls an hour per person" in words
    assert words.count("As in the settings") == 4
    assert "In the settings:" not in words  # it would say the same twice
    assert rules_page.REMOVE not in str(page())


def test_what_holds_now_what_is_allowed_at_most_and_who_changed_it() -> None:
    narrow = {"start_min": 540, "end_min": 1020, "days": [0, 1, 2, 4], "dates_off": ["12-25", "2026-11-26"]}
    words = read(page(stored("hours", narrow), stored("limits", {"person_day": 1})))

    hours = (
        "9:00 AM to 5:00 PM, Monday, Tuesday, Wednesday and Friday; "
        "no calls on Dec 25 every year and Nov 26, 2026"
    )
    assert (
        f"*Calling hours*\n{hours}\nIn the settings: 8:00 AM to 9:00 PM · Changed by <@U_ROOT>"
        in words.replace("\u00a0", " ")
    )
    assert "60 calls an hour per person · 1 call in 24 hours per person" in words


def test_settings_that_became_stricter_since_hold_together_with_the_rule() -> None:
    early = {"start_min": 420, "end_min": 600, "days": [0], "dates_off": []}
    words = read(page(stored("hours", early), stored("countries", {"countries": ["GB"]})))

    assert "8:00 AM to 9:00 PM, and also only 7:00 AM to 10:00 AM, Mondays" in words
    assert "No number can be called at all" in words
    assert "*Countries*\nNone" in words


def test_hours_that_are_never_open_are_said() -> None:
    night = {"start_min": 1320, "end_min": 1380, "days": [0]}
    assert "No call is possible in the next month" in read(page(stored("hours", night)))


def test_flows_name_who_may_use_them_and_what_is_gone() -> None:
    rules = [
        stored("flow:flow1", {"users": ["U1"], "groups": ["S1"], "caller_id": "+12025550111"}),
        stored("flow:flow2", {"users": ["<!here>"], "groups": ["<x>"]}),
        stored("flow:gone&", {"caller_id": "+12025550100"}),
    ]
    words = read(page(*rules))

    assert "*Survey*\nOnly <@U1> and <!subteam^S1>\nCaller ID: (202) 555-0111 (⚠️ no longer a number" in words
    assert "&lt;!channel&gt;" in words
    assert "<!here>" not in words
    assert (
        "*gone&amp;* · no longer available\nEveryone who can place calls\nCaller ID: (202) 555-0100" in words
    )


def test_fifty_flows_take_three_pages_and_slack_takes_each() -> None:
    rules = [
        stored(f"flow:{'x' * 200}{count:03}", {"users": [f"U{each:09}" for each in range(100)]})
        for count in range(50)
    ]
    odd = [stored(f"odd{count}", {}) for count in range(20)]
    first, last = page(*rules, *odd), page(*rules, *odd, number=99)

    assert "Flows 1–20 of 50" in read(first)
    assert "and 70 more" in read(first)
    assert "Flows 41–50 of 50" in read(last)
    assert rules_page_messages.MORE_FLOWS not in str(last)
    assert rules_page.page_of(page(*rules, number=1)["private_metadata"]) == 1
    assert [rules_page.page_of(text) for text in ("", "-1", "x", "9" * 20, "٣")] == [0] * 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hours", {"start_min": "9", "end_min": 5}),
        ("hours", []),
        ("limits", {"person_week": 5}),
        ("countries", None),
        ("masking", {"masking": "sometimes"}),
        ("flow:flow1", {"users": "U1"}),
        ("moods", {}),
    ],
)
def test_what_cannot_be_read_is_named_and_can_only_be_removed(name: str, value: Any) -> None:
    view = page(stored(name, value, 7), stored("masking" if name != "masking" else "limits", {}))
    assert "EvoSlack can't read the rule" in read(view)
    (block,) = [each for each in view["blocks"] if Removal(name, 7).packed() in str(each)]
    assert [each["action_id"] for each in block["elements"]] == [rules_page.REMOVE]
    assert "*Countries*\nCanada and United States" in read(view)


def test_kinds_can_be_read_and_not_changed() -> None:
    allowed = replace(CEILING, kinds=frozenset({NumberKind.PAGER}))
    words = read(page(ceiling=allowed))

    assert "Never called: emergency and short numbers, premium rate" in words
    assert "Allowed by the settings: pagers." in words
    assert "pagers," not in words


def test_no_settings_means_any_hour_and_no_limits() -> None:
    words = read(page(ceiling=Rules(frozenset({"*"}))))

    assert "Every country" in words
    assert "At any hour" in words
    assert "*Limits*\nNo limits" in words


@pytest.mark.parametrize("refusal", [NotAllowed(Denial.ROLE), CannotCheck(Source.SLACK)])
def test_the_other_pages_are_valid_too(refusal: Any) -> None:
    assert problems_in_view(rules_page.denied(refusal, "US", NO_CONTACT)) == []
    assert problems_in_view(rules_page.loading("x")) == []
    assert problems_in_view(rules_page.notice("words")) == []
    assert page(note="*Not removed.*")["blocks"][0]["text"]["text"] == "*Not removed.*"


# --- forms


ALL_LIMITS = dict.fromkeys(LIMIT_KINDS, 5)
VALUES: dict[str, Any] = {
    "countries": {"countries": ["CA"]},
    "hours": {"start_min": 540, "end_min": 1440, "days": [0, 6], "dates_off": ["12-25"]},
    "limits": ALL_LIMITS,
    "masking": {"masking": "always"},
    "flow:flow1": {"users": ["U1"], "groups": ["S1", "S_GONE"], "caller_id": "+12025550100"},
    "flow:flow2": {"caller_id": "+12025550111"},
    "flow:gone": {"users": ["U1"]},
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("facts", [FACTS, replace(FACTS, groups=None)], ids=["groups", "groups unread"])
def test_a_form_begins_with_what_is_stored_and_gives_it_back(name: str, facts: FormFacts) -> None:
    metadata = RuleMetadata(name, 3, 1)
    filled = rule_forms.filled_from(metadata.kind, stored(name, VALUES[name]), CEILING)
    view = form(metadata, filled, facts, above="*Not saved yet.*")

    assert RuleMetadata.unpacked(view["private_metadata"]) == metadata
    assert rule_forms.filled_in(values_of(view)) == {
        each: list(filled.get(each, ())) or (["none"] if each is RuleField.CALLER_ID else [])
        for each in rule_forms.FIELDS[metadata.kind]
        if each is not RuleField.FLOW
    }
    assert ("can't read Slack's user groups" in read(view)) == (facts.groups is None and "flow" in name)


def values_of(view: Block) -> dict[str, Any]:
    """What Slack would send if the form was submitted as it is."""
    found = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            state = {
                "value": element.get("initial_value"),
                "selected_time": element.get("initial_time"),
                "selected_option": element.get("initial_option"),
                "selected_options": element.get("initial_options", []),
                "selected_users": element.get("initial_users", []),
            }
            found[block["block_id"]] = {element["action_id"]: state}
    return found


@pytest.mark.parametrize("kind", list(RuleName))
def test_a_form_of_a_rule_that_nobody_changed_begins_with_the_settings(kind: RuleName) -> None:
    name = "flow:" if kind is RuleName.FLOW else str(kind)
    for ceiling in (CEILING, Rules(frozenset({"*"}))):
        filled = rule_forms.filled_from(kind, None, ceiling)
        form(RuleMetadata(name), filled, replace(FACTS, ceiling=ceiling))
    if kind is RuleName.HOURS:
        times = rule_forms.filled_from(kind, None, CEILING)
        assert (times[RuleField.START], times[RuleField.END]) == (["08:00"], ["21:00"])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{}",
            "[]",
            "null",
            '{"name":"moods","revision":0,"page":0}',
            '{"name":"flow","revision":0,"page":0}',
        ),
        *('{"name":"limits:x","revision":0,"page":0}', '{"name":"limits","revision":-1,"page":0}'),
        *('{"name":"limits","revision":0,"page":0,"more":1}', '{"name":"limits","revision":"1","page":0}'),
        "x" * 4000,
    ],
)
def test_metadata_that_this_bot_did_not_make_is_not_taken(text: str) -> None:
    with pytest.raises(ValueError):
        RuleMetadata.unpacked(text)
    with pytest.raises(ValueError):
        Removal.unpacked(text)


@pytest.mark.parametrize(
    "state", [{"value": 5}, {"selected_options": [{"value": None}]}, {"selected_users": [1]}]
)
def test_values_that_are_no_texts_are_not_taken(state: dict[str, Any]) -> None:
    block = block_id(RuleField.COUNTRIES)
    with pytest.raises(TypeError):
        rule_forms.filled_in({block: {block: state}})


@pytest.mark.parametrize("mistake", list(Mistake))
def test_every_mistake_is_a_short_sentence(mistake: Mistake) -> None:
    detail = {Mistake.ABOVE_LIMIT: "60", Mistake.COUNTRY_TURNED_OFF: "GB, FR"}.get(mistake, "soon " * 50)
    words = rule_form_messages.wrong(WrongField(RuleField.START, mistake, detail), CEILING)

    assert words[0].isupper()
    assert words.endswith(".")
    assert len(words) < 160


def test_lists_offer_what_was_typed_at_most_a_hundred() -> None:
    codes = known_countries()
    assert [each["value"] for each in rule_fields.country_options(codes, "united kin")] == ["GB"]
    assert rule_fields.country_options(codes, "de")[0]["value"] == "DE"
    everything = rule_fields.country_options(codes, "")
    assert len(everything) == 100
    assert problems_in_options({"options": everything}) == []
    groups = {f"S{count}": f"@g{count} · {NASTY}" for count in range(300)}
    assert problems_in_options({"options": rule_fields.group_options(groups, "")}) == []
    assert [each["value"] for each in rule_fields.group_options(groups, "@G299 ")] == ["S299"]


def test_masking_offers_nothing_more_lenient() -> None:
    view = form(RuleMetadata("masking"), {RuleField.MASKING: ["always"]})
    (block,) = view["blocks"]
    assert [each["value"] for each in block["element"]["options"]] == [Masking.SHARED, Masking.ALWAYS]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (None, "was removed while you had it open"),
        (
            stored("limits", {"person_hour": 20}),
            "<@U_ROOT> changed this while you had it open. It now says:\nit",
        ),
        (replace(stored("limits", {}), by="U_ME"), "You saved this before."),
    ],
)
def test_a_conflict_says_who_was_first(now: StoredRule | None, expected: str) -> None:
    assert expected in rule_form_messages.saved_meanwhile(now, "U_ME", "it")


@pytest.mark.parametrize("name", [*VALUES, "odd"])
def test_what_someone_else_saved_is_said_in_words(name: str) -> None:
    words = rules_page.in_words_of(stored(name, VALUES.get(name, {})), CEILING, "US", OFFER)
    assert words
    assert "{" not in words
