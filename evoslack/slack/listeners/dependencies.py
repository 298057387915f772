"""Builds the listeners, from what they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calling.access import Access
from evoslack.calling.calls import Call, Ending
from evoslack.calling.intake import Intake
from evoslack.calling.offer import Offer
from evoslack.calling.ports import (
    AccessRequestLedger,
    BlockedNumberLedger,
    CallHistory,
    CallLedger,
    HomeTabLedger,
    NoteLedger,
    RuleLedger,
    ScheduledCallLedger,
    WorkflowStepLedger,
)
from evoslack.calling.rule_check import RuleCheck
from evoslack.runtime.background_pool import Run
from evoslack.slack.card_links import CardLinks
from evoslack.slack.file_download import FileDownload
from evoslack.slack.listeners.access_request import AccessRequestListener
from evoslack.slack.listeners.answered_presses import AnsweredPresses
from evoslack.slack.listeners.blocked_files import BlockedFileListeners
from evoslack.slack.listeners.blocked_numbers import BlockedNumberListeners
from evoslack.slack.listeners.busy_number import BusyNumbers
from evoslack.slack.listeners.call_form import CallFormListeners
from evoslack.slack.listeners.call_note import CallNoteListeners
from evoslack.slack.listeners.export import ExportListener
from evoslack.slack.listeners.form_opener import FormOpener
from evoslack.slack.listeners.hang_up import HangUpListener
from evoslack.slack.listeners.home import HomeListeners
from evoslack.slack.listeners.number_line import NumberLineListener
from evoslack.slack.listeners.number_lines import NumberLines
from evoslack.slack.listeners.page_opener import PageOpener
from evoslack.slack.listeners.placing import CallPlacer
from evoslack.slack.listeners.reply import NotifyPrivately, PageReply, PrivateReply
from evoslack.slack.listeners.rule_export import RuleExportListener
from evoslack.slack.listeners.rule_form import RuleFormListeners
from evoslack.slack.listeners.rules import RuleListeners
from evoslack.slack.listeners.rules_view import RulesView
from evoslack.slack.listeners.schedule import ReaderZones, ScheduleListener, WhenPages
from evoslack.slack.listeners.scheduled_call import ScheduledCallListeners
from evoslack.slack.listeners.shortcuts import (
    ShortcutListeners,
)
from evoslack.slack.listeners.workflow_step import StepListeners
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.user_groups import UserGroups


@dataclass(frozen=True, slots=True)
class ListenerDependencies:
    """What the listeners work with."""

    client: WebClient  # quick to give up: Slack waits three seconds
    patient_client: WebClient  # for work after the ack
    notify_privately: NotifyPrivately
    private_client: Callable[[str], WebhookClient]
    intake: Intake
    calls: CallLedger
    notes: NoteLedger
    history: CallHistory
    home_tabs: HomeTabLedger
    workflow_steps: WorkflowStepLedger
    access_requests: AccessRequestLedger
    blocked: BlockedNumberLedger
    download: FileDownload
    access: Access
    rule_check: RuleCheck
    rules: RuleLedger
    user_groups: UserGroups
    offer: Callable[[], Offer]
    refresh_offer: Callable[[], object]
    hang_up: Callable[[Call, str], Ending | None]
    scheduled: ScheduledCallLedger
    zone_of: Callable[[str], str]  # a person's time zone within a second; empty if Slack does not say
    on_call_change: Callable[[], None]
    settings: FormSettings
    on_home_due: Callable[[], None]
    on_step_due: Callable[[], None]
    on_typed: Callable[[], None]  # wakes the threads that update the line under the number
    on_typed_in: Callable[[float], None]  # the same, in that many seconds
    line_slot_s: Callable[[], float]  # seconds until another such update may be sent; 0.0 takes the slot
    card_links: CardLinks
    known_forms: Run  # each of these has a pool of its own, so that none holds up another
    other_forms: Run  # forms and answers for people whose role must be checked first
    pages: Run  # small pages that answer a button
    exports: Run
    lookups: Run
    hang_ups: Run
    recalls: Run  # what the form would like to know, but does not wait for long
    now: Callable[[], datetime]
    new_key: Callable[[], str]  # a request key for a form that is opened now


@dataclass(frozen=True, slots=True)
class Listeners:
    """Every listener; `slack.app` says what each of them answers."""

    form: CallFormListeners
    number_line: NumberLineListener
    shortcuts: ShortcutListeners
    hang_up: HangUpListener
    schedule: ScheduleListener
    scheduled_call: ScheduledCallListeners
    note: CallNoteListeners
    home: HomeListeners
    export: ExportListener
    blocked: BlockedNumberListeners
    blocked_files: BlockedFileListeners
    rules: RuleListeners
    rule_form: RuleFormListeners
    rule_export: RuleExportListener
    steps: StepListeners
    access: AccessRequestListener
    pages: PageReply  # for telling a person that what they pressed failed
    notify_privately: NotifyPrivately  # for telling a person that what they pressed failed


def build_listeners(given: ListenerDependencies) -> Listeners:
    """Build the listeners."""
    access, settings, notify, now = given.access, given.settings, given.notify_privately, given.now
    busy = BusyNumbers(given.history, access, given.card_links, settings, now)
    numbers = NumberLines(given.history, busy, given.rule_check, settings, given.recalls, now)
    page_opener = PageOpener(given.client, given.patient_client, access, given.known_forms, given.other_forms)
    opener = FormOpener(page_opener, access, given.refresh_offer, settings, numbers, now, given.new_key)
    pages = PageReply(given.client, notify, given.pages)
    number_line = NumberLineListener(
        given.client, numbers, access, given.on_typed, given.on_typed_in, given.line_slot_s
    )
    reply = PrivateReply(given.private_client, notify, settings.safe_url)
    rules_view = RulesView(
        *(given.patient_client, given.rules, given.rule_check, access, given.offer, given.user_groups),
        *(settings, given.pages, now),
    )
    homes = HomeListeners(given.home_tabs, access, given.on_home_due, now)
    blocked_files = BlockedFileListeners(
        given.patient_client,
        given.download,
        given.blocked,
        access,
        given.refresh_offer,
        page_opener,
        settings,
        given.exports,
        notify,
        now,
    )
    presses, zones = AnsweredPresses(now), ReaderZones(given.zone_of)
    placer = CallPlacer(given.intake, given.calls, access, given.rule_check, settings, now)
    form = CallFormListeners(
        placer,
        given.history,
        access,
        opener,
        settings,
        reply,
        given.other_forms,
        busy,
        number_line,
        WhenPages(zones, settings, now),
        presses,
    )
    return Listeners(
        form=form,
        schedule=ScheduleListener(placer, presses, form.accepted, settings, now),
        scheduled_call=ScheduledCallListeners(
            given.calls,
            given.scheduled,
            access,
            given.rule_check,
            presses,
            zones,
            page_opener,
            pages,
            notify,
            settings,
            run=given.lookups,
            on_change=given.on_call_change,
            now=now,
        ),
        number_line=number_line,
        shortcuts=ShortcutListeners(given.calls, access, opener, settings, pages, notify),
        hang_up=HangUpListener(
            given.calls,
            given.hang_up,
            access,
            pages,
            looking_up=given.lookups,
            ending=given.hang_ups,
            contact=settings.help_contact,
        ),
        note=CallNoteListeners(
            given.calls,
            given.notes,
            given.blocked,
            access,
            given.refresh_offer,
            page_opener,
            notify,
            settings,
            now,
        ),
        home=homes,
        export=ExportListener(
            given.patient_client,
            given.history,
            access,
            settings,
            given.exports,
            given.other_forms,
            pages,
            notify,
            now,
        ),
        blocked=BlockedNumberListeners(
            given.blocked, access, settings, reply, given.other_forms, blocked_files, now
        ),
        blocked_files=blocked_files,
        rules=RuleListeners(given.rules, rules_view, given.refresh_offer, page_opener, pages, settings, now),
        rule_form=RuleFormListeners(given.rules, rules_view, given.user_groups, notify, settings, now),
        rule_export=RuleExportListener(
            given.patient_client, given.rules, access, settings, given.exports, notify, now
        ),
        steps=StepListeners(
            given.client,
            given.workflow_steps,
            access,
            given.offer,
            given.rule_check,
            region=settings.region,
            now=now,
            on_step=given.on_step_due,
        ),
        access=AccessRequestListener(
            given.client,
            given.patient_client,
            given.access_requests,
            access,
            settings,
            notify,
            given.other_forms,
            homes.access_asked,
            now,
        ),
        pages=pages,
        notify_privately=notify,
    )
