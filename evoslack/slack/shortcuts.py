"""More ways to the form: a shortcut, the numbers in somebody's message, and Call again on a card.

Each only opens the form, for whoever may call; the button in it is what dials.
"""

from __future__ import annotations

from typing import Protocol

from slack_bolt import Ack

from evoslack.calls import Call
from evoslack.number_search import numbers_in
from evoslack.refusals import Refusal, UnreadableForm
from evoslack.slack import messages, views
from evoslack.slack.message_texts import texts_of
from evoslack.slack.opening import Asked, Opener, Rules
from evoslack.slack.press import Payload, team_of, text_of
from evoslack.slack.refusal_words import spoken
from evoslack.slack.whisper import Whisper

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
        opener: Opener,
        rules: Rules,
        whisper: Whisper,
    ) -> None:
        self._calls = calls
        self._opener = opener
        self._rules = rules
        self._whisper = whisper

    def place_a_call(self, ack: Ack, body: Payload) -> None:
        """The shortcut: an empty form."""
        self._open(_asked(body))
        ack()

    def number_in_message(self, ack: Ack, body: Payload) -> None:
        """The message's numbers: one fills the form, several are a choice, none is said."""
        asked = _asked(body)
        found = numbers_in("\n".join(texts_of(body.get("message") or {})), self._rules.region)
        if found:
            self._open(asked, *(views.Wish(number=number) for number in found))
        else:
            self._whisper(asked.user_id, messages.NO_NUMBER)
        ack()

    def chosen(self, ack: Ack, body: Payload, view: Payload) -> None:
        """One of several numbers was chosen: the form with it."""
        try:
            asked, wish = _choice(body, view)
            offer = self._opener.offer_to(asked.user_id, asked.team_id)
        except Refusal as refusal:
            words = spoken(refusal, self._rules.region).words
            ack(response_action="update", view=views.notice(messages.escape(words)))
            return
        ack(response_action="update", view=self._opener.view(offer, asked, wish))

    def call_again(self, ack: Ack, body: Payload) -> None:
        """The button on a card: the form of that call once more."""
        asked = _asked(body)
        call = self._calls.get(str(body["actions"][0].get("value") or ""))
        if call is None:
            self._whisper(asked.user_id, messages.GONE)
        else:
            self._open(asked, views.Wish.again(call, self._rules.region))
        ack()

    def _open(self, asked: Asked, *wishes: views.Wish) -> None:
        if words := self._opener.open(asked, *wishes):
            self._whisper(asked.user_id, words)


def _asked(body: Payload) -> Asked:
    return Asked(
        user_id=body["user"]["id"],
        team_id=team_of(body),
        trigger_id=body["trigger_id"],
        channel_id=str((body.get("channel") or {}).get("id") or ""),
        response_url=str(body.get("response_url") or ""),
    )


def _choice(body: Payload, view: Payload) -> tuple[Asked, views.Wish]:
    """Who chose which number. Raises `UnreadableForm`."""
    try:
        origin = views.Origin.unpacked(view["private_metadata"])
        option = view["state"]["values"][views.NUMBER][views.NUMBER]["selected_option"]
        asked = Asked(text_of(body["user"]["id"]), team_of(body), "", origin.channel_id, origin.response_url)
        return asked, views.Wish(number=text_of(option["value"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableForm from error
