"""What happens when somebody types `/call`, searches in the form or presses its button.

`ack` is the last line of every listener: acknowledged means written down, and an exception before it can
still be answered. Nothing slow runs here: forms are opened, and strangers are looked up, in the background.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

from slack_bolt import Ack, BoltContext

from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Call, CallRequest
from evoslack.calling.numbers import typed_after_command
from evoslack.calling.offer import Offer
from evoslack.calling.refusals import Refusal, UnreadableForm
from evoslack.runtime.background_pool import Run
from evoslack.slack.listeners.form_opener import FormOpener, FormSettings, OpenRequest
from evoslack.slack.listeners.orders import CallDraft, InvalidFields, checked, number_in
from evoslack.slack.listeners.reply import Reply
from evoslack.slack.listeners.submission import FormSubmission
from evoslack.slack.payloads import ARRIVAL, Payload, team_of
from evoslack.slack.rendering import form_messages, history, messages, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.refusal_messages import refusal_message

log = logging.getLogger(__name__)

HELP = frozenset({"help", "?", "-h", "--help"})
LAST, HISTORY = "last", "history"


class Intake(Protocol):
    """Where presses go; see `intake.Intake`."""

    def receive(self, request: CallRequest, answer: Arrival) -> Call: ...
    def receive_again(self, call: Call, answer: Arrival) -> Call | None: ...


class Switchboard(Protocol):
    """Where calls are looked up."""

    def find(self, request_key: str) -> Call | None: ...
    def latest_of(self, user_id: str, team_id: str, limit: int) -> list[Call]: ...


class CallFormListeners:
    """The listeners of the call form; `slack.app` registers them."""

    def __init__(
        self,
        intake: Intake,
        switchboard: Switchboard,
        opener: FormOpener,
        rules: FormSettings,
        reply: Reply,
        look_up: Run,
    ) -> None:
        self._intake = intake
        self._switchboard = switchboard
        self._opener = opener
        self._rules = rules
        self._reply = reply
        self._look_up = look_up

    def command(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """`/call …`: the form, filled with what was typed; `help`; or `last`, the form of the last call."""
        text = str(body.get("text") or "").strip()
        if text.casefold() in HELP:
            ack(form_messages.help_text(self._rules.command, self._rules.region))
            return
        if text.casefold() == HISTORY:
            self._tell_history(ack, body)
            return
        asked = OpenRequest(
            user_id=body["user_id"],
            team_id=body["team_id"],
            trigger_id=body["trigger_id"],
            arrival=context[ARRIVAL],
            channel_id=str(body.get("channel_id") or ""),
            response_url=str(body.get("response_url") or ""),
        )
        if text.casefold() == LAST:
            latest = self._switchboard.latest_of(asked.user_id, asked.team_id, 1)
            if not latest:
                ack(form_messages.NOTHING_TO_REPEAT)
                return
            wish = views.Prefill.again(latest[0], self._rules.region)
        else:
            typed = typed_after_command(text, self._rules.region)
            wish = views.Prefill(number=typed.number, words=typed.words)
        tell = self._reply.to(asked.user_id, asked.response_url)
        self._opener.open_soon(asked, lambda: [wish], tell)
        ack()

    def _tell_history(self, ack: Ack, body: Payload) -> None:
        """People who may call see what they called; nobody else is shown numbers."""
        user_id, team_id, url = body["user_id"], body["team_id"], str(body.get("response_url") or "")
        if self._opener.is_known(user_id, team_id):
            ack(**self._history(user_id, team_id))
            return

        def look_up() -> None:
            found = self._history(user_id, team_id)
            self._reply.send(user_id, url, found["text"], found.get("blocks"))

        self._look_up(look_up, self._reply.to(user_id, url))
        ack()

    def _history(self, user_id: str, team_id: str) -> dict[str, Any]:
        region = self._rules.region
        try:
            self._opener.offer_to(user_id, team_id)
        except Refusal as refusal:
            return {"text": messages.escape(refusal_message(refusal, region).words)}
        calls = self._switchboard.latest_of(user_id, team_id, history.MOST)
        return {"text": history.text(calls, region), "blocks": history.blocks(calls, region)}

    def other_command(self, ack: Ack, body: Payload) -> None:
        """A command that the manifest has and the settings do not."""
        log.error("%s arrived, but SLACK_COMMAND is %s", body.get("command"), self._rules.command)
        ack(form_messages.wrong_command(messages.escape(str(body.get("command"))), self._rules.command))

    def flows(self, ack: Ack, body: Payload) -> None:
        """The flows that match what was typed, from memory."""
        offer = self._offer_to(body)
        ack(options=views.flow_options(offer.flows, body.get("value") or "") if offer else [])

    def caller_ids(self, ack: Ack, body: Payload) -> None:
        """The caller IDs that match what was typed, from memory."""
        offer = self._offer_to(body)
        typed = body.get("value") or ""
        region = self._rules.region
        ack(options=views.caller_id_options(offer.caller_ids, typed, region) if offer else [])

    def submit(self, ack: Ack, body: Payload, view: Payload, context: BoltContext) -> None:
        """The button: everything is checked again, the press is written down, then acknowledged."""
        try:
            call = self._receive(FormSubmission.of(body, view), context[ARRIVAL])
        except InvalidFields as unclear:
            ack(response_action="errors", errors=self._errors(unclear))
            return
        except Refusal as refusal:
            words = refusal_message(refusal, self._rules.region)
            if words.field:
                ack(response_action="errors", errors={words.field: words.words})
            else:
                ack(response_action="update", view=views.notice(messages.escape(words.words)))
            return
        ack(response_action="update", view=self.accepted(call))

    def accepted(self, call: Call) -> Block:
        """What a form turns into once it became a call."""
        return views.notice(form_messages.submitted(call, self._rules.region, self._rules.calls_channel))

    def call_of(self, user_id: str, view: Payload, arrival: Arrival) -> Call | None:
        """The call that this person's form became, as far as the ledger can say; it is answered now."""
        call = self._switchboard.find(FormMetadata.unpacked(view["private_metadata"]).key)
        if call is None or call.request.user_id != user_id:
            return None
        return self._intake.receive_again(call, arrival)

    def _offer_to(self, body: Payload) -> Offer | None:
        """The offer for a search in the form; nothing for whoever may not call."""
        try:
            return self._opener.offer_to(body["user"]["id"], team_of(body))
        except Refusal as refusal:
            log.info("no options for %s: %s", body["user"]["id"], type(refusal).__name__)
            return None

    def _receive(self, press: FormSubmission, arrival: Arrival) -> Call:
        """Check what was filled in and write the press down. Raises `Unclear` or a `Refusal`."""
        first = self._switchboard.find(press.origin.key)
        if first is not None:
            # Whatever changed since, this press already was a call, and that is what the person must hear.
            first = press.same_as(first, number_in(press.typed_number, self._rules)[0])
            first = self._intake.receive_again(first, arrival)
        if first is not None:
            return first
        arrival.require_time()  # not before: nobody is told that nothing was dialed whose earlier press was
        if self._opener.is_too_old(press.origin):
            raise UnreadableForm
        order = CallDraft(
            key=press.origin.key,
            user_id=press.user_id,
            team_id=press.team_id,
            flow_id=press.flow_id,
            typed_number=press.typed_number,
            caller_id=press.caller_id,
            channel_id=press.origin.channel_id,
            response_url=press.origin.response_url,
        )
        return self._intake.receive(checked(order, self._opener, self._rules), arrival)

    def _errors(self, unclear: InvalidFields) -> dict[str, str]:
        """A sentence for each field that needs another look, by block id."""
        found = [refusal_message(problem, self._rules.region) for problem in unclear.problems]
        return {words.field: words.words for words in found}
