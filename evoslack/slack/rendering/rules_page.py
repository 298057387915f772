"""The page *Rules*: what holds now, what the settings allow at most, and who changed it. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from evoslack.calling.offer import Offer
from evoslack.calling.refusals import Refusal
from evoslack.calling.rule_changes import in_words, is_never_open
from evoslack.calling.rulebook import RuleName, Rules, StoredRule, UnreadableRule, flow_rule_name, in_force
from evoslack.slack.rendering import form_messages
from evoslack.slack.rendering import rules_page_messages as words
from evoslack.slack.rendering.blocks import Block, actions, button, confirm, context, modal, section, small
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.refusal_pages import access_button

CHANGE, ADD_FLOW, REMOVE, TURN = "rule_change", "rule_add_flow", "rule_remove", "rule_turn"
TURNS = re.compile(rf"{TURN}(_back)?")
PAGE = "rules_page"
FLOWS_PER_PAGE = 20  # three blocks each; a page has a hundred at most
_DIVIDER: Block = {"type": "divider"}
MOST_UNREADABLE = 5  # shown at once
_LONGEST_VALUE = 400  # characters of what a button carries
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class RulesNow:
    """The rules at one moment: those in force, those that administrators changed, and what is wrong."""

    ceiling: Rules
    rules: Rules  # with every rule that can be read
    stored: Mapping[str, StoredRule]  # by name
    unreadable: Sequence[StoredRule]

    @classmethod
    def of(cls, ceiling: Rules, stored: Sequence[StoredRule]) -> RulesNow:
        """Sort out what this version cannot read, so that the rest can be shown."""
        readable = [each for each in stored if _is_readable(ceiling, each)]
        return cls(
            ceiling,
            in_force(ceiling, readable),
            {each.name: each for each in stored},
            [each for each in stored if each not in readable],
        )

    def is_readable(self, name: str) -> bool:
        """Whether there is no such rule, or one that this version can read."""
        return all(each.name != name for each in self.unreadable)


@dataclass(frozen=True, slots=True)
class Removal:
    """What a button to remove a rule carries: which one, and the revision that its reader has seen."""

    name: str
    revision: int

    def packed(self) -> str:
        """For the button's value."""
        return json.dumps([self.name, self.revision], ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def unpacked(cls, text: str) -> Removal:
        """Raises `ValueError` for anything that `packed` did not make."""
        if len(text) <= _LONGEST_VALUE:
            match json.loads(text):
                case [str(name), int(revision)] if not isinstance(revision, bool):
                    return cls(name, revision)
        raise ValueError("not a removal")


def view(
    now: RulesNow, offer: Offer, region: str, command: str, at: datetime, page: int = 0, note: str = ""
) -> Block:
    """The page. `page` is which of many flows it shows; `note` is what has just happened (mrkdwn)."""
    found = [section(note)] if note else []
    found += [section(words.INTRO), *_warnings(now, at)]
    for name, holds, at_most in _about(now):
        found += _rule(now, name, holds, at_most)
    found += [_DIVIDER, *_flows(now, offer, region, page), small(words.about_export(command))]
    return modal(PAGE, words.TITLE, form_messages.CLOSE, found) | {"private_metadata": str(page)}


def in_words_of(stored: StoredRule, ceiling: Rules, region: str, offer: Offer) -> str:
    """What one stored rule says, together with the settings (mrkdwn)."""
    kind, _, flow_id = stored.name.partition(":")
    if not _is_readable(ceiling, stored):
        return words.UNREADABLE
    rules = in_force(ceiling, [stored])
    if kind == RuleName.FLOW:
        return words.flow_rule(rules.flow(flow_id), region, {each.number for each in offer.caller_ids})
    about = {name: holds for name, holds, _ in _about(RulesNow.of(ceiling, [stored]))}
    return words.quoted(about[RuleName(kind)])


def page_of(private_metadata: str) -> int:
    """Which flows a page shows, from the view's metadata; the first ones if that cannot be read."""
    is_number = private_metadata.isascii() and private_metadata.isdecimal() and len(private_metadata) < 6
    return min(int(private_metadata), _MOST_PAGES) if is_number else 0


def loading(external_id: str) -> Block:
    """Shown at once while the role is being looked up; see `views.loading`."""
    return notice(form_messages.LOADING) | {"external_id": external_id}


def notice(text: str) -> Block:
    """A page with words and nothing to press (mrkdwn)."""
    return modal("rules_notice", words.TITLE, form_messages.CLOSE, [section(text)])


def denied(refusal: Refusal, region: str, contact: HelpContact) -> Block:
    """Why this person does not see the rules, and the button that asks for access if that helps."""
    blocks = [section(refusal_words(refusal, region, contact)), *access_button(refusal, contact)]
    return notice("") | {"blocks": blocks}


def _is_readable(ceiling: Rules, stored: StoredRule) -> bool:
    try:
        in_force(ceiling, [stored])
    except UnreadableRule:
        return False
    return True


def _warnings(now: RulesNow, at: datetime) -> list[Block]:
    found = []
    for each in now.unreadable[:MOST_UNREADABLE]:
        remove = _buttons(each, words.REMOVE, words.CONFIRM_REMOVAL, can_change=False)
        found += [section(words.unreadable(each)), remove]
    if not now.rules.countries:
        found.append(section(words.FORBIDS_EVERYTHING))
    if now.rules.hours and is_never_open(now.rules.hours, at):
        found.append(section(words.NEVER_OPEN))
    return found


def _about(now: RulesNow) -> list[tuple[RuleName | None, str, str]]:
    """Each rule, what holds now, and what the settings allow (plain); None: nobody can change it here."""
    rules, ceiling = now.rules, now.ceiling
    return [
        (RuleName.COUNTRIES, words.countries(rules.countries), words.countries(ceiling.countries)),
        (None, words.kinds(rules.kinds), ""),
        (RuleName.HOURS, words.hours(in_words(rules.hours)), words.hours(ceiling.hours)),
        (RuleName.LIMITS, words.limits(rules.limits), words.limits(ceiling.limits)),
        (RuleName.MASKING, words.MASKING_WORDS[rules.masking], words.MASKING_WORDS[ceiling.masking]),
    ]


def _rule(now: RulesNow, name: RuleName | None, holds: str, at_most: str) -> list[Block]:
    if name is None:
        return [section(words.rule(words.KINDS_TITLE, holds)), context(words.FROM_SETTINGS_ONLY)]
    said, changed = section(words.rule(words.RULE_TITLES[name], holds)), now.stored.get(name)
    about = small(words.at_most(at_most, changed))
    if changed is None:
        return [said | {"accessory": _change(name, words.RULE_TITLES[name])}, about]
    if not now.is_readable(name):  # a warning with its button is above
        return [said, about]
    return [said, about, _buttons(changed, words.TO_SETTINGS, words.CONFIRM_REMOVAL)]


def _flows(now: RulesNow, offer: Offer, region: str, page: int) -> list[Block]:
    names = {flow_rule_name(flow.id): flow.name for flow in offer.flows}
    ruled = [each for name in now.rules.flows if (each := now.stored.get(flow_rule_name(name)))]
    ruled.sort(key=lambda each: (names.get(each.name, ""), each.name))
    said = words.rule(words.RULE_TITLES[RuleName.FLOW], words.OTHER_FLOWS if ruled else words.NO_FLOW_RULES)
    found = [section(said) | {"accessory": button(ADD_FLOW, words.ADD_FLOW)}]
    first = min(page * FLOWS_PER_PAGE, max(len(ruled) - 1, 0) // FLOWS_PER_PAGE * FLOWS_PER_PAGE)
    owned = {caller_id.number for caller_id in offer.caller_ids}
    for each in ruled[first : first + FLOWS_PER_PAGE]:
        flow_id = each.name.partition(":")[2]
        title = words.flow_title(names[each.name]) if each.name in names else words.gone_flow(flow_id)
        rule = words.flow_rule(now.rules.flow(flow_id), region, owned)
        found += [
            section(f"{title}\n{rule}"),
            small(words.changed_by(each)),
            _buttons(each, words.REMOVE, words.CONFIRM_FLOW_REMOVAL),
        ]
    return [*found, *_turning(first, len(ruled))]


def _turning(first: int, total: int) -> list[Block]:
    """The way to the other flows, if there are too many for one page."""
    last, page = min(first + FLOWS_PER_PAGE, total), first // FLOWS_PER_PAGE
    turns = [button(TURN, words.FEWER_FLOWS, str(page - 1))] if page else []
    turns += [button(TURN, words.MORE_FLOWS, str(page + 1))] if last < total else []
    if len(turns) > 1:
        turns[0]["action_id"] = f"{TURN}_back"
    if not turns:
        return []
    return [context(words.flows_shown(first + 1, last, total)), actions(turns, "rule_flows")]


def _change(name: str, title: str) -> Block:
    return button(CHANGE, words.CHANGE, name) | {"accessibility_label": words.labeled(words.CHANGE, title)}


def _buttons(stored: StoredRule, removing: str, warning: str, *, can_change: bool = True) -> Block:
    title = words.title_of(stored.name)
    change = [_change(stored.name, title)] if can_change else []
    question = confirm(words.CONFIRM_TITLE, warning, removing, words.CANCEL)
    remove = button(REMOVE, removing, Removal(stored.name, stored.revision).packed()) | {"confirm": question}
    return actions([*change, remove | {"accessibility_label": words.labeled(removing, title)}])
