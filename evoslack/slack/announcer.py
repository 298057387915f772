"""Tells people what became of a call: one card in the channel, and a private line when it matters.

By state, not by event: whoever is behind skips to the newest state. A card is posted at most once: the
attempt is written down first, and when its answer was lost, the card is looked for before anything else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from evoslack.calls import News, State
from evoslack.slack import cards, messages

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)  # longer than all requests of one telling together
SETTLING = timedelta(seconds=10)  # a post whose answer was lost has arrived by then, or never will
LONGEST_PAUSE_S = 300
GIVE_UP_AFTER = timedelta(hours=24)

# The message is there but can no longer be changed by us; a new one would be a second card.
_CARD_IS_GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "channel_not_found"}
)
_SLOW_DOWN = "ratelimited"
# Slack's troubles of the moment; the card will come, so nobody needs to hear of them.
_PASSING = frozenset({_SLOW_DOWN, "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
LONGEST_PASSING = 5  # attempts


class Book(Protocol):
    """Who has been told what; see `ledger.news.NewsLedger`."""

    def claim(self, *, at: datetime, until: datetime) -> News | None: ...
    def read(self, call_id: str) -> News: ...
    def trying_card(self, call_id: str, *, at: datetime) -> None: ...
    def no_card_posted(self, call_id: str, problem: str) -> None: ...
    def card_shows(self, call_id: str, revision: int, channel: str, ts: str) -> None: ...
    def card_given_up(self, call_id: str, revision: int, problem: str) -> None: ...
    def told(self, call_id: str, revision: int, *, bad_news: bool) -> None: ...
    def done(self, call_id: str, revision: int, *, at: datetime, again_at: datetime | None) -> None: ...


class _Later(Exception):
    """Not now. `pause_s` is Slack's wish, if it had one."""

    def __init__(self, problem: str, pause_s: float | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.pause_s = pause_s


class Announcer:
    """Brings cards and callers up to date, one call at a time."""

    def __init__(
        self,
        client: WebClient,
        book: Book,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        private_client: Callable[[str], WebhookClient],
    ) -> None:
        self._client = client
        self._book = book
        self._channel_id = channel_id
        self._region = region
        self._now = now
        self._private_client = private_client

    def tell_next(self) -> bool:
        """Tell the news that is due longest; whether there was any."""
        now = self._now()
        news = self._book.claim(at=now, until=now + LEASE)
        if news is None:
            return False
        call_id = news.call.id
        card_pause = self._show(news)
        # Looked up once more: how the card went is part of what the caller is told. What is newer than
        # the card is left to the next round, which begins at once.
        after = self._book.read(call_id)
        word_pause = self._whisper(after) if after.revision == news.revision else None
        pauses = [pause for pause in (card_pause, word_pause) if pause is not None]
        again_at = self._now() + timedelta(seconds=max(pauses)) if pauses else None
        self._book.done(call_id, news.revision, at=self._now(), again_at=again_at)
        return True

    def _show(self, news: News) -> float | None:
        """Bring the card up to date; how many seconds to wait if that has to be tried again."""
        if news.card_revision >= news.revision:
            return None
        try:
            if news.card_ts:
                self._update_card(news, news.card_channel, news.card_ts)
            elif news.card_tried_at is None:
                self._post_card(news)
            else:
                self._find_card(news, news.card_tried_at)
        except _Later as later:
            if self._now() - news.call.accepted_at > GIVE_UP_AFTER:
                self._book.card_given_up(news.call.id, news.revision, later.problem)
                return None
            return _pause_s(news, later)
        return None

    def _post_card(self, news: News) -> None:
        call = news.call
        self._book.trying_card(call.id, at=self._now())
        try:
            posted = self._client.chat_postMessage(
                channel=self._channel_id,
                text=cards.text(call, self._region),
                blocks=cards.blocks(call, self._region),
                metadata=cards.metadata(call),
                unfurl_links=False,
                unfurl_media=False,
            )
        except SlackApiError as error:
            # An answer that says no proves that there is no card, so another attempt is safe later.
            if _is_answer(error):
                problem = _problem(error)
                is_passing = problem in _PASSING and news.attempts < LONGEST_PASSING
                self._book.no_card_posted(call.id, "" if is_passing else problem)
                _log_card(call.id, problem)
            raise _later(error) from error
        except (SlackClientError, OSError) as error:
            raise _Later(type(error).__name__, SETTLING.total_seconds()) from error
        self._book.card_shows(call.id, news.revision, str(posted["channel"]), str(posted["ts"]))

    def _update_card(self, news: News, channel: str, ts: str) -> None:
        call = news.call
        try:
            self._client.chat_update(
                channel=channel,
                ts=ts,
                text=cards.text(call, self._region),
                blocks=cards.blocks(call, self._region),
                metadata=cards.metadata(call),
            )
        except SlackApiError as error:
            if _problem(error) in _CARD_IS_GONE:
                _log_card(call.id, _problem(error))
                self._book.card_given_up(call.id, news.revision, _problem(error))
                return
            raise _later(error) from error
        except (SlackClientError, OSError) as error:
            raise _Later(type(error).__name__) from error
        self._book.card_shows(call.id, news.revision, channel, ts)

    def _find_card(self, news: News, tried_at: datetime) -> None:
        """A post whose answer was lost: look whether the card is there before posting (slack-facts 4)."""
        left = SETTLING - (self._now() - tried_at)
        if left > timedelta(0):
            raise _Later("waiting for the first attempt to settle", left.total_seconds())
        try:
            ts = self._ts_in_history(news.call.id, tried_at)
        except SlackApiError as error:
            if not _is_answer(error) or _problem(error) == _SLOW_DOWN:
                raise _later(error) from error
            _log_card(news.call.id, f"cannot look for it: {_problem(error)}")
            self._book.card_given_up(news.call.id, news.revision, _problem(error))
        except (SlackClientError, OSError) as error:
            raise _Later(type(error).__name__) from error
        else:
            if ts is None:
                self._post_card(news)
            else:
                self._update_card(news, self._channel_id, ts)

    def _ts_in_history(self, call_id: str, tried_at: datetime) -> str | None:
        cursor: str | None = None
        while True:
            page = self._client.conversations_history(
                channel=self._channel_id,
                oldest=str((tried_at - timedelta(minutes=5)).timestamp()),  # our clock may be off
                include_all_metadata=True,
                limit=200,
                cursor=cursor,
            )
            for message in page["messages"]:
                payload: dict[str, Any] = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("call_id") == call_id:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None

    def _whisper(self, news: News) -> float | None:
        """Tell the caller privately, if there is need to; seconds to wait if it has to be tried again."""
        call = news.call
        if news.told_revision >= news.revision or call.is_open:
            return None
        good = call.state is State.PLACED
        if good and not news.told_bad_news and not news.card_problem:
            # The card says it; but only once it is there, for it may still go wrong.
            if news.card_revision >= news.revision:
                self._book.told(call.id, news.revision, bad_news=False)
            return None
        words = messages.private_line(
            call, self._region, channel_id=self._channel_id, card_problem=news.card_problem
        )
        if not self._in_place(call.request.response_url, words):
            try:
                self._client.chat_postMessage(
                    channel=call.request.user_id, text=words, unfurl_links=False, unfurl_media=False
                )
            except (SlackClientError, OSError) as error:
                later = _later(error)
                if self._now() - call.accepted_at > GIVE_UP_AFTER:
                    log.error("call %s: the caller could not be told: %s", call.id, later.problem)
                    return None
                return _pause_s(news, later)
        self._book.told(call.id, news.revision, bad_news=not good)
        return None

    def _in_place(self, response_url: str, words: str) -> bool:
        """Say it where /call was typed; Slack takes that for half an hour (slack-facts 1)."""
        if not response_url:
            return False
        try:
            answer = self._private_client(response_url).send(text=words, response_type="ephemeral")
        except (SlackClientError, OSError) as error:
            log.info("a private line did not go through: %s", type(error).__name__)
            return False
        return answer.status_code == 200


def _later(error: Exception) -> _Later:
    if isinstance(error, SlackApiError):
        wish = str(error.response.headers.get("Retry-After", ""))
        return _Later(_problem(error), float(wish) if wish.isdecimal() else None)
    return _Later(type(error).__name__)


def _problem(error: SlackApiError) -> str:
    return str(error.response.get("error") or "no answer")[:64]


def _is_answer(error: SlackApiError) -> bool:
    """Whether Slack itself said no; a 5xx may come from something in between."""
    return error.response.status_code == 429 or (
        error.response.status_code == 200 and error.response.get("ok") is False
    )


def _pause_s(news: News, later: _Later) -> float:
    if later.pause_s is not None:
        return later.pause_s
    return float(min(2**news.attempts, LONGEST_PAUSE_S))


def _log_card(call_id: str, problem: str) -> None:
    advice = "; invite the bot to CALLS_CHANNEL" if problem in {"not_in_channel", "channel_not_found"} else ""
    log.error("call %s: no card: %s%s", call_id, problem, advice)
