"""More ways to the form: a shortcut, the numbers in somebody's message, and Call again on a card.

Each only opens the form, for whoever may call; the button in it is what dials.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from slack_bolt import Ack, BoltContext

from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Call
from evoslack.calling.number_search import numbers_in
from evoslack.calling.refusals import Refusal, UnreadableForm
from evoslack.slack.background.private_messages import PrivateMessages
from evoslack.slack.listeners.form_opener import FormOpener, FormSettings, OpenRequest, Prefills, empty_form
from evoslack.slack.listeners.message_texts import texts_of
from evoslack.slack.payloads import ARRIVAL, Payload, text_of
from evoslack.slack.rendering import button_messages, messages, views
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.refusal_messages import refusal_message

PLACE_A_CALL = "place_a_call"  # callback ids, as in manifest.yml
NUMBER_IN_MESSAGE = "call_a_number_in_this_message"


class Calls(Protocol):
    """Where calls are looked up."""

    def get(self, call_id: str) -> Call | None: ...


class ShortcutListeners:
    """The listeners of the other ways in; `slack.app` registers them."""

    def __init__(
        self,
        calls: Calls,
        opener: FormOpener,
        rules: FormSettings,
        whisper: PrivateMessages,
    ) -> None:
        self._calls = calls
        self._opener = opener
        self._rules = rules
        self._whisper = whisper

    def place_a_call(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The shortcut: an empty form."""
        self._open(OpenRequest.by(body, context[ARRIVAL]), empty_form)
        ack()

    def number_in_message(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The message's numbers: one fills the form, several are a choice, none is said.

        They are looked for only once it is clear that this person may call.
        """
        message = body.get("message") or {}

        def found() -> list[views.Prefill]:
            numbers = numbers_in("\n".join(texts_of(message)), self._rules.region)
            return [views.Prefill(number=number) for number in numbers]

        self._open(OpenRequest.by(body, context[ARRIVAL]), found)
        ack()

    def chosen(self, ack: Ack, body: Payload, view: Payload, context: BoltContext) -> None:
        """One of several numbers was chosen: the form with it."""
        try:
            asked, wish = _choice(body, view, context[ARRIVAL])
            offer = self._opener.offer_to(asked.user_id, asked.team_id)
        except Refusal as refusal:
            words = refusal_message(refusal, self._rules.region).words
            ack(response_action="update", view=views.notice(messages.escape(words)))
            return
        ack(response_action="update", view=self._opener.view(offer, asked, wish))

    def call_again(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The button on a card: the form of that call once more."""
        asked = OpenRequest.by(body, context[ARRIVAL])
        call = self._calls.get(str(body["actions"][0].get("value") or ""))
        if call is None:
            self._whisper(asked.user_id, button_messages.GONE)
        else:
            wish = views.Prefill.again(call, self._rules.region)
            self._open(asked, lambda: [wish])
        ack()

    def _open(self, asked: OpenRequest, wishes: Prefills) -> None:
        self._opener.open_soon(asked, wishes, lambda words: self._whisper(asked.user_id, words))


def _choice(body: Payload, view: Payload, arrival: Arrival) -> tuple[OpenRequest, views.Prefill]:
    """Who chose which number. Raises `UnreadableForm`."""
    try:
        origin = FormMetadata.unpacked(view["private_metadata"])
        option = view["state"]["values"][views.NUMBER][views.NUMBER]["selected_option"]
        asked = replace(
            OpenRequest.by(body, arrival), channel_id=origin.channel_id, response_url=origin.response_url
        )
        return asked, views.Prefill(number=text_of(option["value"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableForm from error
