"""The payloads of the Events API.

Fields: slack-facts 6 and 11. Call these with the team's lock held.
"""

from __future__ import annotations

import time

from sandbox.slack.block_kit import Json
from sandbox.slack.ids import make_id
from sandbox.slack.team import APP_ID, BOT_USER_ID, TEAM_ID, Team


def _event_callback(event: Json) -> Json:
    """The outer payload of all events; the app is installed as its bot user."""
    installed = {"team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True, "is_enterprise_install": False}
    return {
        "token": "sandbox-verification",
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": make_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [{"enterprise_id": None} | installed],
        "is_ext_shared_channel": False,
    }


def app_home_opened(team: Team, user_id: str, tab: str, view: Json | None) -> Json:
    """A person opened a tab of the app's Home; `view`: the published Home tab, if any."""
    event = {
        "type": "app_home_opened",
        "user": user_id,
        "channel": team.direct(user_id)["id"],
        "tab": tab,
        "event_ts": team.next_ts(),
    }
    return _event_callback(event | ({"view": view} if view is not None else {}))


def function_executed(team: Team, callback_id: str, execution_id: str, inputs: Json, token: str) -> Json:
    """A workflow reached a step of the app; `token` is valid while the step runs."""
    parameters = [
        {"type": "string", "name": name, "title": name, "description": "", "is_required": True}
        for name in inputs
    ]
    function = {
        "id": make_id("Fn"),
        "callback_id": callback_id,
        "title": callback_id,
        "description": "",
        "type": "app",
        "input_parameters": parameters,
        "output_parameters": [],
        "app_id": APP_ID,
        "date_created": 1_700_000_000,
        "date_updated": 1_700_000_000,
        "date_deleted": 0,
    }
    return _event_callback(
        {
            "type": "function_executed",
            "function": function,
            "inputs": inputs,
            "function_execution_id": execution_id,
            "workflow_execution_id": make_id("Wx"),
            "event_ts": team.next_ts(),
            "bot_access_token": token,
        }
    )
