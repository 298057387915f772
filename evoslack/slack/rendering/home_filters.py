"""The controls of the Home tab that choose which calls it shows, and what a press on one of them changes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from evoslack.calling.history_filter import LONGEST_SEARCH, HistoryFilter, Scope
from evoslack.calling.number_format import example
from evoslack.slack.rendering import home_messages
from evoslack.slack.rendering.blocks import Block, actions, button, field, plain
from evoslack.slack.rendering.select_options import LONGEST_OPTION, MOST_OPTIONS

EXPORT = "home_export"  # action id of the button that exports what the filter finds
FILTER_ACTIONS = re.compile("^home_turn_")  # everything in `FilterAction`
ANY = "*"  # value of the option that narrows nothing down; no flow has that id


class FilterAction(StrEnum):
    """What changes which calls are shown, by action id. Open Home tabs have these ids: keep them."""

    MINE = "home_turn_mine"
    TEAM = "home_turn_team"
    SEARCH = "home_turn_search"
    PERSON = "home_turn_person"
    OUTCOME = "home_turn_outcome"
    FLOW = "home_turn_flow"
    FIRST_DAY = "home_turn_first"
    LAST_DAY = "home_turn_last"
    CLEAR = "home_turn_clear"
    NEWEST = "home_turn_newest"
    NEWER = "home_turn_newer"
    OLDER = "home_turn_older"
    OLDEST = "home_turn_oldest"


def filter_after(before: HistoryFilter, action: Mapping[str, Any]) -> HistoryFilter:
    """The filter after a button, a search or a choice. Request data: nothing is believed."""
    value = str(action.get("value") or "")
    on_first_page = replace(before, place="")
    match action.get("action_id"):
        case FilterAction.MINE:
            after = replace(on_first_page, scope=Scope.MINE, person="")
        case FilterAction.TEAM:
            after = replace(on_first_page, scope=Scope.TEAM, person="")
        case FilterAction.SEARCH:
            after = replace(on_first_page, search=value.strip())
        case FilterAction.PERSON:
            after = replace(on_first_page, person=str(action.get("selected_user") or ""))
        case FilterAction.OUTCOME:
            after = replace(on_first_page, outcome=_chosen(action)[0])
        case FilterAction.FLOW:
            flow, flow_name = _chosen(action)
            after = replace(on_first_page, flow=flow, flow_name=flow_name)
        case FilterAction.FIRST_DAY:
            after = replace(on_first_page, first=str(action.get("selected_date") or ""))
        case FilterAction.LAST_DAY:
            after = replace(on_first_page, last=str(action.get("selected_date") or ""))
        case FilterAction.NEWEST | FilterAction.NEWER | FilterAction.OLDER | FilterAction.OLDEST:
            after = replace(before, place=value)
        case _:
            after = HistoryFilter(before.scope)
    return HistoryFilter.unpacked(after.packed())


def _chosen(action: Mapping[str, Any]) -> tuple[str, str]:
    """Value and text of the option that was chosen; empty for the one that means any."""
    option = action.get("selected_option")
    option = option if isinstance(option, Mapping) else {}
    value, text = str(option.get("value") or ""), option.get("text")
    words = str(text.get("text") or "") if isinstance(text, Mapping) else ""
    return ("", "") if value == ANY else (value, words)


def controls(chosen: HistoryFilter, region: str, *, sees_team: bool) -> list[Block]:
    """Whose calls, which number, and which of them. A block's id changes with what it has to show."""
    found = []
    if sees_team:
        tabs = [
            button(
                action, (home_messages.CHOSEN if chosen.scope is scope else "") + home_messages.TABS[scope]
            )
            for action, scope in ((FilterAction.MINE, Scope.MINE), (FilterAction.TEAM, Scope.TEAM))
        ]
        export = button(EXPORT, home_messages.EXPORT)
        found.append(
            actions([*tabs, export | {"accessibility_label": home_messages.EXPORT_LABEL}], "home_tabs")
        )
    narrowing = [_outcome(chosen), _flow(chosen)]
    if chosen.scope is Scope.TEAM:
        narrowing.append(_person(chosen))
    narrowing += [
        _day(FilterAction.FIRST_DAY, home_messages.FIRST_DAY_PLACEHOLDER, chosen.first),
        _day(FilterAction.LAST_DAY, home_messages.LAST_DAY_PLACEHOLDER, chosen.last),
    ]
    if chosen.is_narrowed:
        narrowing.append(button(FilterAction.CLEAR, home_messages.CLEAR))
    mark = _mark(replace(chosen, place="", search="").packed())
    return [*found, _search(chosen.search, region), actions(narrowing, f"home_narrow_{mark}")]


def flow_options(flows: list[Block], typed: str) -> list[Block]:
    """The options of the select for flows: these, and on top the way back to all of them."""
    return flows if typed.strip() else [_option(ANY, home_messages.FLOW_PLACEHOLDER), *flows][:MOST_OPTIONS]


def _search(typed: str, region: str) -> Block:
    """The field for a number. Its block id depends on the search: a refresh keeps what is being typed."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": FilterAction.SEARCH,
        "max_length": LONGEST_SEARCH,
        "placeholder": plain(example(region)),
    }
    if typed:
        element["initial_value"] = typed
    block_id = f"home_search_{_mark(typed)}"
    search = field(block_id, home_messages.SEARCH_LABEL, home_messages.SEARCH_HINT, element)
    return search | {"dispatch_action": True, "optional": True}


def _outcome(chosen: HistoryFilter) -> Block:
    options = {ANY: _option(ANY, home_messages.ANY_OUTCOME)}
    options |= {str(outcome): _option(outcome, words) for outcome, words in home_messages.OUTCOMES.items()}
    return {
        "type": "static_select",
        "action_id": FilterAction.OUTCOME,
        "placeholder": plain(home_messages.ANY_OUTCOME),
        "options": list(options.values()),
        "initial_option": options[chosen.outcome or ANY],
    }


def _flow(chosen: HistoryFilter) -> Block:
    """External, as in the form: Slack asks for the flows when the list opens."""
    flow = _option(chosen.flow, chosen.flow_name or chosen.flow) if chosen.flow else None
    element: Block = {
        "type": "external_select",
        "action_id": FilterAction.FLOW,
        "min_query_length": 0,
        "placeholder": plain(home_messages.FLOW_PLACEHOLDER),
    }
    return element | ({"initial_option": flow} if flow else {})


def _person(chosen: HistoryFilter) -> Block:
    hint = plain(home_messages.PERSON_PLACEHOLDER)
    person: Block = {"type": "users_select", "action_id": FilterAction.PERSON, "placeholder": hint}
    return person | ({"initial_user": chosen.person} if chosen.person else {})


def _day(action_id: str, placeholder: str, day: str) -> Block:
    picker: Block = {"type": "datepicker", "action_id": action_id, "placeholder": plain(placeholder)}
    return picker | ({"initial_date": day} if day else {})


def _option(value: str, words: str) -> Block:
    return {"text": plain(words[:LONGEST_OPTION]), "value": value}


def _mark(words: str) -> str:
    """A short name for a text; a block id takes no more than 255 characters."""
    return f"{zlib.crc32(words.encode()):08x}"
