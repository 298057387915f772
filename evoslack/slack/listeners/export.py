"""Calls as a CSV file, for administrators, by direct message: of a period, or as the Home tab shows them.

Days are UTC days. Text from outside can never become a spreadsheet formula.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from slack_bolt import Ack, BoltContext
from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.calls import Call, Role
from evoslack.calling.denial_log import ADMINISTRATORS_ONLY, log_denied
from evoslack.calling.history_filter import HistoryFilter
from evoslack.calling.ports import CallHistory
from evoslack.calling.refusals import Refusal
from evoslack.runtime.background_pool import Run, Tell
from evoslack.runtime.unhurried import unhurried
from evoslack.slack.listeners.contacts import Contacts
from evoslack.slack.listeners.reply import NotifyPrivately, PageReply, Trigger
from evoslack.slack.payloads import ARRIVAL, Payload, team_of
from evoslack.slack.rendering import call_csv, export_messages
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.workspace import SLACK_ERRORS, object_in, problem_of

log = logging.getLogger(__name__)

EXPORT = "export"
LAST_DAYS = 30
SAME_PRESS = timedelta(seconds=10)  # presses for the same file within that time are one


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


@dataclass(frozen=True, slots=True)
class _Export:
    """One file."""

    calls: Callable[[], Iterator[Call]]
    what: str  # which calls, for sentences (mrkdwn)
    title: str
    file_name: str
    about: str  # for the log, without numbers


class ExportListener:
    """Makes the file and sends it; `slack.app` registers it."""

    def __init__(
        self,
        client: WebClient,  # a patient one
        history: CallHistory,
        access: Access,
        settings: FormSettings,
        run: Run,
        run_quick: Run,
        pages: PageReply,
        notify_privately: NotifyPrivately,
        now: Callable[[], datetime],
    ) -> None:
        """`run` makes files, `run_quick` what a person waits for."""
        self._client = client
        self._history = history
        self._access = access
        self._settings = settings
        self._run = run
        self._run_quick = run_quick
        self._pages = pages
        self._now = now
        self._notify_privately = notify_privately
        self._lock = threading.Lock()
        self._latest: dict[str, tuple[HistoryFilter, datetime]] = {}  # by user id: what they pressed for

    def export(self, ack: Ack, body: Payload) -> None:
        """`/call export …`: the role is checked first; the file is made in the background."""
        user_id, words = body["user_id"], str(body["text"]).split()[1:]
        try:
            role = self._access.role_of(user_id, body["team_id"])
            period = Period.typed(words, self._now().date())
        except Refusal as refusal:
            ack(self._words(refusal))
            return
        except Unreadable:
            ack(export_messages.usage(self._settings.command, LAST_DAYS))
            return
        if role is not Role.ADMINISTRATOR:
            log_denied(user_id, ADMINISTRATORS_ONLY)
            ack(export_messages.ADMINISTRATORS_ONLY)
            return
        this = _Export(
            lambda: self._history.period(period.since, period.until),
            export_messages.of_period(period),
            export_messages.period_title(period),
            f"calls-{period.first}-to-{period.last}-utc.csv",
            str(period),
        )
        self._run(lambda: self._send(user_id, this), self._tell(user_id))
        ack(export_messages.started(this.what))

    def from_home(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The Export button of the Home tab: all calls that its filter finds. The answer is a small page."""
        user_id, team_id = body["user"]["id"], team_of(body)
        chosen = HistoryFilter.unpacked(str((body.get("view") or {}).get("private_metadata") or ""))
        if self._is_new(user_id, chosen):
            tell = self._pages.to(Trigger.of(body, context[ARRIVAL]), export_messages.PAGE_TITLE)
            self._run_quick(lambda: tell(self._start_found(user_id, team_id, chosen)), tell)
        ack()

    def _is_new(self, user_id: str, chosen: HistoryFilter) -> bool:
        """Whether this is more than one of many presses on the same button."""
        chosen, now = replace(chosen, place=""), self._now()
        with self._lock:
            since = now - SAME_PRESS
            self._latest = {who: each for who, each in self._latest.items() if since < each[1] <= now}
            is_new = self._latest.get(user_id, (None, now))[0] != chosen
            if is_new:
                self._latest[user_id] = (chosen, now)
            return is_new

    def _start_found(self, user_id: str, team_id: str, chosen: HistoryFilter) -> str:
        """Check the role, which the button does not prove, then have the file sent. What the page says."""
        try:
            role = self._access.role_of(user_id, team_id)
        except Refusal as refusal:
            return self._words(refusal)
        if role is not Role.ADMINISTRATOR:
            log_denied(user_id, ADMINISTRATORS_ONLY)
            return export_messages.ADMINISTRATORS_ONLY
        whose, what = chosen.whose(user_id), export_messages.of_home(chosen, self._now())
        total = self._history.page(team_id, whose, replace(chosen, place=""), limit=1).total
        if not total.calls:
            return export_messages.no_calls(what)
        this = _Export(
            lambda: self._history.matching(team_id, whose, chosen),
            what,
            export_messages.HOME_TITLE,
            f"calls-{self._now():%Y-%m-%d-%H%M}-utc.csv",
            "by the filter of their Home tab",
        )
        self._run(lambda: self._send(user_id, this), self._tell(user_id))
        return export_messages.started_at_home(total)

    def _send(self, user_id: str, this: _Export) -> None:
        """Send the file, or say privately why there is none."""
        contacts, words = Contacts(self._client), ""
        try:
            content, rows = call_csv.file_of(unhurried(this.calls()), contacts.of)
            log.info("export: %s gets %d calls, %s", user_id, rows, this.about)
            if rows:
                self._upload(
                    user_id, this, content, export_messages.comment(rows, this.what, contacts.missing)
                )
            else:
                words = export_messages.no_calls(this.what)
        except SLACK_ERRORS as error:
            log.warning("export: the file for %s was not sent: %s", user_id, problem_of(error))
            words = export_messages.not_sent(problem_of(error))
        if words:
            self._notify_privately(user_id, words)

    def _upload(self, user_id: str, this: _Export, content: bytes, comment: str) -> None:
        channel = object_in(self._client.conversations_open(users=user_id), "channel")
        self._client.files_upload_v2(
            channel=channel["id"],
            content=content,
            filename=this.file_name,
            title=this.title,
            initial_comment=comment,
        )

    def _words(self, refusal: Refusal) -> str:
        return refusal_words(refusal, self._settings.region, self._settings.help_contact)

    def _tell(self, user_id: str) -> Tell:
        return lambda words: self._notify_privately(user_id, words)


def is_meant(body: Payload) -> bool:
    """Whether this command asks for an export."""
    return str(body.get("text") or "").casefold().split()[:1] == [EXPORT]
