"""manifest.yml, the listeners and the scopes belong together."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt import App
from slack_sdk import WebClient

from evoslack.settings import Settings
from evoslack.slack.app import register
from evoslack.slack.listeners.dependencies import ListenerDependencies, build_listeners
from evoslack.slack.listeners.shortcuts import NUMBER_IN_MESSAGE, PLACE_A_CALL
from evoslack.slack.listeners.workflow_step import LIST_FLOWS, PLACE_CALL
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.workspace import SCOPES

ROOT = Path(__file__).parents[2]

# Every Web API method that the product calls, and what its bot scope is (slack-facts 8).
SCOPES_OF_METHODS = {
    "apps_connections_open": set(),  # an app-level token, not a bot scope
    "auth_test": set(),
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history"},
    "conversations_members": {"channels:read", "groups:read"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "files_upload_v2": {"files:write"},
    "functions_completeError": set(),
    "functions_completeSuccess": set(),
    "usergroups_list": {"usergroups:read"},
    "users_info": {"users:read", "users:read.email"},
    "views_open": set(),
    "views_publish": set(),
    "views_push": set(),
    "views_update": set(),
}
SCOPES_OF_FEATURES = {"commands", "files:read"}  # files:read: a file field in a form


@pytest.fixture
def manifest() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))


def called_methods() -> set[str]:
    """The Web API methods that stand in the product's code."""
    product = (ROOT / "evoslack").rglob("*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in product)
    called = re.findall(r"client(?:\(.*?\))?\.([a-z]+_[A-Za-z_0-9]+)\(", code)
    return {name for name in called if hasattr(WebClient, name)}


def test_exactly_the_scopes_that_are_used_are_asked_for(manifest: dict[str, Any]) -> None:
    asked_for = manifest["oauth_config"]["scopes"]["bot"]
    used = SCOPES_OF_FEATURES.union(*(SCOPES_OF_METHODS[method] for method in called_methods()))

    assert set(asked_for) == used
    assert len(asked_for) == len(set(asked_for))
    assert set(SCOPES) == used


def test_no_listed_method_has_fallen_out_of_use() -> None:
    assert called_methods() == set(SCOPES_OF_METHODS)


def test_the_command_is_the_one_that_the_settings_expect(manifest: dict[str, Any]) -> None:
    env = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "EVO_USERNAME": "bot",
        "EVO_PASSWORD": "x",
        "CALLS_CHANNEL": "C1",
    }
    (command,) = manifest["features"]["slash_commands"]

    assert command["command"] == Settings.from_env(env).slack_command
    assert command["should_escape"] is False


def _no_dependencies() -> ListenerDependencies:
    """Listeners can be built without anything to work with."""
    nothing = dict.fromkeys(field.name for field in fields(ListenerDependencies))
    return ListenerDependencies(
        **nothing | {"settings": FormSettings("/call", "US", frozenset(), "C_CALLS", frozenset())}
    )


def test_every_door_of_the_manifest_has_a_listener(manifest: dict[str, Any]) -> None:
    app = App(token="xoxb-1", signing_secret="x", token_verification_enabled=False)
    register(app, build_listeners(_no_dependencies()), "/call")

    registered = [listener.ack_function.__name__ for listener in app._listeners]
    assert registered == [
        *("export_rules", "export", "change_blocked", "command", "other_command", "flows", "caller_ids"),
        *("submit", "typed"),
        *("place_a_call", "number_in_message", "chosen", "call_again", "call_again", "pressed"),
        *("submit", "cancel", "open_change", "save_change"),
        *("open_note", "open_note", "save_note", "import_file", "pressed"),
        *("home_opened", "place_a_call", "home_turned", "flows", "from_home"),
        *("open_rules", "change", "change", "remove", "turn", "options", "save_rule"),
        *("place_call", "list_flows"),
    ]
    assert manifest["settings"]["interactivity"]["is_enabled"] is True  # for the form
    assert manifest["settings"]["event_subscriptions"] == {
        "bot_events": ["app_home_opened", "function_executed"]
    }
    assert set(manifest["functions"]) == {PLACE_CALL, LIST_FLOWS}
    assert manifest["settings"]["org_deploy_enabled"] is True, "steps need it"
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    shortcuts = {each["callback_id"]: each["type"] for each in manifest["features"]["shortcuts"]}
    assert shortcuts == {PLACE_A_CALL: "global", NUMBER_IN_MESSAGE: "message"}


def test_the_manifest_keeps_slacks_limits(manifest: dict[str, Any]) -> None:
    about = manifest["display_information"]
    (command,) = manifest["features"]["slash_commands"]

    assert manifest["_metadata"]["major_version"] == 2
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 175 <= len(about["long_description"]) <= 4000
    assert re.fullmatch(r"#[0-9a-f]{6}", about["background_color"])
    assert len(command["command"]) <= 32
    assert set(command) == {"command", "description", "usage_hint", "should_escape"}
    for shortcut in manifest["features"]["shortcuts"]:
        assert set(shortcut) == {"name", "type", "callback_id", "description"}
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert set(manifest) == {
        "_metadata",
        "display_information",
        "features",
        "functions",
        "oauth_config",
        "settings",
    }
