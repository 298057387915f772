"""The web page to play in: what it shows as a stream of JSON, what one does on it as POSTs.

`GET /events?person=U_SARA` sends everything that this person sees as one server-sent event, again after
every change. `POST /act/{name}` takes and answers JSON. Everything goes through SlackWorkspace and EvoVoice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from evoslack.sandbox.evo.voice import EvoVoice
from evoslack.sandbox.page_state import Bot, PageState
from evoslack.sandbox.slack.block_kit import Json
from evoslack.sandbox.slack.delivery import Delivery
from evoslack.sandbox.slack.workspace import SlackWorkspace
from evoslack.sandbox.troubles import all_troubles

FOLDER = Path(__file__).parent / "page"
FILES = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "blocks.js": "text/javascript",
    "dom.js": "text/javascript",
    "mrkdwn.js": "text/javascript",
    "phone.js": "text/javascript",
}
GLANCE_S = 0.3  # calls go on without anybody saying so
COMMAND = "/call"
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """The page of one workspace and one phone system. Acts run in threads: they wait for the bot."""

    def __init__(self, slack: SlackWorkspace, evo: EvoVoice, bot: Bot) -> None:
        self._slack, self._bot = slack, bot
        self._troubles = all_troubles(slack, evo)
        self._state = PageState(slack, evo, bot, self._troubles)
        self._acted = asyncio.Event()
        self._acts: dict[str, Callable[[Json], Json | None]] = {
            "write": self._write,
            "click": self._click,
            "suggest": self._suggest,
            "choose": self._choose,
            "submit": self._submit,
            "close": self._close,
            "trouble": self._trouble,
            "kill": lambda _: self._bot.kill_and_start(),
        }

    def app(self) -> web.Application:
        """The application to serve."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._file),
                web.get("/events", self._events),
                web.get("/{name}", self._file),
                web.post("/act/{name}", self._act),
            ]
        )
        return app

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "index.html")
        if name not in FILES:
            raise web.HTTPNotFound
        text = await asyncio.to_thread((FOLDER / name).read_text, "utf-8")
        return web.Response(text=text, content_type=FILES[name], headers=SAFE)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        person = request.query.get("person", "")
        if person not in self._slack.users:
            raise web.HTTPNotFound(text="nobody has this id")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"} | SAFE)
        await stream.prepare(request)
        sent = ""
        while True:
            acted = self._acted
            now = json.dumps(self._state.seen_by(person))
            if now != sent:
                await stream.write(f"data: {now}\n\n".encode())
                sent = now
            try:
                await asyncio.wait_for(acted.wait(), GLANCE_S)
            except TimeoutError:
                continue

    async def _act(self, request: web.Request) -> web.Response:
        act = self._acts.get(request.match_info["name"])
        # JSON only: another site's form cannot send that without asking first.
        if act is None or request.content_type != "application/json":
            raise web.HTTPNotFound
        try:
            answer, status = await asyncio.to_thread(act, await request.json()) or {}, 200
        except (LookupError, TypeError, ValueError) as problem:  # it is not on the screen any more
            answer, status = {"problem": str(problem)}, 409
        acted, self._acted = self._acted, asyncio.Event()
        acted.set()
        return web.json_response(answer, status=status)

    # --- what there is to do

    def _write(self, body: Json) -> Json | None:
        """Send a message, or a command if it begins with a slash."""
        person, channel, text = body["person"], body["channel"], str(body["text"]).strip()
        command, _, rest = text.partition(" ")
        if not text.startswith("/"):
            self._slack.say(person, channel, _escaped(text))
        elif command != COMMAND:
            return {"seen": f"{command} is not a valid command."}
        else:
            delivery = self._slack.type_command(person, rest.strip(), channel, COMMAND)
            if delivery.seen:
                return {"seen": f"{command} failed with the error “{delivery.seen}”"}
        return None

    def _click(self, body: Json) -> Json:
        return _told(
            self._slack.click(
                body["person"],
                body["action"],
                body.get("channel"),
                body.get("ts"),
                body["block"],
                value=body.get("value"),
            )
        )

    def _suggest(self, body: Json) -> Json:
        return {"options": self._slack.suggest(body["person"], body["block"], str(body.get("query", "")))}

    def _choose(self, body: Json) -> None:
        self._slack.fill(body["person"], {body["block"]: body["value"]})

    def _submit(self, body: Json) -> Json:
        self._slack.fill(body["person"], body["typed"])
        return _told(self._slack.submit(body["person"]))

    def _close(self, body: Json) -> None:
        self._slack.close_modal(body["person"], bool(body.get("everything")))

    def _trouble(self, body: Json) -> None:
        self._troubles[body["id"]].put(bool(body["on"]))


def _told(delivery: Delivery) -> Json:
    return {"seen": delivery.seen, "missing": list(delivery.refused_locally)}


def _escaped(text: str) -> str:
    """As Slack stores what a person typed."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, entity)
    return text
