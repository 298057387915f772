"""The page that asks when to call: what it shows, and what happens when it is submitted.

It takes the place of the form, carries the form's request key, and goes the form's way from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from slack_bolt import Ack, BoltContext

from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Call, Role
from evoslack.calling.places import Place, zones_of
from evoslack.calling.refusals import (
    BadTime,
    OutsideHours,
    ReasonNeeded,
    Refusal,
    TimeProblem,
    TooLate,
    UnreadableForm,
)
from evoslack.calling.scheduled_time import local_to_utc, require_good_time
from evoslack.calling.validation import InvalidFields
from evoslack.slack.listeners.answered_presses import Answer, AnsweredPresses
from evoslack.slack.listeners.placing import CallPlacer, TimeWanted, Timing
from evoslack.slack.listeners.submission import FormSubmission
from evoslack.slack.payloads import ARRIVAL, Payload
from evoslack.slack.rendering import schedule_messages, schedule_page
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import ScheduleMetadata, is_zone
from evoslack.slack.rendering.refusal_messages import refusal_message
from evoslack.slack.rendering.refusal_pages import refusal_page
from evoslack.slack.rendering.schedule_page import WhenEntries
from evoslack.slack.rendering.views import FormSettings

READ_ZONE_WITHIN_S = 1.0  # of a press; later there is no time left to ask Slack

_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class ReaderZones:
    """The readers' own time zones, as far as there is time to ask Slack for them."""

    def __init__(self, zone_of: Callable[[str], str]) -> None:
        """`zone_of` answers within a second, empty if Slack does not say."""
        self._zone_of = zone_of

    def of(self, user_id: str, arrival: Arrival) -> str:
        """A known IANA name, or empty."""
        if arrival.age_s > READ_ZONE_WITHIN_S:
            return ""
        zone = self._zone_of(user_id)
        return zone if is_zone(zone) else ""


class WhenPages:
    """Makes the page from a submission whose call needs a time."""

    def __init__(self, zones: ReaderZones, settings: FormSettings, now: Callable[[], datetime]) -> None:
        self._zones = zones
        self._settings = settings
        self._now = now

    def ask(self, wanted: TimeWanted, submission: FormSubmission, arrival: Arrival) -> dict[str, Any]:
        """What the press is answered with. Raises `OutsideHours` if no time at all can be right."""
        asked = schedule_page.Asked(
            wanted.request, wanted.refusal, wanted.role is Role.ADMINISTRATOR, self._now()
        )
        if wanted.refusal is not None and not asked.has_times and not asked.may_call_now:
            words = schedule_messages.HOURS_UNKNOWN
            return {"response_action": "errors", "errors": {"number": words}}
        opens_at = asked.opens_at
        metadata = ScheduleMetadata(
            form=submission.metadata,
            flow_id=wanted.request.flow_id,
            number=wanted.request.number,
            caller_id=wanted.request.caller_id,
            zone=self._zones.of(submission.user_id, arrival),
            opens_at=str(int(opens_at.timestamp())) if opens_at else "",
        )
        return _update(schedule_page.ask(asked, metadata, self._settings.region))


class ScheduleListener:
    """The listener of the page; `slack.app` registers it."""

    def __init__(
        self,
        placer: CallPlacer,
        presses: AnsweredPresses,
        accepted: Callable[[Call], Block],
        settings: FormSettings,
        now: Callable[[], datetime],
    ) -> None:
        """`accepted` makes the page that a form turns into once it became a call."""
        self._placer = placer
        self._presses = presses
        self._accepted = accepted
        self._settings = settings
        self._now = now

    def submit(self, ack: Ack, body: Payload, view: Payload, context: BoltContext) -> None:
        """The button: everything is checked again, the call is written down, then acknowledged."""
        arrival = context[ARRIVAL]
        try:
            answer = self._presses.answer(body, arrival, lambda: self._answer(body, view, arrival))
        except TooLate as late:  # another delivery of this press took all the time
            answer = self._denied(late, view)
        ack(**answer.ack)

    def _answer(self, body: Payload, view: Payload, arrival: Arrival) -> Answer:
        try:
            metadata, entries = _read(view)
            submission = FormSubmission.of_page(body, view, metadata)
            place = zones_of(metadata.number)
            try:
                found = self._placer.place(
                    submission, arrival, lambda: timing_of(entries, metadata, place, self._now())
                )
            except InvalidFields as invalid:  # a flow, a caller ID or a country is gone since
                return self._denied(invalid.problems[0], view)
            except (BadTime, ReasonNeeded) as problem:
                field = field_of(problem, entries)
                return _no(view, field, words_of(problem, entries, self._settings.region))
            if isinstance(found, TimeWanted):
                return _outside_hours(view, entries, place, found.refusal)
        except Refusal as refusal:
            return self._denied(refusal, view)
        return Answer(_update(self._accepted(found)), is_no=False)

    def _denied(self, refusal: Refusal, view: Payload) -> Answer:
        """A no that is not about the time: under the first field, or on a page of its own."""
        settings = self._settings
        if refusal_message(refusal, settings.region).field and schedule_page.first_field(view):
            return _no(view, "", schedule_messages.denied(refusal, settings.region))
        return Answer(_update(refusal_page(refusal, settings.region, settings.help_contact)), is_no=True)


