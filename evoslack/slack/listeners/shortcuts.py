"""More ways to the form: a shortcut, the numbers in a message, and Call again on a card.

Each only opens the form, for people who may call; its button is what dials.
"""

from __future__ import annotations

from dataclasses import replace

from slack_bolt import Ack, BoltContext

from evoslack.calling.access import Access
from evoslack.calling.arrival import Arrival
from evoslack.calling.number_search import numbers_in
from evoslack.calling.ports import CallLedger
from evoslack.calling.refusals import Refusal, UnreadableForm
from evoslack.slack.listeners.form_opener import FormOpener, Prefills, empty_form
from evoslack.slack.listeners.message_texts import texts_of
from evoslack.slack.listeners.page_opener import OpenRequest
from evoslack.slack.listeners.reply import NotifyPrivately, PageReply
from evoslack.slack.payloads import ARRIVAL, Payload, text_of
from evoslack.slack.rendering import button_messages, cards, views
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.refusal_pages import refusal_page
from evoslack.slack.rendering.views import FormSettings

PLACE_A_CALL = "place_a_call"  # callback ids, as in manifest.yml
NUMBER_IN_MESSAGE = "call_a_number_in_this_message"


class ShortcutListeners:
    """The listeners of the other ways in; `slack.app` registers them."""

    def __init__(
        self,
        calls: CallLedger,
        access: Access,
        opener: FormOpener,
        settings: FormSettings,
        pages: PageReply,
        notify_privately: NotifyPrivately,
    ) -> None:
        self._calls = calls
        self._access = access
        self._opener = opener
        self._settings = settings
        self._pages = pages
        self._notify_privately = notify_privately

    def place_a_call(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The shortcut: an empty form."""
        self._open(OpenRequest.of(body, context[ARRIVAL]), empty_form)
        ack()

    def number_in_message(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """One number in a message fills in the form, several become a choice.

        If there is none, the person is told. The message is searched only once it is clear that this person
        may call.
        """
        message = body.get("message") or {}

        def found() -> list[views.Prefill]:
            numbers = numbers_in("\n".join(texts_of(message)), self._settings.region)
            return [views.Prefill(number=number) for number in numbers]

        self._open(OpenRequest.of(body, context[ARRIVAL]), found)
        ack()

    def chosen(self, ack: Ack, body: Payload, view: Payload, context: BoltContext) -> None:
        """One of several numbers was chosen: the form with it."""
        try:
            request, prefill = _choice(body, view, context[ARRIVAL])
            offer = self._access.offer_to(request.user_id, request.team_id)
            form = self._opener.view(offer, request, prefill)
        except Refusal as refusal:
            page = refusal_page(refusal, self._settings.region, self._settings.help_contact)
            ack(response_action="update", view=page)
            return
        ack(response_action="update", view=form)

    def call_again(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The button on a card, or the same in its menu: the form of that call once more."""
        request = OpenRequest.of(body, context[ARRIVAL])
        call = self._calls.get(_call_id(body))
        if call is None:
            self._pages.to(request.trigger, button_messages.CALL_AGAIN)(button_messages.GONE)
        else:
            prefill = views.Prefill.again(call, self._settings.region)
            self._open(request, lambda: [prefill])
        ack()

    def _open(self, request: OpenRequest, prefills: Prefills) -> None:
        self._opener.open_soon(
            request, prefills, lambda words: self._notify_privately(request.user_id, words)
        )


def is_call_again(body: Payload) -> bool:
    """Whether *Call again* was chosen in the menu of a card."""
    return bool(cards.chose_call_again(_chosen(body)))


def _call_id(body: Payload) -> str:
    return cards.chose_call_again(_chosen(body)) or str(body["actions"][0].get("value") or "")


def _chosen(body: Payload) -> str:
    """The value of the option that was chosen in a menu; empty for a button. Request data."""
    option = body["actions"][0].get("selected_option")
    return str(option.get("value") or "") if isinstance(option, dict) else ""


def _choice(body: Payload, view: Payload, arrival: Arrival) -> tuple[OpenRequest, views.Prefill]:
    """Who chose which number. Raises `UnreadableForm`."""
    try:
        metadata = FormMetadata.unpacked(view["private_metadata"])
        option = view["state"]["values"][views.NUMBER][views.NUMBER]["selected_option"]
        request = replace(
            OpenRequest.of(body, arrival), channel_id=metadata.channel_id, response_url=metadata.response_url
        )
        return request, views.Prefill(number=text_of(option["value"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableForm from error
