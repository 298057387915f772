"""What a form says about its number: what a line says, and what a form says as it opens.

Read from the ledger and from offline data only. A form opens without it if the database is slow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from evoslack.calling.calls import Call
from evoslack.calling.number_format import example
from evoslack.calling.numbers import BadNumber, dialable
from evoslack.calling.offer import Offer
from evoslack.calling.places import place_of
from evoslack.calling.ports import CallHistory
from evoslack.calling.refusals import Refusal
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import ANY_COUNTRY, Rules
from evoslack.runtime.background_pool import Run, answer_within
from evoslack.slack.listeners.busy_number import MOST_CALLS, BusyNumbers
from evoslack.slack.rendering import number_line
from evoslack.slack.rendering.views import FormAbout, FormSettings, Prefill

RECENT_CALLS = 20  # in which a person's last choice for a flow is searched
FORM_WAITS_S = 0.5  # for what it would like to know: its trigger lives three seconds


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

    def usable(self, offer: Offer, user_id: str) -> Offer:
        """The offer with the flows that this person may use; see `RuleCheck.offer_for`.

        While the ledger takes too long to tell the rules, all flows: Submit asks again.
        """

        def read() -> Rules | Refusal:
            try:
                return self._rule_check.rules()
            except Refusal as refusal:
                return refusal

        rules = answer_within(FORM_WAITS_S, self._recall, read)
        if isinstance(rules, Refusal):
            raise rules
        return offer if rules is None else self._rule_check.offer_for(offer, user_id, rules)

    def about(self, offer: Offer, user_id: str, team_id: str, prefill: Prefill) -> FormAbout:
        """What is known when a form opens; what takes too long is left out."""

        found = FormAbout()
        number, bad = self._read(prefill.number)

        def read() -> bool:
            nonlocal found
            last, latest = self._history.for_a_form(user_id, team_id, offer.account_id, number, MOST_CALLS)
            if not prefill.flow_id:  # else it is the form of an earlier call, with all its values
                found = FormAbout(last, caller_ids=self._caller_ids(user_id, team_id))
            if number:
                question = self._busy.question_at_open(latest, user_id)
                line = self._words(number, latest, user_id, is_asked=question is not None)
                found = replace(found, line=line, question=question)
            elif prefill.number and bad is not None:
                found = replace(found, line=number_line.problem(bad, self._settings.region))
            return True

        answer_within(FORM_WAITS_S, self._recall, read)
        return found

    def _caller_ids(self, user_id: str, team_id: str) -> dict[str, str]:
        """What a form starts with for each flow that has a default: what this person chose last, or that."""
        flows = self._rule_check.rules().flows
        found = {flow_id: rule.caller_id for flow_id, rule in flows.items() if rule.caller_id}
        if found:
            for call in reversed(self._history.latest_of(user_id, team_id, RECENT_CALLS)):
                if call.request.flow_id in found:
                    found[call.request.flow_id] = call.request.caller_id
        return found

    def line(self, offer: Offer, typed: str, reader: str, *, is_asked: bool) -> str:
        """What to say about a number that is being typed (mrkdwn); empty: nothing.

        `is_asked`: the form asks about that number, which says already who is on the phone with it.
        """
        number, bad = self._read(typed)
        if bad is not None:
            is_unfinished = not typed.strip() or number_line.is_unfinished(typed, bad)
            return "" if is_unfinished else number_line.problem(bad, self._settings.region)
        latest = self._history.latest_to(offer.account_id, number, MOST_CALLS)
        return self._words(number, latest, reader, is_asked=is_asked)

    def _words(self, number: str, latest: Sequence[Call], reader: str, *, is_asked: bool) -> str:
        return number_line.words(place_of(number), latest, reader, self._now(), is_asked=is_asked)

    def _read(self, typed: str) -> tuple[str, BadNumber | None]:
        """The E.164 number that was typed, or what is wrong with it."""
        try:
            rules = self._rule_check.rules()
            return dialable(typed, self._settings.region, rules.countries, rules.kinds), None
        except BadNumber as bad:
            return "", bad

    def warm_up(self) -> None:
        """Load the names of places: half a second that the first form after a start need not wait."""
        with contextlib.suppress(BadNumber):
            place_of(dialable(example(self._settings.region), self._settings.region, {ANY_COUNTRY}))

    def number_or_empty(self, typed: str) -> str:
        """The E.164 number that was typed; empty if it is not one that may be dialed."""
        return self._read(typed)[0]
