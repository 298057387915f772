"""Links to cards, as Slack's own *Copy link* writes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from evoslack.calling.calls import Call

CardsOf = Callable[[Collection[str]], dict[str, tuple[str, str]]]  # see `NotificationLedger.cards_of`


class CardLinks:
    """Links into the workspace whose address is `workspace_url` (empty: unknown, so there are no links)."""

    def __init__(self, workspace_url: str, cards_of: CardsOf) -> None:
        self._workspace_url = workspace_url
        self._cards_of = cards_of

    def of(self, calls: Iterable[Call]) -> dict[str, str]:
        """The address of each call's card, by call id; without those that have no card."""
        ids = [call.id for call in calls]
        if not ids or not self._workspace_url:
            return {}
        return {call_id: self.to(channel, ts) for call_id, (channel, ts) in self._cards_of(ids).items()}

    def to(self, channel_id: str, ts: str) -> str:
        """The address of one message; empty if the workspace or the message is unknown."""
        if not (self._workspace_url and channel_id and ts):
            return ""
        return f"{self._workspace_url.rstrip('/')}/archives/{channel_id}/p{ts.replace('.', '')}"
