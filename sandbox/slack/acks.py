"""What Slack does with the app's ack of a payload, and what it shows when there is none.

An invalid ack is recorded in the team's complaints, and the person sees what Slack shows then
(slack-facts 1 to 3).
"""

from __future__ import annotations

from sandbox.slack.block_kit import Json, options_of, problems_in_options
from sandbox.slack.delivery import Delivery
from sandbox.slack.errors import SlackError
from sandbox.slack.messages import checked_message
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.steps import Steps
from sandbox.slack.team import Team
from sandbox.slack.views import Views

TROUBLE = "We had some trouble connecting. Try again?"
WARNING_SIGN = "⚠"  # all that Slack shows after a failed click in a message


class AckHandler:
    """Applies acks to one team's views and messages."""

    def __init__(self, team: Team, views: Views, response_urls: ResponseUrls, steps: Steps) -> None:
        self._team = team
        self._steps = steps
        self._views = views
        self._response_urls = response_urls

    def settle(self, delivery: Delivery) -> None:
        """Apply the ack, and set `delivery.seen` to what Slack itself shows the person."""
        with self._team.change():
            kind = delivery.sent.get("type")
            if delivery.envelope_type == "slash_commands":
                self._command(delivery)
            elif kind == "event_callback":
                self._steps.acked(delivery)
            elif kind == "view_submission":
                self._submission(delivery)
            elif kind == "block_suggestion":
                self._suggestion(delivery)
            elif kind in {"shortcut", "message_action"} and not delivery.acked:
                delivery.seen = TROUBLE
            elif kind == "block_actions" and not delivery.acked:
                delivery.seen = TROUBLE if delivery.sent.get("view") else WARNING_SIGN

    def _command(self, delivery: Delivery) -> None:
        if not delivery.acked:
            late = delivery.failure == "timeout" and delivery.over_http
            delivery.seen = "operation_timeout" if late else "dispatch_failed"
            return
        answer = delivery.payload
        if isinstance(answer, str):
            answer = {"text": answer}
        if not answer:
            return
        try:
            content = checked_message(answer)
        except SlackError as error:
            delivery.seen = "dispatch_failed"
            self._report(
                delivery, [error.code, *error.response.get("response_metadata", {}).get("messages", [])]
            )
            return
        right = self._team.response_urls.get(str(delivery.sent.get("response_url")).rpartition("/")[2])
        if right is not None and (content.get("text") or content.get("blocks")):
            self._response_urls.answer(right, "ack", answer.get("response_type"), content)

    def _submission(self, delivery: Delivery) -> None:
        if not delivery.acked:
            delivery.seen = TROUBLE
            return
        user_id, view_id = _user_id(delivery.sent), str(delivery.sent.get("view", {}).get("id"))
        problems = self._views.settle(user_id, view_id, delivery.payload)
        if problems:
            delivery.seen = TROUBLE
            self._report(delivery, problems)

    def _suggestion(self, delivery: Delivery) -> None:
        """A missing or invalid ack shows an empty list, as in Slack."""
        options: list[Json] = []
        if delivery.acked:
            problems = problems_in_options(delivery.payload)
            if problems:
                self._report(delivery, problems)
            elif isinstance(delivery.payload, dict):
                options = options_of(delivery.payload)
        view_id = delivery.sent.get("view", {}).get("id")
        form = self._views.find(view_id) or self._views.find_home(view_id)
        if form is not None:
            form.suggested[str(delivery.sent.get("block_id"))] = options

    def _report(self, delivery: Delivery, problems: list[str]) -> None:
        about = delivery.sent.get("type") or delivery.sent.get("command") or delivery.payload_type
        self._team.report_problems(f"answer to {about}", problems)


def _user_id(payload: Json) -> str:
    return str((payload.get("user") or {}).get("id"))
