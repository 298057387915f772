"""A stand-in for Slack: one workspace behind real HTTP and websockets on a loopback port.

`SlackWorkspace` is the object that tests and the demo use: what a person does and sees (see `people`), what
the bot requested, and fault injection. The unchanged bot connects to `api_url` with slack_sdk and Bolt.
Faithful to slack-facts; thread-safe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from sandbox.server import Server
from sandbox.slack.acks import AckHandler
from sandbox.slack.api import Api, ApiCall
from sandbox.slack.block_kit import Json
from sandbox.slack.conversations import Conversations
from sandbox.slack.default_team import BOT_SCOPES, default_groups, default_team
from sandbox.slack.delivery import Courier, Delivery
from sandbox.slack.faults import Fault
from sandbox.slack.file_uploads import FileUploads
from sandbox.slack.files import Files, SharedFile
from sandbox.slack.home import HomeTabUsers
from sandbox.slack.limits import Limits
from sandbox.slack.messages import Messages
from sandbox.slack.methods import Methods
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.sockets import Sockets, Which
from sandbox.slack.team import BOT_USER_ID, TEAM_ID
from sandbox.slack.views import Views
from sandbox.slack.workflows import Workflows


class SlackWorkspace(HomeTabUsers, Workflows, FileUploads):
    """One workspace with an installed app: `U_SARA`, `U_BOSS` and others, `C_CALLS` and `C_GENERAL`."""

    team_id = TEAM_ID
    bot_user_id = BOT_USER_ID

    def __init__(
        self,
        port: int = 0,
        bot_token: str = "xoxb-sandbox",
        app_token: str = "xapp-sandbox",
        signing_secret: str = "sandbox-secret",
        bot_scopes: Iterable[str] = BOT_SCOPES,
    ) -> None:
        super().__init__(default_team(), Views())
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self._team.scopes = set(bot_scopes)
        conversations = Conversations(self._team)
        self._messages = Messages(self._team, conversations)
        response_urls = ResponseUrls(self._team)
        self._files = Files(self._team, conversations)
        self._ack_handler = AckHandler(self._team, self._views, response_urls, self._steps)
        self._sockets = Sockets(self._notify)
        self._courier = Courier(self._sockets, signing_secret)
        self.deliveries: deque[Delivery] = deque(maxlen=200)  # the newest, oldest first
        self.user_groups = default_groups()
        parts = (conversations, self._messages, self._steps, self._files, self.user_groups)
        methods = Methods(self._team, self._views, *parts)
        served = (methods, response_urls, self._steps, self._files)
        self._api = Api(self._team, *served, (bot_token, app_token), self._socket_url)
        app = web.Application(client_max_size=4 * 2**20)
        app.add_routes([*self._api.routes(), web.get("/link", self._sockets.serve)])
        app.on_shutdown.append(self._drop_sockets)
        self._server = Server(app, port)

    # --- the server

    def start(self) -> None:
        """Start listening; after `stop`, on the same port and with the same data."""
        self._server.start()
        self._team.url = self._server.url

    def stop(self) -> None:
        """Close the port and reset every connection."""
        self._server.stop()
        self._notify()

    def close(self) -> None:
        """Stop permanently."""
        self._server.close()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return self._server.url

    @property
    def api_url(self) -> str:
        """The base_url for slack_sdk's WebClient."""
        return f"{self.url}/api/"

    def _socket_url(self) -> str:
        return self.url.replace("http:", "ws:", 1) + self._sockets.new_path()

    async def _drop_sockets(self, _app: web.Application) -> None:
        await self._sockets.drop_all()

    def _notify(self) -> None:
        with self._team.change():
            pass

    # --- the workspace

    @property
    def users(self) -> dict[str, Json]:
        """User objects by id; change them to change the person."""
        return self._team.users

    @property
    def channels(self) -> dict[str, Json]:
        """Channel objects by id; change them to change the channel."""
        return self._team.channels

    @property
    def bot_scopes(self) -> set[str]:
        """The scopes of the bot token; may be changed."""
        return self._team.scopes

    @property
    def complaints(self) -> list[str]:
        """Responses of the app that real Slack would not accept."""
        return self._team.complaints

    def add_user(self, user_id: str, name: str, email: str | None = None, **fields: Any) -> None:
        """Add a member; `fields` override those of the user object (slack-facts 9)."""
        with self._team.change():
            self._team.add_user(user_id, name, email, **fields)

    def add_channel(self, channel_id: str, name: str, bot_is_member: bool = True, **flags: bool) -> None:
        """Add a channel with every person in it; `flags` override those of the channel object."""
        with self._team.change():
            self._team.add_channel(channel_id, name, is_member=bot_is_member, **flags)

    # --- deliveries

    @property
    def request_url(self) -> str | Sequence[str] | None:
        """Where payloads are POSTed, several URLs in turn (HTTP mode); None: Socket Mode."""
        return self._courier.request_url

    @request_url.setter
    def request_url(self, url: str | Sequence[str] | None) -> None:
        self._courier.request_url = url

    @property
    def ack_limit_s(self) -> float:
        """How long Slack waits for an ack; three seconds in reality."""
        return self._courier.limit_s

    @ack_limit_s.setter
    def ack_limit_s(self, limit: float) -> None:
        self._courier.limit_s = limit

    @property
    def trigger_lifetime_s(self) -> float:
        """How long a trigger_id is valid; three seconds in reality."""
        return self._team.triggers.lifetime_s

    @trigger_lifetime_s.setter
    def trigger_lifetime_s(self, lifetime: float) -> None:
        self._team.triggers.lifetime_s = lifetime

    def new_trigger(self, user_id: str, in_modal: bool = False) -> str:
        """A trigger_id of this person, for handmade payloads."""
        with self._team.change():
            return self._team.triggers.new(user_id, in_modal=in_modal)

    def send(self, payload_type: str, payload: Json) -> Delivery:
        """Deliver any payload, even a forged one, as a slash_commands, events_api, or interactive one.

        An interactive payload without a `type` gets `payload_type`. Blocks until the ack or the timeout.
        """
        delivery = Delivery(payload_type, payload)
        if delivery.envelope_type == "interactive":
            delivery.sent = {"type": payload_type} | payload
        return self._deliver(delivery)

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Deliver the same envelope or request again, as a duplicate; in HTTP mode with a new signature."""
        again = Delivery(delivery.payload_type, delivery.sent, delivery.envelope_id, delivery.attempt + 1)
        return self._deliver(again)

    def _deliver(self, delivery: Delivery) -> Delivery:
        self.deliveries.append(delivery)

        async def work() -> None:
            await self._courier.deliver(delivery)
            self._ack_handler.settle(delivery)

        self._server.run(work())
        return delivery

    # --- the bot's requests, and faults

    def api_calls(self, method: str | None = None) -> list[ApiCall]:
        """The requests of a method, `response_url`, `upload` or `download` (None: all), in order."""
        with self._team.changed:
            return [call for call in self._api.calls if method in {None, call.method}]

    def files(self, channel_or_user: str) -> list[SharedFile]:
        """The files that the bot shared in a channel or with a person, oldest first."""
        with self._team.change():
            channel = self._team.find_channel(channel_or_user)
            return self._files.in_channel(channel["id"] if channel else "")

    def fault(
        self, method: str, kind: str, times: int | None = 1, retry_after: int = 1, seconds: float = 5.0
    ) -> None:
        """Make the next `times` calls of a method (or `response_url`, `upload`) fail; None: until cleared.

        Kinds: `429`, `500`, `error:<code>`; `cut` and `hang` (not executed; connection closed, or no
        response), `lose_answer` and `hang_after` (executed, then the same), `slow` (executed, response
        after `seconds`), `drip` (executed, a byte of the body every `seconds`), `drip_head` (executed, a
        byte of endless headers every `seconds`). Several faults of a method apply one after the other.
        """
        with self._team.change():
            self._api.faults.append(Fault(method, kind, times, retry_after, seconds))

    def clear_faults(self) -> None:
        """Remove all faults; calls that are hanging keep hanging."""
        with self._team.change():
            self._api.faults.clear()

    @property
    def limits(self) -> Limits:
        """Rate limits for messages; may be changed."""
        return self._messages.limits

    @property
    def connections(self) -> int:
        """Socket Mode connections that can carry a payload: neither deaf nor told to disconnect."""
        return self._sockets.count

    def disconnect(self, kind: str = "disconnect_message", which: Which = "all") -> None:
        """Disturb open connections: `warning`, `disconnect_message`, `close_frame`, `fin`, `reset`.

        `deaf`: the connection stays open, but nothing is sent any more, not even pongs. `link_disabled` and
        `token_revoked` also lock the app out until `unlock`.
        """
        self._server.run(self._sockets.disturb(kind, which))

    def unlock(self) -> None:
        """End a lockout: Socket Mode is on and the app-level token is valid again."""
        self._sockets.unlock()

    def wait_for_connection(self, within_s: float = 10) -> None:
        """Wait until the app has a Socket Mode connection."""
        self.wait_for(lambda: self.connections, within_s, "a Socket Mode connection")
