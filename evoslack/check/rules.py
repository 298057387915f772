"""What `bot.py --check` says about the rules: those in force, and whether they forbid every call.

Read-only. The settings are the ceiling; what administrators changed in App Home comes from the ledger, if
there is one yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa

from evoslack.calling.offer import Offer
from evoslack.calling.rulebook import (
    ANY_COUNTRY,
    HOUR,
    Limit,
    Masking,
    RuleName,
    Rules,
    StoredRule,
    UnreadableRule,
    in_force,
)
from evoslack.calling.rules import forbidding
from evoslack.ledger.database_words import UnusableUrl
from evoslack.ledger.rules import RuleLedger
from evoslack.ledger.store import Store
from evoslack.settings import Settings
from evoslack.slack.rendering import hours_messages

ADVICE = {
    RuleName.COUNTRIES: "no country is left to call; change ALLOWED_COUNTRIES, or Rules in App Home.",
    RuleName.HOURS: (
        "calling hours do not open in the next month; change CALLING_HOURS, CALLING_DAYS, NO_CALL_DATES, or "
        "Rules in App Home."
    ),
}

MASKS = {
    Masking.NEVER: "numbers are never masked",
    Masking.SHARED: "numbers are masked in channels shared with other companies",
    Masking.ALWAYS: "numbers are masked on every card",
}


def rule_lines(settings: Settings) -> Iterator[tuple[bool, str]]:
    """Whether each is right, and what is in force or what to do."""
    stored = _stored(settings.database_url)
    try:
        rules = in_force(settings.rules, stored)
    except UnreadableRule as error:
        what_to_do = "remove it in App Home (Rules)"
        yield False, f"the rule “{error.name}” cannot be read, so nothing is dialed; {what_to_do}."
        return
    if (name := forbidding(rules, datetime.now(UTC))) is not None:
        yield False, f"no call is possible: {ADVICE[name]}"
        return
    yield True, described(rules)
    if stored:
        yield True, f"changed in App Home: {', '.join(sorted(rule.name for rule in stored))}"


def gone_caller_ids(settings: Settings, offer: Offer) -> Iterator[str]:
    """Flows whose default caller ID the account does not own, and what to do; nothing if that is unknown."""
    try:
        flows = in_force(settings.rules, _stored(settings.database_url)).flows
    except UnreadableRule:  # the line about the rules says so
        return
    for flow_id, rule in flows.items():
        flow = offer.flow(flow_id)
        if flow is not None and rule.caller_id and offer.caller_id(rule.caller_id) is None:
            yield (
                f"{rule.caller_id}, the default of the flow “{flow.name}”, is not a number the account owns, "
                "so it isn't used; change it in Rules in App Home."
            )


def described(rules: Rules) -> str:
    """The rules in one line."""
    countries = "every country" if ANY_COUNTRY in rules.countries else ", ".join(sorted(rules.countries))
    hours = " and ".join(hours_messages.window(each) for each in rules.hours)
    off = sorted({date for each in rules.hours for date in each.dates_off})
    parts = [
        f"calls to {countries}",
        f"{hours}, their time" if hours else "at any hour",
        *([f"not on {', '.join(off)}"] if off else []),
        *([_limit(each) for each in rules.limits] or ["no limits"]),
        *([f"also to {', '.join(sorted(rules.kinds))} numbers"] if rules.kinds else []),
        MASKS[rules.masking],
    ]
    return "; ".join(parts)


def _limit(limit: Limit) -> str:
    whose = "per person" if limit.per_person else "in all"
    return f"at most {limit.most} calls {'an hour' if limit.span == HOUR else 'a day'} {whose}"


def _stored(url: str) -> list[StoredRule]:
    """What administrators changed; nothing if the database is not there yet or is of an older version."""
    try:
        store = Store(url)
    except UnusableUrl:  # the line about the database says so
        return []
    try:
        if store.file is not None and not store.file.exists():
            return []
        return RuleLedger(store).stored()
    except sa.exc.SQLAlchemyError:  # the line about the database says what is wrong with it
        return []
    finally:
        store.engine.dispose()
