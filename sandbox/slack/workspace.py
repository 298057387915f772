"""A stand-in for Slack: one workspace behind real HTTP and websockets on a loopback port.

`SlackWorkspace` is what tests and the demo hold in their hands: what a person does and sees (see
`people`), what the bot called, and what can go wrong on the way. The bot meets it at `api_url`
through slack_sdk and Bolt, unchanged. Faithful to slack-facts; safe to use from many threads at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from sandbox.server import Server
from sandbox.slack.answers import Answers
from sandbox.slack.api import Api, ApiCall, Fault
from sandbox.slack.block_kit import Json
from sandbox.slack.delivery import Courier, Delivery
from sandbox.slack.files import Files, SharedFile
from sandbox.slack.home import AtHome
from sandbox.slack.limits import Limits
from sandbox.slack.methods import Methods
from sandbox.slack.posts import Posts
from sandbox.slack.screens import Screens
from sandbox.slack.sockets import Sockets, Which
from sandbox.slack.team import BOT_USER_ID, TEAM_ID, Private, Team
from sandbox.slack.workflows import Workflows

__all__ = ["ApiCall", "Delivery", "Private", "SharedFile", "SlackWorkspace"]

BOT_SCOPES = (
    "commands",
    "chat:write",
    "users:read",
    "users:read.email",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:write",
    "files:write",
)


class SlackWorkspace(AtHome, Workflows):
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
        super().__init__(Team(), Screens())
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self._team.scopes = set(bot_scopes)
        self._posts = Posts(self._team)
        self._files = Files(self._team, self._posts)
        self._answers = Answers(self._team, self._screens, self._posts, self._steps)
        self._sockets = Sockets(self._notify)
        self._courier = Courier(self._sockets, signing_secret)
        methods = Methods(self._team, self._screens, self._posts, self._steps, self._files)
        doors = (methods, self._posts, self._steps, self._files)
        self._api = Api(self._team, *doors, (bot_token, app_token), self._socket_url)
        app = web.Application(client_max_size=4 * 2**20)
        app.add_routes([*self._api.routes(), web.get("/link", self._sockets.serve)])
        app.on_shutdown.append(self._drop_sockets)
        self._server = Server(app, port)
        self._furnish()

    def _furnish(self) -> None:
        self.add_user(BOT_USER_ID, "evoslack", is_bot=True)
        for name in ("sara", "boss", "root", "agent", "readonly"):
            self.add_user(f"U_{name.upper()}", name, f"{name}@acme.test")
        self.add_user("U_OTHER", "other", "other@other.test")
        self.add_channel("C_CALLS", "calls")
        self.add_channel("C_GENERAL", "general")

    # --- the server

    def start(self) -> None:
        """Listen; after `stop` again on the same port, with everything remembered."""
        self._server.start()
        self._team.url = self._server.url

    def stop(self) -> None:
        """Be unreachable: the port is closed, every connection is reset."""
        self._server.stop()
        self._notify()

    def close(self) -> None:
        """Stop for good."""
        self._server.close()

    @property
    def url(self) -> str:
        """Where the workspace is, without a slash at the end."""
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
        """What the bot token may do; take scopes away or add some."""
        return self._team.scopes

    @property
    def complaints(self) -> list[str]:
        """Answers of the app to payloads that real Slack would not have understood."""
        return self._team.complaints

    def add_user(self, user_id: str, name: str, email: str | None = None, **fields: Any) -> None:
        """Add a member; `fields` override those of the user object (slack-facts 9)."""
        with self._team.change():
            self._team.add_user(user_id, name, email, fields)

    def add_channel(
        self,
        channel_id: str,
        name: str,
        bot_is_member: bool = True,
        is_private: bool = False,
        is_archived: bool = False,
        *,
        is_ext_shared: bool = False,
    ) -> None:
        """Add a channel; every person is in it, the bot if said so."""
        with self._team.change():
            flags = {"is_archived": is_archived, "is_member": bot_is_member}
            flags |= {"is_shared": is_ext_shared, "is_ext_shared": is_ext_shared}
            self._team.add_channel(channel_id, name, private=is_private, **flags)

    # --- deliveries

    @property
    def request_url(self) -> str | Sequence[str] | None:
        """Where payloads are POSTed, signed (HTTP mode), several addresses in turn; None: Socket Mode."""
        return self._courier.request_url

    @request_url.setter
    def request_url(self, url: str | Sequence[str] | None) -> None:
        self._courier.request_url = url

    @property
    def ack_limit_s(self) -> float:
        """How long Slack waits for an ack; really three seconds, less to make a story short."""
        return self._courier.limit_s

    @ack_limit_s.setter
    def ack_limit_s(self, limit: float) -> None:
        self._courier.limit_s = limit

    @property
    def trigger_lifetime_s(self) -> float:
        """How long a trigger_id lives; really three seconds."""
        return self._team.trigger_lifetime_s

    @trigger_lifetime_s.setter
    def trigger_lifetime_s(self, lifetime: float) -> None:
        self._team.trigger_lifetime_s = lifetime

    def new_trigger(self, user_id: str) -> str:
        """A trigger_id as if this person had just done something, for payloads made by hand."""
        with self._team.change():
            return self._team.new_trigger(user_id)

    def send(self, payload_type: str, payload: Json) -> Delivery:
        """Deliver any payload, forged ones too, as a slash_commands, events_api, or interactive one.

        An interactive payload without a `type` gets `payload_type`. Blocks until acked or given up.
        """
        delivery = Delivery(payload_type, payload)
        if delivery.envelope_type == "interactive":
            delivery.sent = {"type": payload_type} | payload
        return self._deliver(delivery)

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The same envelope or request once more, as duplicates happen; in HTTP mode freshly signed."""
        again = Delivery(delivery.payload_type, delivery.sent, delivery.envelope_id, delivery.attempt + 1)
        return self._deliver(again)

    def _deliver(self, delivery: Delivery) -> Delivery:
        async def work() -> None:
            await self._courier.deliver(delivery)
            self._answers.settle(delivery)

        self._server.run(work())
        return delivery

    # --- what the bot did, and trouble for it

    def api_calls(self, method: str | None = None) -> list[ApiCall]:
        """What arrived, faulty calls too, in order: by method, or `response_url` and `upload`."""
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
        """Let the next `times` calls of a method (or `response_url`, `upload`) go wrong; None: until cleared.

        Kinds: `429`, `500`, `error:<code>`; `cut` and `hang` (nothing is done; connection closed, or no
        answer), `lose_answer` and `hang_after` (it is done, and then the same), `slow` (done, answered
        after `seconds`), `drip` (done, a byte of the body every `seconds`), `drip_head` (done, a byte every
        `seconds` of a head that never ends). Several faults of a method take effect one after the other.
        """
        with self._team.change():
            self._api.faults.append(Fault(method, kind, times, retry_after, seconds))

    def clear_faults(self) -> None:
        """No more faults; calls that hang already go on hanging."""
        with self._team.change():
            self._api.faults.clear()

    @property
    def limits(self) -> Limits:
        """How fast messages may be posted and changed; change it to be as strict as Slack."""
        return self._posts.limits

    @property
    def connections(self) -> int:
        """Socket Mode connections that can carry a payload: neither deaf nor told to disconnect."""
        return self._sockets.count

    def disconnect(self, kind: str = "disconnect_message", which: Which = "all") -> None:
        """Trouble for open connections: `warning`, `disconnect_message`, `close_frame`, `fin`, `reset`.

        `deaf`: the connection stays open and Slack does not know, but nothing is answered or sent any more,
        not even pongs. `link_disabled` and `token_revoked` also keep the app out until `let_in`.
        """
        self._server.run(self._sockets.trouble(kind, which))

    def let_in(self) -> None:
        """Socket Mode is switched on again, and the app-level token is good again."""
        self._sockets.unlock()

    def wait_for_connection(self, within_s: float = 10) -> None:
        """Wait until the app has a Socket Mode connection."""
        self.wait_for(lambda: self.connections, within_s, "a Socket Mode connection")
