"""Tells people what became of a call: the card in the channel, and a private line when it matters.

By state, not by event: whoever is behind skips to the newest state. One call is told by one teller at a
time; a lease in the ledger says who.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calls import OVER, News, State
from evoslack.slack import messages
from evoslack.slack.audience import Audience
from evoslack.slack.noticeboard import LEAST_LEASE, Book, Later, Noticeboard
from evoslack.slack.workspace import NO_ANSWER, problem_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # after that another teller, or another bot, takes over
LONGEST_PAUSE_S = 300
PATIENCE = timedelta(minutes=1)  # then the caller is told that the card is in trouble
GIVE_UP_AFTER = timedelta(hours=24)
# A line where /call was typed is lost if nobody looks; after this time a direct message is surer.
STILL_LOOKING = timedelta(minutes=2)


class NewsBook(Book, Protocol):
    """Who has been told what; see `ledger.news.NewsLedger`."""

    def claim(self, *, at: datetime, until: datetime) -> News | None: ...
    def read(self, call_id: str) -> News: ...
    def card_waits(self, call_id: str, until: datetime) -> None: ...
    def card_in_trouble(self, call_id: str, problem: str) -> None: ...
    def told(self, call_id: str, revision: int, *, bad_news: bool, what: str) -> None: ...
    def done(
        self, call_id: str, revision: int, *, at: datetime, lease: datetime, again_at: datetime | None
    ) -> None: ...


class Announcer:
    """Brings cards and callers up to date, one call at a time."""

    def __init__(
        self,
        client: WebClient,
        book: NewsBook,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        private_client: Callable[[str], WebhookClient],
        can_end: Callable[[], bool],
        wake_in: Callable[[float], None],
    ) -> None:
        self._client = client
        self._book = book
        self._board = Noticeboard(
            client, book, channel_id=channel_id, region=region, now=now, can_end=can_end
        )
        self._audience = Audience(client, channel_id)
        self._channel_id = channel_id
        self._region = region
        self._now = now
        self._wake_in = wake_in
        self._private_client = private_client

    def tell_next(self) -> bool:
        """Tell the news that is due longest; whether there was any."""
        now = self._now()
        lease = now + LEASE
        news = self._book.claim(at=now, until=lease)
        if news is None:
            return False
        card_again_at = self._show(news, lease)
        # Looked up once more: how the card went is part of what the caller is told. What is newer than
        # the card is left to the next round, which begins at once.
        after = self._book.read(news.call.id)
        word_again_at = self._whisper(after, lease) if after.revision == news.revision else None
        again_at = min(filter(None, (card_again_at, word_again_at)), default=None)
        now = self._now()
        self._book.done(news.call.id, news.revision, at=now, lease=lease, again_at=again_at)
        if again_at is not None:  # cards take turns, a second apart: a look every two would bunch them
            self._wake_in((again_at - now).total_seconds())
        return True

    def _show(self, news: News, lease: datetime) -> datetime | None:
        """Bring the card up to date; when to look again if that did not work.

        Never raises: whether the caller is told must not depend on the card.
        """
        if news.card_revision >= news.revision:
            return None
        if news.card_due_at is not None and news.card_due_at > self._now():
            return self._look_again_at(news, news.card_due_at, "not there yet")
        try:
            self._board.show(news, lease=lease)
        except Later as later:
            return self._postponed(news, later)
        except Exception as error:
            log.exception("call %s: the card broke", news.call.id)
            return self._postponed(news, Later(type(error).__name__))
        return None

    def _postponed(self, news: News, later: Later) -> datetime | None:
        problem = later.problem[:64]
        if self._is_too_old(news):
            self._book.card_given_up(news.call.id, news.revision, problem)
            return None
        pause_s = _pause_s(news) if later.pause_s is None else later.pause_s
        due_at = self._now() + timedelta(seconds=pause_s)
        self._book.card_waits(news.call.id, due_at)
        if later.lasting:
            self._book.card_in_trouble(news.call.id, problem)
            return due_at
        return self._look_again_at(news, due_at, problem)

    def _look_again_at(self, news: News, due_at: datetime, problem: str) -> datetime:
        """When the card is due, or earlier to tell the caller of an ended call that it is in trouble."""
        ended_at, state = news.call.finished_at, news.call.state.value
        # Who knows that it was placed can wait for a card that says how it went on.
        if ended_at is None or news.card_problem or news.told_what.startswith(state):
            return due_at
        if self._now() < ended_at + PATIENCE:
            return min(due_at, ended_at + PATIENCE)
        self._book.card_in_trouble(news.call.id, problem)
        return due_at

    def _whisper(self, news: News, lease: datetime) -> datetime | None:
        """Tell the caller privately, if there is need to; when to try again if that did not work."""
        call = news.call
        if news.told_revision >= news.revision or call.is_open:
            return None
        good, what = call.state is State.PLACED, _what(news)
        if what == news.told_what:  # how far it has come is for the card alone
            self._book.told(call.id, news.revision, bad_news=news.told_bad_news, what=what)
            return None
        if good and not news.told_bad_news and not news.card_problem:
            # The card says it; but only once it is there, for it may still go wrong, and only to those
            # who can read the channel.
            if news.card_revision < news.revision:
                return None
            if self._audience.includes(call.request.user_id):
                self._book.told(call.id, news.revision, bad_news=False, what=what)
                return None
        if lease - self._now() < LEAST_LEASE:  # somebody else may be telling it by the time this is through
            return self._now()
        words = messages.private_line(
            call, self._region, channel_id=self._channel_id, card_problem=news.card_problem
        )
        if not self._in_place(news, words):
            try:
                self._client.chat_postMessage(
                    channel=call.request.user_id, text=words, unfurl_links=False, unfurl_media=False
                )
            except NO_ANSWER as error:
                if not self._is_too_old(news):
                    return self._now() + timedelta(seconds=_pause_s(news))
                log.error("call %s: the caller could not be told: %s", call.id, problem_of(error))
        self._book.told(call.id, news.revision, bad_news=not good, what=what)
        return None

    def _in_place(self, news: News, words: str) -> bool:
        """Say it where /call was typed; Slack takes that for half an hour (slack-facts 1)."""
        call = news.call
        if not call.request.response_url or self._now() - call.accepted_at > STILL_LOOKING:
            return False
        try:
            answer = self._private_client(call.request.response_url).send(
                text=words, response_type="ephemeral"
            )
        except NO_ANSWER as error:
            log.info("a private line did not go through: %s", problem_of(error))
            return False
        return answer.status_code == 200

    def _is_too_old(self, news: News) -> bool:
        return self._now() - news.call.accepted_at > GIVE_UP_AFTER


def _what(news: News) -> str:
    """What there is to be told, in short: how it was placed, how it ended, and whether the card fails."""
    call = news.call
    is_over = call.progress in OVER
    parts = [call.state.value, "over" if is_over else "", "no_card" if news.card_problem else ""]
    return " ".join(part for part in parts if part)


def _pause_s(news: News) -> float:
    return float(min(2**news.attempts, LONGEST_PAUSE_S))
