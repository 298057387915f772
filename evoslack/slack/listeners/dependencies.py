"""Seats everybody who answers a payload: who listens at which door, and what each needs for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calling.calls import Call, Ending
from evoslack.runtime.background_pool import Run
from evoslack.slack.background import home_publisher
from evoslack.slack.background.private_messages import PrivateMessages
from evoslack.slack.listeners import call_form, export, hang_up, home, shortcuts, workflow_step
from evoslack.slack.listeners.form_opener import Catalog, FormOpener, FormSettings, Permission
from evoslack.slack.listeners.reply import Reply


class Switchboard(call_form.Switchboard, shortcuts.Calls, Protocol):
    """Where calls go and where they are looked up."""


@dataclass(frozen=True, slots=True)
class ListenerDependencies:
    """What the listeners work with."""

    client: WebClient  # quick to give up: Slack waits three seconds
    patient_client: WebClient  # for what `later` does
    whisper: PrivateMessages
    private_client: Callable[[str], WebhookClient]
    intake: call_form.Intake
    switchboard: Switchboard
    permission: Permission
    catalog: Catalog
    hang_up: Callable[[Call], Ending | None]
    homes: home_publisher.Book
    on_look: Callable[[], None]  # somebody wants to see a Home tab
    calls_of: Callable[[datetime, datetime], Iterator[Call]]  # a period
    steps: workflow_step.Book
    on_step: Callable[[], None]  # a workflow asks for a call
    rules: FormSettings
    forms: Run  # each of these has a pool of its own, so that none holds up another
    strangers: Run  # forms and answers for people who must be looked up first
    exporting: Run
    looking_up: Run
    ending: Run
    now: Callable[[], datetime]

    def opener(self) -> FormOpener:
        """Opens forms, and knows who may."""
        return FormOpener(
            self.client,
            self.patient_client,
            self.permission,
            self.catalog,
            self.rules,
            self.forms,
            self.strangers,
            self.now,
        )


@dataclass(frozen=True, slots=True)
class Listeners:
    """Everybody who answers; `slack.app` says to what."""

    form: call_form.CallFormListeners
    shortcuts: shortcuts.ShortcutListeners
    hanging_up: hang_up.HangUpListener
    home: home.HomeListeners
    exporter: export.ExportListener
    steps: workflow_step.StepListeners
    whisper: PrivateMessages  # for telling somebody that what they pressed broke


def build_listeners(desk: ListenerDependencies) -> Listeners:
    """Build the listeners."""
    opener = desk.opener()
    whisper, board, rules = desk.whisper, desk.switchboard, desk.rules
    reply = Reply(desk.private_client, whisper, opener.safe_url)
    return Listeners(
        form=call_form.CallFormListeners(desk.intake, board, opener, rules, reply, desk.strangers),
        shortcuts=shortcuts.ShortcutListeners(board, opener, rules, whisper),
        hanging_up=hang_up.HangUpListener(
            board,
            desk.hang_up,
            opener,
            whisper,
            looking_up=desk.looking_up,
            ending=desk.ending,
            region=rules.region,
        ),
        home=home.HomeListeners(desk.homes, desk.on_look, desk.now),
        exporter=export.ExportListener(
            desk.patient_client, desk.calls_of, opener, rules, desk.exporting, whisper, desk.now
        ),
        steps=workflow_step.StepListeners(
            desk.client,
            desk.steps,
            opener,
            desk.catalog,
            region=rules.region,
            now=desk.now,
            on_step=desk.on_step,
        ),
        whisper=whisper,
    )
