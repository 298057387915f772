"""What happens when a person types `/call`, searches in the form or submits it.

`ack` is the last line of every listener: acknowledged means written down, and an exception before it can
still be answered. A submission or a search waits up to two seconds for a role. Forms are opened, and the
history of unknown people is read, in the background.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, BoltContext

from evoslack.calling.access import Access
from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Call, State
from evoslack.calling.denial_log import log_denial
from evoslack.calling.numbers import typed_after_command
from evoslack.calling.offer import Offer
from evoslack.calling.ports import CallHistory
from evoslack.calling.refusals import NumberBlocked, NumberBusy, Refusal, TooLate
from evoslack.calling.validation import InvalidFields
from evoslack.runtime.background_pool import Run
from evoslack.slack.listeners.answered_presses import Answer, AnsweredPresses
from evoslack.slack.listeners.busy_number import BusyNumbers
from evoslack.slack.listeners.form_opener import FormOpener
from evoslack.slack.listeners.number_line import NumberLineListener
from evoslack.slack.listeners.page_opener import OpenRequest
from evoslack.slack.listeners.placing import CallPlacer, TimeWanted, Timing
from evoslack.slack.listeners.reply import PrivateReply
from evoslack.slack.listeners.schedule import WhenPages
from evoslack.slack.listeners.submission import FormSubmission, key_of
from evoslack.slack.payloads import ARRIVAL, Payload, team_of
from evoslack.slack.rendering import (
    form_messages,
    history,
    live_page,
    mrkdwn,
    number_line,
    select_options,
    views,
)
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.refusal_messages import refusal_message, refusal_words
from evoslack.slack.rendering.refusal_pages import refusal_page
from evoslack.slack.rendering.views import FormSettings

log = logging.getLogger(__name__)

HELP = frozenset({"help", "?", "-h", "--help"})
LAST, HISTORY = "last", "history"


class CallFormListeners:
    """The listeners of the call form; `slack.app` registers them."""

    def __init__(
        self,
        placer: CallPlacer,
        past_calls: CallHistory,
        access: Access,
        opener: FormOpener,
        settings: FormSettings,
        reply: PrivateReply,
        look_up: Run,
        busy: BusyNumbers,
        number_line: NumberLineListener,
        when_pages: WhenPages,
        presses: AnsweredPresses,
    ) -> None:
        self._placer = placer
        self._past_calls = past_calls
        self._access = access
        self._opener = opener
        self._settings = settings
        self._reply = reply
        self._look_up = look_up
        self._busy = busy
        self._number_line = number_line
        self._when_pages = when_pages
        self._presses = presses

    def command(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """`/call …`: the form, filled in with what was typed; or `help`, `history`, or `last`."""
        text = str(body.get("text") or "").strip()
        if text.casefold() in HELP:
            ack(form_messages.help_text(self._settings.command, self._settings.region))
            return
        if text.casefold() == HISTORY:
            self._tell_history(ack, body)
            return
        request = OpenRequest(
            user_id=body["user_id"],
            team_id=body["team_id"],
            trigger_id=body["trigger_id"],
            arrival=context[ARRIVAL],
            channel_id=str(body.get("channel_id") or ""),
            response_url=str(body.get("response_url") or ""),
        )
        if text.casefold() == LAST:
            latest = self._past_calls.latest_of(request.user_id, request.team_id, 1)
            if not latest:
                ack(form_messages.NOTHING_TO_REPEAT)
                return
            prefill = views.Prefill.again(latest[0], self._settings.region)
        else:
            typed = typed_after_command(text, self._settings.region)
            prefill = views.Prefill(number=typed.number, words=typed.words)
        tell = self._reply.to(request.user_id, request.response_url)
        self._opener.open_soon(request, lambda: [prefill], tell)
        ack()

    def _tell_history(self, ack: Ack, body: Payload) -> None:
        """People who may call see their own calls; nobody else is shown numbers."""
        user_id, team_id, url = body["user_id"], body["team_id"], str(body.get("response_url") or "")
        if self._access.is_known(user_id, team_id):
            ack(**self._history(user_id, team_id))
            return

        def look_up() -> None:
            found = self._history(user_id, team_id)
            self._reply.send(user_id, url, found["text"], found.get("blocks"))

        self._look_up(look_up, self._reply.to(user_id, url))
        ack()

    def _history(self, user_id: str, team_id: str) -> dict[str, Any]:
        region = self._settings.region
        try:
            self._access.offer_to(user_id, team_id)
        except Refusal as refusal:
            return {"text": refusal_words(refusal, region, self._settings.help_contact)}
        calls = self._past_calls.latest_of(user_id, team_id, history.MOST)
        return {"text": history.text(calls, region), "blocks": history.blocks(calls, region)}

    def other_command(self, ack: Ack, body: Payload) -> None:
        """A command that the manifest has and the settings do not."""
        log.error("%s arrived, but SLACK_COMMAND is %s", body.get("command"), self._settings.command)
        ack(form_messages.wrong_command(mrkdwn.escape(str(body.get("command"))), self._settings.command))

    def flows(self, ack: Ack, body: Payload) -> None:
        """The flows that match what was typed, of those that this person may use."""
        offer = self._offer_to(body, with_flows=True)
        ack(options=select_options.flow_options(offer.flows, body.get("value") or "") if offer else [])

    def caller_ids(self, ack: Ack, body: Payload) -> None:
        """The caller IDs that match what was typed."""
        offer = self._offer_to(body)
        typed = body.get("value") or ""
        region = self._settings.region
        ack(options=select_options.caller_id_options(offer.caller_ids, typed, region) if offer else [])

    def submit(self, ack: Ack, body: Payload, view: Payload, context: BoltContext) -> None:
        """The button: everything is checked again, the submission is written down, then acknowledged.

        A press that was answered no gets the same answer if it is delivered again.
        """
        arrival = context[ARRIVAL]
        try:
            answer = self._presses.answer(body, arrival, lambda: self._answer(body, view, arrival))
        except TooLate as late:  # another delivery of this press took all the time
            answer = self._denied(late)
        ack(**answer.ack)

    def _answer(self, body: Payload, view: Payload, arrival: Arrival) -> Answer:
        """The form becomes a page about the call, or stays and says why not, or asks."""
        try:
            submission = FormSubmission.of(body, view)
            self._number_line.forget(submission.view_id)
            try:
                found = self._placer.place(
                    submission, arrival, lambda: None if submission.is_for_later else Timing()
                )
            except NumberBusy as busy:
                return Answer(_update(self._busy.question(submission, busy)), is_no=True)
            except InvalidFields as invalid:
                return Answer(_errors(self._sentences(invalid.problems, submission.line)), is_no=True)
            except NumberBlocked as blocked:
                return Answer(_errors(self._sentences([blocked], submission.line)), is_no=True)
            if isinstance(found, TimeWanted):
                return Answer(self._when_pages.ask(found, submission, arrival), is_no=True)
        except Refusal as refusal:
            return self._denied(refusal)
        return Answer(_update(self.accepted(found)), is_no=False)

    def _denied(self, refusal: Refusal) -> Answer:
        settings = self._settings
        words = refusal_message(refusal, settings.region)
        if words.field:
            return Answer(_errors({words.field: words.words}), is_no=True)
        return Answer(_update(refusal_page(refusal, settings.region, settings.help_contact)), is_no=True)

    def accepted(self, call: Call) -> Block:
        """What a form turns into once it became a call.

        A call for later already says that it waits: it does as soon as this answer has left.
        """
        settings = self._settings
        if call.state is State.RECEIVED_LATER:
            call = replace(call, state=State.SCHEDULED)
        view = live_page.view(call, settings.region, channel_id=settings.calls_channel)
        shown: Block = settings.help_contact.named_in_blocks(view)
        return shown

    def call_of(self, user_id: str, view: Payload, arrival: Arrival) -> Call | None:
        """The call that this person's form became, as far as the ledger can say; it is answered now."""
        return self._placer.call_of(key_of(view), user_id, arrival)

    def _offer_to(self, body: Payload, *, with_flows: bool = False) -> Offer | None:
        """The offer for a search in the form; None for people who may not call.

        `with_flows`: only the flows that this person may use, about which Slack may have to be asked.
        """
        try:
            offer = self._access.offer_to(body["user"]["id"], team_of(body))
            return self._opener.usable(offer, body["user"]["id"]) if with_flows else offer
        except Refusal as refusal:
            log_denial(refusal, body["user"]["id"])
            return None

    def _sentences(self, problems: Sequence[Refusal], line: str) -> dict[str, str]:
        """A sentence for each field that must be corrected, by block id.

        What the line under the number says already is not said twice.
        """
        errors = {}
        for problem in problems:
            message = refusal_message(problem, self._settings.region)
            is_said = message.field == views.NUMBER and number_line.says(line, problem, message.words)
            errors[message.field] = form_messages.ANOTHER_NUMBER if is_said else message.words
        return errors


def _update(view: Block) -> dict[str, Any]:
    return {"response_action": "update", "view": view}


def _errors(sentences: dict[str, str]) -> dict[str, Any]:
    return {"response_action": "errors", "errors": sentences}
