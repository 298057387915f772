"""What manifest.yml tells Slack about the app: its shortcuts, the tabs of its Home, its steps for workflows.

The page offers what stands there under the names that stand there, as Slack would.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from sandbox.slack.block_kit import Json

MANIFEST = Path(__file__).resolve().parents[1] / "manifest.yml"
_WHO = "slack#/types/user_context"  # nobody can fill this in: Slack says who acts
_BUILDER = "client.builder_context"  # `{{…}}`: who builds the workflow
_TYPED = "input_parameters."  # `{{input_parameters.name}}`: what was chosen in another input
_QUERY = "client.query"  # `{{client.query}}`: what is typed in the list of options
_PICKERS = {"slack#/types/user_id": "users_select", "slack#/types/channel_id": "conversations_select"}
_YES_NO = {"true": "Yes", "false": "No"}


class AppManifest:
    """The app as Slack knows it before it has said a word."""

    def __init__(self, manifest: Json) -> None:
        self._features: Json = manifest.get("features") or {}
        self._functions: Json = manifest.get("functions") or {}

    @classmethod
    def read(cls, path: Path = MANIFEST) -> AppManifest:
        """The manifest in this file."""
        return cls(yaml.safe_load(path.read_text("utf-8")))

    def shown(self) -> Json:
        """Shortcuts by kind, tabs of the app's Home, and steps with their inputs as blocks to fill in."""
        home = self._features.get("app_home") or {}
        return {
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
        """Inputs without which Slack does not let a workflow be published."""
        to_fill = [name for name in self._required(step) if self._parameters(step)[name]["type"] != _WHO]
        return [name for name in to_fill if not values.get(name)]

    def inputs(self, step: str, person: str, values: Mapping[str, str]) -> Json:
        """What was filled in, each in the type that the manifest declares. ValueError if it is of none."""
        kinds = {name: each["type"] for name, each in self._parameters(step).items()}
        typed = {name: _typed(values[name], kinds[name]) for name in kinds if values.get(name)}
        return typed | {name: _context(person) for name, kind in kinds.items() if kind == _WHO}

    def options(
        self, step: str, name: str, person: str, values: Mapping[str, str], query: str
    ) -> tuple[str, Json]:
        """The function that offers the options of this input, and what it is told."""
        parameter = self._parameters(step)[name]
        typed = {f"{_TYPED}{each}": value for each, value in values.items()}
        known = {**typed, _QUERY: query, _BUILDER: _context(person)}
        wanted = parameter["dynamic_options"].get("inputs") or {}
        return _source(parameter), {key: _filled(each, known) for key, each in wanted.items()}


def _source(parameter: Json) -> str:
    return str(parameter["dynamic_options"]["function"]).removeprefix("#/functions/")


def _block(name: str, parameter: Json, required: bool) -> Json:
    """One input of a step as a block, to be drawn like those of a form."""
    if parameter["type"] == _WHO:
        words = f"{parameter.get('title', name)}: whoever runs it, which is you."
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
    """An input of a function that offers options: a `{{…}}` of the manifest, or a value as it stands."""
    told = template["value"] if isinstance(template, dict) else template
    if not (isinstance(told, str) and told.startswith("{{")):
        return told
    return known.get(told.strip("{} "), "")


def _context(person: str) -> Json:
    return {"id": person, "secret": "sandbox"}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}
