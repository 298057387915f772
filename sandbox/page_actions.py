"""The actions of the page: what a person does in Slack, and what happens at the phones.

An action takes and returns JSON. One that is no longer possible, such as a click on a closed modal, raises
LookupError, TypeError, or ValueError.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping

from sandbox.app_manifest import AppManifest
from sandbox.fault_switches import FaultSwitch
from sandbox.page_state import Bot
from sandbox.phones import Phones
from sandbox.slack.block_kit import Json
from sandbox.slack.delivery import Delivery
from sandbox.slack.workspace import SlackWorkspace

Action = Callable[[Json], Json | None]
COMMAND = "/call"
INVITE = re.compile(r"/invite\s+@evoslack", re.IGNORECASE)


def all_actions(
    slack: SlackWorkspace,
    bot: Bot,
    manifest: AppManifest,
    phones: Phones,
    switches: Mapping[str, FaultSwitch],
) -> dict[str, Action]:
    """The actions by name."""
    channels, modals, home, workflows = Channels(slack), Modals(slack), Home(slack), Steps(slack, manifest)
    return {
        "write": channels.write,
        "click": channels.click,
        "shortcut": channels.shortcut,
        "message_shortcut": channels.message_shortcut,
        "suggest": modals.suggest,
        "choose": modals.choose,
        "type": modals.type,
        "attach": modals.attach,
        "submit": modals.submit,
        "close": modals.close,
        "open_home": home.open,
        "click_home": home.click,
        "type_home": home.type,
        "choose_home": home.choose,
        "suggest_home": home.suggest,
        "step_options": workflows.options,
        "run_step": workflows.run,
        "next_calls": phones.choose,
        "answer": phones.answer,
        "decline": phones.decline,
        "hang_up": phones.hang_up,
        "set_fault": lambda body: switches[body["id"]].set(bool(body["on"])),
        "kill": lambda _: bot.kill_and_start(),
        "start": lambda _: bot.start(),
    }


class Channels:
    """Messages, commands, shortcuts, and clicks in channels; a click without a channel is in the modal."""

    def __init__(self, slack: SlackWorkspace) -> None:
        self._slack = slack

    def write(self, body: Json) -> Json | None:
        """Send a message, or a command if it begins with a slash."""
        person, channel, text = body["person"], body["channel"], str(body["text"]).strip()
        command, _, rest = text.partition(" ")
        if not text.startswith("/"):
            self._slack.say(person, channel, self._with_mentions(_escaped(text)))
        elif INVITE.fullmatch(text) and channel in self._slack.channels:
            self._slack.channels[channel]["is_member"] = True
            return {"seen": "EvoSlack is in this channel now."}
        elif command != COMMAND:
            return {"seen": f"{command} is not a valid command."}
        else:
            delivery = self._slack.type_command(person, rest.strip(), channel, COMMAND)
            if delivery.seen:
                return {"seen": f"{command} failed with the error “{delivery.seen}”"}
        return None

    def _with_mentions(self, text: str) -> str:
        """`@sara` as Slack stores it."""
        for user_id, user in self._slack.users.items():
            text = re.sub(rf"(?<!\S)@{re.escape(user['profile']['display_name'])}\b", f"<@{user_id}>", text)
        return text

    def click(self, body: Json) -> Json:
        """Press a button of a message or of the modal, or choose in a menu there."""
        where = (body.get("channel"), body.get("ts"), body["block"])
        return _result(self._slack.click(body["person"], body["action"], *where, value=body.get("value")))

    def shortcut(self, body: Json) -> Json:
        """Choose a shortcut from the shortcuts menu."""
        return _result(self._slack.use_shortcut(body["person"], body["id"]))

    def message_shortcut(self, body: Json) -> Json:
        """Choose a shortcut from the menu of a message."""
        where = (body["channel"], body["ts"])
        return _result(self._slack.use_message_shortcut(body["person"], body["id"], *where))


class Modals:
    """The top modal of a person."""

    def __init__(self, slack: SlackWorkspace) -> None:
        self._slack = slack

    def suggest(self, body: Json) -> Json:
        """Open an external select, or type in it."""
        return {"options": self._slack.suggest(body["person"], body["block"], str(body.get("query", "")))}

    def choose(self, body: Json) -> Json | None:
        """Choose an option."""
        told = self._slack.fill(body["person"], {body["block"]: body["value"]})
        return _result(told[0]) if told else None

    def type(self, body: Json) -> Json | None:
        """Stop typing for a moment in a field; the app is notified if it wants to be."""
        told = self._slack.fill(body["person"], {body["block"]: str(body["text"])})
        return _result(told[0]) if told else None

    def attach(self, body: Json) -> None:
        """Put a file (in Base64) into a field, instead of the one that was there."""
        self._slack.fill(body["person"], {body["block"]: None})
        content = base64.b64decode(body["content"], validate=True)
        self._slack.attach_file(body["person"], body["block"], str(body["name"]), content)

    def submit(self, body: Json) -> Json:
        """Submit the form with the typed values."""
        self._slack.fill(body["person"], body["typed"])
        return _result(self._slack.submit(body["person"]))

    def close(self, body: Json) -> None:
        """Press Cancel, or the X with `everything`."""
        self._slack.close_modal(body["person"], bool(body.get("everything")))


class Home:
    """The app's Home tab."""

    def __init__(self, slack: SlackWorkspace) -> None:
        self._slack = slack

    def open(self, body: Json) -> None:
        """Open a tab of the app."""
        self._slack.open_home(body["person"], body["tab"])

    def click(self, body: Json) -> Json:
        """Click a button; unsent text in other fields is entered first."""
        for each in body.get("typed", []):
            self.type(each | {"person": body["person"], "enter": False})
        ids = (body["action"], None, None, body["block"])
        return _result(self._slack.click(body["person"], *ids, value=body.get("value"), where="home"))

    def type(self, body: Json) -> Json | None:
        """Type in a field, with or without Enter."""
        ids = {"action_id": body["action"], "enter": bool(body["enter"])}
        return _result(self._slack.type_in_home(body["person"], body["block"], str(body["text"]), **ids))

    def choose(self, body: Json) -> Json | None:
        """Choose an option."""
        ids = {"action_id": body["action"]}
        return _result(self._slack.choose_in_home(body["person"], body["block"], body["value"], **ids))

    def suggest(self, body: Json) -> Json:
        """Open an external select, or type in it."""
        ids = (body["block"], body["action"])
        found = self._slack.suggest_in_home(body["person"], *ids, str(body.get("query", "")))
        return {"options": found}


class Steps:
    """A workflow that uses a step of the app."""

    def __init__(self, slack: SlackWorkspace, manifest: AppManifest) -> None:
        self._slack, self._manifest = slack, manifest

    def options(self, body: Json) -> Json:
        """Open the option list of an input, as a person who builds a workflow."""
        query = str(body.get("query", ""))
        which = (body["step"], body["block"], body["person"])
        source, inputs = self._manifest.options(*which, body["values"], query)
        options = self._slack.step_options(source, inputs)
        return {"options": options, "error": "" if options else self._slack.executions[-1].error}

    def run(self, body: Json) -> Json:
        """Run the step, unless a required input is missing."""
        missing = self._manifest.missing(body["step"], body["values"])
        if not missing:
            inputs = self._manifest.inputs(body["step"], body["person"], body["values"])
            self._slack.run_step(body["step"], inputs)
        return {"missing": missing}


def _result(delivery: Delivery | None) -> Json:
    if delivery is None:
        return {"seen": "", "missing": []}
    return {"seen": delivery.seen, "missing": list(delivery.invalid_inputs)}


def _escaped(text: str) -> str:
    """Text as Slack stores it."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, entity)
    return text
