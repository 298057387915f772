"""What happens when a person opens the Home tab or presses something there: it is written down.

`background.home_publisher` publishes the tab.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from slack_bolt import Ack

from evoslack.calling.access import Access
from evoslack.calling.denial_log import log_denial
from evoslack.calling.history_filter import HistoryFilter
from evoslack.calling.ports import HomeTabLedger
from evoslack.calling.refusals import Refusal
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import home_filters, select_options

log = logging.getLogger(__name__)


class HomeListeners:
    """The listeners of the Home tab; `slack.app` registers them. `on_due` wakes the publisher."""

    def __init__(
        self,
        ledger: HomeTabLedger,
        access: Access,
        on_due: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._access = access
        self._on_due = on_due
        self._now = now

    def home_opened(self, ack: Ack, body: Payload) -> None:
        """The tab is published again, with the filter it had."""
        event = body["event"]
        if event.get("tab") == "home":
            self._ledger.mark_opened(text_of(body["team_id"]), text_of(event["user"]), at=self._now())
            self._on_due()
        ack()

    def access_asked(self, user_id: str, team_id: str) -> None:
        """This person asked for access: their tab says so, or that they have it by now. Not a listener."""
        self._ledger.mark_due(team_id, user_id, at=self._now())
        self._on_due()

    def home_turned(self, ack: Ack, body: Payload) -> None:
        """Another filter or page, starting from what is on the screen rather than from what came since."""
        before = HistoryFilter.unpacked(str((body.get("view") or {}).get("private_metadata") or ""))
        history_filter = home_filters.filter_after(before, body["actions"][0])
        self._ledger.set_filter(team_of(body), text_of(body["user"]["id"]), history_filter, at=self._now())
        self._on_due()
        ack()

    def flows(self, ack: Ack, body: Payload) -> None:
        """The flows to choose from, for people who may call."""
        who, typed = text_of(body["user"]["id"]), str(body.get("value") or "")
        try:
            offer = self._access.offer_to(who, team_of(body))
        except Refusal as refusal:
            log_denial(refusal, who)
            ack(options=[])
            return
        ack(options=home_filters.flow_options(select_options.flow_options(offer.flows, typed), typed))
