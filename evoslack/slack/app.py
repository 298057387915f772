"""The Bolt app: which listener answers what, and what a person hears when something breaks.

Listeners run in the thread that received the request (`process_before_response`): Bolt's own pool would
let five slow ones block everyone (slack-facts 13), and here none waits longer than for a role: two
seconds.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient

from evoslack.calling.arrival import Arrival
from evoslack.calling.refusals import UnreadableForm
from evoslack.runtime.reference import new_reference
from evoslack.slack.listeners.dependencies import Listeners
from evoslack.slack.listeners.registration import connect
from evoslack.slack.listeners.reply import Trigger
from evoslack.slack.listeners.rule_form import rejected
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.rendering import (
    blocked_form,
    messages,
    note_form,
    note_messages,
    refusal_pages,
    rule_form_messages,
    rule_forms,
    schedule_page,
    views,
)
from evoslack.slack.rendering.refusal_messages import refusal_message
from evoslack.slack.workspace import Identity

log = logging.getLogger(__name__)

MOST_EVENTS = 100  # remembered: Slack sends an event again within an hour, and each is told once
_UNANSWERED = frozenset({"block_actions", "shortcut", "message_action"})


def build_app(
    api_url: str,
    listeners: Listeners,
    *,
    command: str,
    signing_secret: str | None,
    identity: Identity,
    bot_token: str,
) -> App:
    """The Bolt app for one workspace. `identity` is what `auth.test` said at start."""

    def authorize(**_context: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
            bot_token=bot_token,
        )

    app = App(
        name="slack_bolt",  # of its logger; without one, Bolt reads every source file to find its caller
        client=WebClient(base_url=api_url),  # Bolt's own; the listeners bring theirs
        authorize=authorize,
        signing_secret=signing_secret or "socket-mode-needs-none",
        process_before_response=True,
        raise_error_for_unhandled_request=True,  # else Bolt answers nothing, and Slack waits
        ssl_check_enabled=False,  # would answer before the signature is checked (slack-facts 1)
        logger=logging.getLogger("slack_bolt"),
    )
    register(app, listeners, command)
    return app


def register(app: App, listeners: Listeners, command: str) -> None:
    """Connect every payload to its listener, and what breaks to an answer."""
    connect(app, listeners, command)
    told: deque[str] = deque(maxlen=MOST_EVENTS)

    def broken(error: Exception, body: dict[str, Any], context: BoltContext) -> BoltResponse:
        return answer_broken(error, body, context[ARRIVAL], listeners, told)

    app.error(broken)


def answer_broken(
    error: Exception,
    body: dict[str, Any],
    arrival: Arrival,
    listeners: Listeners,
    told: deque[str],  # ids of events that a person was told of
) -> BoltResponse:
    """Log a defect under a reference and tell the person, after reading what became of the submission."""
    if isinstance(error, BoltUnhandledRequestError):
        return _answer_unknown(body)
    reference = new_reference()
    log.error("a listener raised an error (reference %s)", reference, exc_info=error)
    words = messages.broken(reference)
    if "command" in body:
        return _json({"response_type": "ephemeral", "text": words})
    if body.get("type") == "block_suggestion":
        return _json({"options": []})
    if body.get("type") == "view_submission":
        return _json(_broken_form(body, arrival, listeners, reference))
    event_id = str(body.get("event_id") or "")
    if (user_id := _who_waits(body)) and event_id not in told:
        if body.get("trigger_id"):
            listeners.pages.to(Trigger.of(body, arrival), refusal_pages.APP)(words)
        else:
            listeners.notify_privately(user_id, words)
        if event_id:
            told.append(event_id)
    # An event that was not acknowledged comes again, and acknowledged means written down.
    return BoltResponse(status=500 if body.get("type") == "event_callback" else 200, body="")


def _broken_form(
    body: dict[str, Any], arrival: Arrival, listeners: Listeners, reference: str
) -> dict[str, Any]:
    """The form stays, with the words at its first field; one that became a call says so instead."""
    words = messages.broken(reference)
    match _callback_id(body):
        case note_form.FORM:
            return _errors(note_form.NOTE, note_messages.broken(reference))
        case blocked_form.IMPORT_FORM:
            return _errors(blocked_form.FILE, words)
        case rule_forms.FORM:
            return rejected(body["view"], rule_form_messages.broken(reference))
    try:
        call = listeners.form.call_of(body["user"]["id"], body["view"], arrival)
    except Exception:
        log.exception("the submission could not be read from the ledger (reference %s)", reference)
        call = None
    if call is not None:
        return {"response_action": "update", "view": listeners.form.accepted(call)}
    arrival.withdraw()
    return _errors(schedule_page.first_field(body.get("view") or {}) or views.NUMBER, words)


def _errors(field: str, words: str) -> dict[str, Any]:
    return {"response_action": "errors", "errors": {field: words}}


def _who_waits(body: dict[str, Any]) -> str:
    """Who pressed a button, chose a shortcut or opened the Home tab: Slack shows them no answer from us."""
    event = body.get("event") if body.get("type") == "event_callback" else None
    if isinstance(event, dict):
        user = event.get("user") if event.get("type") == "app_home_opened" else None
    else:
        user = (body.get("user") or {}).get("id") if body.get("type") in _UNANSWERED else None
    return user if isinstance(user, str) else ""


def _answer_unknown(body: dict[str, Any]) -> BoltResponse:
    """A payload without a listener, such as a form of an older version: acknowledged, and nothing is done."""
    log.warning("no listener for a payload of type %r", body.get("type"))
    if body.get("type") == "view_submission":
        words = refusal_message(UnreadableForm(), "").words
        return _json({"response_action": "update", "view": views.notice(words)})
    if body.get("type") == "block_suggestion":
        return _json({"options": []})
    return BoltResponse(status=200, body="")


def _callback_id(body: dict[str, Any]) -> str:
    view = body.get("view")
    return str(view.get("callback_id") or "") if isinstance(view, dict) else ""


def _json(body: dict[str, Any]) -> BoltResponse:
    return BoltResponse(
        status=200, body=json.dumps(body), headers={"content-type": ["application/json;charset=utf-8"]}
    )
