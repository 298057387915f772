"""The Web API methods of the stand-in Slack by name, with the scope that each requires; users.* and views.*.

Takes parsed arguments (see `api`), returns Slack's JSON, and raises SlackError. Errors and scopes:
slack-facts 2, 8 and 9. Call it with the team's lock held.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from sandbox.slack.block_kit import Json
from sandbox.slack.conversations import Conversations
from sandbox.slack.errors import SlackError, require_args
from sandbox.slack.files import Files
from sandbox.slack.forms import Form
from sandbox.slack.messages import Messages
from sandbox.slack.steps import Steps
from sandbox.slack.team import BOT_ID, BOT_USER_ID, TEAM_ID, Team
from sandbox.slack.user_groups import UserGroups
from sandbox.slack.views import Views


class Methods:
    """The table of methods."""

    def __init__(
        self,
        team: Team,
        views: Views,
        conversations: Conversations,
        messages: Messages,
        steps: Steps,
        files: Files,
        groups: UserGroups,
    ) -> None:
        self._team = team
        self._views = views
        # conversations.* need a scope that depends on the kind of channel; `Conversations` checks it
        self._table: dict[str, tuple[str | None, Callable[[Json], Json]]] = {
            "auth.test": (None, self._auth_test),
            "users.info": ("users:read", self._users_info),
            "usergroups.list": ("usergroups:read", groups.list),
            "usergroups.users.list": ("usergroups:read", groups.users),
            "views.open": (None, self._views_open),
            "views.push": (None, self._views_push),
            "views.update": (None, self._views_update),
            "views.publish": (None, self._views_publish),
            "chat.postMessage": ("chat:write", messages.post),
            "chat.update": ("chat:write", messages.update),
            "chat.postEphemeral": ("chat:write", messages.post_ephemeral),
            "chat.getPermalink": (None, messages.get_permalink),
            "conversations.info": (None, conversations.info),
            "conversations.members": (None, conversations.members),
            "conversations.history": (None, conversations.history),
            "conversations.open": ("im:write", conversations.open),
            "files.getUploadURLExternal": ("files:write", files.get_upload_url),
            "files.completeUploadExternal": ("files:write", files.complete),
            "functions.completeSuccess": (None, steps.complete_success),
            "functions.completeError": (None, steps.complete_error),
        }

    def __contains__(self, method: str) -> bool:
        return method in self._table

    def call(self, method: str, args: Json) -> Json:
        """Call a method; returns Slack's response. Raises SlackError or RateLimited."""
        scope, work = self._table[method]
        self._team.need_scope(scope)
        return {"ok": True} | work(args)

    def _auth_test(self, _args: Json) -> Json:
        return {
            "url": f"{self._team.url}/",
            "team": "Sandbox",
            "user": self._team.users[BOT_USER_ID]["name"],
            "team_id": TEAM_ID,
            "user_id": BOT_USER_ID,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def _users_info(self, args: Json) -> Json:
        user = copy.deepcopy(self._team.users.get(str(args.get("user"))))
        if user is None:
            raise SlackError("user_not_found")
        if "users:read.email" not in self._team.scopes:
            user.get("profile", {}).pop("email", None)
        return {"user": user}

    def _views_open(self, args: Json) -> Json:
        require_args(args, "trigger_id", "view")
        trigger = self._team.triggers.get_valid(args["trigger_id"])
        form = self._views.open(trigger.user_id, args["view"], trigger.channel_id)
        trigger.used = True
        return self._shown(form)

    def _views_push(self, args: Json) -> Json:
        require_args(args, "trigger_id", "view")
        trigger = self._team.triggers.get_valid(args["trigger_id"])
        if not trigger.in_modal:
            raise SlackError("invalid_trigger_id")
        form = self._views.push(trigger.user_id, args["view"])
        trigger.used = True
        return self._shown(form)

    def _views_update(self, args: Json) -> Json:
        require_args(args, "view")
        form = self._views.find(args.get("view_id"), args.get("external_id"))
        if form is None:
            raise SlackError("not_found")
        return self._shown(self._views.update(form, args["view"], args.get("hash")))

    def _views_publish(self, args: Json) -> Json:
        require_args(args, "user_id", "view")
        if args["user_id"] not in self._team.users:
            raise SlackError("invalid_arguments", ["[ERROR] unknown user_id"])
        return self._shown(self._views.publish(args["user_id"], args["view"], args.get("hash")))

    def _shown(self, form: Form) -> Json:
        return {"view": self._views.show(form)}
