"""Decides whether cards hide their numbers, and edits those that were posted before they had to.

A channel may be shared with another company at any time, and administrators may change the rule. Then older
cards are edited, newest first, in the gaps that changed calls leave within Slack's rate limit. Nobody is
told of it.
A card that is masked stays so until its call changes the next time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk.errors import SlackApiError

from evoslack.calling.notification import Notification
from evoslack.calling.ports import CardMaskLedger
from evoslack.calling.refusals import CannotEvaluate
from evoslack.calling.rulebook import Masking
from evoslack.runtime.trouble_log import TroubleLog
from evoslack.slack.background.card_publisher import OUT_OF_REACH, CardPublisher
from evoslack.slack.background.channel_members import ChannelMembers
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)
REST = timedelta(seconds=10)  # after something went wrong, which may concern every card
CARD_PAUSE = timedelta(minutes=1)  # for the card with which it went wrong: others may work meanwhile


class Privacy:
    """Whether the cards in the channel hide their numbers. `masking` gives the rule that is in force."""

    def __init__(self, masking: Callable[[], Masking], channel: ChannelMembers) -> None:
        self._masking = masking
        self._channel = channel

    def hides_numbers(self) -> bool:
        """Whether a card that is written now hides its number. Yes if that cannot be said."""
        masking = self._read()
        if masking is Masking.SHARED:
            return self._channel.is_shared_externally()
        return masking is not Masking.NEVER

    def hides_old_numbers(self) -> bool:
        """Whether cards that show a number must be edited. No until that is certain."""
        masking = self._read()
        if masking is Masking.SHARED:
            return self._channel.is_known() and self._channel.is_shared_externally()
        return masking is Masking.ALWAYS

    def _read(self) -> Masking | None:
        try:
            return self._masking()
        except CannotEvaluate:
            return None


class CardMasking:
    """Hides the numbers on older cards, one card at a time."""

    def __init__(
        self,
        ledger: CardMaskLedger,
        cards: CardPublisher,
        privacy: Privacy,
        *,
        now: Callable[[], datetime],
        wake_in: Callable[[float], None],
    ) -> None:
        self._ledger = ledger
        self._cards = cards
        self._privacy = privacy
        self._now = now
        self._wake_in = wake_in
        self._rests_until: datetime | None = None
        self._masked = 0  # since the last line in the log
        self._trouble = TroubleLog(log, "hiding the numbers on older cards")

    def mask_next(self) -> bool:
        """Edit the newest card that shows its number. Returns whether there was one, and time for it."""
        if not self._ledger.any_left() or not self._privacy.hides_old_numbers():
            self._log_end()
            return False
        now = self._now()
        if self._rests_until is not None and now < self._rests_until <= now + REST:
            return False
        if wait_s := self._cards.spare_slot_s():
            self._wake_in(wait_s)
            return False
        lease = now + LEASE
        notification = self._ledger.claim(at=now, until=lease)
        if notification is None:
            return False
        again_at: datetime | None = now + CARD_PAUSE
        try:
            again_at = self._mask(notification)
        finally:
            self._ledger.release(notification.call.id, lease=lease, again_at=again_at)
        return True

    def _mask(self, notification: Notification) -> datetime | None:
        """Edit the card; when to try again if that did not work."""
        call_id = notification.call.id
        try:
            self._cards.edit(notification)
        except SLACK_ERRORS as error:
            problem, pause_s = problem_of(error), pause_of(error)
            if isinstance(error, SlackApiError) and problem in OUT_OF_REACH:
                log.warning(
                    "call %s: its card still shows the number, and Slack does not let EvoSlack edit it: %s. "
                    "Delete the message in Slack if others must not read it.",
                    call_id,
                    problem,
                )
                self._ledger.give_up(call_id)
                return None
            if pause_s is not None:
                self._wake_in(self._cards.back_off_s(pause_s))
                return self._now()
            self._trouble.failed(problem)
            self._rests_until = self._now() + REST
            self._wake_in(REST.total_seconds())
            return self._now() + CARD_PAUSE
        self._trouble.worked()
        self._masked += 1
        return None

    def _log_end(self) -> None:
        if self._masked:
            log.info("cards that were edited to hide their number: %d", self._masked)
            self._masked = 0
