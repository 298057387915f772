"""The form of a rule: what its lists offer, and *Save*.

What is filled in is checked against the settings, and saved only if the rule is still as it was shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slack_bolt import Ack

from evoslack.calling import rule_changes
from evoslack.calling.denial_log import log_denial
from evoslack.calling.offer import Offer
from evoslack.calling.places import known_countries
from evoslack.calling.ports import RuleLedger
from evoslack.calling.refusals import CannotCheck, Refusal
from evoslack.calling.rule_changes import InvalidRule, Mistake, RuleField, Value, WrongField
from evoslack.calling.rulebook import ANY_COUNTRY, LIMIT_KINDS, FlowRule, RuleName, StoredRule, flow_rule_name
from evoslack.runtime.background_pool import Tell
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.listeners.rules_view import RulesView, page_below
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import rule_fields, rule_form_messages, rule_forms, rules_page, select_options
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.rule_fields import block_id
from evoslack.slack.rendering.rule_forms import Filled, RuleMetadata
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.user_groups import UserGroups

log = logging.getLogger(__name__)

LONGEST_NAME = 220  # characters, as the ledger takes them

_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Submission:
    """One press of *Save*: who, about which rule, and what was filled in, not checked yet."""

    user_id: str
    metadata: RuleMetadata
    filled: Filled


class RuleFormListeners:
    """The listeners of the forms; `slack.app` registers them."""

    def __init__(
        self,
        ledger: RuleLedger,
        view: RulesView,
        groups: UserGroups,
        notify_privately: NotifyPrivately,
        settings: FormSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._view = view
        self._groups = groups
        self._notify_privately = notify_privately
        self._settings = settings
        self._now = now

    def options(self, ack: Ack, body: Payload) -> None:
        """What a list in the form offers, for administrators."""
        try:
            is_allowed = self._view.is_administrator(text_of(body["user"]["id"]), team_of(body))
            found = self._options(str(body["action_id"]), str(body.get("value") or "")) if is_allowed else []
        except Refusal as refusal:
            log_denial(refusal, text_of(body["user"]["id"]))
            found = []
        ack(options=found)

    def save_rule(self, ack: Ack, body: Payload, view: Payload) -> None:
        """*Save*: the role is asked for again, the rule is checked and written down, then the form closes."""
        try:
            submission = _Submission(
                text_of(body["user"]["id"]),
                RuleMetadata.unpacked(view["private_metadata"]),
                rule_forms.filled_in(view["state"]["values"]),
            )
        except _MALFORMED:
            ack(response_action="update", view=rules_page.notice(rule_form_messages.GONE))
            return
        try:
            if not self._view.is_administrator(submission.user_id, team_of(body)):
                ack(**rejected(view, rule_form_messages.NOT_ADMINISTRATOR))
                return
            unsaved = self._save(submission)
        except InvalidRule as invalid:
            ack(response_action="errors", errors=self._sentences(invalid))
            return
        except Refusal as refusal:
            ack(**rejected(view, rule_form_messages.not_saved(refusal, self._settings.region)))
            return
        if unsaved is not None:
            ack(response_action="update", view=unsaved)
            return
        self._view.update_soon(page_below(view), submission.metadata.page, self._tell(submission.user_id))
        ack()  # closes the form; the page under it stays

    def _save(self, submission: _Submission) -> Block | None:
        """Write it down. What to show instead of closing the form, if someone else changed the rule.

        Raises `InvalidRule` or `Refusal`.
        """
        name, value = self._rule(submission)
        metadata = replace(submission.metadata, name=name)
        stored = self._view.now().stored.get(name)
        # What is written down already is not written again: presses come twice, and answers get lost.
        if _value_of(stored) == value:
            return None
        by, revision = submission.user_id, metadata.revision
        if self._ledger.change(name, value, revision=revision, by=by, at=self._now()):
            log.info("the rule %s was %s by %s", name, "changed" if value else "removed", by)
            return None
        stored = self._view.now().stored.get(name)
        if _value_of(stored) == value:
            return None
        return self._view.conflict(metadata, submission.filled, stored, by)

    def _rule(self, submission: _Submission) -> tuple[str, Value | None]:
        """The rule's name and the value to store. Raises `InvalidRule` or `NothingToOffer`."""
        metadata, filled, ceiling = submission.metadata, submission.filled, self._view.ceiling

        def one(field: RuleField) -> str:
            return next(iter(filled.get(field, ())), "")

        match metadata.kind:
            case RuleName.COUNTRIES:
                return metadata.name, rule_changes.countries_value(
                    filled.get(RuleField.COUNTRIES, ()), ceiling
                )
            case RuleName.HOURS:
                times = one(RuleField.START), one(RuleField.END)
                days = [int(day) for day in filled.get(RuleField.DAYS, ()) if day.isdecimal()]
                dates = one(RuleField.DATES_OFF)
                return metadata.name, rule_changes.hours_value(times, days, dates, ceiling, self._now())
            case RuleName.LIMITS:
                typed = {name: one(RuleField(name)) for name in LIMIT_KINDS}
                return metadata.name, rule_changes.limits_value(typed, ceiling)
            case RuleName.MASKING:
                return metadata.name, rule_changes.masking_value(one(RuleField.MASKING), ceiling)
            case RuleName.FLOW:
                return self._flow_rule(metadata, filled, self._view.offer())

    def _flow_rule(self, metadata: RuleMetadata, filled: Filled, offer: Offer) -> tuple[str, Value | None]:
        """The same for a flow."""
        flow_id = metadata.flow_id or next(iter(filled.get(RuleField.FLOW, ())), "")
        name, caller_id = flow_rule_name(flow_id), next(iter(filled.get(RuleField.CALLER_ID, ())), "")
        if caller_id == rule_fields.NO_CALLER_ID:
            caller_id = ""
        before = self._view.now().rules.flows.get(flow_id)
        wrong = []
        if not flow_id:
            wrong.append(WrongField(RuleField.FLOW, Mistake.FLOW_MISSING))
        elif (offer.flow(flow_id) is None and before is None) or len(name) > LONGEST_NAME:
            wrong.append(WrongField(RuleField.FLOW, Mistake.FLOW_GONE))
        if caller_id and offer.caller_id(caller_id) is None:
            wrong.append(WrongField(RuleField.CALLER_ID, Mistake.CALLER_ID_GONE))
        if wrong:
            raise InvalidRule(wrong)
        users, groups = filled.get(RuleField.USERS, ()), filled.get(RuleField.GROUPS, ())
        value = rule_changes.flow_value(FlowRule(frozenset(users), frozenset(groups), caller_id))
        if groups and not users:
            self._require_members(groups)
        return name, value

    def _require_members(self, groups: Sequence[str]) -> None:
        """Raises `InvalidRule` if nobody could use the flow."""
        try:
            if self._groups.have_members(groups):
                return
        except CannotCheck as error:
            raise InvalidRule([WrongField(RuleField.GROUPS, Mistake.GROUPS_UNREAD)]) from error
        raise InvalidRule([WrongField(RuleField.GROUPS, Mistake.NOBODY)])

    def _options(self, action_id: str, typed: str) -> list[Block]:
        if action_id == block_id(RuleField.COUNTRIES):
            allowed = self._view.ceiling.countries
            codes = known_countries() if ANY_COUNTRY in allowed else allowed
            return rule_fields.country_options(codes, typed)
        if action_id == block_id(RuleField.GROUPS):
            return rule_fields.group_options(self._view.group_names() or {}, typed)
        offer = self._view.offer()
        if action_id == block_id(RuleField.CALLER_ID):
            found = select_options.caller_id_options(offer.caller_ids, typed, self._settings.region)
            return rule_fields.caller_id_options(found, typed)
        return select_options.flow_options(offer.flows, typed)

    def _sentences(self, invalid: InvalidRule) -> dict[str, str]:
        ceiling = self._view.ceiling
        return {
            block_id(each.field): rule_form_messages.wrong(each, ceiling) for each in reversed(invalid.wrong)
        }

    def _tell(self, user_id: str) -> Tell:
        return lambda text: self._notify_privately(user_id, text)


def _value_of(stored: StoredRule | None) -> object:
    return None if stored is None else stored.value


def rejected(view: Payload, text: str) -> dict[str, Any]:
    """An answer that keeps the form open with what was filled in; the text stands at its first field."""
    blocks = view.get("blocks") or []
    first = next((each["block_id"] for each in blocks if each.get("type") == "input"), "")
    if not first:
        return {"response_action": "update", "view": rules_page.notice(text)}
    return {"response_action": "errors", "errors": {first: text}}
