"""The payloads that the stand-in Slack sends for what a person does, with Slack's own field names.

Fields: slack-facts 1, 2 and 11. Each gets a new trigger_id, and a response_url where Slack gives one.
Call these with the team's lock held.
"""

from __future__ import annotations

import copy
from typing import Any

from sandbox.slack.block_kit import Json, elements_of
from sandbox.slack.forms import VALUE_KEYS, Form
from sandbox.slack.team import APP_ID, BOT_ID, TEAM_ID, Team
from sandbox.slack.views import Views

TEAM_DOMAIN = "sandbox"


def _act(team: Team, kind: str, user_id: str) -> Json:
    """The fields of all interactive payloads."""
    person = team.users[user_id]
    user = {"id": user_id, "username": person["name"], "name": person["name"], "team_id": person["team_id"]}
    return {
        "type": kind,
        "user": user,
        "api_app_id": APP_ID,
        "token": "sandbox-verification",
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _channel(team: Team, channel_id: str) -> Json:
    return {"id": channel_id, "name": team.channels[channel_id].get("name", "directmessage")}


def slash_command(team: Team, user_id: str, command: str, text: str, channel_id: str) -> Json:
    """A person sent a slash command."""
    return {
        "token": "sandbox-verification",
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel_id,
        "channel_name": _channel(team, channel_id)["name"],
        "user_id": user_id,
        "user_name": team.users[user_id]["name"],
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": team.new_response_url(user_id, channel_id),
        "trigger_id": team.triggers.new(user_id, channel_id),
    }


def global_shortcut(team: Team, user_id: str, callback_id: str) -> Json:
    """A person chose a shortcut of the app from the shortcuts menu: no channel, no response_url."""
    trigger = {"trigger_id": team.triggers.new(user_id), "action_ts": team.next_ts()}
    return _act(team, "shortcut", user_id) | {"callback_id": callback_id} | trigger


def message_shortcut(team: Team, user_id: str, callback_id: str, channel_id: str, message: Json) -> Json:
    """A person chose a shortcut of the app from the menu of a message."""
    return _act(team, "message_action", user_id) | {
        "callback_id": callback_id,
        "trigger_id": team.triggers.new(user_id, channel_id),
        "response_url": team.new_response_url(user_id, channel_id),
        "action_ts": team.next_ts(),
        "channel": _channel(team, channel_id),
        "message_ts": message["ts"],
        "message": copy.deepcopy(message),
    }


def view_submission(team: Team, views: Views, user_id: str, form: Form) -> Json:
    """A person pressed Submit in a modal."""
    return _act(team, "view_submission", user_id) | {
        "trigger_id": team.triggers.new(user_id, form.channel_id, in_modal=True),
        "view": views.show(form),
        "response_urls": _response_urls(team, user_id, form),
    }


def _response_urls(team: Team, user_id: str, form: Form) -> list[Json]:
    """One per conversation chosen in a select with `response_url_enabled`."""
    found = []
    for block in form.view["blocks"]:
        for element in elements_of(block):
            entry = form.entry(block["block_id"], element["action_id"]) or {}
            chosen = entry.get("selected_conversation")
            if chosen and element.get("response_url_enabled"):
                url = team.new_response_url(user_id, chosen)
                ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
                found.append(ids | {"channel_id": chosen, "response_url": url})
    return found


def view_closed(team: Team, views: Views, user_id: str, form: Form, is_cleared: bool) -> Json:
    """A person closed a modal that has `notify_on_close`."""
    return _act(team, "view_closed", user_id) | {"view": views.show(form), "is_cleared": is_cleared}


def block_suggestion(
    team: Team,
    views: Views,
    user_id: str,
    form: Form,
    *,
    block_id: str,
    action_id: str | None = None,
    query: str,
) -> Json:
    """A person opened an external select or typed in it."""
    return _act(team, "block_suggestion", user_id) | {
        "container": {"type": "view", "view_id": form.view["id"]},
        "action_id": form.field(block_id, action_id)["action_id"],
        "block_id": block_id,
        "value": query,
        "view": views.show(form),
    }


def click_in_view(team: Team, views: Views, user_id: str, form: Form, action: Json) -> Json:
    """A person used a component of a modal or of the Home tab."""
    view = views.show(form)
    return _act(team, "block_actions", user_id) | {
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": team.triggers.new(user_id, form.channel_id, in_modal=view["type"] == "modal"),
        "view": view,
        "actions": [action],
    }


def click_in_message(team: Team, user_id: str, channel_id: str, message: Json, action: Json) -> Json:
    """A person used a component of a message; `message["is_ephemeral"]` when it is private."""
    ephemeral = bool(message.get("is_ephemeral"))
    container = {"type": "message", "message_ts": message["ts"], "channel_id": channel_id}
    return _act(team, "block_actions", user_id) | {
        "container": container | {"is_ephemeral": ephemeral},
        "trigger_id": team.triggers.new(user_id, channel_id),
        "channel": _channel(team, channel_id),
        "message": {"bot_id": BOT_ID, "app_id": APP_ID} | copy.deepcopy(message),
        "state": {"values": {}},
        "response_url": team.new_response_url(user_id, channel_id, message["ts"]),
        "actions": [action],
    }


def action(block: Json, element: Json, entry: Json | None, value: str | None, ts: str) -> Json:
    """An item of `actions`: the element that was used and its current value.

    `entry`: its state, for elements that have one; `value`: the choice in a menu or select without one.
    Raises LookupError when the element does not offer that value.
    """
    told: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    told["action_ts"] = ts
    kind = element["type"]
    if kind == "button":
        return told | {key: element[key] for key in ("text", "value", "style") if key in element}
    if kind == "overflow" or (entry is None and kind in {"static_select", "radio_buttons"}):
        return told | {"selected_option": _option(element, value)}
    if entry is None:
        return told | {VALUE_KEYS[kind]: value}
    return told | _stated(entry)


def _stated(entry: Json) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "type"}


def _option(element: Json, value: str | None) -> Json:
    for option in element["options"]:
        if option["value"] == value:
            return dict(option)
    raise LookupError(f"no option {value!r}, there are {[o['value'] for o in element['options']]}")
