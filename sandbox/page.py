"""The server of the page to play in: its files, a stream of its state, and actions as POSTs.

`GET /events?person=U_SARA` sends everything that this person sees as a server-sent event, again after every
change; `GET /state?person=…` sends it once, for a browser without such events. `GET /traffic` is what the
inspector shows. `POST /act/{name}` takes and returns JSON, see `page_actions`. `GET /files/…` are files that
the app shared.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from sandbox.app_manifest import AppManifest
from sandbox.evo.voice import EvoVoice
from sandbox.fault_switches import all_switches
from sandbox.page_actions import all_actions
from sandbox.page_state import Bot, PageState
from sandbox.phones import Phones
from sandbox.slack.workspace import SlackWorkspace
from sandbox.traffic import Traffic

FOLDER = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
FILES = {path.name: TYPES[path.suffix] for path in FOLDER.iterdir()}
POLL_S = 0.3  # calls progress without a notification
REST_S = 0.03  # many actions in a row are shown together
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """The page of a workspace and a phone system. Actions run in threads, as they wait for the bot."""

    def __init__(
        self, slack: SlackWorkspace, evo: EvoVoice, bot: Bot, manifest: AppManifest, notice: str = ""
    ) -> None:
        self._slack = slack
        phones, switches = Phones(evo), all_switches(slack, evo)
        self._state = PageState(slack, evo, bot, manifest, phones, switches, notice)
        self._traffic = Traffic(slack, evo)
        self._actions = all_actions(slack, bot, manifest, phones, switches)
        self._acted = asyncio.Event()

    def app(self) -> web.Application:
        """The application to serve."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._file),
                web.get("/events", self._events),
                web.get("/state", self._once),
                web.get("/traffic", self._payloads),
                web.get("/files/{channel}/{file}", self._shared_file),
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

    async def _shared_file(self, request: web.Request) -> web.Response:
        """A file that the app shared, as a download; browsers must not render it."""
        shared = self._slack.files(request.match_info["channel"])
        found = next((each for each in shared if each.id == request.match_info["file"]), None)
        if found is None:
            raise web.HTTPNotFound
        saved_as = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
        headers = SAFE | {"Content-Disposition": saved_as}
        return web.Response(body=found.content, content_type="application/octet-stream", headers=headers)

    async def _once(self, request: web.Request) -> web.Response:
        seen = await asyncio.to_thread(self._state.seen_by, self._person(request))
        return web.json_response(seen, headers=SAFE)

    async def _payloads(self, request: web.Request) -> web.Response:
        newest = await asyncio.to_thread(self._traffic.newest, request.query.get("polls") == "1")
        return web.json_response({"now": time.time(), "payloads": newest}, headers=SAFE)

    def _person(self, request: web.Request) -> str:
        person = request.query.get("person", "")
        if person not in self._slack.users:
            raise web.HTTPNotFound(text="unknown person")
        return person

    async def _events(self, request: web.Request) -> web.StreamResponse:
        person = self._person(request)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"} | SAFE)
        with suppress(ConnectionError):  # the tab was closed
            await stream.prepare(request)
            await self._send_changes(stream, person)
        return stream

    async def _send_changes(self, stream: web.StreamResponse, person: str) -> None:
        sent = ""
        while True:
            acted = self._acted
            now = await asyncio.to_thread(lambda: json.dumps(self._state.seen_by(person)))
            if now != sent:
                await stream.write(f"data: {now}\n\n".encode())
                sent = now
            try:
                await asyncio.wait_for(acted.wait(), POLL_S)
            except TimeoutError:
                continue
            await asyncio.sleep(REST_S)

    async def _act(self, request: web.Request) -> web.Response:
        act = self._actions.get(request.match_info["name"])
        # JSON only: another site's form cannot send that without a CORS preflight.
        if act is None or request.content_type != "application/json":
            raise web.HTTPNotFound
        try:
            answer, status = await asyncio.to_thread(act, dict(await request.json())) or {}, 200
        except (LookupError, TypeError, ValueError) as problem:  # it is no longer on the screen
            answer, status = {"problem": str(problem)}, 409
        acted, self._acted = self._acted, asyncio.Event()
        acted.set()
        return web.json_response(answer, status=status)
