"""A view as a person sees it: its current input, and the errors under its fields.

Follows slack-facts 2 and 3: input survives an update where block_id and action_id stay the same, initial
values count as input, and required inputs are checked before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from sandbox.slack.block_kit import Json, elements_of, options_of

# element type -> the key of its value in `view.state.values`
VALUE_KEYS = {
    "plain_text_input": "value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "checkboxes": "selected_options",
    "conversations_select": "selected_conversation",
    "users_select": "selected_user",
    "datepicker": "selected_date",
    "file_input": "files",
    "timepicker": "selected_time",
    "number_input": "value",
    "multi_external_select": "selected_options",
    "multi_users_select": "selected_users",
}

SEVERAL = frozenset({"checkboxes", "multi_external_select", "multi_users_select"})

Answer = str | list[str] | None


class Form:
    """A view with the state that the person's client keeps for it."""

    def __init__(self, view: Json, channel_id: str | None, before: Form | None = None) -> None:
        self.view = view
        self.channel_id = channel_id
        inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        errors = before.errors if before else {}
        self.errors: dict[str, str] = {block: text for block, text in errors.items() if block in inputs}
        # block_id -> the options last offered by an external select
        self.suggested: dict[str, list[Json]] = dict(before.suggested) if before else {}
        self._entries: dict[tuple[str, str], Json] = {}
        for block, element in self._fields():
            key = (block["block_id"], element["action_id"])
            kept = before._entries.get(key) if before else None
            same = kept is not None and kept["type"] == element["type"]
            self._entries[key] = kept if kept is not None and same else self._initial(element)

    def _fields(self) -> Iterator[tuple[Json, Json]]:
        for block in self.view["blocks"]:
            for element in elements_of(block):
                if element["type"] in VALUE_KEYS:
                    yield block, element

    def _initial(self, element: Json) -> Json:
        kind = element["type"]
        names = {"value": "initial_value", "selected_conversation": "initial_conversation"}
        key = VALUE_KEYS[kind]
        value = element.get(names.get(key, key.replace("selected", "initial")))
        if value is None and element.get("default_to_current_conversation"):
            value = self.channel_id
        if value is None and (kind in SEVERAL or kind == "file_input"):
            value = []
        return {"type": kind, key: value or (None if kind == "plain_text_input" else value)}

    def state(self) -> Json:
        """`view.state` as payloads carry it."""
        values: dict[str, Json] = {}
        for (block_id, action_id), entry in self._entries.items():
            values.setdefault(block_id, {})[action_id] = entry
        return {"values": values}

    def block(self, block_id: str) -> Json:
        """The block with this id. Raises LookupError when there is none."""
        for block in self.view["blocks"]:
            if block["block_id"] == block_id:
                return dict(block)
        seen = [block["block_id"] for block in self.view["blocks"]]
        raise LookupError(f"no block {block_id!r} on the screen, there are {seen}")

    def field(self, block_id: str, action_id: str | None = None) -> Json:
        """The first element in this block that takes input. Raises LookupError when there is none."""
        fields = [each for each in elements_of(self.block(block_id)) if each["type"] in VALUE_KEYS]
        fields = [each for each in fields if action_id in {None, each["action_id"]}]
        if not fields:
            raise LookupError(f"nothing to fill in block {block_id!r}")
        return fields[0]

    def entry(self, block_id: str, action_id: str) -> Json | None:
        """What stands in an element now, as in `state.values`."""
        return self._entries.get((block_id, action_id))

    def fill(self, block_id: str, answer: Answer, action_id: str | None = None) -> Json:
        """Type or choose; returns the element. LookupError when the choice is not on offer."""
        element = self.field(block_id, action_id)
        kind, key = element["type"], VALUE_KEYS[element["type"]]
        value: Any = answer or None
        if key == "selected_option" and answer is not None:
            value = self._choice(block_id, element, str(answer))
        elif kind == "datepicker" and answer is not None:
            value = _day(str(answer))
        elif kind == "file_input":
            if answer is not None:
                raise LookupError(f"block {block_id!r} takes files, see `attach`")
            value = []
        elif kind == "timepicker" and answer is not None:
            value = _clock_time(str(answer))
        elif kind in SEVERAL:
            wanted = [answer] if isinstance(answer, str) else answer or []
            is_option = key == "selected_options"
            value = [self._choice(block_id, element, each) if is_option else each for each in wanted]
            if len(value) > element.get("max_selected_items", len(value)):
                raise LookupError(f"at most {element['max_selected_items']} can be selected")
        self._entries[(block_id, element["action_id"])] = {"type": kind, key: value}
        self.errors.pop(block_id, None)
        return element

    def attach(self, block_id: str, file: Json) -> None:
        """Put an uploaded file into a file field. LookupError when the field does not take it."""
        element = self.field(block_id)
        if element["type"] != "file_input":
            raise LookupError(f"block {block_id!r} takes no files")
        key = (block_id, element["action_id"])
        extension = file["name"].rpartition(".")[2].lower()
        if extension not in element.get("filetypes", [extension]):
            raise LookupError(f"only {element['filetypes']} may be chosen, not {file['name']!r}")
        files = [*self._entries[key]["files"], file]
        if len(files) > element.get("max_files", 10):
            raise LookupError(f"no more than {element.get('max_files', 10)} files")
        self._entries[key] = {"type": "file_input", "files": files}
        self.errors.pop(block_id, None)

    def offers(self, block_id: str, value: str) -> bool:
        """Whether the list of this select shows an option with this value."""
        return any(option["value"] == value for option in self._offered(block_id, self.field(block_id)))

    def _offered(self, block_id: str, element: Json) -> list[Json]:
        chosen = [element["initial_option"]] if "initial_option" in element else []
        chosen += element.get("initial_options", [])
        return [*options_of(element), *self.suggested.get(block_id, []), *chosen]

    def _choice(self, block_id: str, element: Json, value: str) -> Json:
        offered = self._offered(block_id, element)
        for option in offered:
            if option["value"] == value:
                return option
        raise LookupError(
            f"no option {value!r} in block {block_id!r}, there are {[o['value'] for o in offered]}"
        )

    def missing(self) -> tuple[str, ...]:
        """The inputs for which Slack does not send the form: required but empty, or too short or long."""
        return tuple(
            block["block_id"]
            for block, element in self._fields()
            if block["type"] == "input" and not self._accepts(block, element)
        )

    def _accepts(self, block: Json, element: Json) -> bool:
        value = self._entries[(block["block_id"], element["action_id"])][VALUE_KEYS[element["type"]]]
        if not value:
            return bool(block.get("optional"))
        if element["type"] == "number_input":
            return _is_number(value, element)
        if element["type"] != "plain_text_input":
            return True
        return bool(element.get("min_length", 0) <= len(value) <= element.get("max_length", 3000))

    def show_errors(self, errors: Any) -> list[str]:
        """Show the app's `errors`; returns what is invalid about them."""
        if not isinstance(errors, dict) or not errors:
            return ["response_action errors needs a non-empty object of block_id: text"]
        inputs = {block["block_id"] for block in self.view["blocks"] if block["type"] == "input"}
        problems = [
            f"errors: {key!r} is not the block_id of an input block" for key in errors.keys() - inputs
        ]
        problems += [
            f"errors: the text for {k!r} must be a string"
            for k, v in errors.items()
            if not isinstance(v, str)
        ]
        if not problems:
            self.errors = dict(errors)
        return problems


def _day(answer: str) -> str:
    try:
        return date.fromisoformat(answer).isoformat()
    except ValueError as error:
        raise LookupError(f"no day {answer!r} in a calendar") from error


def _clock_time(answer: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", answer, re.ASCII):
        raise LookupError(f"no time {answer!r} on a clock")
    return answer


def _is_number(value: str, element: Json) -> bool:
    """Whether Slack's client takes what was typed in a number input."""
    if not re.fullmatch(r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+", value, re.ASCII):
        return False
    least, most = element.get("min_value"), element.get("max_value")
    return (least is None or float(least) <= float(value)) and (most is None or float(value) <= float(most))


def dispatches(block: Json, element: Json, enter: bool = False) -> bool:
    """Whether input in this element notifies the app at once; `enter`: text followed by Enter."""
    if block["type"] != "input":
        return True
    if not block.get("dispatch_action") or element["type"] != "plain_text_input":
        return bool(block.get("dispatch_action"))
    on = element.get("dispatch_action_config", {}).get("trigger_actions_on", ["on_enter_pressed"])
    return "on_character_entered" in on or (enter and "on_enter_pressed" in on)
