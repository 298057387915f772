"""The Home tab: whether somebody may call and why not, and below it their calls or the team's.

Pure functions. Only whoever may call is shown numbers; `home_tab` finds that out.
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
from evoslack.calling.numbers import example, pretty
from evoslack.calling.refusals import NotAllowed, Refusal
from evoslack.slack.rendering import cards, form_messages, home_messages, messages
from evoslack.slack.rendering.refusal_messages import refusal_message

Block = dict[str, Any]

PER_PAGE = 10
PLACE = "home_place"  # action id of the button that opens the form
FILTER_ACTIONS = re.compile("^home_turn_")  # and of everything in `FilterAction`


class FilterAction(StrEnum):
    """What shows something else on the page, by action id."""

    MINE = "home_turn_mine"
    TEAM = "home_turn_team"
    SEARCH = "home_turn_search"
    PERSON = "home_turn_person"
    CLEAR = "home_turn_clear"
    NEWER = "home_turn_newer"
    OLDER = "home_turn_older"


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to see of the calls that somebody looks at."""

    look: HistoryFilter
    calls: Sequence[Call]
    total: int
    sees_team: bool  # whether the team's calls may be looked at


def filter_after(look: HistoryFilter, action: Mapping[str, Any]) -> HistoryFilter:
    """What somebody looks at after a press, a search or a choice. Request data: nothing is believed."""
    value = str(action.get("value") or "")
    match action.get("action_id"):
        case FilterAction.MINE:
            now = HistoryFilter(Scope.MINE, look.typed)
        case FilterAction.TEAM:
            now = HistoryFilter(Scope.TEAM, look.typed)
        case FilterAction.SEARCH:
            now = replace(look, typed=value.strip(), page=0)
        case FilterAction.PERSON:
            now = replace(look, person=str(action.get("selected_user") or ""), page=0)
        case FilterAction.NEWER | FilterAction.OLDER:
            now = replace(look, page=int(value) if value.isdecimal() and len(value) < 7 else 0)
        case _:
            now = HistoryFilter(look.whose)
    return HistoryFilter.unpacked(now.packed())


def denied(refusal: Refusal, region: str) -> dict[str, Any]:
    """The tab of somebody who may not call, or of whom it cannot be checked: why, and not one number."""
    words = messages.escape(refusal_message(refusal, region).words)
    if isinstance(refusal, NotAllowed):
        return _view(HistoryFilter(), [_section(f"{home_messages.MAY_NOT} {words}")])
    return _view(HistoryFilter(), [_section(f"{home_messages.UNKNOWN} {words} {home_messages.TRIES_AGAIN}")])


def view(page: Page, region: str) -> dict[str, Any]:
    """The tab of somebody who may call."""
    place = _button(PLACE, form_messages.FORM_TITLE) | {"style": "primary"}
    top = [_section(home_messages.MAY) | {"accessory": place}]
    return _view(page.look, [*top, *_choices(page, region), {"type": "divider"}, *_calls(page, region)])


def _choices(page: Page, region: str) -> list[Block]:
    """Whose calls, which number, which person. What is typed stays through a refresh, by its block id."""
    look, found = page.look, []
    if page.sees_team:
        tabs = [
            _button(action, home_messages.TABS[whose]) | ({"style": "primary"} if look.whose is whose else {})
            for action, whose in ((FilterAction.MINE, Scope.MINE), (FilterAction.TEAM, Scope.TEAM))
        ]
        found.append(_actions("home_tabs", tabs))
    field: Block = {
        "type": "plain_text_input",
        "action_id": FilterAction.SEARCH,
        "max_length": LONGEST_SEARCH,
    }
    field["placeholder"] = _plain(example(region))
    if look.typed:
        field["initial_value"] = look.typed
    search: Block = {"type": "input", "block_id": f"home_search_{_mark(look.typed)}", "element": field}
    search |= {"label": _plain(home_messages.SEARCH_LABEL), "hint": _plain(home_messages.SEARCH_HINT)}
    found.append(search | {"dispatch_action": True, "optional": True})
    narrowing: list[Block] = []
    if look.whose is Scope.TEAM:
        person: Block = {
            "type": "users_select",
            "action_id": FilterAction.PERSON,
            "placeholder": _plain(home_messages.WHOSE),
        }
        narrowing.append(person | ({"initial_user": look.person} if look.person else {}))
    if look.is_narrowed:
        narrowing.append(_button(FilterAction.CLEAR, home_messages.CLEAR))
    return [*found, _actions(f"home_narrow_{look.person}", narrowing)] if narrowing else found


def _calls(page: Page, region: str) -> list[Block]:
    look = page.look
    found = [_context(home_messages.TOO_FEW)] if look.typed and not look.digits else []
    if not page.calls:
        nothing = (
            home_messages.NOTHING_FITS
            if look.digits or look.person
            else home_messages.NOTHING_YET[look.whose]
        )
        return [*found, _section(nothing)]
    first = look.page * PER_PAGE + 1
    found.append(_context(f"{first}–{first + len(page.calls) - 1} of {page.total}"))
    found += [_call(call, look.whose, region) for call in page.calls]
    pages = []
    if look.page:
        pages.append(_button(FilterAction.NEWER, home_messages.NEWER, look.page - 1))
    if page.total > first + len(page.calls) - 1:
        pages.append(_button(FilterAction.OLDER, home_messages.OLDER, look.page + 1))
    return [*found, _actions("home_pages", pages)] if pages else found


def _call(call: Call, whose: Scope, region: str) -> Block:
    """One call: how it stands, whom, which flow, when, for how long, and by whom."""
    number = pretty(call.request.number, region)
    parts = [messages.shown_name(call.request.flow_name), cards.when(call)]
    if call.talked_s is not None:
        parts.append(f"talked {messages.duration(call.talked_s)}")
    if whose is Scope.TEAM:
        parts.append(f"<@{call.request.user_id}>")
    row = _section(f"*{messages.state_words(call)}* · {number}\n{' · '.join(parts)}")
    row["block_id"] = f"home_call_{call.id}"
    if not call.is_going_on:
        label = f"{messages.CALL_AGAIN}: {number}"  # ten alike buttons say nothing to whoever hears them
        row["accessory"] = cards.call_again(call) | {"accessibility_label": label}
    return row


def _view(look: HistoryFilter, blocks: list[Block]) -> dict[str, Any]:
    return {"type": "home", "callback_id": "home", "private_metadata": look.packed(), "blocks": blocks}


def _section(words: str) -> Block:
    return {"type": "section", "text": cards.mrkdwn(words)}


def _context(words: str) -> Block:
    return {"type": "context", "elements": [_plain(words)]}


def _actions(block_id: str, elements: list[Block]) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": elements}


def _button(action_id: str, words: str, page: int | None = None) -> Block:
    value = {} if page is None else {"value": str(page)}
    return {"type": "button", "action_id": action_id, "text": _plain(words)} | value


def _plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": False}


def _mark(words: str) -> str:
    """A short name for a text, for where Slack takes no longer one."""
    return f"{zlib.crc32(words.encode()):08x}"
