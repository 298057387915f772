"""`/call export`: the calls of a period as a CSV file, for administrators, by direct message.

Days are UTC days. Text from outside can never become a spreadsheet formula.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from slack_bolt import Ack
from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.calls import Call, Role
from evoslack.calling.refusals import Refusal
from evoslack.runtime.background_pool import Run
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.payloads import Payload
from evoslack.slack.rendering import call_csv, export_messages
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.workspace import SLACK_ERRORS, object_in, problem_of

log = logging.getLogger(__name__)

EXPORT = "export"
LAST_DAYS = 30


class Unreadable(Exception):
    """What was typed names no period."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole UTC days, the last one included."""

    first: date
    last: date

    @classmethod
    def typed(cls, words: list[str], today: date) -> Self:
        """Nothing (the last 30 days), a month, or two days. Raises `Unreadable`."""
        try:
            match words:
                case []:
                    return cls(today - timedelta(days=LAST_DAYS - 1), today)
                case [month] if re.fullmatch(r"\d{4}-\d\d", month, re.ASCII):
                    first = date.fromisoformat(f"{month}-01")
                    next_month = (first + timedelta(days=31)).replace(day=1)
                    return cls(first, next_month - timedelta(days=1))
                case [first, last] if all(re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII) for day in words):
                    period = cls(date.fromisoformat(first), date.fromisoformat(last))
                    if period.first <= period.last < date.max:
                        return period
        except (ValueError, OverflowError) as error:
            raise Unreadable from error
        raise Unreadable

    @property
    def since(self) -> datetime:
        """The first moment of it."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    def __str__(self) -> str:
        """For sentences and the log."""
        return f"{self.first} to {self.last} (UTC)"


class ExportListener:
    """Makes the file and sends it; `slack.app` registers it."""

    def __init__(
        self,
        client: WebClient,  # a patient one
        calls_of: Callable[[datetime, datetime], Iterator[Call]],
        access: Access,
        settings: FormSettings,
        run: Run,
        notify_privately: NotifyPrivately,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._calls_of = calls_of
        self._access = access
        self._settings = settings
        self._run = run
        self._now = now
        self._notify_privately = notify_privately

    def export(self, ack: Ack, body: Payload) -> None:
        """`/call export …`: the role is checked first; the file is made in the background."""
        user_id, words = body["user_id"], str(body["text"]).split()[1:]
        try:
            role = self._access.role_of(user_id, body["team_id"])
            period = Period.typed(words, self._now().date())
        except Refusal as refusal:
            ack(refusal_words(refusal, self._settings.region, self._settings.help_contact))
            return
        except Unreadable:
            ack(export_messages.usage(self._settings.command, LAST_DAYS))
            return
        if role is not Role.ADMINISTRATOR:
            ack(export_messages.ADMINISTRATORS_ONLY)
            return
        self._run(lambda: self._send(user_id, period), lambda words: self._notify_privately(user_id, words))
        ack(export_messages.started(period))

    def _send(self, user_id: str, period: Period) -> None:
        """Send the file, or say privately why there is none."""
        try:
            content, rows = call_csv.file_of(self._calls_of(period.since, period.until))
            log.info("export: %s gets %d calls, %s", user_id, rows, period)
            words = self._upload(user_id, period, content, rows) if rows else export_messages.no_calls(period)
        except SLACK_ERRORS as error:
            log.warning("export: the file for %s was not sent: %s", user_id, problem_of(error))
            words = export_messages.not_sent(problem_of(error))
        if words:
            self._notify_privately(user_id, words)

    def _upload(self, user_id: str, period: Period, content: bytes, rows: int) -> str:
        channel = object_in(self._client.conversations_open(users=user_id), "channel")
        self._client.files_upload_v2(
            channel=channel["id"],
            content=content,
            filename=f"calls-{period.first}-to-{period.last}-utc.csv",
            title=export_messages.title(period),
            initial_comment=export_messages.comment(rows, period, self._settings.command),
        )
        return ""


def is_meant(body: Payload) -> bool:
    """Whether this command asks for an export."""
    return str(body.get("text") or "").casefold().split()[:1] == [EXPORT]
