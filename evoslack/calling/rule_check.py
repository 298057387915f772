"""Asks the rules about one call: reads what they need from the ledger, then lets `rules` decide.

Read anew each time, so that every bot sees a change at once. A rule that cannot be evaluated says no.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from evoslack.calling import rules as rule_functions
from evoslack.calling.call_log import fields_of
from evoslack.calling.calls import Call, CallRequest, Role
from evoslack.calling.numbers import dialable
from evoslack.calling.offer import Offer
from evoslack.calling.outcomes import NotSent, Reason
from evoslack.calling.places import zones_of
from evoslack.calling.ports import RuleLedger
from evoslack.calling.refusals import (
    CannotCheck,
    CannotEvaluate,
    FlowNotAllowed,
    Lack,
    LimitReached,
    NothingToOffer,
    Refusal,
)
from evoslack.calling.rulebook import Rules, UnreadableRule, in_force
from evoslack.calling.rules import Reading

log = logging.getLogger(__name__)

# Two calls compete for the last one that a limit allows: the later one is denied within milliseconds.
TIE_PAUSE_S, TIE_TRIES = 0.05, 40  # two seconds in all; dialing may begin ten seconds after `begin`

# (user_id, group ids): those of the groups that the person is in. Raises `CannotCheck`.
GroupsOf = Callable[[str, Collection[str]], Collection[str]]


class RuleCheck:
    """The rules in force. `ceiling` is what the settings say, `region` the ISO code of typed numbers."""

    def __init__(
        self,
        ledger: RuleLedger,
        ceiling: Rules,
        region: str,
        groups_of: GroupsOf,
        now: Callable[[], datetime],
        pause: Callable[[float], object] = time.sleep,
        *,
        possible: Callable[[], Sequence[datetime]] | None = None,
    ) -> None:
        """`possible`: what time it may be, if clocks disagree; calling hours must be open at each."""
        self._pause = pause
        self._possible = possible or (lambda: [now()])
        self._ledger = ledger
        self._ceiling = ceiling
        self._region = region
        self._groups_of = groups_of
        self._now = now
        self._limits = ceiling.limits  # as they were read last; a reading about others is not used

    @property
    def ceiling(self) -> Rules:
        """What the settings allow at most."""
        return self._ceiling

    def read(self, request: CallRequest, *, is_begun: bool = False) -> Reading:
        """What the ledger says now about this call and about the rules, read at once.

        `rules` and `require` take it. `is_begun`: it is about to be dialed.
        """
        return self._ledger.read(request, self._limits, at=self._now(), is_begun=is_begun)

    def rules(self, reading: Reading | None = None) -> Rules:
        """What is in force now, or was at that reading. Raises `CannotEvaluate`."""
        try:
            stored = self._ledger.stored() if reading is None else reading.stored
            rules = in_force(self._ceiling, stored)
        except UnreadableRule as error:
            log.exception("the rule %s cannot be read", error.name)
            raise CannotEvaluate(error.name) from error
        self._limits = rules.limits
        return rules

    def require(
        self,
        request: CallRequest,
        role: Role,
        rules: Rules | None = None,
        *,
        call_id: str = "",
        reading: Reading | None = None,
    ) -> None:
        """Whether this call may be placed, at its own time if it is for later. Raises `Refusal`.

        `call_id` is the id of a call whose time has come: it is asked about now, and does not count towards
        its limits itself. `reading` spares asking the ledger, if it is about this and finds nothing.
        """
        rules = rules or self.rules()
        now = self._now()
        dialable(request.number, self._region, rules.countries, rules.kinds)
        if reading is not None and reading.clears(request, rules.limits, now):
            facts = rule_functions.Facts()
        else:
            facts = self._ledger.facts(request, rules.limits, at=now, except_for=call_id)
        rule_functions.require_not_blocked(facts)
        self.require_flow(rules, request.flow_id, request.user_id)
        if request.due_at is None or call_id:
            rule_functions.require_below_limits(facts, now)
        if request.hours_reason and role is Role.ADMINISTRATOR:
            return
        later = None if call_id else request.due_at
        for at in [later] if later else self._possible():
            rule_functions.require_open_hours(
                rules, zones_of(request.number), at, number=request.number, is_for_later=later is not None
            )

    def objection(
        self, rules: Rules, number: str, *, account_id: str, user_id: str, team_id: str
    ) -> Refusal | None:
        """What these rules say against calling this number (E.164) now, whatever the rest of a form is."""
        request = CallRequest("", team_id, user_id, account_id, "", "", number, "")
        now = self._now()
        facts = self._ledger.facts(request, rules.limits, at=now)
        try:
            rule_functions.require_not_blocked(facts)
            rule_functions.require_below_limits(facts, now)
            for at in self._possible():
                rule_functions.require_open_hours(rules, zones_of(number), at, number=number)
        except Refusal as refusal:
            return refusal
        return None

    def require_flow(self, rules: Rules, flow_id: str, user_id: str) -> None:
        """Whether this person may use the flow. Raises `FlowNotAllowed` or `CannotCheck`."""
        rule = rules.flow(flow_id)
        if rule.is_restricted:
            groups = self._groups_of(user_id, rule.groups) if user_id not in rule.users else ()
            rule_functions.require_flow(rule, user_id, groups)

    def require_below_limits(self, rules: Rules, user_id: str, team_id: str, account_id: str) -> None:
        """Whether this person may place a call now, whatever the number. Raises `LimitReached`."""
        if rules.limits:
            anyone = CallRequest("", team_id, user_id, account_id, "", "", "", "")
            now = self._now()
            rule_functions.require_below_limits(self._ledger.facts(anyone, rules.limits, at=now), now)

    def offer_for(self, offer: Offer, user_id: str, rules: Rules | None = None) -> Offer:
        """What of an offer this person may use; an empty `user_id` stands for someone unknown.

        A flow of which that cannot be checked is left out. Raises `Refusal` if no flow is left.
        """
        rules = rules or self.rules()
        if not any(rule.is_restricted for rule in rules.flows.values()):
            return offer
        flows, unchecked = [], None
        for flow in offer.flows:
            try:
                self.require_flow(rules, flow.id, user_id)
            except FlowNotAllowed:
                continue
            except CannotCheck as error:
                unchecked = error
                continue
            flows.append(flow)
        if not flows:
            raise unchecked or NothingToOffer(Lack.ALLOWED_FLOWS)
        return replace(offer, flows=tuple(flows))

    def before_dialing(self, call: Call) -> NotSent | None:
        """Why this call is not dialed after all; None: it may be. The role was asked when it was accepted.

        Of calls that are dialed at the same moment, each counts the others, so that the limit holds. Those
        that come first wait for a moment until the rest is denied, else there would be none at all.
        """
        for attempt in reversed(range(TIE_TRIES)):
            try:
                return self._denied(call)
            except LimitReached:
                if attempt:
                    self._pause(TIE_PAUSE_S)
        return NotSent(Reason.LIMIT_REACHED)

    def _denied(self, call: Call) -> NotSent | None:
        """The same, asked once. Raises `LimitReached` if that may change at any moment."""
        role = Role.ADMINISTRATOR if call.request.hours_reason else Role.MANAGER
        try:
            reading = self.read(call.request, is_begun=True)
            self.require(call.request, role, self.rules(reading), call_id=call.id, reading=reading)
        except Refusal as refusal:
            if isinstance(refusal, LimitReached) and refusal.is_contended:
                raise
            return NotSent(rule_functions.reason_of(refusal))
        except Exception:
            log.exception(
                "call %s: its rules could not be checked; it is not dialed", call.id, extra=fields_of(call)
            )
            return NotSent(Reason.UNCHECKED)
        return None