def timing_of(entries: WhenEntries, metadata: ScheduleMetadata, place: Place, now: datetime) -> Timing:
    """When the person wants the call. Raises `BadTime` or `ReasonNeeded`."""
    reason = " ".join(entries.reason.split())
    if entries.choice == schedule_page.AT_ONCE:
        if not reason:
            raise ReasonNeeded
        return Timing(None, reason)
    if entries.choice == schedule_page.AT_OPENING and metadata.offered_at is not None:
        if entries.time:
            raise BadTime(TimeProblem.TWO_TIMES)
        due_at = metadata.offered_at
    else:
        due_at = moment_in(entries, metadata.zone, place)
    require_good_time(due_at, now)
    return Timing(due_at, reason)


def moment_in(entries: WhenEntries, own_zone: str, place: Place) -> datetime:
    """The date and the time that were filled in, as a moment. Raises `BadTime`."""
    if not (entries.date and entries.time):
        raise BadTime(TimeProblem.MISSING)
    zone = schedule_page.zone_of(entries, own_zone, place)
    if not zone:
        raise BadTime(TimeProblem.UNKNOWN_ZONE)
    try:
        day, clock = date.fromisoformat(entries.date), time.fromisoformat(entries.time)
    except ValueError as error:
        raise BadTime(TimeProblem.MISSING) from error
    try:
        return local_to_utc(day, clock.replace(tzinfo=None), zone).astimezone(UTC)
    except OverflowError as error:  # the first or last day of all
        raise BadTime(TimeProblem.FAR) from error


def field_of(problem: BadTime | ReasonNeeded, entries: WhenEntries) -> str:
    """The field that must be corrected."""
    if isinstance(problem, ReasonNeeded):
        return schedule_page.REASON
    if entries.choice == schedule_page.AT_OPENING:
        return schedule_page.CHOICE
    match problem.problem:
        case TimeProblem.MISSING:
            return schedule_page.TIME if entries.date else schedule_page.DATE
        case TimeProblem.FAR:
            return schedule_page.DATE
        case TimeProblem.UNKNOWN_ZONE:
            return schedule_page.ZONE
    return schedule_page.TIME


def words_of(problem: BadTime | ReasonNeeded, entries: WhenEntries, region: str) -> str:
    """What is wrong, under that field."""
    is_past = isinstance(problem, BadTime) and problem.problem is TimeProblem.PAST
    if is_past and entries.choice == schedule_page.AT_OPENING:
        return schedule_messages.OFFER_IS_OVER
    return schedule_messages.denied(problem, region)


def error_at(view: Payload, field: str, words: str) -> dict[str, Any]:
    """An answer that keeps the page and what is filled in; at its first field if it lacks that one."""
    shown_at = field if field and schedule_page.has_field(view, field) else schedule_page.first_field(view)
    return {"response_action": "errors", "errors": {shown_at: words}}


def outside_hours_words(entries: WhenEntries, place: Place, refusal: OutsideHours) -> tuple[str, str]:
    """The field and the sentence when people may not be called there at the time that was chosen."""
    if entries.choice == schedule_page.AT_ONCE:  # not offered to this person
        return schedule_page.CHOICE, schedule_messages.ONLY_WITH_REASON
    field = schedule_page.CHOICE if entries.choice == schedule_page.AT_OPENING else schedule_page.TIME
    return field, schedule_messages.not_at(place, refusal)


def _outside_hours(view: Payload, entries: WhenEntries, place: Place, refusal: OutsideHours | None) -> Answer:
    if refusal is None:  # a time was chosen, so nothing else is wanted
        raise UnreadableForm
    field, words = outside_hours_words(entries, place, refusal)
    return _no(view, field, words)


def _read(view: Payload) -> tuple[ScheduleMetadata, WhenEntries]:
    """What the page carries and what was filled in. Raises `UnreadableForm`."""
    try:
        metadata = ScheduleMetadata.unpacked(view["private_metadata"])
        return metadata, schedule_page.entries_of(view["state"]["values"])
    except _MALFORMED as error:
        raise UnreadableForm from error


def _no(view: Payload, field: str, words: str) -> Answer:
    return Answer(error_at(view, field, words), is_no=True)


def _update(view: Block) -> dict[str, Any]:
    return {"response_action": "update", "view": view}
