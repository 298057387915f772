"""Builds the listeners, from what they need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calling.access import Access
from evoslack.calling.calls import Call, Ending
from evoslack.calling.intake import Intake
from evoslack.calling.offer import Offer
from evoslack.calling.ports import CallLedger, HomeTabLedger, WorkflowStepLedger
from evoslack.runtime.background_pool import Run
from evoslack.slack.card_links import CardLinks
from evoslack.slack.listeners import export, workflow_step
from evoslack.slack.listeners.busy_number import BusyNumbers
from evoslack.slack.listeners.call_form import CallFormListeners
from evoslack.slack.listeners.export import ExportListener
from evoslack.slack.listeners.form_opener import FormOpener
from evoslack.slack.listeners.hang_up import HangUpListener
from evoslack.slack.listeners.home import HomeListeners
from evoslack.slack.listeners.number_line import NumberLineListener, NumberLines
from evoslack.slack.listeners.reply import NotifyPrivately, PrivateReply
from evoslack.slack.listeners.shortcuts import NUMBER_IN_MESSAGE, PLACE_A_CALL, ShortcutListeners
from evoslack.slack.listeners.workflow_step import StepListeners
from evoslack.slack.rendering import cards, home, views
from evoslack.slack.rendering.views import FormSettings


@dataclass(frozen=True, slots=True)
class ListenerDependencies:
    """What the listeners work with."""

    client: WebClient  # quick to give up: Slack waits three seconds
    patient_client: WebClient  # for work after the ack
    notify_privately: NotifyPrivately
    private_client: Callable[[str], WebhookClient]
    intake: Intake
    calls: CallLedger
    calls_between: Callable[[datetime, datetime], Iterator[Call]]
    home_tabs: HomeTabLedger
    workflow_steps: WorkflowStepLedger
    access: Access
    offer: Callable[[], Offer]
    refresh_offer: Callable[[], object]
    hang_up: Callable[[Call, str], Ending | None]
    settings: FormSettings
    on_home_due: Callable[[], None]
    on_step_due: Callable[[], None]
    on_typed: Callable[[], None]  # wakes the threads that update the line under the number
    on_typed_in: Callable[[float], None]  # the same, in that many seconds
    card_links: CardLinks
    known_forms: Run  # each of these has a pool of its own, so that none holds up another
    other_forms: Run  # forms and answers for people whose role must be checked first
    exports: Run
    lookups: Run
    hang_ups: Run
    recalls: Run  # what the form would like to know, but does not wait for long
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Every listener; `slack.app` says what each of them answers."""

    form: CallFormListeners
    number_line: NumberLineListener
    shortcuts: ShortcutListeners
    hang_up: HangUpListener
    home: HomeListeners
    export: ExportListener
    steps: StepListeners
    notify_privately: NotifyPrivately  # for telling a person that what they pressed failed


def build_listeners(given: ListenerDependencies) -> Listeners:
    """Build the listeners."""
    access, settings, notify, now = given.access, given.settings, given.notify_privately, given.now
    numbers = NumberLines(given.calls, settings, given.recalls, now)
    opener = FormOpener(
        given.client,
        given.patient_client,
        access,
        given.refresh_offer,
        settings,
        given.known_forms,
        given.other_forms,
        numbers,
        now,
    )
    number_line = NumberLineListener(given.client, numbers, access, given.on_typed, given.on_typed_in)
    reply = PrivateReply(given.private_client, notify, settings.safe_url)
    return Listeners(
        form=CallFormListeners(
            given.intake,
            given.calls,
            access,
            opener,
            settings,
            reply,
            given.other_forms,
            BusyNumbers(given.calls, access, given.card_links, settings, now),
            number_line,
            now,
        ),
        number_line=number_line,
        shortcuts=ShortcutListeners(given.calls, access, opener, settings.region, notify),
        hang_up=HangUpListener(
            given.calls,
            given.hang_up,
            access,
            notify,
            looking_up=given.lookups,
            ending=given.hang_ups,
            region=settings.region,
        ),
        home=HomeListeners(given.home_tabs, given.on_home_due, now),
        export=ExportListener(
            given.patient_client, given.calls_between, access, settings, given.exports, notify, now
        ),
        steps=StepListeners(
            given.client,
            given.workflow_steps,
            access,
            given.offer,
            region=settings.region,
            now=now,
            on_step=given.on_step_due,
        ),
        notify_privately=notify,
    )


def connect(app: App, listeners: Listeners, command: str) -> None:
    """Connect every payload to its listener."""
    form, shortcuts = listeners.form, listeners.shortcuts
    app.command(command, matchers=[export.is_meant])(listeners.export.export)
    app.command(command)(form.command)
    app.command(re.compile("^/"))(form.other_command)
    app.options(views.FLOW)(form.flows)
    app.options(views.CALLER_ID)(form.caller_ids)
    app.view(views.FORM)(form.submit)
    app.block_action({"block_id": views.NUMBER, "action_id": views.NUMBER})(listeners.number_line.typed)
    app.global_shortcut(PLACE_A_CALL)(shortcuts.place_a_call)
    app.message_shortcut(NUMBER_IN_MESSAGE)(shortcuts.number_in_message)
    app.view(views.CHOICE)(shortcuts.chosen)
    app.block_action(cards.CALL_AGAIN)(shortcuts.call_again)
    app.block_action(cards.HANG_UP)(listeners.hang_up.pressed)
    app.event("app_home_opened")(listeners.home.home_opened)
    app.block_action(home.PLACE)(shortcuts.place_a_call)
    app.block_action(home.FILTER_ACTIONS)(listeners.home.home_turned)
    app.function(workflow_step.PLACE_CALL, auto_acknowledge=False)(listeners.steps.place_call)
    app.function(workflow_step.LIST_FLOWS, auto_acknowledge=False)(listeners.steps.list_flows)
