"""What happens when somebody opens the Home tab or presses something there: it is written down, and published
in the background."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from slack_bolt import Ack

from evoslack.calling.history_filter import HistoryFilter
from evoslack.slack.background.home_publisher import Book
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import home


class HomeListeners:
    """What happens when somebody opens the tab or presses something there; `slack.app` registers them."""

    def __init__(self, book: Book, on_look: Callable[[], None], now: Callable[[], datetime]) -> None:
        self._book = book
        self._on_look = on_look
        self._now = now

    def home_opened(self, ack: Ack, body: Payload) -> None:
        """The tab is shown anew, as it was left."""
        event = body["event"]
        if event.get("tab") == "home":
            self._book.opened(text_of(body["team_id"]), text_of(event["user"]), at=self._now())
            self._on_look()
        ack()

    def home_turned(self, ack: Ack, body: Payload) -> None:
        """Other calls or another page; from what is on the screen, not from what came after it."""
        before = HistoryFilter.unpacked(str((body.get("view") or {}).get("private_metadata") or ""))
        history_filter = home.filter_after(before, body["actions"][0])
        self._book.turned(team_of(body), text_of(body["user"]["id"]), history_filter, at=self._now())
        self._on_look()
        ack()
