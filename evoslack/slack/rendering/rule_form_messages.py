"""The sentences of the forms for rules. Plain text where it stands at a field, else mrkdwn as it says."""

from __future__ import annotations

from collections.abc import Sequence

from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.refusals import CannotCheck, Refusal
from evoslack.calling.rule_changes import HIGHEST_LIMIT, Mistake, RuleField, WrongField
from evoslack.calling.rulebook import Masking, Rules, StoredRule, lowest
from evoslack.slack.rendering import rules_page_messages as words
from evoslack.slack.rendering.place_names import in_a_sentence
from evoslack.slack.rendering.refusal_messages import SOURCE_MESSAGES, refusal_message

SAVE, SAVE_MINE = "Save", "Save mine"  # the second one once someone else saved
GONE = "This form no longer works. Close it and press *Change* again."  # mrkdwn

LABELS = {
    RuleField.COUNTRIES: "Countries that may be called",
    RuleField.START: "From, in their local time",
    RuleField.END: "Until",
    RuleField.DAYS: "On these days",
    RuleField.DATES_OFF: "No calls on these dates",
    RuleField.PERSON_HOUR: "Calls per person in an hour",
    RuleField.PERSON_DAY: "Calls per person in 24 hours",
    RuleField.ALL_HOUR: "Total calls in an hour",
    RuleField.ALL_DAY: "Total calls in 24 hours",
    RuleField.MASKING: "Where cards hide numbers",
    RuleField.FLOW: "Flow",
    RuleField.USERS: "People who may use it",
    RuleField.GROUPS: "User groups that may use it",
    RuleField.CALLER_ID: "Default caller ID",
}
END_HINT = "An end before the start is the next day: 8:00 PM to 4:00 AM runs past midnight."
DATES_HINT = (
    "One date per line, such as 2026-11-26, or 12-25 for every year. Dates in the settings apply too."
)
USERS_HINT = (
    "If nobody is named here or below, everyone who can place calls may use it. "
    "If someone is, nobody else may, not even an administrator."
)
GROUPS_HINT = "Everyone in these groups may use it. Someone who leaves a group can use it for another minute."
CALLER_ID_HINT = "What the form starts with for this flow. People can choose another one."
NO_CALLER_ID = "No default"
CHOOSE_COUNTRIES = "Choose countries"
CHOOSE_FLOW = "Choose a flow"
CHOOSE_GROUPS = "Choose user groups"
CHOOSE_CALLER_ID = "Choose a number"
MASKING_CHOICES = {
    Masking.NEVER: "Nowhere: whole numbers in every channel",
    Masking.SHARED: "In channels shared with other companies",
    Masking.ALWAYS: "In every channel",
}
GROUPS_UNREAD = (  # mrkdwn
    "⚠️ EvoSlack can't read Slack's user groups right now, so none can be added. If that lasts: the app "
    "needs the scope usergroups:read (update it from manifest.yml and reinstall it), and Slack has user "
    "groups only on paid plans."
)

_MISTAKES = {
    Mistake.NO_COUNTRY: "Choose at least one country: without any, nobody could be called.",
    Mistake.NO_TIME: "Choose a time.",
    Mistake.SAME_TIME: "That's also the start, so there would be no time to call. Choose another time.",
    Mistake.NO_DAY: "Choose at least one day: without any, nobody could be called.",
    Mistake.NEVER_OPEN: "With this, no call would be possible in the next month. Nothing was saved.",
    Mistake.BAD_LIMIT: f"Enter a whole number up to {HIGHEST_LIMIT:,}, or leave it empty.",
    Mistake.TOO_LENIENT: "The settings are stricter than that. Choose another one.",
    Mistake.FLOW_MISSING: "Choose a flow.",
    Mistake.FLOW_GONE: "This flow is no longer available. Choose another one.",
    Mistake.CALLER_ID_GONE: "This caller ID is no longer available. Choose another one.",
    Mistake.BAD_NAME: "Choose from the list.",
    Mistake.NOBODY: "Nobody is in these groups, so nobody could use the flow. Add a person or another group.",
    Mistake.GROUPS_UNREAD: "Slack didn't say who is in these groups. Not saved. Try again in a moment.",
}


def wrong(what: WrongField, ceiling: Rules) -> str:
    """What is wrong with a field, and what to do."""
    match what.mistake:
        case Mistake.COUNTRY_TURNED_OFF:
            names = ", ".join(in_a_sentence(words.country(code)) for code in what.detail.split(", "))
            return f"The settings don't allow {names}. Remove it here, or change ALLOWED_COUNTRIES."
        case Mistake.BEYOND_HOURS:
            return f"The settings only allow {words.hours(_undated(ceiling.hours))}."
        case Mistake.BAD_DATE:
            shown = what.detail if len(what.detail) <= 60 else f"{what.detail[:59]}…"
            return f"Not a date: {shown}. Write 2026-11-26, or 12-25 for every year."
        case Mistake.ABOVE_LIMIT:
            return f"The settings allow {int(what.detail):,} at most."
    return _MISTAKES[what.mistake]


def hint(field: RuleField, ceiling: Rules) -> str:
    """Below a field: what the settings allow, or what it means."""
    match field:
        case RuleField.COUNTRIES:
            return f"The settings allow: {words.countries(ceiling.countries)}."
        case RuleField.START:
            return f"The settings allow: {words.hours(_undated(ceiling.hours))}."
        case RuleField.END:
            return END_HINT
        case RuleField.DATES_OFF:
            return DATES_HINT
        case RuleField.USERS:
            return USERS_HINT
        case RuleField.GROUPS:
            return GROUPS_HINT
        case RuleField.CALLER_ID:
            return CALLER_ID_HINT
    most = lowest(ceiling.limits)
    if field in most:
        return f"The settings allow {most[field]:,}. Leave it empty to keep that."
    return "The settings have no limit. Leave it empty to keep that."


def saved_meanwhile(now: StoredRule | None, reader: str, says: str) -> str:
    """Someone else saved since the form was opened; `says` is what holds now (mrkdwn, as this is)."""
    if now is None:
        return (
            "*Not saved yet.* This rule was removed while you had it open, so only the settings apply.\n"
            f"To save yours, press *{SAVE_MINE}*. To accept that, press *Cancel*."
        )
    who = "You saved this before" if now.by == reader else f"<@{now.by}> changed this while you had it open"
    return (
        f"*Not saved yet.* {who}. It now says:\n{says}\n"
        f"To replace that with yours, press *{SAVE_MINE}*. To keep it, press *Cancel*."
    )


def not_saved(refusal: Refusal, region: str) -> str:
    """Why this person's rule was not saved."""
    if isinstance(refusal, CannotCheck):  # nobody wanted to dial, so nothing is said about that
        return f"Not saved. {SOURCE_MESSAGES[refusal.source]} Try again in a moment."
    return f"Not saved. {refusal_message(refusal, region).words}"


NOT_ADMINISTRATOR = "Not saved. Only an Evo Voice administrator can change rules."


def broken(reference: str) -> str:
    """For a defect while a rule is saved: it may have been written down or not."""
    return (
        f"Something broke in EvoSlack (reference {reference}), so this may not be saved. "
        "Press Save again, then check the rules."
    )


def _undated(windows: Sequence[CallingHours]) -> list[CallingHours]:
    return [CallingHours(each.start_min, each.end_min, each.days) for each in windows]
