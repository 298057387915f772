"""Opens the call form, filled in with what is known, from wherever a person asks for it. Dials nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from evoslack.calling.access import Access
from evoslack.calling.offer import Offer
from evoslack.calling.refusals import LimitReached, NothingToOffer, Refusal
from evoslack.runtime.background_pool import Tell
from evoslack.slack.listeners.number_lines import NumberLines
from evoslack.slack.listeners.page_opener import OpenRequest, Page, PageOpener
from evoslack.slack.listeners.submission import asking_about
from evoslack.slack.rendering import form_messages, limit_messages, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.refusal_pages import refusal_page

Prefills = Callable[[], Sequence[views.Prefill]]  # what to prefill; an empty one: no number was found


def empty_form() -> Sequence[views.Prefill]:
    """Nothing to prefill."""
    return [views.Prefill()]


class FormOpener:
    """Opens forms for people who may call."""

    def __init__(
        self,
        opener: PageOpener,
        access: Access,
        refresh_offer: Callable[[], object],
        settings: views.FormSettings,
        numbers: NumberLines,
        now: Callable[[], datetime],
        new_key: Callable[[], str],
    ) -> None:
        self._opener = opener
        self._access = access
        self._refresh_offer = refresh_offer
        self._settings = settings
        self._numbers = numbers
        self._now = now
        self._new_key = new_key

    def open_soon(self, request: OpenRequest, prefills: Prefills, tell: Tell) -> None:
        """Open the form, or a choice if there are several prefills, or `tell` why it does not open.

        Returns at once. People whose role is remembered do not queue behind those whose role must be checked.
        """
        page = Page(
            lambda: self._view(request, prefills), self._denied, self._words, views.loading, views.notice
        )
        self._opener.open_soon(request, page, tell)

    def view(self, offer: Offer, request: OpenRequest, *prefills: views.Prefill) -> Block:
        """The form with a new request key, or the choice between several prefills.

        Without any prefill it says that no number was found. Raises `Refusal`; may take two seconds, as
        Slack may have to be asked which flows this person may use.
        """
        user_id = request.user_id
        prefill = prefills[0] if prefills else views.Prefill(note=form_messages.NO_NUMBER)
        is_choice = len(prefills) > 1
        known = self._numbers.known(
            offer.account_id, user_id, request.team_id, None if is_choice else prefill
        )
        offer, about = self._numbers.usable_by(known.rules, offer, user_id), known.about
        metadata = FormMetadata(
            key=self._new_key(),
            made_at=str(int(self._now().timestamp())),
            channel_id=request.channel_id,
            response_url=self._settings.safe_url(request.response_url),
        )
        if is_choice:
            return views.choice([prefill.number for prefill in prefills], metadata, self._settings)
        question = about.question
        if question is not None:
            metadata = asking_about(question.call_id, metadata, self._now())
        return views.form(offer, metadata, self._settings, prefill, about, question)

    def usable(self, offer: Offer, user_id: str) -> Offer:
        """The offer with the flows that this person may use. Raises `Refusal`; may take two seconds."""
        return self._numbers.usable(offer, user_id)

    def _view(self, request: OpenRequest, prefills: Prefills) -> Block:
        offer = self._offer_to(request)
        return self.view(offer, request, *prefills())

    def _denied(self, refusal: Refusal) -> Block:
        if isinstance(refusal, LimitReached):
            return limit_messages.page(refusal, self._settings.help_contact)
        return refusal_page(refusal, self._settings.region, self._settings.help_contact)

    def _words(self, refusal: Refusal) -> str:
        if isinstance(refusal, LimitReached):
            return limit_messages.words_with_time(refusal, self._settings.help_contact)
        return refusal_words(refusal, self._settings.region, self._settings.help_contact)

    def _offer_to(self, request: OpenRequest) -> Offer:
        try:
            return self._access.offer_to(request.user_id, request.team_id)
        except NothingToOffer:
            self._refresh_offer()  # right after the start nothing has been read yet
            return self._access.offer_to(request.user_id, request.team_id)
