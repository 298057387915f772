"""What Slack does with the app's answer to a payload, and what it shows when there is none.

An ack that Slack would not understand is recorded in the team's complaints, and the person is shown what
Slack shows then (slack-facts 1 to 3).
"""

from __future__ import annotations

from sandbox.slack.block_kit import Json, options_of, problems_in_options
from sandbox.slack.delivery import Delivery
from sandbox.slack.posts import Posts, checked_message
from sandbox.slack.screens import Screens
from sandbox.slack.steps import Steps
from sandbox.slack.team import Refused, Team

TROUBLE = "We had some trouble connecting. Try again?"
WARNING_SIGN = "⚠"  # all that a failed click in a message shows


class Answers:
    """Applies answers to one team's screens and messages."""

    def __init__(self, team: Team, screens: Screens, posts: Posts, steps: Steps) -> None:
        self._team = team
        self._steps = steps
        self._screens = screens
        self._posts = posts

    def settle(self, delivery: Delivery) -> None:
        """Apply what came back, and note in `delivery.seen` what Slack itself shows the person."""
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
        except Refused as no:
            delivery.seen = "dispatch_failed"
            self._complain(delivery, [no.code, *no.answer.get("response_metadata", {}).get("messages", [])])
            return
        right = self._team.response_urls.get(str(delivery.sent.get("response_url")).rpartition("/")[2])
        if right is not None and (content.get("text") or content.get("blocks")):
            self._posts.answer(right, "ack", answer.get("response_type"), content)

    def _submission(self, delivery: Delivery) -> None:
        if not delivery.acked:
            delivery.seen = TROUBLE
            return
        user_id, view_id = _user_id(delivery.sent), str(delivery.sent.get("view", {}).get("id"))
        problems = self._screens.settle(user_id, view_id, delivery.payload)
        if problems:
            delivery.seen = TROUBLE
            self._complain(delivery, problems)

    def _suggestion(self, delivery: Delivery) -> None:
        """A miss or a faulty answer shows an empty list, as it does in Slack."""
        options: list[Json] = []
        if delivery.acked:
            problems = problems_in_options(delivery.payload)
            if problems:
                self._complain(delivery, problems)
            elif isinstance(delivery.payload, dict):
                options = options_of(delivery.payload)
        form = self._screens.find(delivery.sent.get("view", {}).get("id"))
        if form is not None:
            form.suggested[str(delivery.sent.get("block_id"))] = options

    def _complain(self, delivery: Delivery, problems: list[str]) -> None:
        about = delivery.sent.get("type") or delivery.sent.get("command") or delivery.payload_type
        self._team.complain(f"answer to {about}", problems)


def _user_id(payload: Json) -> str:
    return str((payload.get("user") or {}).get("id"))
