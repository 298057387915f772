"""The *Request access* button, on a page that says no and in the Home tab of a person who may not call.

One press sends the help contact a message that names the person and what is missing, once a day for each
person. The person's access is checked again first: it may be there by now, and people who are no members of
the workspace send nothing. The answer appears on the page with the button; in the Home tab, on a page of its
own.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_bolt import Ack, BoltContext
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.access import Access
from evoslack.calling.ports import AccessRequestLedger
from evoslack.calling.refusals import CannotCheck, NotAllowed, NothingToOffer
from evoslack.runtime.background_pool import Run
from evoslack.runtime.reference import new_reference
from evoslack.slack.listeners.reply import NotifyPrivately, Trigger, open_page
from evoslack.slack.payloads import ARRIVAL, Payload, team_of
from evoslack.slack.rendering import access_messages, messages, refusal_pages
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.workspace import SLACK_ERRORS, is_denial, problem_of

log = logging.getLogger(__name__)

_Who = tuple[str, str]  # user id and team id


@dataclass(frozen=True, slots=True)
class _Press:
    """One press, and the modal with the button; empty in the Home tab."""

    who: _Who
    trigger: Trigger
    view_id: str


class AccessRequestListener:
    """The listener of the button; `slack.app` registers it."""

    def __init__(
        self,
        client: WebClient,  # quick to give up: a trigger lives three seconds
        patient_client: WebClient,
        requests: AccessRequestLedger,
        access: Access,
        settings: FormSettings,
        notify_privately: NotifyPrivately,
        run: Run,
        on_answer: Callable[[str, str], None],
        now: Callable[[], datetime],
    ) -> None:
        """`on_answer` is told whose access or request may have changed (user id, team id)."""
        self._client = client
        self._patient_client = patient_client
        self._requests = requests
        self._access = access
        self._settings = settings
        self._notify_privately = notify_privately
        self._run = run
        self._on_answer = on_answer
        self._now = now
        self._lock = threading.Lock()
        self._waiting: dict[_Who, dict[str, _Press]] = {}  # by view id, of people whose request is being sent

    def pressed(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """Send the request in the background, one at a time for each person."""
        trigger = Trigger.of(body, context[ARRIVAL])
        view_id = str(body["view"]["id"]) if trigger.is_in_modal else ""
        press = _Press((trigger.user_id, team_of(body)), trigger, view_id)
        with self._lock:
            is_on_its_way = press.who in self._waiting
            self._waiting.setdefault(press.who, {}).setdefault(view_id, press)
        if not is_on_its_way:
            self._run(
                lambda: self._answer(press),
                lambda words: self._notify_privately(press.trigger.user_id, words),
            )
        ack()

    def _answer(self, press: _Press) -> None:
        """Send the request, then tell the person on every page where they pressed meanwhile."""
        opened = "" if press.view_id else self._open_page(press)
        try:
            words = self._ask(press.who)
        except Exception:
            reference = new_reference()
            log.exception("a request for access failed (reference %s)", reference)
            words = messages.broken(reference)
        with self._lock:
            presses = self._waiting.pop(press.who)
        for each in presses.values():
            self._show(each, words, opened)
        self._run(lambda: self._on_answer(*press.who), lambda _words: None)  # they have their answer already

    def _open_page(self, press: _Press) -> str:
        """Open a page to answer on. Returns our own name for it; empty: it did not open in time."""
        external_id = secrets.token_urlsafe(18)
        page = refusal_pages.sending(external_id)
        return external_id if open_page(self._client, press.trigger, page) else ""

    def _show(self, press: _Press, words: str, opened: str) -> None:
        """Put the answer on the page, or send it as a direct message if the page is closed."""
        page = refusal_pages.page(words, access_messages.REQUEST_ACCESS)
        where = {"view_id": press.view_id} if press.view_id else {"external_id": opened}
        try:
            if press.view_id or opened:
                self._patient_client.views_update(view=page, **where)
                return
        except SLACK_ERRORS as error:
            log.info("the answer to a request for access is sent directly: %s", problem_of(error))
        self._notify_privately(press.trigger.user_id, words)

    def _ask(self, who: _Who) -> str:
        """Check again what this person is missing and send the request. Returns what they are told."""
        try:
            self._access.offer_to(*who)
        except (CannotCheck, NothingToOffer) as refusal:
            return access_messages.not_checked(refusal)
        except NotAllowed as no:
            if not access_messages.can_be_requested(no.denial):
                return refusal_words(no, self._settings.region, self._settings.help_contact)
            return self._send(who, no)
        return access_messages.can_call_now(self._settings.command)

    def _send(self, who: _Who, no: NotAllowed) -> str:
        (user_id, team_id), contact, at = who, self._settings.help_contact, self._now()
        if not contact.id:
            return access_messages.nobody_to_ask(contact)
        if not self._requests.claim(team_id, user_id, at=at):
            asked_at = self._requests.asked_at(team_id, user_id)
            return access_messages.asked_before(at - asked_at if asked_at else timedelta(0), contact)
        try:
            self._patient_client.chat_postMessage(
                channel=contact.id,
                text=access_messages.request(user_id, no.denial),
                unfurl_links=False,
                unfurl_media=False,
            )
        except SLACK_ERRORS as error:
            if isinstance(error, SlackApiError) and is_denial(error):
                self._requests.release(team_id, user_id)
                log.warning(
                    "HELP_CONTACT %s did not get a request for access: %s", contact.id, problem_of(error)
                )
                return access_messages.not_sent(contact, problem_of(error))
            # It may have arrived, so it counts.
            log.warning(
                "HELP_CONTACT %s may not have got a request for access: %s", contact.id, problem_of(error)
            )
            words = access_messages.maybe_sent(contact)
        else:
            log.info("%s asked HELP_CONTACT for access: %s", user_id, no.denial.value)
            words = access_messages.sent(contact, self._settings.command)
        self._requests.mark_sent(team_id, user_id, at=at)
        return words
