"""What goes over the wires around the bot, for the inspector: from Slack and back, to Slack and Evo Voice.

Passwords and tokens are left out. Polls are requests that the bot repeats all the time.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from sandbox.evo.servicestack import Request
from sandbox.evo.voice import EvoVoice
from sandbox.slack.api import ApiCall
from sandbox.slack.block_kit import Json
from sandbox.slack.delivery import Delivery
from sandbox.slack.workspace import SlackWorkspace

MOST = 80
SECRET = ("password", "token", "secret")
POLLED = ("conversations.members", "auth.test", "apps.connections.open")


class Traffic:
    """The newest payloads of a workspace and a phone system."""

    def __init__(self, slack: SlackWorkspace, evo: EvoVoice) -> None:
        self._slack, self._evo = slack, evo

    def newest(self, with_polls: bool) -> list[Json]:
        """The newest payloads, newest first; `at` in Unix seconds."""
        found = [_delivered(each) for each in list(self._slack.deliveries)]
        found += [_called(each) for each in self._slack.api_calls()[-4 * MOST :]]
        requests = [each for each in reversed(list(self._evo.requests)) if with_polls or not _is_poll(each)]
        found += [_requested(each) for each in islice(requests, MOST)]
        shown = [each for each in found if with_polls or each["name"] not in POLLED]
        return sorted(shown, key=lambda each: float(each["at"]), reverse=True)[:MOST]


def _delivered(delivery: Delivery) -> Json:
    """A payload from Slack to the bot, and what came back."""
    name = delivery.payload_type
    if isinstance(delivery.sent.get("event"), dict):
        name = str(delivery.sent["event"].get("type", name))
    back = "waiting…"
    if delivery.seconds:
        within = f"after {delivery.seconds * 1000:.0f} ms"
        back = f"acknowledged {within}" if delivery.acked else f"{delivery.failure or 'no answer'} {within}"
    about = {
        "id": f"d-{delivery.envelope_id}-{delivery.attempt}",
        "way": "Slack → bot",
        "name": name,
        "back": back,
    }
    return about | {"at": delivery.sent_at, "sent": _safe(delivery.sent), "answer": _safe(delivery.payload)}


def _called(call: ApiCall) -> Json:
    """A request of the bot to Slack's Web API."""
    about = {"id": f"s-{call.at}", "way": "bot → Slack", "name": call.method, "back": ""}
    return about | {"at": call.at, "sent": _safe(call.args), "answer": None}


def _requested(request: Request) -> Json:
    """A request of the bot to Evo Voice."""
    at = request.at.timestamp()
    about = {
        "id": f"e-{at}",
        "way": "bot → Evo Voice",
        "name": f"{request.method} {request.path}",
        "back": "",
    }
    return about | {"at": at, "sent": _safe({**request.query, **_body(request)}), "answer": None}


def _body(request: Request) -> Json:
    text = request.body.decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = dict(parse_qsl(text))
    return body if isinstance(body, dict) else {"body": body}


def _is_poll(request: Request) -> bool:
    return request.method == "GET"


def _safe(value: Any) -> Any:
    """The same without secrets."""
    if isinstance(value, dict):
        hidden = {key for key in value if any(word in key.lower() for word in SECRET)}
        return {key: "•••" if key in hidden else _safe(each) for key, each in value.items()}
    return [_safe(each) for each in value] if isinstance(value, list) else value
