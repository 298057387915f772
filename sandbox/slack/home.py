"""What a person does in the app's Home tab: open it, click, type, and choose.

Typed and chosen values reach the app only with the next action that notifies it (slack-facts 11).
"""

from __future__ import annotations

import copy
from typing import Literal

from sandbox.slack import events, payloads
from sandbox.slack.block_kit import Json
from sandbox.slack.delivery import Delivery
from sandbox.slack.forms import Answer, Form, dispatches
from sandbox.slack.people import People


class HomeTabUsers(People):
    """People with Home tabs; a click there is `click(…, where="home")`."""

    def open_home(self, user_id: str, tab: Literal["home", "messages"] = "home") -> Delivery:
        """Open the app's Home: sends `app_home_opened` with the view published last."""
        with self._team.change():
            form = self._views.home(user_id) if tab == "home" else None
            view = self._views.show(form) if form else None
            payload = events.app_home_opened(self._team, user_id, tab, view)
        return self.send("events_api", payload)

    def home(self, user_id: str) -> Json | None:
        """This person's Home tab; None before the app has published one."""
        with self._team.changed:
            form = self._views.home(user_id)
            return self._views.show(form) if form else None

    def type_in_home(
        self, user_id: str, block_id: str, text: str, *, action_id: str | None = None, enter: bool = True
    ) -> Delivery | None:
        """Type in a text field and press Enter; None if the field does not notify the app."""
        return self._fill_in_home(user_id, block_id, text, action_id, enter)

    def choose_in_home(
        self, user_id: str, block_id: str, choice: Answer, *, action_id: str | None = None
    ) -> Delivery | None:
        """Choose an option by value, a person or channel by id; None if that does not notify the app.

        Raises LookupError when the field, the option, or the person does not exist.
        """
        return self._fill_in_home(user_id, block_id, choice, action_id)

    def suggest_in_home(self, user_id: str, block_id: str, action_id: str, query: str = "") -> list[Json]:
        """Open an external select or type in it; returns its options, groups flattened."""
        with self._team.change():
            form = self._home(user_id)
            if len(query) < form.field(block_id, action_id).get("min_query_length", 3):
                return []
            form.suggested[block_id] = []
            ids = {"block_id": block_id, "action_id": action_id}
            payload = payloads.block_suggestion(self._team, self._views, user_id, form, **ids, query=query)
        self.send("block_suggestion", payload)
        with self._team.changed:
            return copy.deepcopy(self._home(user_id).suggested.get(block_id, []))

    def _fill_in_home(
        self, user_id: str, block_id: str, answer: Answer, action_id: str | None, enter: bool = False
    ) -> Delivery | None:
        with self._team.change():
            form = self._home(user_id)
            element = form.field(block_id, action_id)
            if element["type"] == "users_select" and answer and answer not in self._team.users:
                raise LookupError(f"there is no person {answer!r}")
            form.fill(block_id, answer, element["action_id"])
            tells = dispatches(form.block(block_id), element, enter)
        return self.click(user_id, element["action_id"], block_id=block_id, where="home") if tells else None

    def _home(self, user_id: str) -> Form:
        form = self._views.home(user_id)
        if form is None:
            raise LookupError(f"the app has published no Home tab for {user_id}")
        return form
