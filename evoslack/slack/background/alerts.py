"""Tells ALERT_CHANNEL when trouble lasts, and when it is over: one message each, over all bots.

The ledger knows what was told (`ledger.alerts`). While the database itself is away nothing can be asked
there, so each bot tells that for itself, and a restart forgets it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from slack_sdk import WebClient

from evoslack.calling.alerts import Alert, AlertKind
from evoslack.runtime.backoff import Backoff
from evoslack.runtime.outage import Outage
from evoslack.runtime.trouble_log import TroubleLog
from evoslack.slack.background import direct_message
from evoslack.slack.rendering import alert_messages
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=5)  # what is over sooner is told to nobody; doubt is told at once
MET_WITHIN = timedelta(seconds=60)  # a trouble that no bot has met for that long is over
DOUBT_SPAN = timedelta(minutes=15)  # calls that end in doubt within that time are one trouble
RETRY = Backoff(first_s=5.0, longest_s=300.0)


class AlertLedger(Protocol):
    """See `ledger.alerts`."""

    def told(self) -> Mapping[AlertKind, Alert]: ...
    def claim(
        self, kind: AlertKind, since: datetime, *, at: datetime, until: datetime, is_sending: bool = False
    ) -> bool: ...
    def mark_told(self, kind: AlertKind) -> None: ...
    def end(self, kind: AlertKind, *, at: datetime) -> bool: ...
    def stuck_cards(self) -> int: ...
    def doubts(self, *, since: datetime) -> tuple[int, datetime | None]: ...


@dataclass(frozen=True, slots=True)
class _Now:
    """A kind of trouble as this bot sees it: since when (None: not at all); `works` if that is known."""

    kind: AlertKind
    since: datetime | None
    works: bool
    count: int = 0


class Alerts:
    """One step of a worker pool. `channel` (a channel's or person's id) may be empty: then nobody is told.

    `answers` asks the database whether it answers; `is_outage` notes an error that says that it is away.
    """

    def __init__(
        self,
        client: WebClient,
        ledger: AlertLedger,
        outages: Mapping[AlertKind, Outage],
        *,
        channel: str,
        answers: Callable[[], bool],
        is_outage: Callable[[Exception], bool],
        now: Callable[[], datetime],
        clock_s: Callable[[], float],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._outages = outages
        self._channel = channel
        self._answers = answers
        self._is_outage = is_outage
        self._now = now
        self._clock_s = clock_s
        self._cards_since: datetime | None = None
        self._database_told: datetime | None = None  # since when it is away, once that was told
        self._waiting: list[tuple[AlertKind, bool, str]] = []  # with whether it is over, and the words
        self._attempts, self._send_at_s = 0, 0.0
        self._trouble = TroubleLog(log, "sending an alert")

    def check(self) -> bool:
        """Check everything once, and send what is to be told. Always False: there is no hurry."""
        database = self._outages[AlertKind.DATABASE]
        if database.state.began_s is not None and self._answers():
            database.worked()
        if not self._channel:
            return False
        self._check_database(self._outage(AlertKind.DATABASE))
        steps = [self._check_others, self._send] if database.state.began_s is None else [self._send]
        for step in steps:
            try:
                step()
            except Exception as error:
                if not self._is_outage(error):
                    raise
        return False

    def _check_database(self, seen: _Now) -> None:
        now = self._now()
        if seen.since is not None:
            if self._database_told is None and now - seen.since >= PATIENCE:
                self._database_told = seen.since
                self._tell(Alert(seen.kind, seen.since, now))
        elif self._database_told is not None:
            self._tell(Alert(seen.kind, self._database_told, now), is_over=True)
            self._database_told = None

    def _check_others(self) -> None:
        now, told = self._now(), self._ledger.told()
        self._waiting = [  # not a beginning whose end another bot has told meanwhile
            (kind, is_over, words)
            for kind, is_over, words in self._waiting
            if is_over or kind in {AlertKind.DATABASE, *told}
        ]
        for seen in self._others(now):
            patience = timedelta(0) if seen.kind is AlertKind.IN_DOUBT else PATIENCE
            before = told.get(seen.kind)
            if seen.since is not None:
                if before is None and now - seen.since < patience:
                    continue
                is_sending = any(kind is seen.kind for kind, *_ in self._waiting)
                until = now + MET_WITHIN
                if self._ledger.claim(seen.kind, seen.since, at=now, until=until, is_sending=is_sending):
                    self._tell(Alert(seen.kind, seen.since, now, seen.count))
            elif seen.works and before and before.until <= now and self._ledger.end(seen.kind, at=now):
                last = before.until - MET_WITHIN
                self._tell(Alert(seen.kind, before.since, last), is_over=True)

    def _others(self, now: datetime) -> Iterator[_Now]:
        yield self._outage(AlertKind.EVO_VOICE)
        yield self._outage(AlertKind.EVO_LOGIN)
        stuck = self._ledger.stuck_cards()
        self._cards_since = (self._cards_since or now) if stuck else None
        yield _Now(AlertKind.CARDS, self._cards_since, not stuck, stuck)
        doubts, first = self._ledger.doubts(since=now - DOUBT_SPAN)
        yield _Now(AlertKind.IN_DOUBT, first, not doubts, doubts)

    def _outage(self, kind: AlertKind) -> _Now:
        state = self._outages[kind].state
        if state.began_s is None:
            return _Now(kind, None, works=state.worked_s is not None)
        return _Now(kind, self._now() - timedelta(seconds=self._clock_s() - state.began_s), works=False)

    def _tell(self, alert: Alert, *, is_over: bool = False) -> None:
        """Queue the message. What is over before its beginning could be sent is one message."""
        words = alert_messages.over(alert) if is_over else alert_messages.began(alert)
        self._waiting = [each for each in self._waiting if each[0] is not alert.kind]
        self._waiting.append((alert.kind, is_over, words))

    def _send(self) -> None:
        """Send what waits, oldest first. What Slack did not answer is sent again: twice beats never."""
        while self._waiting and self._clock_s() >= self._send_at_s:
            kind, is_over, words = self._waiting[0]
            try:
                direct_message.send(self._client, self._channel, [words])
            except SLACK_ERRORS as error:
                self._send_at_s = self._clock_s() + RETRY.pause_s(self._attempts, pause_of(error))
                self._attempts += 1
                self._trouble.failed(f"{problem_of(error)}; check ALERT_CHANNEL")
                return
            self._waiting.pop(0)
            self._attempts = 0
            self._trouble.worked()
            log.info("ALERT_CHANNEL was told: %s %s", kind, "is over" if is_over else "lasts")
            if not is_over and kind is not AlertKind.DATABASE:
                self._ledger.mark_told(kind)
