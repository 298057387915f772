"""The Home tab: whether a person may call, who is on the phone now, and their own calls or the team's.

Pure functions. Only people who may call are shown numbers; `home_publisher` finds out who may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from evoslack.calling.calls import Call
from evoslack.calling.history_filter import HistoryFilter, OutcomeGroup, Scope, statuses_in
from evoslack.calling.history_page import Cursor, HistoryPage, Way
from evoslack.calling.number_format import pretty
from evoslack.calling.refusals import CannotCheck, NotAllowed, Refusal
from evoslack.calling.status import status_of
from evoslack.slack.rendering import (
    access_messages,
    button_messages,
    cards,
    form_messages,
    home_messages,
    messages,
    mrkdwn,
    rules_page_messages,
    times,
)
from evoslack.slack.rendering.blocks import Block, actions, button, context, section, small
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.rendering.home_filters import FilterAction, controls
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.refusal_pages import access_button

PER_PAGE = 10
MOST_LIVE = 10  # live calls shown; more are counted
MOST_WAITING = 10  # the same for calls that wait for their time
PLACE = "home_place"  # action id of the button that opens the form
RULES = "home_rules"  # and of the one that opens the rules
_DIVIDER: Block = {"type": "divider"}
_IN_PROGRESS = statuses_in(OutcomeGroup.IN_PROGRESS, was_answered=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that a tab shows: one page of the calls that a filter finds, and what stands above it."""

    filter: HistoryFilter
    found: HistoryPage
    sees_team: bool  # whether this person may see and hang up the team's calls
    viewer: str  # user id
    at: datetime
    live: Sequence[Call] = ()  # that may be on the phone now; at most `MOST_LIVE`
    live_total: int = 0
    waiting: Sequence[Call] = ()  # for their time, next one first; at most `MOST_WAITING`
    waiting_total: int = 0
    totals: Mapping[OutcomeGroup, int] = field(default_factory=dict)  # of the last 24 hours
    links: Mapping[str, str] = field(default_factory=dict)  # addresses of cards, by call id
    can_end: bool = False  # whether the bot may end calls at Evo Voice


def denied(
    refusal: Refusal, region: str, contact: HelpContact = NO_CONTACT, asked_at: datetime | None = None
) -> Block:
    """The tab of a person who may not call, or of whom it cannot be checked: why, and not one number.

    `asked_at`: when they asked for access; None if they may ask now.
    """
    words = refusal_words(refusal, region, contact)
    if isinstance(refusal, NotAllowed):
        why = section(f"{home_messages.CANNOT_CALL} {words}")
        ask = access_button(refusal, contact)
        if ask and asked_at is not None:
            ask = [section(access_messages.asked(contact, asked_at))]
        return _view(HistoryFilter(), [why, *ask])
    if isinstance(refusal, CannotCheck):  # nobody wanted to dial, so nothing is said about that
        words = home_messages.cannot_check(refusal.source)
    else:
        words = f"{home_messages.UNKNOWN} {words} {home_messages.CHECKS_AGAIN}"
    return _view(HistoryFilter(), [section(words)])


def view(page: Page, region: str) -> Block:
    """The tab of a person who may call."""
    whose = Scope.TEAM if page.sees_team else Scope.MINE
    return _view(
        page.filter,
        [
            *_live(page, whose, region),
            *_waiting(page, whose, region),
            _totals(page, whose),
            _DIVIDER,
            section(home_messages.HISTORY),
            *controls(page.filter, region, sees_team=page.sees_team),
            *_calls(page, region),
        ],
    )


def _totals(page: Page, whose: Scope) -> Block:
    """The last 24 hours; administrators also find the rules there."""
    totals = section(home_messages.totals(page.totals, whose))
    return totals | {"accessory": button(RULES, rules_page_messages.TITLE)} if page.sees_team else totals


def _live(page: Page, whose: Scope, region: str) -> list[Block]:
    """The calls that may be on the phone now, whatever the filter says."""
    place = button(PLACE, form_messages.FORM_TITLE) | {"style": "primary"}
    live, uncertain = _by_certainty(page.live)
    found = [section(home_messages.LIVE[whose]) | {"accessory": place}]
    if not live:
        found.append(context(home_messages.NONE_CERTAIN if uncertain else home_messages.NO_LIVE[whose]))
    found += [_live_call(call, page, region) for call in live]
    if uncertain:
        found.append(small(home_messages.UNCERTAIN))
        found += [_live_call(call, page, region) for call in uncertain]
    more = page.live_total - len(page.live)
    return [*found, context(home_messages.more_live(more))] if more > 0 else found


