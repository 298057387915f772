"""Everything that a person sees on the page, as JSON: Slack, phones, the bot, and the fault switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sandbox import cast
from sandbox.app_manifest import AppManifest
from sandbox.evo.voice import EvoVoice
from sandbox.fault_switches import FaultSwitch
from sandbox.phones import Phones
from sandbox.slack.block_kit import Json
from sandbox.slack.steps import Execution
from sandbox.slack.workspace import SlackWorkspace

MOST_MESSAGES = 100
LOG_LINES = 50


class Bot(Protocol):
    """The bot's process."""

    def condition(self) -> str:
        """Its status in a few words."""

    def is_connected(self) -> bool:
        """Whether it can receive what people do."""

    def has_stopped(self) -> bool:
        """Whether its process ended without being asked to."""

    def log(self, lines: int) -> list[str]:
        """Its last log lines, oldest first."""

    def kill_and_start(self) -> None:
        """Kill it with SIGKILL and restart it."""

    def start(self) -> None:
        """Start it again, if it has stopped."""


class PageState:
    """The state of a workspace, a phone system, and a bot."""

    def __init__(
        self,
        slack: SlackWorkspace,
        evo: EvoVoice,
        bot: Bot,
        manifest: AppManifest,
        phones: Phones,
        switches: Mapping[str, FaultSwitch],
        notice: str,
    ) -> None:
        self._slack, self._evo, self._bot = slack, evo, bot
        self._manifest, self._phones, self._switches = manifest, phones, switches
        self._notice = notice

    def seen_by(self, person: str) -> Json:
        """Everything on the page, as this person sees it."""
        slack, world = self._slack, self._evo.world
        users = dict(slack.users)
        return {
            "notice": self._notice,
            "people": [
                cast.person(user, world.logins.get(user["profile"].get("email", "")))
                for user in users.values()
                if not user["is_bot"]
            ],
            "names": {id_: user["profile"]["display_name"] for id_, user in users.items()}
            | {group.id: group.handle for group in self._slack.user_groups.by_id.values()},
            "bot": {
                "id": slack.bot_user_id,
                "condition": self._bot.condition(),
                "is_connected": self._bot.is_connected(),
                "has_stopped": self._bot.has_stopped(),
                "log": self._bot.log(LOG_LINES),
            },
            "app": self._manifest.shown(),
            "channels": self._channels(person),
            "home": slack.home(person),
            "runs": [_run(each) for each in reversed(slack.executions) if not each.is_options],
            "modal": slack.modal(person),
            "errors": slack.field_errors(person),
            "rings": len(world.rings),
            "calls": self._phones.calls(),
            "next_calls": self._phones.next_calls(),
            "faults": [
                {"id": id_, "group": each.group, "label": each.label, "watch": each.watch, "on": each.is_on()}
                for id_, each in self._switches.items()
            ],
            "complaints": list(slack.complaints),
        }

    def _channels(self, person: str) -> list[Json]:
        found = []
        notes = [note for note in self._slack.private(person) if note.kind != "dm"]
        for id_, channel in list(self._slack.channels.items()):
            if channel["is_im"] and channel["user"] != person:
                continue
            total, messages = self._slack.count_messages(id_), self._slack.messages(id_, MOST_MESSAGES)
            own = [
                {"ts": note.ts, "user": self._slack.bot_user_id, "text": note.text}
                | {"blocks": note.blocks, "only_you": True}
                for note in notes
                if note.channel_id == id_
            ]
            messages = sorted(messages + own, key=lambda message: str(message["ts"]))[-MOST_MESSAGES:]
            about = {"id": id_, "name": channel.get("name", "EvoSlack"), "is_im": channel["is_im"]}
            earlier = max(0, total + len(own) - len(messages))
            found.append(about | {"messages": messages, "earlier": earlier})
        return found


def _run(run: Execution) -> Json:
    """A run of one of the app's steps."""
    acked = any(delivery.acked for delivery in run.deliveries)
    about = {"id": run.id, "step": run.callback_id, "inputs": run.inputs, "status": run.status}
    return about | {"outputs": run.outputs, "error": run.error, "unacked": bool(run.deliveries) and not acked}
