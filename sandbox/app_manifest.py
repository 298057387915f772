"""What manifest.yml declares about the app: its shortcuts, Home tabs, and workflow steps.

The page offers them under the declared names, as Slack does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from sandbox.slack.block_kit import Json

MANIFEST = Path(__file__).resolve().parents[1] / "manifest.yml"
_USER = "slack#/types/user_context"  # set by Slack to the person who runs the step, not filled in
_BUILDER = "client.builder_context"  # in `{{…}}`: the person who builds the workflow
_INPUT_PREFIX = "input_parameters."  # `{{input_parameters.name}}`: the value of another input
_QUERY = "client.query"  # `{{client.query}}`: the search text in the option list
_PICKERS = {"slack#/types/user_id": "users_select", "slack#/types/channel_id": "conversations_select"}
_YES_NO = {"true": "Yes", "false": "No"}


class AppManifest:
    """The app as Slack knows it before the app runs."""

    def __init__(self, manifest: Json) -> None:
        self._features: Json = manifest.get("features") or {}
        self._functions: Json = manifest.get("functions") or {}

    @classmethod
    def read(cls, path: Path = MANIFEST) -> AppManifest:
        """The manifest in this file."""
        return cls(yaml.safe_load(path.read_text("utf-8")))

    def shown(self) -> Json:
        """Shortcuts, Home tabs, and steps with their inputs as blocks."""
        home = self._features.get("app_home") or {}
        return {
            "commands": self._features.get("slash_commands") or [],
            "shortcuts": self._features.get("shortcuts") or [],
            "has_home": bool(home.get("home_tab_enabled")),
            "read_only": bool(home.get("messages_tab_read_only_enabled", True)),
            "steps": [self._step(name) for name in self._functions if name not in self._only_for_options()],
        }

    def _only_for_options(self) -> set[str]:
        parameters = [each for name in self._functions for each in self._parameters(name).values()]
        return {_source(each) for each in parameters if "dynamic_options" in each}

    def _parameters(self, step: str) -> Json:
        return dict(self._functions[step]["input_parameters"].get("properties") or {})

    def _required(self, step: str) -> list[str]:
        return list(self._functions[step]["input_parameters"].get("required") or [])

    def _step(self, name: str) -> Json:
        function, required = self._functions[name], self._required(name)
        blocks = [_block(key, each, key in required) for key, each in self._parameters(name).items()]
        about = {"title": function["title"], "description": function.get("description", "")}
        return {"id": name, **about, "blocks": blocks}

    def missing(self, step: str, values: Mapping[str, Any]) -> list[str]:
        """Required inputs without a value: Slack does not publish such a workflow."""
        to_fill = [name for name in self._required(step) if self._parameters(step)[name]["type"] != _USER]
        return [name for name in to_fill if not values.get(name)]

    def inputs(self, step: str, person: str, values: Mapping[str, str]) -> Json:
        """The values in their declared types. Raises ValueError for a value of another type."""
        kinds = {name: each["type"] for name, each in self._parameters(step).items()}
        typed = {name: _typed(values[name], kinds[name]) for name in kinds if values.get(name)}
        return typed | {name: _context(person) for name, kind in kinds.items() if kind == _USER}

    def options(
        self, step: str, name: str, person: str, values: Mapping[str, str], query: str
    ) -> tuple[str, Json]:
        """The function that returns the options of this input, and its inputs."""
        parameter = self._parameters(step)[name]
        typed = {f"{_INPUT_PREFIX}{each}": value for each, value in values.items()}
        known = {**typed, _QUERY: query, _BUILDER: _context(person)}
        wanted = parameter["dynamic_options"].get("inputs") or {}
        return _source(parameter), {key: _filled(each, known) for key, each in wanted.items()}


def _source(parameter: Json) -> str:
    return str(parameter["dynamic_options"]["function"]).removeprefix("#/functions/")


def _block(name: str, parameter: Json, required: bool) -> Json:
    """An input of a step as a block."""
    if parameter["type"] == _USER:
        words = f"{parameter.get('title', name)}: the person who runs the step (you)."
        return {"type": "context", "block_id": name, "elements": [_plain(words)]}
    block = {"type": "input", "block_id": name, "label": _plain(parameter.get("title", name))}
    if parameter.get("description"):
        block["hint"] = _plain(parameter["description"])
    return block | {"optional": not required, "element": {"action_id": name} | _element(parameter)}


def _element(parameter: Json) -> Json:
    if "dynamic_options" in parameter:
        return {"type": "external_select", "placeholder": _plain("Choose an option")}
    choices = {each: each for each in parameter.get("enum") or []}
    if parameter["type"] == "boolean":
        choices = _YES_NO
    if choices:
        options = [{"text": _plain(text), "value": value} for value, text in choices.items()]
        return {"type": "static_select", "options": options}
    return {"type": _PICKERS.get(parameter["type"], "plain_text_input")}


def _typed(value: str, kind: str) -> Any:
    if kind == "boolean":
        return value == "true"
    return {"integer": int, "number": float}.get(kind, str)(value)


def _filled(template: Any, known: Mapping[str, Any]) -> Any:
    """An input of an options function: the value of a `{{…}}` template, or a literal."""
    literal = template["value"] if isinstance(template, dict) else template
    if not (isinstance(literal, str) and literal.startswith("{{")):
        return literal
    return known.get(literal.strip("{} "), "")


def _context(person: str) -> Json:
    return {"id": person, "secret": "sandbox"}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}
