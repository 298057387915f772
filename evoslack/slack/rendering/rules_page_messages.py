"""Rules in plain words, and the sentences of the page *Rules*. Everything is mrkdwn unless it says plain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.number_format import pretty
from evoslack.calling.places import country_name
from evoslack.calling.rulebook import (
    ANY_COUNTRY,
    FlowRule,
    Limit,
    Masking,
    NumberKind,
    RuleName,
    StoredRule,
    lowest,
)
from evoslack.slack.rendering import hours_messages, times
from evoslack.slack.rendering.mrkdwn import escape, mention, shown_name

TITLE = "Rules"  # of the page, and of the button that opens it
ADMINISTRATORS_ONLY = "Only an Evo Voice administrator can see and change rules."
CHANGE = "Change"
TO_SETTINGS = "Use settings"
REMOVE = "Remove"
CANCEL = "Cancel"
ADD_FLOW = "Add a flow"
MORE_FLOWS, FEWER_FLOWS = "Next flows", "Previous flows"
CONFIRM_TITLE = "Remove this rule?"
CONFIRM_REMOVAL = "From now on, only EvoSlack's settings apply."
CONFIRM_FLOW_REMOVAL = "Everyone who can place calls will be able to use this flow, with any caller ID."

INTRO = (
    "These rules apply to every call. EvoSlack's settings are the limit; "
    "here you can only make them stricter. A change applies at once."
)
NO_FLOW_RULES = "Everyone who can place calls can use every flow."
OTHER_FLOWS = "Everyone who can place calls can use the other flows."
AS_SETTINGS = "As in the settings"
FROM_SETTINGS_ONLY = "Only the settings can change this (ALLOWED_NUMBER_KINDS)."
FORBIDS_EVERYTHING = "⚠️ *No number can be called at all:* no country is left. Change the countries."
NEVER_OPEN = "⚠️ *No call is possible in the next month:* calling hours are never open. Change them."
UNREADABLE = "something that this version of EvoSlack can't read"
LIMIT_LABELS = {
    "person_hour": "an hour per person",
    "person_day": "in 24 hours per person",
    "all_hour": "an hour in total",
    "all_day": "in 24 hours in total",
}
RULE_TITLES = {
    RuleName.COUNTRIES: "Countries",
    RuleName.HOURS: "Calling hours",
    RuleName.LIMITS: "Limits",
    RuleName.MASKING: "Masked numbers",
    RuleName.FLOW: "Flows",
}
KINDS_TITLE = "Kinds of numbers"
MASKING_WORDS = {
    Masking.NEVER: "Cards show whole numbers in every channel",
    Masking.SHARED: "Cards in channels shared with other companies show only the last four digits",
    Masking.ALWAYS: "Cards show only the last four digits in every channel",
}
_KIND_WORDS = {
    NumberKind.PREMIUM: "premium rate",
    NumberKind.SHARED_COST: "shared cost",
    NumberKind.PERSONAL: "personal numbers",
    NumberKind.PAGER: "pagers",
    NumberKind.UAN: "universal access numbers",
    NumberKind.VOICEMAIL: "voicemail",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_NAMES = 30  # of countries, people or groups in one paragraph


def rule(title: str, holds: str) -> str:
    """A rule and what holds now, which is given as plain text."""
    return f"*{title}*\n{escape(holds)}"


def quoted(holds: str) -> str:
    """What a rule says, which is given as plain text."""
    return f"*{escape(holds)}*"


def labeled(button: str, title: str) -> str:
    """For screen readers: all buttons of a kind are alike (plain)."""
    return f"{button}: {title}"[:75]


def countries(codes: Collection[str]) -> str:
    """The countries that may be called, by their names (plain)."""
    if ANY_COUNTRY in codes:
        return "Every country"
    return _listed(sorted(country(code) for code in codes)) or "None"


def country(code: str) -> str:
    """One country (plain)."""
    return country_name(code) or code


def kinds(allowed: Collection[NumberKind]) -> str:
    """Which kinds of numbers are called (plain)."""
    denied = [_KIND_WORDS[kind] for kind in NumberKind if kind not in allowed]
    extra = [_KIND_WORDS[kind] for kind in NumberKind if kind in allowed]
    never = f"Never called: {', '.join(['emergency and short numbers', *denied])}."
    return f"{never} Allowed by the settings: {', '.join(extra)}." if extra else never


def hours(windows: Sequence[CallingHours]) -> str:
    """When people may be called, in their own time (plain)."""
    if not windows:
        return "At any hour"
    words = ", and also only ".join(window(each) for each in windows)
    return f"{words[0].upper()}{words[1:]}"


def window(each: CallingHours) -> str:
    """One window of calling hours (plain)."""
    words = hours_messages.window(each)
    if each.dates_off:
        words += f"; no calls on {_listed([day_off(day) for day in sorted(each.dates_off)])}"
    return words


def day_off(text: str) -> str:
    """A date without calls (plain)."""
    year, month, day = text.split("-") if len(text) > len("12-25") else ("", *text.split("-"))
    return f"{_MONTHS[int(month) - 1]} {int(day)}" + (f", {year}" if year else " every year")


def limits(given: Iterable[Limit]) -> str:
    """How many calls are possible (plain)."""
    words = [
        f"{count:,} call{'' if count == 1 else 's'} {LIMIT_LABELS[name]}"
        for name, count in lowest(given).items()
    ]
    return " · ".join(words) or "No limits"


def flow_rule(rule: FlowRule, region: str, owned: Collection[str]) -> str:
    """Who may use a flow, and its own caller ID. `owned` are the numbers that can be one."""
    who = [mention(user) for user in sorted(rule.users)]
    who += [_group(each) for each in sorted(rule.groups)]
    words = f"Only {_listed(who)}" if who else "Everyone who can place calls"
    if rule.caller_id:
        gone = "" if rule.caller_id in owned else " (⚠️ no longer a number of this account, so it isn't used)"
        words += f"\nCaller ID: {escape(pretty(rule.caller_id, region))}{gone}"
    return words


def flow_title(name: str) -> str:
    """The flow's name; empty: Evo Voice no longer has it."""
    return f"*{shown_name(name)}*"


