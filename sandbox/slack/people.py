"""What a person does in Slack and sees of it: commands, modals, clicks, messages, private notes.

The half of `SlackWorkspace` that a story is told with. Every act blocks the calling thread until the app
has answered or Slack gives up on it; other threads' acts go on meanwhile.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from sandbox.slack import payloads
from sandbox.slack.block_kit import Json, elements_of
from sandbox.slack.delivery import Delivery
from sandbox.slack.forms import Answer, Form, dispatches
from sandbox.slack.screens import Screens
from sandbox.slack.team import BOT_ID, BOT_USER_ID, Private, Shown, Team

T = TypeVar("T")


class People:
    """The people of one team, in front of their screens."""

    def __init__(self, team: Team, screens: Screens) -> None:
        self._team = team
        self._screens = screens

    def send(self, payload_type: str, payload: Json) -> Delivery:
        """Deliver a payload to the app; see SlackWorkspace."""
        raise NotImplementedError

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The same once more; see SlackWorkspace."""
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
        """Choose a shortcut of the app from the shortcuts menu."""
        with self._team.change():
            payload = payloads.global_shortcut(self._team, user_id, callback_id)
        return self.send("shortcut", payload)

    def use_message_shortcut(self, user_id: str, callback_id: str, channel_id: str, ts: str) -> Delivery:
        """Choose a shortcut of the app from the menu of a message. LookupError without such a message."""
        with self._team.change():
            message = self._team.message(channel_id, ts)
            if message is None:
                raise LookupError(f"no message {ts} in {channel_id}")
            payload = payloads.message_shortcut(self._team, user_id, callback_id, channel_id, message)
        return self.send("message_action", payload)

    def leave(self, user_id: str, channel_id: str) -> None:
        """Somebody leaves a channel; everybody is in every channel at first."""
        with self._team.change():
            self._team.absent.setdefault(channel_id, set()).add(user_id)

    def say(self, user_id: str, channel_id: str, text: str, **more: Any) -> str:
        """Write a message into a channel; `more` are further fields of it. Returns its ts."""
        with self._team.change():
            return str(self._team.post(channel_id, user_id, text, **more)["ts"])

    def delete_message(self, channel_id: str, ts: str) -> None:
        """Delete a message."""
        with self._team.change():
            self._team.remove(channel_id, ts)

    def messages(self, channel_id: str) -> list[Json]:
        """The messages of a channel as they look now, threads included, oldest first."""
        with self._team.changed:
            return copy.deepcopy(self._team.messages(channel_id))

    def private(self, user_id: str) -> list[Private]:
        """What only this person was shown by the app, as it looks now, oldest first."""
        with self._team.changed:
            return copy.deepcopy(self._team.private(user_id))

    def shown(self) -> list[Shown]:
        """Everything that the app ever showed to anybody in a message, replaced since or not, in order."""
        with self._team.changed:
            return list(self._team.shown)

    # --- modals

    def modal(self, user_id: str) -> Json | None:
        """The view on top of this person's screen, with what is typed in it; None when there is none."""
        with self._team.changed:
            form = self._screens.top(user_id)
            return self._screens.show(form) if form else None

    def field_errors(self, user_id: str) -> dict[str, str]:
        """The errors under the fields of the current modal: block_id to text."""
        with self._team.changed:
            form = self._screens.top(user_id)
            return dict(form.errors) if form else {}

    def fill(self, user_id: str, values: Mapping[str, Answer]) -> tuple[Delivery, ...]:
        """Type and choose in the current modal: block_id to text, option value(s), conversation or None.

        An external select is opened first when it has not shown that option yet. Returns the deliveries of
        fields that tell the app at once (`dispatch_action`, selects outside input blocks).
        LookupError when the field or the option is not on the screen.
        """
        told = []
        for block_id, answer in values.items():
            element = self._form(user_id).field(block_id)
            asks = element["type"] == "external_select" and isinstance(answer, str)
            if asks and not self._form(user_id).offers(block_id, str(answer)):
                self.suggest(user_id, block_id)
            with self._team.change():
                form = self._form(user_id)
                form.fill(block_id, answer)
                tells = dispatches(form.block(block_id), element)
            if tells:
                told.append(self.click(user_id, element["action_id"], block_id=block_id))
        return tuple(told)

    def suggest(self, user_id: str, block_id: str, query: str = "") -> list[Json]:
        """Open an external select or type in it; the options it lists, groups flattened.

        Empty after a miss or a faulty answer, and while the query is shorter than `min_query_length`.
        """
        with self._team.change():
            form = self._form(user_id)
            if len(query) < form.field(block_id).get("min_query_length", 3):
                return []
            form.suggested[block_id] = []
            payload = payloads.block_suggestion(
                self._team, self._screens, user_id, form, block_id=block_id, query=query
            )
        self.send("block_suggestion", payload)
        with self._team.changed:
            now = self._screens.find(form.view["id"])
            return copy.deepcopy(now.suggested.get(block_id, [])) if now else []

    def submit(self, user_id: str, times: int = 1) -> Delivery:
        """Press Submit in the current modal; nothing is sent while Slack itself finds a field wanting.

        `times`: pressed that often at once, before Slack takes the form away; the answer to one of them.
        """
        with self._team.change():
            form = self._form(user_id)
            if not form.view["submit"]:
                raise LookupError(f"the modal {form.view['callback_id']!r} has no Submit button")
            form.errors = {}
            payload = payloads.view_submission(self._team, self._screens, user_id, form)
            missing = form.missing()
        if missing:
            return Delivery("view_submission", payload, refused_locally=missing)
        with ThreadPoolExecutor(times) as fingers:
            presses = [fingers.submit(self.send, "view_submission", payload) for _press in range(times)]
        return presses[0].result()

    def close_modal(self, user_id: str, everything: bool = False) -> Delivery | None:
        """Press Cancel (with `everything`: the X of a stack); a delivery if the app wants to hear of it."""
        with self._team.change():
            form = self._form(user_id)
            everything = everything or form.view["clear_on_close"]
            form = (self._screens.root(user_id) if everything else None) or form
            payload = payloads.view_closed(self._team, self._screens, user_id, form, everything)
            self._screens.close(user_id, everything)
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
        """Use a component: of a message (`channel_id` and `ts`), else of the current modal, else of Home.

        `where="home"`: of the Home tab in any case, as on a second device while a modal is open.
        `value` chooses in a menu or select. For a text input it is Enter pressed in it. A confirm dialog
        is answered with yes. LookupError when there is no such component to see.
        """
        with self._team.change():
            if channel_id is not None and ts is not None:
                payload = self._click_in_message(user_id, channel_id, ts, (action_id, block_id), value)
            else:
                form = (None if where else self._screens.top(user_id)) or self._screens.home(user_id)
                payload = self._click_in_view(user_id, form, (action_id, block_id), value)
        return self.send("block_actions", payload)

    def _click_in_message(
        self, user_id: str, channel_id: str, ts: str, ids: tuple[str, str | None], value: str | None
    ) -> Json:
        message = self._team.message(channel_id, ts) or self._private_message(user_id, ts)
        if message is None:
            raise LookupError(f"{user_id} sees no message {ts} in {channel_id}")
        block, element = _find(message.get("blocks", []), *ids)
        action = payloads.action(block, element, None, value, self._team.next_ts())
        return payloads.click_in_message(self._team, user_id, channel_id, message, action)

    def _private_message(self, user_id: str, ts: str) -> Json | None:
        for note in self._team.private(user_id):
            if note.ts == ts:
                look = {"type": "message", "user": BOT_USER_ID, "bot_id": BOT_ID, "is_ephemeral": True}
                return look | {"ts": ts, "text": note.text, "blocks": note.blocks}
        return None

    def _click_in_view(
        self, user_id: str, form: Form | None, ids: tuple[str, str | None], value: str | None
    ) -> Json:
        if form is None:
            raise LookupError(f"{user_id} has neither a modal nor a Home tab to click in")
        block, element = _find(form.view["blocks"], *ids)
        where = (block["block_id"], element["action_id"])
        if value is not None and form.entry(*where) is not None:
            form.fill(where[0], value, where[1])
        action = payloads.action(block, element, form.entry(*where), value, self._team.next_ts())
        return payloads.click_in_view(self._team, self._screens, user_id, form, action)

    def _form(self, user_id: str) -> Form:
        form = self._screens.top(user_id)
        if form is None:
            raise LookupError(f"{user_id} has no modal on the screen")
        return form

    # --- waiting

    def wait_for(self, predicate: Callable[[], T], within_s: float = 5, what: str = "") -> T:
        """Wait until `predicate()` is truthy and return its value; AssertionError when it never is."""
        deadline = time.monotonic() + within_s
        while True:
            seen = self._team.version
            value = predicate()
            if value:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(
                    f"waited {within_s} s in vain for {what or 'a condition'}, got {value!r}"
                )
            with self._team.changed:  # woken by every change here; things elsewhere are looked at anyway
                self._team.changed.wait_for(lambda: self._team.version != seen, min(left, 0.05))  # noqa: B023

    def wait_for_modal(self, user_id: str, callback_id: str | None = None, within_s: float = 5) -> Json:
        """Wait until this person has a modal (with that callback_id) on the screen and return it."""

        def shown() -> Json | None:
            view = self.modal(user_id)
            return view if view and callback_id in {None, view["callback_id"]} else None

        found = self.wait_for(shown, within_s, f"the modal {callback_id or ''} on {user_id}'s screen")
        assert found is not None
        return found


def _find(blocks: list[Json], action_id: str, block_id: str | None) -> tuple[Json, Json]:
    seen: list[Any] = []
    for block in blocks:
        for element in elements_of(block):
            if element["action_id"] == action_id and block_id in {None, block["block_id"]}:
                return block, element
            seen.append(element["action_id"])
    raise LookupError(f"no component {action_id!r} to see, there are {seen}")
