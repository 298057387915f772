"""Opens the call form, prefilled with what is known, from wherever a person asks for it.

This happens after the ack, in worker threads, so that a slow Slack holds up neither submissions nor commands.
A person whose role is remembered gets the form with one `views.open`. Anyone else gets a loading page first:
a trigger lives three seconds, and looking up a role takes longer. Nothing here dials.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.access import Access
from evoslack.calling.arrival import Arrival
from evoslack.calling.offer import Offer
from evoslack.calling.refusals import NothingToOffer, Refusal
from evoslack.runtime.background_pool import Run, Tell
from evoslack.runtime.reference import new_reference
from evoslack.slack.listeners.number_line import NumberLines
from evoslack.slack.listeners.reply import TRIGGER_LIVES_S, Trigger, open_page
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import form_messages, messages, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.refusal_pages import refusal_page
from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

Prefills = Callable[[], Sequence[views.Prefill]]  # what to prefill; an empty one: no number was found


def empty_form() -> Sequence[views.Prefill]:
    """Nothing to prefill."""
    return [views.Prefill()]


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Who asked for the form and where, as it came with the payload."""

    user_id: str
    team_id: str
    trigger_id: str
    arrival: Arrival
    channel_id: str = ""
    response_url: str = ""
    is_in_modal: bool = False

    @property
    def trigger(self) -> Trigger:
        """What lets the bot open one page, if the form does not open."""
        return Trigger(self.user_id, self.trigger_id, self.arrival, self.is_in_modal)

    @classmethod
    def of(cls, body: Payload, arrival: Arrival) -> OpenRequest:
        """Read a shortcut, a button or a choice."""
        return cls(
            user_id=text_of(body["user"]["id"]),
            team_id=team_of(body),
            trigger_id=str(body.get("trigger_id") or ""),
            arrival=arrival,
            channel_id=str((body.get("channel") or {}).get("id") or ""),
            response_url=str(body.get("response_url") or ""),
            is_in_modal=(body.get("view") or {}).get("type") == "modal",
        )


class FormOpener:
    """Opens forms for people who may call. `known` runs what is quick, `others` what must check a role."""

    def __init__(
        self,
        client: WebClient,  # quick to give up: a trigger lives three seconds
        patient_client: WebClient,  # for the loading page, which stays open
        access: Access,
        refresh_offer: Callable[[], object],
        settings: views.FormSettings,
        known: Run,
        others: Run,
        numbers: NumberLines,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._patient_client = patient_client
        self._access = access
        self._refresh_offer = refresh_offer
        self._settings = settings
        self._known = known
        self._others = others
        self._numbers = numbers
        self._now = now

    def open_soon(self, request: OpenRequest, prefills: Prefills, tell: Tell) -> None:
        """Open the form, or a choice if there are several prefills, or `tell` why it does not open.

        Returns at once. People whose role is remembered do not queue behind those whose role must be checked.
        """
        run = self._known if self._access.is_known(request.user_id, request.team_id) else self._others
        run(lambda: self._open(request, prefills, tell), tell)

    def view(self, offer: Offer, request: OpenRequest, *prefills: views.Prefill) -> Block:
        """The form with a new request key, or the choice between several prefills.

        Without any prefill it says that no number was found.
        """
        metadata = FormMetadata(
            key=secrets.token_urlsafe(18),
            made_at=str(int(self._now().timestamp())),
            channel_id=request.channel_id,
            response_url=self._settings.safe_url(request.response_url),
        )
        if len(prefills) > 1:
            return views.choice([prefill.number for prefill in prefills], metadata, self._settings)
        prefill = prefills[0] if prefills else views.Prefill(note=form_messages.NO_NUMBER)
        about = self._numbers.about(offer, request.user_id, request.team_id, prefill)
        return views.form(offer, metadata, self._settings, prefill, about)

    def _open(self, request: OpenRequest, prefills: Prefills, tell: Tell) -> None:
        try:
            if request.arrival.age_s > TRIGGER_LIVES_S:
                tell(form_messages.FORM_TOO_LATE)
            elif not self._access.is_known(request.user_id, request.team_id):
                self._open_loading(request, prefills, tell)
            else:
                found = prefills()
                offer = self._access.offer_to(request.user_id, request.team_id)
                view = self.view(offer, request, *found)
                self._client.views_open(trigger_id=request.trigger_id, view=view)
        except Refusal as refusal:
            if not open_page(self._client, request.trigger, self._refusal_page(refusal)):
                tell(refusal_words(refusal, self._settings.region, self._settings.help_contact))
        except SlackApiError as error:
            log.warning("the form did not open: %s", problem_of(error))
            tell(form_messages.FORM_TOO_LATE)
        except SLACK_ERRORS as error:
            log.warning("the form may not have opened: %s", problem_of(error))
            tell(form_messages.FORM_MAY_STILL_OPEN)

    def _open_loading(self, request: OpenRequest, prefills: Prefills, tell: Tell) -> None:
        external_id = secrets.token_urlsafe(18)
        try:
            self._client.views_open(trigger_id=request.trigger_id, view=views.loading(external_id))
        except SlackApiError:
            raise
        except SLACK_ERRORS as error:  # it may have opened anyway
            log.warning("the loading page may not have opened: %s", problem_of(error))
            tell(form_messages.FORM_MAY_STILL_OPEN)
        self._replace_loading(external_id, request, prefills)

    def _replace_loading(self, external_id: str, request: OpenRequest, prefills: Prefills) -> None:
        """Put the form, or the reason why there is none, in place of the loading page."""
        try:
            offer = self._offer_to(request)
            view = self.view(offer, request, *prefills())
        except Refusal as refusal:
            view = self._refusal_page(refusal)
        except Exception:
            reference = new_reference()
            log.exception("the form could not be filled (reference %s)", reference)
            view = views.notice(messages.broken(reference))
        try:
            self._patient_client.views_update(external_id=external_id, view=view)
        except SLACK_ERRORS as error:
            log.warning("the loading page could not be updated: %s", problem_of(error))

    def _refusal_page(self, refusal: Refusal) -> Block:
        return refusal_page(refusal, self._settings.region, self._settings.help_contact)

    def _offer_to(self, request: OpenRequest) -> Offer:
        try:
            return self._access.offer_to(request.user_id, request.team_id)
        except NothingToOffer:
            self._refresh_offer()  # right after the start nothing has been read yet
            return self._access.offer_to(request.user_id, request.team_id)
