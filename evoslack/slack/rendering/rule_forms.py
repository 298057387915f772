"""The form for each rule, and what was filled in. Pure functions from values to Slack views."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evoslack.calling.calling_hours import DAY_MIN
from evoslack.calling.rule_changes import RuleField
from evoslack.calling.rulebook import (
    ANY_COUNTRY,
    LIMIT_KINDS,
    RuleName,
    Rules,
    StoredRule,
    countries_of,
    flow_rule_of,
    hours_of,
    limits_of,
    lowest,
)
from evoslack.slack.rendering import rule_form_messages as says
from evoslack.slack.rendering import rules_page_messages as words
from evoslack.slack.rendering.blocks import Block, modal, plain, section
from evoslack.slack.rendering.rule_fields import FormFacts, block_id, field_of

FORM = "rule_form"
_LONGEST_METADATA = 1_500
_MOST_REVISIONS = 2**31 - 1  # what the column takes

Filled = Mapping[RuleField, Sequence[str]]  # every value is a list; a field left empty has none


@dataclass(frozen=True, slots=True)
class RuleMetadata:
    """Which rule an open form is about, the revision that its reader has seen, and the page below it."""

    name: str  # of a flow that is not chosen yet: `flow:`
    revision: int = 0
    page: int = 0

    def packed(self) -> str:
        """For `private_metadata`."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def unpacked(cls, text: str) -> RuleMetadata:
        """Raises `ValueError` for anything that `packed` did not make."""
        if len(text) <= _LONGEST_METADATA:
            match json.loads(text):
                case {"name": str(name), "revision": int(revision), "page": int(page), **more} if not more:
                    kind = RuleName(name.partition(":")[0])
                    is_flow = (kind is RuleName.FLOW) == (":" in name)
                    if is_flow and 0 <= revision < _MOST_REVISIONS and 0 <= page < _MOST_REVISIONS:
                        return cls(name, int(revision), int(page))
        raise ValueError("not rule metadata")

    @property
    def kind(self) -> RuleName:
        """Which kind of rule it is."""
        return RuleName(self.name.partition(":")[0])

    @property
    def flow_id(self) -> str:
        """The flow; empty: none, or not chosen yet."""
        return self.name.partition(":")[2]


FIELDS: dict[RuleName, tuple[RuleField, ...]] = {
    RuleName.COUNTRIES: (RuleField.COUNTRIES,),
    RuleName.HOURS: (RuleField.START, RuleField.END, RuleField.DAYS, RuleField.DATES_OFF),
    RuleName.LIMITS: tuple(RuleField(name) for name in LIMIT_KINDS),
    RuleName.MASKING: (RuleField.MASKING,),
    RuleName.FLOW: (RuleField.FLOW, RuleField.USERS, RuleField.GROUPS, RuleField.CALLER_ID),
}


def form(
    metadata: RuleMetadata, filled: Filled, facts: FormFacts, above: str = "", submit: str = says.SAVE
) -> Block:
    """The form of a rule. `above` is what it says first (mrkdwn)."""
    blocks = [section(above)] if above else []
    for each in FIELDS[metadata.kind]:
        if each is RuleField.FLOW and metadata.flow_id:
            flow = facts.offer.flow(metadata.flow_id)
            blocks.append(section(words.flow_title(flow.name) if flow else words.gone_flow(metadata.flow_id)))
            continue
        if each is RuleField.GROUPS and facts.groups is None:
            blocks.append(section(says.GROUPS_UNREAD))
        blocks.append(field_of(each, filled.get(each, ()), facts))
    view = modal(FORM, words.RULE_TITLES[metadata.kind], words.CANCEL, blocks)
    return view | {"private_metadata": metadata.packed(), "submit": plain(submit)}


def filled_in(values: Mapping[str, Any]) -> dict[RuleField, list[str]]:
    """What stands in a form, from `view.state.values`. Raises what a payload of another shape leads to."""
    found = {}
    for each in RuleField:
        state = values.get(block_id(each), {}).get(block_id(each))
        if state is not None:
            found[each] = _chosen(state)
    return found


def filled_from(kind: RuleName, stored: StoredRule | None, ceiling: Rules) -> dict[RuleField, list[str]]:
    """What a form starts with: the stored rule, else what the settings say. Raises if it cannot be read."""
    value = stored.value if stored else None
    match kind:
        case RuleName.COUNTRIES:
            codes = countries_of(value) if value else ceiling.countries - {ANY_COUNTRY}
            return {RuleField.COUNTRIES: sorted(codes)}
        case RuleName.HOURS:
            windows = [hours_of(value)] if value else list(ceiling.hours)
            if not windows:
                return {RuleField.DAYS: [str(day) for day in range(7)]}
            window = windows[0]
            return {
                RuleField.START: [_clock(window.start_min)],
                RuleField.END: [_clock(window.end_min % DAY_MIN)],
                RuleField.DAYS: [str(day) for day in sorted(window.days)],
                RuleField.DATES_OFF: ["\n".join(sorted(window.dates_off))] if value else [],
            }
        case RuleName.LIMITS:
            own = lowest(limits_of(value)) if value else {}
            return {RuleField(name): [str(most)] for name, most in own.items()}
        case RuleName.MASKING:
            return {RuleField.MASKING: [str(value["masking"]) if value else ceiling.masking]}
        case RuleName.FLOW:
            rule = flow_rule_of(value or {})
            return {
                RuleField.USERS: sorted(rule.users),
                RuleField.GROUPS: sorted(rule.groups),
                RuleField.CALLER_ID: [rule.caller_id] if rule.caller_id else [],
            }


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _chosen(state: Mapping[str, Any]) -> list[str]:
    """The values of an element; what an option shows does not matter."""
    options = state.get("selected_options") or [each for each in [state.get("selected_option")] if each]
    given = [option["value"] for option in options]
    given += state.get("selected_users") or []
    given += [each for each in (state.get("value"), state.get("selected_time")) if each is not None]
    if not all(isinstance(each, str) for each in given):
        raise TypeError("not strings")
    return [each for each in given if each]