def _waiting(page: Page, whose: Scope, region: str) -> list[Block]:
    """The calls that wait for their time, each with Cancel; nothing if there are none."""
    if not page.waiting:
        return []
    found = [section(home_messages.WAITING[whose])]
    for call in page.waiting:
        parts = [f"<@{call.request.user_id}>"] if page.sees_team else []
        parts.append(mrkdwn.shown_name(call.request.flow_name))
        row = _row(f"home_waiting_{call.id}", call, parts, page, region)
        number = pretty(call.request.number, region)
        label = f"{button_messages.CANCEL}: {number}"
        found.append(row | {"accessory": cards.cancel(call, number) | {"accessibility_label": label}})
    more = page.waiting_total - len(page.waiting)
    return [*found, context(home_messages.more_live(more))] if more > 0 else found


def _by_certainty(calls: Sequence[Call]) -> tuple[list[Call], list[Call]]:
    """Those that are in progress, and those that may be."""
    live = [call for call in calls if status_of(call) in _IN_PROGRESS]
    return live, [call for call in calls if call not in live]


def _live_call(call: Call, page: Page, region: str) -> Block:
    """One live call: how it stands, the number, for how long, by whom, and Hang up."""
    since = home_messages.started if call.answered_at is None else home_messages.answered
    parts = [since(times.since(call.answered_at or call.accepted_at))]
    if page.sees_team:
        parts.append(f"<@{call.request.user_id}>")
    parts.append(mrkdwn.shown_name(call.request.flow_name))
    if call.hang_up is not None:
        parts.append(home_messages.HANG_UP_NOTES[call.hang_up])
    row = _row(f"home_live_{call.id}", call, parts, page, region)
    may_end = page.can_end and (page.sees_team or call.request.user_id == page.viewer)
    for hang_up in cards.hang_up(call, pretty(call.request.number, region), can_end=may_end):
        label = f"{button_messages.HANG_UP}: {pretty(call.request.number, region)}"
        row["accessory"] = hang_up | {"accessibility_label": label}
    return row


def _calls(page: Page, region: str) -> list[Block]:
    if not page.found.calls:
        return [section(home_messages.nothing_found(page.filter, page.at))]
    found = [context(home_messages.shown(page.found, page.filter, page.at))]
    found += [_call(call, page, region) for call in page.found.calls]
    ways = _ways(page.found)
    return [*found, actions(ways, "home_pages")] if ways else found


def _ways(found: HistoryPage) -> list[Block]:
    """The buttons that lead to other pages; to the ends only if that is not the next one."""
    ways = []
    first, last = Cursor.newer_than(found.calls[0]), Cursor.older_than(found.calls[-1])
    if found.newer.may_exceed(PER_PAGE):
        ways.append(button(FilterAction.NEWEST, home_messages.NEWEST))
    if found.newer.may_exceed(0):
        ways.append(button(FilterAction.NEWER, home_messages.NEWER, first.packed()))
    if found.older.may_exceed(0):
        ways.append(button(FilterAction.OLDER, home_messages.OLDER, last.packed()))
    if found.older.may_exceed(PER_PAGE):
        ways.append(button(FilterAction.OLDEST, home_messages.OLDEST, Cursor(Way.OLDEST).packed()))
    return ways


def _call(call: Call, page: Page, region: str) -> Block:
    """One call: how it ended, the number, when, the flow, and the team's also by whom."""
    parts = [times.when(call.accepted_at)]
    if page.filter.scope is Scope.TEAM:
        parts.append(f"<@{call.request.user_id}>")
    parts.append(mrkdwn.shown_name(call.request.flow_name))
    if call.note.result or call.note.text:
        parts.append(home_messages.noted(call.note.result))
    row = _row(f"home_call_{call.id}", call, parts, page, region)
    if not (call.is_in_progress or call.is_scheduled):  # as on its card
        number = pretty(call.request.number, region)
        label = f"{button_messages.CALL_AGAIN}: {number}"  # for screen readers: ten buttons are alike
        row["accessory"] = cards.call_again(call) | {"accessibility_label": label}
    return row


def _row(block_id: str, call: Call, parts: list[str], page: Page, region: str) -> Block:
    """How the call stands and its number; below that the parts, and the link to its card."""
    if link := page.links.get(call.id):
        parts = [*parts, f"<{link}|{home_messages.OPEN_CARD}>"]
    words = section(f"{messages.headline(call, region, is_bold=True)}\n{' · '.join(parts)}")
    return words | {"block_id": block_id}


def _view(shown: HistoryFilter, blocks: list[Block]) -> Block:
    return {"type": "home", "callback_id": "home", "private_metadata": shown.packed(), "blocks": blocks}
