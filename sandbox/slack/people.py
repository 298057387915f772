"""What a person does in Slack and sees of it: commands, modals, clicks, messages, private messages.

Every action blocks the calling thread until the app has acked or Slack gives up; other threads go on.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from sandbox.slack import clicks, payloads
from sandbox.slack.block_kit import Json
from sandbox.slack.delivery import Delivery
from sandbox.slack.forms import Answer, Form, dispatches
from sandbox.slack.message_records import PrivateMessage, ShownMessage
from sandbox.slack.team import Team
from sandbox.slack.views import Views

T = TypeVar("T")


class People:
    """The people of one team."""

    def __init__(self, team: Team, views: Views) -> None:
        self._team = team
        self._views = views

    def send(self, payload_type: str, payload: Json) -> Delivery:
        """Deliver a payload to the app; see SlackWorkspace."""
        raise NotImplementedError

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Deliver it again; see SlackWorkspace."""
        raise NotImplementedError

    # --- commands and messages

    def type_command(
        self, user_id: str, text: str = "", channel_id: str = "C_GENERAL", command: str = "/call"
    ) -> Delivery:
        """Send a slash command."""
        with self._team.change():
            payload = payloads.slash_command(self._team, user_id, command, text, channel_id)
        return self.send("slash_commands", payload)

    def use_shortcut(self, user_id: str, callback_id: str) -> Delivery:
        """Choose a shortcut from the shortcuts menu."""
        with self._team.change():
            payload = payloads.global_shortcut(self._team, user_id, callback_id)
        return self.send("shortcut", payload)

    def use_message_shortcut(self, user_id: str, callback_id: str, channel_id: str, ts: str) -> Delivery:
        """Choose a shortcut from a message's menu. Raises LookupError when there is no such message."""
        with self._team.change():
            message = self._team.message(channel_id, ts)
            if message is None:
                raise LookupError(f"no message {ts} in {channel_id}")
            payload = payloads.message_shortcut(self._team, user_id, callback_id, channel_id, message)
        return self.send("message_action", payload)

    def leave(self, user_id: str, channel_id: str) -> None:
        """Leave a channel. At first, everyone is in every channel."""
        with self._team.change():
            self._team.departed.setdefault(channel_id, set()).add(user_id)

    def say(self, user_id: str, channel_id: str, text: str, **more: Any) -> str:
        """Post a message; `more` are other fields of it. Returns its ts."""
        with self._team.change():
            return str(self._team.post(channel_id, user_id, text, **more)["ts"])

    def delete_message(self, channel_id: str, ts: str) -> None:
        """Delete a message."""
        with self._team.change():
            self._team.remove(channel_id, ts)

    def messages(self, channel_id: str, newest: int = 0) -> list[Json]:
        """The current messages of a channel (0: all), threads included, oldest first."""
        with self._team.changed:
            return copy.deepcopy(self._team.messages(channel_id)[-newest:])

    def count_messages(self, channel_id: str) -> int:
        """How many messages a channel has, threads included."""
        with self._team.changed:
            return len(self._team.messages(channel_id))

    def private(self, user_id: str) -> list[PrivateMessage]:
        """The app's current private messages to this person, oldest first."""
        with self._team.changed:
            return copy.deepcopy(self._team.private(user_id))

    def shown(self) -> list[ShownMessage]:
        """Every version of every message of the app, oldest first."""
        with self._team.changed:
            return list(self._team.shown)

    # --- modals

    def modal(self, user_id: str) -> Json | None:
        """The top modal of this person with its current input; None when there is none."""
        with self._team.changed:
            form = self._views.top(user_id)
            return self._views.show(form) if form else None

    def field_errors(self, user_id: str) -> dict[str, str]:
        """The field errors of the current modal: block_id to text."""
        with self._team.changed:
            form = self._views.top(user_id)
            return dict(form.errors) if form else {}

    def fill(self, user_id: str, values: Mapping[str, Answer]) -> tuple[Delivery, ...]:
        """Fill in the current modal: block_id to text, option value(s), conversation, or None.

        An external select is opened first if it has not offered that option yet. Returns the deliveries for
        fields that notify the app at once (`dispatch_action`, selects outside input blocks).
        Raises LookupError when the field or the option does not exist.
        """
        told = []
        for block_id, answer in values.items():
            element = self._form(user_id).field(block_id)
            wanted = [answer] if isinstance(answer, str) else answer or []
            asks = element["type"] in {"external_select", "multi_external_select"}
            if asks and not all(self._form(user_id).offers(block_id, each) for each in wanted):
                self.suggest(user_id, block_id)
            with self._team.change():
                form = self._form(user_id)
                form.fill(block_id, answer)
                tells = dispatches(form.block(block_id), element)
            if tells:
                told.append(self.click(user_id, element["action_id"], block_id=block_id))
        return tuple(told)

    def suggest(self, user_id: str, block_id: str, query: str = "") -> list[Json]:
        """Open an external select or type in it; returns its options, groups flattened.

        Empty after a missing or invalid ack, and while the query is shorter than `min_query_length`.
        """
        with self._team.change():
            form = self._form(user_id)
            if len(query) < form.field(block_id).get("min_query_length", 3):
                return []
            form.suggested[block_id] = []
            payload = payloads.block_suggestion(
                self._team, self._views, user_id, form, block_id=block_id, query=query
            )
        self.send("block_suggestion", payload)
        with self._team.changed:
            now = self._views.find(form.view["id"])
            return copy.deepcopy(now.suggested.get(block_id, [])) if now else []

    def submit(self, user_id: str, times: int = 1) -> Delivery:
        """Press Submit in the current modal; nothing is sent while Slack itself finds an invalid input.

        `times`: press it that often at once, before the modal closes; returns one of the deliveries.
        """
        with self._team.change():
            form = self._form(user_id)
            if not form.view["submit"]:
                raise LookupError(f"the modal {form.view['callback_id']!r} has no Submit button")
            form.errors = {}
            payload = payloads.view_submission(self._team, self._views, user_id, form)
            missing = form.missing()
        if missing:
            return Delivery("view_submission", payload, invalid_inputs=missing)
        with ThreadPoolExecutor(times) as fingers:
            presses = [fingers.submit(self.send, "view_submission", payload) for _press in range(times)]
        return presses[0].result()

    def close_modal(self, user_id: str, everything: bool = False) -> Delivery | None:
        """Press Cancel, or the X with `everything`; returns a delivery if the view has `notify_on_close`."""
        with self._team.change():
            form = self._form(user_id)
            everything = everything or form.view["clear_on_close"]
            form = (self._views.root(user_id) if everything else None) or form
            payload = payloads.view_closed(self._team, self._views, user_id, form, everything)
            self._views.close(user_id, everything)
        return self.send("view_closed", payload) if form.view["notify_on_close"] else None

    # --- clicks

    def click(
        self,
        user_id: str,
        action_id: str,
        channel_id: str | None = None,
        ts: str | None = None,
        block_id: str | None = None,
        *,
        value: str | None = None,
        where: Literal["home"] | None = None,
    ) -> Delivery:
        """Use a component: in a message (`channel_id` and `ts`), else in the current modal, else in Home.

        `where="home"`: in the Home tab even while a modal is open, as on a second device. `value` selects
        an option; a text input is submitted with Enter. A confirm dialog is confirmed. Raises LookupError
        when the person cannot see the component.
        """
        with self._team.change():
            if channel_id is not None and ts is not None:
                payload = clicks.in_message(self._team, user_id, channel_id, ts, (action_id, block_id), value)
            else:
                form = (None if where else self._views.top(user_id)) or self._views.home(user_id)
                payload = clicks.in_view(self._team, self._views, user_id, form, (action_id, block_id), value)
        return self.send("block_actions", payload)

    def _form(self, user_id: str) -> Form:
        form = self._views.top(user_id)
        if form is None:
            raise LookupError(f"{user_id} has no modal on the screen")
        return form

    # --- waiting

    def wait_for(self, predicate: Callable[[], T], within_s: float = 5, what: str = "") -> T:
        """The predicate's value once it is truthy. Raises AssertionError after `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while True:
            seen = self._team.version
            value = predicate()
            if value:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(
                    f"timed out after {within_s} s waiting for {what or 'a condition'}, got {value!r}"
                )
            with self._team.changed:  # changes here wake it; others are polled
                self._team.changed.wait_for(lambda: self._team.version != seen, min(left, 0.05))  # noqa: B023

    def wait_for_modal(self, user_id: str, callback_id: str | None = None, within_s: float = 5) -> Json:
        """Wait until this person has a modal (with that callback_id) open and return it."""

        def shown() -> Json | None:
            view = self.modal(user_id)
            return view if view and callback_id in {None, view["callback_id"]} else None

        found = self.wait_for(shown, within_s, f"the modal {callback_id or ''} on {user_id}'s screen")
        assert found is not None
        return found
