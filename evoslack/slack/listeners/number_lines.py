"""What a form says about its number: what a line says, and what a form says as it opens.

Read from the ledger and from offline data only. A form opens without it if the database is slow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from evoslack.calling.calls import Call
from evoslack.calling.number_format import example
from evoslack.calling.numbers import BadNumber, dialable
from evoslack.calling.offer import Offer
from evoslack.calling.places import Place, place_of
from evoslack.calling.ports import CallHistory
from evoslack.calling.refusals import CannotEvaluate, OutsideHours, Refusal
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import ANY_COUNTRY, Rules
from evoslack.calling.validation import number_or_empty
from evoslack.runtime.background_pool import Run, answer_within
from evoslack.slack.listeners.busy_number import MOST_CALLS, BusyNumbers
from evoslack.slack.rendering import number_line
from evoslack.slack.rendering.views import FormAbout, FormSettings, Prefill

RECENT_CALLS = 20  # in which a person's last choice for a flow is searched
T = TypeVar("T")

FORM_WAITS_S = 0.5  # for what it would like to know: its trigger lives three seconds


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads a line, and what else the form says to them."""

    user_id: str
    team_id: str
    account_id: str
    is_asked: bool  # the form asks about the number, which says already who is on the phone with it


@dataclass(frozen=True, slots=True)
class Known:
    """What is known as a form opens. Without `rules`, the ledger did not answer in time."""

    rules: Rules | None = None
    about: FormAbout = field(default_factory=FormAbout)


class NumberLines:
    """Reads what a form says. `recall` runs it in the background."""

    def __init__(
        self,
        history: CallHistory,
        busy: BusyNumbers,
        rule_check: RuleCheck,
        settings: FormSettings,
        recall: Run,
        now: Callable[[], datetime],
    ) -> None:
        self._history = history
        self._busy = busy
        self._rule_check = rule_check
        self._settings = settings
        self._recall = recall
        self._now = now

    def known(self, account_id: str, user_id: str, team_id: str, prefill: Prefill | None) -> Known:
        """What is known when a form opens, read at once; nothing if that takes too long or fails.

        `prefill` None: a choice between numbers opens. Raises `LimitReached` or `CannotEvaluate`.
        """

        def read() -> Known:
            rules = self._rule_check.rules()
            self._rule_check.require_below_limits(rules, user_id, team_id, account_id)
            rules_left = replace(rules, limits=())  # they were asked just now
            reader = _Reader(user_id, team_id, account_id, is_asked=False)
            return Known(rules, self._about(rules_left, reader, prefill) if prefill else FormAbout())

        return self._soon(read) or Known()

    def usable(self, offer: Offer, user_id: str) -> Offer:
        """The offer with the flows that this person may use; see `RuleCheck.offer_for`.

        All of it while the ledger does not answer: Submit asks again.
        """
        return self.usable_by(self._soon(self._rule_check.rules), offer, user_id)

    def usable_by(self, rules: Rules | None, offer: Offer, user_id: str) -> Offer:
        """The same by these rules; None: the ledger did not answer."""
        return offer if rules is None else self._rule_check.offer_for(offer, user_id, rules)

    def _soon(self, ask: Callable[[], T]) -> T | None:
        """What the ledger answers; None if that takes too long or fails. Raises the `Refusal` of `ask`."""

        def answer() -> T | Refusal:
            try:
                return ask()
            except Refusal as refusal:
                return refusal

        found = answer_within(FORM_WAITS_S, self._recall, answer)
        if isinstance(found, Refusal):
            raise found
        return found

    def _about(self, rules: Rules, reader: _Reader, prefill: Prefill) -> FormAbout:
        user_id, team_id = reader.user_id, reader.team_id
        number, problem = self._read(rules, prefill.number) if prefill.number else ("", "")
        last, latest = self._history.for_a_form(user_id, team_id, reader.account_id, number, MOST_CALLS)
        found = FormAbout()
        if not prefill.flow_id:  # else it is the form of an earlier call, with all its values
            defaults = {flow_id: rule.caller_id for flow_id, rule in rules.flows.items() if rule.caller_id}
            chosen = self._caller_ids(defaults, user_id, team_id)
            found = FormAbout(last, caller_ids=chosen, defaults=defaults)
        if not number:
            return replace(found, line=problem)
        question = self._busy.question_at_open(latest, user_id)
        reader = replace(reader, is_asked=question is not None)
        return replace(found, line=self._words(rules, number, latest, reader), question=question)

    def _caller_ids(self, defaults: Mapping[str, str], user_id: str, team_id: str) -> dict[str, str]:
        """What a form starts with for each flow that has a default: what this person chose last, or that."""
        found = dict(defaults)
        if found:
            for call in reversed(self._history.latest_of(user_id, team_id, RECENT_CALLS)):
                if call.request.flow_id in found:
                    found[call.request.flow_id] = call.request.caller_id
        return found

    def line(self, offer: Offer, typed: str, user_id: str, team_id: str, *, is_asked: bool) -> str:
        """What to say about a number that is being typed (mrkdwn); empty: nothing.

        `is_asked`: the form asks about that number, which says already who is on the phone with it.
        """
        try:
            rules = self._rule_check.rules()
        except CannotEvaluate as no:
            return number_line.objection(no, "") if typed.strip() else ""
        number, problem = self._read(rules, typed, is_being_typed=True)
        if not number:
            return problem
        latest = self._history.latest_to(offer.account_id, number, MOST_CALLS)
        reader = _Reader(user_id, team_id, offer.account_id, is_asked=is_asked)
        return self._words(rules, number, latest, reader)

    def _words(self, rules: Rules, number: str, latest: Sequence[Call], reader: _Reader) -> str:
        """What a rule says against the number, and what is known of it."""
        refusal = self._rule_check.objection(
            rules, number, account_id=reader.account_id, user_id=reader.user_id, team_id=reader.team_id
        )
        # A no because of the time says already where that is.
        place = Place() if isinstance(refusal, OutsideHours) else place_of(number)
        rest = number_line.words(place, latest, reader.user_id, self._now(), is_asked=reader.is_asked)
        return number_line.objection(refusal, rest) if refusal else rest

    def _read(self, rules: Rules, typed: str, *, is_being_typed: bool = False) -> tuple[str, str]:
        """The E.164 number that was typed, or what to say about it because it is none (mrkdwn)."""
        region = self._settings.region
        try:
            return dialable(typed, region, rules.countries, rules.kinds), ""
        except BadNumber as bad:
            is_quiet = is_being_typed and (not typed.strip() or number_line.is_unfinished(typed, bad))
            return "", "" if is_quiet else number_line.problem(bad, region)

    def warm_up(self) -> None:
        """Load the names of places: half a second that the first form after a start need not wait."""
        with contextlib.suppress(BadNumber):
            place_of(dialable(example(self._settings.region), self._settings.region, {ANY_COUNTRY}))

    def number_or_empty(self, typed: str) -> str:
        """The E.164 number that was typed, whatever the rules say of it; empty if it is none."""
        return number_or_empty(typed, region=self._settings.region)
