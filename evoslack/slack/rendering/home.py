"""The Home tab: whether a person may call and why not, and below that their own calls or the team's.

Pure functions. Only people who may call are shown numbers; `home_publisher` finds out who may.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from evoslack.calling.calls import Call
from evoslack.calling.history_filter import LONGEST_SEARCH, HistoryFilter, Scope
from evoslack.calling.number_format import example, pretty
from evoslack.calling.refusals import NotAllowed, Refusal
from evoslack.slack.rendering import button_messages, cards, form_messages, home_messages, messages
from evoslack.slack.rendering.blocks import Block, actions, button, context, field, plain, section
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.refusal_pages import access_button

PER_PAGE = 10
PLACE = "home_place"  # action id of the button that opens the form
FILTER_ACTIONS = re.compile("^home_turn_")  # and of everything in `FilterAction`


class FilterAction(StrEnum):
    """What changes which calls are shown, by action id. Open Home tabs have these ids: keep them."""

    MINE = "home_turn_mine"
    TEAM = "home_turn_team"
    SEARCH = "home_turn_search"
    PERSON = "home_turn_person"
    CLEAR = "home_turn_clear"
    NEWER = "home_turn_newer"
    OLDER = "home_turn_older"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the calls that a filter finds."""

    filter: HistoryFilter
    calls: Sequence[Call]
    total: int
    sees_team: bool  # whether this person may see the team's calls


def filter_after(before: HistoryFilter, action: Mapping[str, Any]) -> HistoryFilter:
    """The filter after a button, a search or a choice. Request data: nothing is believed."""
    value = str(action.get("value") or "")
    match action.get("action_id"):
        case FilterAction.MINE:
            after = HistoryFilter(Scope.MINE, before.search)
        case FilterAction.TEAM:
            after = HistoryFilter(Scope.TEAM, before.search)
        case FilterAction.SEARCH:
            after = replace(before, search=value.strip(), page=0)
        case FilterAction.PERSON:
            after = replace(before, person=str(action.get("selected_user") or ""), page=0)
        case FilterAction.NEWER | FilterAction.OLDER:
            after = replace(before, page=int(value) if value.isdecimal() and len(value) < 7 else 0)
        case _:
            after = HistoryFilter(before.scope)
    return HistoryFilter.unpacked(after.packed())


def denied(refusal: Refusal, region: str, contact: HelpContact = NO_CONTACT) -> Block:
    """The tab of a person who may not call, or of whom it cannot be checked: why, and not one number."""
    words = refusal_words(refusal, region, contact)
    if isinstance(refusal, NotAllowed):
        why = section(f"{home_messages.CANNOT_CALL} {words}")
        return _view(HistoryFilter(), [why, *access_button(refusal, contact)])
    again = home_messages.CHECKS_AGAIN
    return _view(HistoryFilter(), [section(f"{home_messages.UNKNOWN} {words} {again}")])


def view(page: Page, region: str) -> Block:
    """The tab of a person who may call."""
    place = button(PLACE, form_messages.FORM_TITLE) | {"style": "primary"}
    top = [section(home_messages.CAN_CALL) | {"accessory": place}]
    divider = {"type": "divider"}
    return _view(page.filter, [*top, *_filter_controls(page, region), divider, *_calls(page, region)])


def _filter_controls(page: Page, region: str) -> list[Block]:
    """Whose calls, which number, which person."""
    chosen, found = page.filter, []
    if page.sees_team:
        primary = {"style": "primary"}
        tabs = [
            button(action, home_messages.TABS[scope]) | (primary if chosen.scope is scope else {})
            for action, scope in ((FilterAction.MINE, Scope.MINE), (FilterAction.TEAM, Scope.TEAM))
        ]
        found.append(actions(tabs, "home_tabs"))
    found.append(_search(chosen.search, region))
    narrowing: list[Block] = []
    if chosen.scope is Scope.TEAM:
        hint = plain(home_messages.PERSON_PLACEHOLDER)
        person: Block = {"type": "users_select", "action_id": FilterAction.PERSON, "placeholder": hint}
        narrowing.append(person | ({"initial_user": chosen.person} if chosen.person else {}))
    if chosen.is_narrowed:
        narrowing.append(button(FilterAction.CLEAR, home_messages.CLEAR))
    return [*found, actions(narrowing, f"home_narrow_{chosen.person}")] if narrowing else found


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


def _calls(page: Page, region: str) -> list[Block]:
    chosen = page.filter
    found = [context(home_messages.TOO_FEW)] if chosen.search and not chosen.digits else []
    if not page.calls:
        nothing = home_messages.NO_MATCH if chosen.digits or chosen.person else messages.NO_CALLS
        return [*found, section(nothing)]
    first = chosen.page * PER_PAGE + 1
    found.append(context(f"{first}–{first + len(page.calls) - 1} of {page.total}"))
    found += [_call(call, chosen.scope, region) for call in page.calls]
    pages = []
    if chosen.page:
        pages.append(button(FilterAction.NEWER, home_messages.NEWER, str(chosen.page - 1)))
    if page.total > first + len(page.calls) - 1:
        pages.append(button(FilterAction.OLDER, home_messages.OLDER, str(chosen.page + 1)))
    return [*found, actions(pages, "home_pages")] if pages else found


def _call(call: Call, scope: Scope, region: str) -> Block:
    """One call: how it stands, the number, the flow, when, and the team's also by whom."""
    number = pretty(call.request.number, region)
    parts = [messages.shown_name(call.request.flow_name), cards.when(call)]
    if scope is Scope.TEAM:
        parts.append(f"<@{call.request.user_id}>")
    row = section(f"*{messages.state_words(call)}* · {number}\n{' · '.join(parts)}")
    row["block_id"] = f"home_call_{call.id}"
    if not call.is_in_progress:
        label = f"{button_messages.CALL_AGAIN}: {number}"  # for screen readers: ten buttons are alike
        row["accessory"] = cards.call_again(call) | {"accessibility_label": label}
    return row


def _view(shown: HistoryFilter, blocks: list[Block]) -> Block:
    return {"type": "home", "callback_id": "home", "private_metadata": shown.packed(), "blocks": blocks}


def _mark(words: str) -> str:
    """A short name for a text; a block id takes no more than 255 characters."""
    return f"{zlib.crc32(words.encode()):08x}"
