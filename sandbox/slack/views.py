"""The views that people have open: for each person, a stack of up to three modals and a Home tab.

Opened, pushed, updated, and closed as in Slack, by the Web API and by acks of view_submission
(slack-facts 2). Call it with the team's lock held.
"""

from __future__ import annotations

import copy
import json
import secrets
import time
from typing import Any

from sandbox.slack.block_kit import Json, problems_in_view
from sandbox.slack.errors import SlackError
from sandbox.slack.forms import Form
from sandbox.slack.ids import make_id, with_ids
from sandbox.slack.team import APP_ID, BOT_ID, TEAM_ID

MOST_VIEWS = 3
MOST_BYTES = 250_000
_OURS = {"team_id": TEAM_ID, "app_installed_team_id": TEAM_ID, "app_id": APP_ID, "bot_id": BOT_ID}


def _new_hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"


def _checked(view: Any, kind: str) -> Json:
    """The view with Slack's defaults filled in. Raises SlackError when it is invalid."""
    problems = problems_in_view(view, kind)
    if problems:
        raise SlackError("invalid_arguments", problems)
    if len(json.dumps(view).encode()) > MOST_BYTES:
        raise SlackError("view_too_large")
    defaults: Json = {"private_metadata": "", "callback_id": "", "external_id": "", "title": None}
    defaults |= {"submit": None, "close": None, "clear_on_close": False, "notify_on_close": False}
    given: Json = copy.deepcopy(view)
    return defaults | given | {"blocks": with_ids(given["blocks"])}


class Views:
    """Every person's stack of modals and Home tab."""

    def __init__(self) -> None:
        self._stacks: dict[str, list[Form]] = {}
        self._homes: dict[str, Form] = {}

    def top(self, user_id: str) -> Form | None:
        """The modal on top of this person's stack."""
        stack = self._stacks.get(user_id)
        return stack[-1] if stack else None

    def root(self, user_id: str) -> Form | None:
        """The modal at the bottom of this person's stack."""
        stack = self._stacks.get(user_id)
        return stack[0] if stack else None

    def home(self, user_id: str) -> Form | None:
        """This person's Home tab."""
        return self._homes.get(user_id)

    def find(self, view_id: Any, external_id: Any = None) -> Form | None:
        """An open modal, by its id or external_id."""
        forms = [form for stack in self._stacks.values() for form in stack]
        for form in forms:
            if view_id and form.view["id"] == view_id:
                return form
            if external_id and not view_id and form.view["external_id"] == external_id:
                return form
        return None

    def find_home(self, view_id: Any) -> Form | None:
        """A Home tab, by its id."""
        return next((form for form in self._homes.values() if form.view["id"] == view_id), None)

    def show(self, form: Form) -> Json:
        """The view as Slack returns it, with its state."""
        return copy.deepcopy(form.view | {"state": form.state()})

    def open(self, user_id: str, view: Any, channel_id: str | None) -> Form:
        """views.open: a new modal for this person; replaces the stack."""
        checked = self._checked(view, "modal")
        self._stacks[user_id] = []
        return self._put(user_id, checked, channel_id)

    def push(self, user_id: str, view: Any) -> Form:
        """views.push: another modal on top."""
        stack = self._stacks.get(user_id) or []
        if not stack:
            raise SlackError("invalid_trigger_id")
        if len(stack) >= MOST_VIEWS:
            raise SlackError("push_limit_reached")
        return self._put(user_id, self._checked(view, "modal"), stack[-1].channel_id)

    def update(self, form: Form, view: Any, known_hash: Any = None) -> Form:
        """views.update: new content for a view; input under the same ids is kept."""
        if known_hash and known_hash != form.view["hash"]:
            raise SlackError("hash_conflict")
        checked = self._checked(view, "modal", form)
        stack = next(stack for stack in self._stacks.values() if form in stack)
        old = form.view
        kept = {key: old[key] for key in ("id", *_OURS, "root_view_id", "previous_view_id")}
        renewed = Form(checked | kept | {"hash": _new_hash()}, form.channel_id, form)
        stack[stack.index(form)] = renewed
        return renewed

    def publish(self, user_id: str, view: Any, known_hash: Any = None) -> Form:
        """views.publish: new content for this person's Home tab."""
        before = self._homes.get(user_id)
        if known_hash and before is not None and known_hash != before.view["hash"]:
            raise SlackError("hash_conflict")
        checked = self._checked(view, "home", before)
        view_id = before.view["id"] if before else make_id("V")
        self._homes[user_id] = Form(self._with_ids(checked, view_id, view_id, None), None, before)
        return self._homes[user_id]

    def close(self, user_id: str, everything: bool = False) -> None:
        """Close the top modal, or all of them."""
        stack = self._stacks.get(user_id, [])
        if everything:
            stack.clear()
        elif stack:
            stack.pop()

    def settle(self, user_id: str, view_id: str, answer: Any) -> list[str]:
        """Apply the ack of a view_submission; returns what is invalid about it."""
        form = self.find(view_id)
        if form is None:  # closed meanwhile
            return []
        if not answer:
            self._drop(form)
            return []
        action = answer.get("response_action") if isinstance(answer, dict) else None
        if action == "clear":
            self.close(user_id, everything=True)
        elif action == "errors":
            return form.show_errors(answer.get("errors"))
        elif action in {"update", "push"}:
            try:
                if action == "update":
                    self.update(form, answer.get("view"))
                else:
                    self.push(user_id, answer.get("view"))
            except SlackError as error:
                return [
                    f"{action}: {error.code}",
                    *error.response.get("response_metadata", {}).get("messages", []),
                ]
        else:
            return [f"not a response to view_submission: {json.dumps(answer)[:200]}"]
        return []

    def _checked(self, view: Any, kind: str, instead_of: Form | None = None) -> Json:
        checked = _checked(view, kind)
        others = [*self._homes.values(), *(form for stack in self._stacks.values() for form in stack)]
        taken = {form.view["external_id"] for form in others if form is not instead_of}
        if checked["external_id"] and checked["external_id"] in taken:
            raise SlackError("duplicate_external_id")
        return checked

    def _put(self, user_id: str, checked: Json, channel_id: str | None) -> Form:
        stack = self._stacks.setdefault(user_id, [])
        view_id = make_id("V")
        root = stack[0].view["id"] if stack else view_id
        form = Form(self._with_ids(checked, view_id, root, stack[-1] if stack else None), channel_id)
        stack.append(form)
        return form

    def _drop(self, form: Form) -> None:
        for stack in self._stacks.values():
            if form in stack:
                stack.remove(form)

    def _with_ids(self, checked: Json, view_id: str, root: str, previous: Form | None) -> Json:
        return checked | {
            "id": view_id,
            **_OURS,
            "hash": _new_hash(),
            "root_view_id": root,
            "previous_view_id": previous.view["id"] if previous else None,
        }
