"""The page *Rules*: administrators see which rules hold, open the form of one, or remove it.

The role is asked for at every press: a button proves nothing. `rule_form` takes what is filled in.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_bolt import Ack, BoltContext

from evoslack.calling.ports import RuleLedger
from evoslack.calling.refusals import NothingToOffer, Refusal
from evoslack.calling.rulebook import flow_rule_name
from evoslack.slack.listeners.page_opener import OpenRequest, Page, PageOpener
from evoslack.slack.listeners.reply import PageReply, Trigger
from evoslack.slack.listeners.rules_view import RulesView
from evoslack.slack.payloads import ARRIVAL, Payload, team_of, text_of
from evoslack.slack.rendering import home, rule_form_messages, rules_page
from evoslack.slack.rendering import rules_page_messages as words
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.rule_forms import RuleMetadata
from evoslack.slack.rendering.rules_page import Removal
from evoslack.slack.rendering.views import FormSettings

log = logging.getLogger(__name__)

SAME_PRESS = timedelta(seconds=1)  # a second press that soon asks for no second page

NO_FLOW = flow_rule_name("")  # of a form in which the flow is not chosen yet


class RuleListeners:
    """The listeners of the page; `slack.app` registers them."""

    def __init__(
        self,
        ledger: RuleLedger,
        view: RulesView,
        refresh_offer: Callable[[], object],
        opener: PageOpener,
        pages: PageReply,
        settings: FormSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._view = view
        self._refresh_offer = refresh_offer
        self._opener = opener
        self._pages = pages
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._pressed: dict[tuple[str, str, str], datetime] = {}  # by user, team, and what was pressed

    def open_rules(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The button in App Home: the page opens."""
        self._open(body, context, home.RULES, self._view.page)
        ack()

    def change(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """*Change* at a rule, or *Add a flow*: its form opens on top of the page."""
        action, page = body["actions"][0], _page_of(body)
        is_new = action.get("action_id") == rules_page.ADD_FLOW
        name = NO_FLOW if is_new else str(action.get("value") or "")
        self._open(body, context, name, lambda: self._form(name, page))
        ack()

    def remove(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """*Remove* or *Back to settings*: the rule is removed if it is still as it was shown."""
        user_id, view = text_of(body["user"]["id"]), body.get("view") or {}
        tell = self._pages.to(Trigger.of(body, context[ARRIVAL]), words.TITLE)
        try:
            removal = Removal.unpacked(str(body["actions"][0].get("value") or ""))
            is_allowed = self._view.is_administrator(user_id, team_of(body))
        except Refusal as refusal:
            tell(self._words(refusal))
        except ValueError:
            tell(rule_form_messages.GONE)
        else:
            if is_allowed:
                note = self._remove(removal, user_id)
                self._view.update_soon(view.get("id"), _page_of(body), tell, note)
            else:
                tell(words.ADMINISTRATORS_ONLY)
        ack()

    def turn(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """Other flows than those on the page."""
        user_id, view = text_of(body["user"]["id"]), body.get("view") or {}
        tell = self._pages.to(Trigger.of(body, context[ARRIVAL]), words.TITLE)
        try:
            is_allowed = self._view.is_administrator(user_id, team_of(body))
        except Refusal as refusal:
            tell(self._words(refusal))
        else:
            if is_allowed:
                page = rules_page.page_of(str(body["actions"][0].get("value") or ""))
                self._view.update_soon(view.get("id"), page, tell)
            else:
                tell(words.ADMINISTRATORS_ONLY)
        ack()

    def _remove(self, removal: Removal, user_id: str) -> str:
        """What to say above the page; empty if there is nothing to say (mrkdwn)."""
        name, revision = removal.name, removal.revision
        if revision > 0 and self._ledger.change(name, None, revision=revision, by=user_id, at=self._now()):
            log.info("the rule %s was removed by %s", name, user_id)
            return ""
        return words.changed_meanwhile(name, self._view.now().stored.get(name))

    def _open(self, body: Payload, context: BoltContext, what: str, make: Callable[[], Block]) -> None:
        request = OpenRequest.of(body, context[ARRIVAL])
        if not self._is_first_press(request, what):
            return
        region, contact = self._settings.region, self._settings.help_contact
        page = Page(
            lambda: self._allowed(request, make),
            lambda refusal: rules_page.denied(refusal, region, contact),
            self._words,
            rules_page.loading,
            rules_page.notice,
        )
        self._opener.open_soon(request, page, self._pages.to(request.trigger, words.TITLE))

    def _allowed(self, request: OpenRequest, make: Callable[[], Block]) -> Block:
        """The page, or one that says that it is for administrators. Raises `Refusal`."""
        try:
            is_allowed = self._view.is_administrator(request.user_id, request.team_id)
        except NothingToOffer:
            self._refresh_offer()  # right after the start nothing has been read yet
            is_allowed = self._view.is_administrator(request.user_id, request.team_id)
        return make() if is_allowed else rules_page.notice(words.ADMINISTRATORS_ONLY)

    def _form(self, name: str, page: int) -> Block:
        try:
            RuleMetadata.unpacked(RuleMetadata(name).packed())
        except ValueError:
            return rules_page.notice(rule_form_messages.GONE)
        return self._view.form(name, page)

    def _is_first_press(self, request: OpenRequest, what: str) -> bool:
        """Whether this is not the second half of a double press, which would put a second form on top."""
        key, now = (request.user_id, request.team_id, what), self._now()
        with self._lock:
            just_now = {each: at for each, at in self._pressed.items() if abs(now - at) < SAME_PRESS}
            self._pressed = {key: now} | just_now
            return key not in just_now

    def _words(self, refusal: Refusal) -> str:
        return refusal_words(refusal, self._settings.region, self._settings.help_contact)


def _page_of(body: Payload) -> int:
    return rules_page.page_of(str((body.get("view") or {}).get("private_metadata") or ""))