def gone_flow(flow_id: str) -> str:
    """For a flow that Evo Voice no longer has, or that EVO_FLOWS leaves out."""
    return f"*{escape(flow_id)}* · no longer available"


def at_most(words: str, changed: StoredRule | None) -> str:
    """Below a rule: what the settings say, and who changed it; without a change both are the same."""
    return (
        changed_by(changed)
        if changed is None
        else f"In the settings: {escape(words)} · {changed_by(changed)}"
    )


def changed_by(changed: StoredRule | None) -> str:
    """Who changed a rule, and when."""
    return AS_SETTINGS if changed is None else f"Changed by <@{changed.by}>, {times.when(changed.at)}"


def unreadable(stored: StoredRule) -> str:
    """A rule that another version of EvoSlack wrote."""
    return (
        f"⚠️ *EvoSlack can't read the rule “{escape(title_of(stored.name))}”, so no call is placed.* "
        "A newer version may have written it. Run that version, or remove the rule.\n"
        f"{changed_by(stored)}"
    )


def title_of(name: str) -> str:
    """What a stored rule is about (plain)."""
    kind, _, rest = name.partition(":")
    titles = {str(each): words for each, words in RULE_TITLES.items()}
    return f"Flow {rest}" if kind == RuleName.FLOW and rest else titles.get(kind, name)


def changed_meanwhile(name: str, now: StoredRule | None) -> str:
    """Instead of removing a rule that is no longer as it was shown."""
    title = escape(title_of(name))
    if now is None:
        return f"“{title}” was already removed."
    return f"*Not removed.* <@{now.by}> changed “{title}” meanwhile. This is the rule now."


def flows_shown(first: int, last: int, total: int) -> str:
    """Which of many flows are shown (plain)."""
    return f"Flows {first}–{last} of {total}"


def about_export(command: str) -> str:
    """Where to find who changed what."""
    return f"Every change is kept. For all of them as a file, type *{command} export rules*."


def _group(group: str) -> str:
    """A user group, as Slack shows it."""
    return f"<!subteam^{group}>" if re.fullmatch(r"[A-Z0-9_]+", group, re.ASCII) else escape(group)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    shown = list(names[:_MOST_NAMES]) + ([f"{more:,} more"] if more > 0 else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
