"""What the page *Rules* and its forms show, read anew each time, and whether someone may see them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.calls import Role
from evoslack.calling.denial_log import ADMINISTRATORS_ONLY, log_denied
from evoslack.calling.offer import Offer
from evoslack.calling.ports import RuleLedger
from evoslack.calling.refusals import CannotCheck
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import Rules, StoredRule
from evoslack.runtime.background_pool import Run, Tell
from evoslack.slack.payloads import Payload
from evoslack.slack.rendering import rule_form_messages, rule_forms, rules_page
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.rule_fields import FormFacts
from evoslack.slack.rendering.rule_forms import Filled, RuleMetadata
from evoslack.slack.rendering.rules_page import RulesNow
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.user_groups import UserGroups
from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


class RulesView:
    """Makes the page and the forms. `run` updates a page that is open."""

    def __init__(
        self,
        client: WebClient,  # a patient one
        ledger: RuleLedger,
        rule_check: RuleCheck,
        access: Access,
        offer: Callable[[], Offer],
        groups: UserGroups,
        settings: FormSettings,
        run: Run,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._rule_check = rule_check
        self._access = access
        self._offer = offer
        self._groups = groups
        self._settings = settings
        self._run = run
        self._now = now

    def is_administrator(self, user_id: str, team_id: str) -> bool:
        """Whether this person may see and change rules. Raises `Refusal`; may take two seconds."""
        is_allowed = self._access.role_of(user_id, team_id) is Role.ADMINISTRATOR
        if not is_allowed:
            log_denied(user_id, ADMINISTRATORS_ONLY)
        return is_allowed

    def now(self) -> RulesNow:
        """The rules as they are."""
        return RulesNow.of(self._rule_check.ceiling, self._ledger.stored())

    @property
    def ceiling(self) -> Rules:
        """What the settings allow at most."""
        return self._rule_check.ceiling

    def offer(self) -> Offer:
        """Every flow and caller ID. Raises `NothingToOffer`."""
        return self._offer()

    def group_names(self) -> Mapping[str, str] | None:
        """User groups by id; None: Slack did not tell them. May take two seconds."""
        try:
            groups = self._groups.all().values()
        except CannotCheck:
            return None
        return {each.id: f"@{each.handle} · {each.name}" if each.handle else each.name for each in groups}

    def page(self, page: int = 0, note: str = "") -> Block:
        """The page; see `rules_page.view`. Raises `NothingToOffer`."""
        settings = self._settings
        return rules_page.view(
            self.now(), self._offer(), settings.region, settings.command, self._now(), page, note
        )

    def form(self, name: str, page: int) -> Block:
        """The form of a rule as it is now; `page` is that of the page below. Raises `NothingToOffer`."""
        stored = self.now().stored.get(name)
        metadata = RuleMetadata(name, stored.revision if stored else 0, page)
        return rule_forms.form(metadata, self._filled(metadata, stored), self._facts())

    def conflict(
        self, metadata: RuleMetadata, filled: Filled, stored: StoredRule | None, reader: str
    ) -> Block:
        """The form once more, with what someone else saved since it was opened; `reader` is a user id.

        It keeps what was filled in and now knows the new revision, so the next press replaces it knowingly.
        """
        offer, region = self._offer(), self._settings.region
        says = rules_page.in_words_of(stored, self.ceiling, region, offer) if stored else ""
        above = rule_form_messages.saved_meanwhile(stored, reader, says)
        metadata = replace(metadata, revision=stored.revision if stored else 0)
        return rule_forms.form(metadata, filled, self._facts(), above, rule_form_messages.SAVE_MINE)

    def update_soon(self, view_id: object, page: int, tell: Tell, note: str = "") -> None:
        """Show the rules as they are now on a page that is open; `view_id` is Slack's id of it."""
        if isinstance(view_id, str) and re.fullmatch(r"[\w.-]{1,64}", view_id, re.ASCII):
            self._run(lambda: self._update(view_id, page, note), tell)

    def _update(self, view_id: str, page: int, note: str) -> None:
        try:
            self._client.views_update(view_id=view_id, view=self.page(page, note))
        except SLACK_ERRORS as error:  # it may have been closed
            log.info("the page of the rules was not updated: %s", problem_of(error))

    def _filled(self, metadata: RuleMetadata, stored: StoredRule | None) -> Filled:
        try:
            return rule_forms.filled_from(metadata.kind, stored, self.ceiling)
        except _UNREADABLE:  # another version wrote it
            return rule_forms.filled_from(metadata.kind, None, self.ceiling)

    def _facts(self) -> FormFacts:
        return FormFacts(self.ceiling, self._offer(), self._settings.region, self.group_names())


def page_below(view: Payload) -> object:
    """Slack's id of the page under a form, as the payload of the form says."""
    return view.get("previous_view_id")
