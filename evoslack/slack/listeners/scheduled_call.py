"""*Cancel* and *Change time* of a call that waits for its time: for its caller, and for administrators.

Who loses the race against the dialing, or against another person, hears what became of the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt import Ack, BoltContext

from evoslack.calling.access import Access
from evoslack.calling.arrival import Arrival
from evoslack.calling.call_log import log_state
from evoslack.calling.calls import Call, Role
from evoslack.calling.denial_log import NOT_THEIR_CALL, log_denial, log_denied
from evoslack.calling.number_format import pretty
from evoslack.calling.places import zones_of
from evoslack.calling.ports import CallLedger, ScheduledCallLedger
from evoslack.calling.refusals import (
    BadTime,
    CannotCheck,
    NotAllowed,
    NothingToOffer,
    OutsideHours,
    Refusal,
    TooLate,
)
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.scheduled_time import require_good_time
from evoslack.runtime.background_pool import Run, Tell
from evoslack.slack.listeners.answered_presses import Answer, AnsweredPresses
from evoslack.slack.listeners.page_opener import OpenRequest, Page, PageOpener
from evoslack.slack.listeners.placing import Timing, allowed
from evoslack.slack.listeners.reply import NotifyPrivately, PageReply, Trigger
from evoslack.slack.listeners.schedule import (
    ReaderZones,
    error_at,
    field_of,
    moment_in,
    outside_hours_words,
    words_of,
)
from evoslack.slack.payloads import ARRIVAL, Payload, team_of
from evoslack.slack.rendering import mrkdwn, schedule_messages, schedule_page
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import ChangeMetadata
from evoslack.slack.rendering.schedule_page import WhenEntries
from evoslack.slack.rendering.views import FormSettings

_Who = tuple[str, str]  # user id and team id
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class _NotTheirs(Exception):
    """Why this person may not change this call now, in words (mrkdwn)."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class ScheduledCallListeners:
    """The listeners of the two buttons and of the page behind the second; `slack.app` registers them."""

    def __init__(
        self,
        calls: CallLedger,
        scheduled: ScheduledCallLedger,
        access: Access,
        rule_check: RuleCheck,
        presses: AnsweredPresses,
        zones: ReaderZones,
        opener: PageOpener,
        pages: PageReply,
        notify_privately: NotifyPrivately,
        settings: FormSettings,
        *,
        run: Run,
        on_change: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        """`run` has a pool that also checks roles; `on_change` wakes what shows and tells changes."""
        self._calls = calls
        self._scheduled = scheduled
        self._access = access
        self._rule_check = rule_check
        self._presses = presses
        self._zones = zones
        self._opener = opener
        self._pages = pages
        self._notify_privately = notify_privately
        self._settings = settings
        self._run = run
        self._on_change = on_change
        self._now = now

    def cancel(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """Take the call back; another person's only after a check of the role, which may take seconds.

        One's own call is canceled before the ack: a no that Slack shows as taken must not get lost. It can
        only prevent a ring, so it needs no role.
        """
        who, call_id = (body["user"]["id"], team_of(body)), str(body["actions"][0].get("value") or "")
        tell = self._pages.to(Trigger.of(body, context[ARRIVAL]), schedule_messages.BUTTONS_TITLE)
        call = self._calls.get(call_id)
        if call is None or not _is_own(call, who):
            self._run(lambda: self._cancel_for_another(who, call_id, tell), tell)
        elif words := self._cancel(call, who):
            self._run(lambda: tell(words), tell)
        ack()

    def _cancel_for_another(self, who: _Who, call_id: str, tell: Tell) -> None:
        try:
            call, _role = self._theirs(call_id, who)
            words = self._cancel(call, who)
        except _NotTheirs as no:
            words = no.words
        if words:
            tell(words)

    def _cancel(self, call: Call, who: _Who) -> str:
        """Cancel the call if it still waits; else what became of it (mrkdwn), unless the reader knows."""
        canceled = self._scheduled.cancel(call, by=who[0], at=self._now())
        if canceled is None:
            return self._not_waiting(call.id, who[0])
        log_state(canceled)
        self._on_change()
        return ""

    def open_change(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The button *Change time*: its page opens, on top of a modal if it was pressed there."""
        request = OpenRequest.of(body, context[ARRIVAL])
        call_id = str(body["actions"][0].get("value") or "")
        page = Page(
            lambda: self._page(request, call_id),
            lambda refusal: schedule_page.notice(self._words(refusal)),
            self._words,
            schedule_page.loading,
            schedule_page.notice,
        )
        self._opener.open_soon(request, page, lambda words: self._notify_privately(request.user_id, words))
        ack()

    def _page(self, request: OpenRequest, call_id: str) -> Block:
        """The page with the time as it is now, or why this person can't change it."""
        try:
            call, role = self._theirs(call_id, (request.user_id, request.team_id))
        except _NotTheirs as no:
            return schedule_page.notice(no.words or schedule_messages.GONE)
        metadata = ChangeMetadata(call.id, self._zones.of(request.user_id, request.arrival))
        role = self._role_at_its_time(call, (request.user_id, request.team_id), role)
        is_administrator = role is Role.ADMINISTRATOR
        return schedule_page.change(call, metadata, self._settings.region, is_administrator=is_administrator)

    def save_change(self, ack: Ack, body: Payload, view: Payload, context: BoltContext) -> None:
        """*Save*: everything is checked again, the time is written down, then the page closes."""
        arrival = context[ARRIVAL]
        try:
            answer = self._presses.answer(body, arrival, lambda: self._answer(body, view, arrival))
        except TooLate as late:
            answer = Answer(error_at(view, "", schedule_messages.denied(late, self._settings.region)), True)
        ack(**answer.ack)

    def _answer(self, body: Payload, view: Payload, arrival: Arrival) -> Answer:
        region = self._settings.region
        try:
            metadata = ChangeMetadata.unpacked(view["private_metadata"])
            entries = schedule_page.entries_of(view["state"]["values"])
        except _MALFORMED:
            return _page_answer(schedule_messages.GONE)
        try:
            return self._change((body["user"]["id"], team_of(body)), metadata, entries, view, arrival)
        except BadTime as problem:
            return _error(view, field_of(problem, entries), words_of(problem, entries, region))
        except _NotTheirs as no:
            return _page_answer(no.words or schedule_messages.GONE)
        except Refusal as refusal:
            log_denial(refusal, body["user"]["id"])
            return _error(view, "", schedule_messages.denied(refusal, region))

    def _change(
        self, who: _Who, metadata: ChangeMetadata, entries: WhenEntries, view: Payload, arrival: Arrival
    ) -> Answer:
        """Move the call, or say why not. Raises `Refusal`."""
        call, role = self._theirs(metadata.call_id, who)
        place = zones_of(call.request.number)
        due_at = moment_in(entries, metadata.zone, place)
        timing = Timing(due_at, " ".join(entries.reason.split()))
        if due_at == call.request.due_at and timing.hours_reason in {"", call.request.hours_reason}:
            return _CLOSED
        require_good_time(due_at, self._now())
        wanted = replace(call.request, due_at=due_at, hours_reason="")
        if timing.hours_reason:
            role = self._role_at_its_time(call, who, role)
        try:
            request = allowed(self._rule_check, wanted, role, timing)
        except OutsideHours as refusal:
            log_denial(refusal, who[0])
            return _error(view, *outside_hours_words(entries, place, refusal))
        arrival.require_time()
        moved = self._scheduled.move(call, due_at, hours_reason=request.hours_reason, at=self._now())
        if moved is None:
            return _page_answer(self._not_waiting(call.id, who[0]) or schedule_messages.GONE)
        self._on_change()
        if not _is_own(moved, who) and due_at != call.request.due_at:
            number = pretty(moved.request.number, self._settings.region)
            self._notify_privately(moved.request.user_id, schedule_messages.moved(moved, number, who[0]))
        return _CLOSED

    def _role_at_its_time(self, call: Call, who: _Who, role: Role) -> Role:
        """The role that counts when its time comes: its caller's. In doubt, a reason is worth nothing."""
        owner = call.request.user_id, call.request.team_id
        try:
            return role if who == owner else self._access.role_of(*owner)
        except Refusal:
            return Role.MANAGER

    def _theirs(self, call_id: str, who: _Who) -> tuple[Call, Role]:
        """The call if it still waits and this person may change it. Raises `_NotTheirs`."""
        try:
            role: Role | NotAllowed = self._access.role_of(*who)
        except NotAllowed as no:
            role = no
        except (CannotCheck, NothingToOffer) as refusal:
            raise _NotTheirs(schedule_messages.not_changed(refusal)) from refusal
        call = self._calls.get(call_id)
        if call is None or call.request.team_id != who[1]:
            raise _NotTheirs(schedule_messages.GONE)
        if not _is_own(call, who) and role is not Role.ADMINISTRATOR:
            log_denied(who[0], NOT_THEIR_CALL)
            raise _NotTheirs(schedule_messages.only_theirs(call))
        if isinstance(role, NotAllowed):
            raise _NotTheirs(schedule_messages.NO_LONGER_YOURS)
        if not call.is_scheduled:
            raise _NotTheirs(schedule_messages.not_waiting(call, self._settings.region, who[0]))
        return call, role

    def _not_waiting(self, call_id: str, reader: str) -> str:
        """What became of a call that does not wait anymore (mrkdwn); empty if the reader knows."""
        call = self._calls.get(call_id)
        if call is None:
            return schedule_messages.GONE
        return schedule_messages.not_waiting(call, self._settings.region, reader)

    def _words(self, refusal: Refusal) -> str:
        return mrkdwn.escape(schedule_messages.denied(refusal, self._settings.region))


_CLOSED = Answer({}, is_no=False)


def _is_own(call: Call, who: _Who) -> bool:
    return (call.request.user_id, call.request.team_id) == who


def _error(view: Payload, field: str, words: str) -> Answer:
    return Answer(error_at(view, field, words), is_no=True)


def _page_answer(words: str) -> Answer:
    answer: dict[str, Any] = {"response_action": "update", "view": schedule_page.notice(words)}
    return Answer(answer, is_no=True)
