"""Seats everybody who answers a payload: who listens at which door, and what each needs for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calls import Call, Ending
from evoslack.slack import export, hanging_up, home_tab, listeners, shortcuts, steps
from evoslack.slack.background import Run
from evoslack.slack.opening import Catalog, Opener, Permission, Rules
from evoslack.slack.reply import Reply
from evoslack.slack.whisper import Whisper


class Switchboard(listeners.Switchboard, shortcuts.Calls, Protocol):
    """Where calls go and where they are looked up."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the listeners work with."""

    client: WebClient  # quick to give up: Slack waits three seconds
    patient_client: WebClient  # for what `later` does
    whisper: Whisper
    private_client: Callable[[str], WebhookClient]
    intake: listeners.Intake
    switchboard: Switchboard
    permission: Permission
    catalog: Catalog
    hang_up: Callable[[Call], Ending | None]
    homes: home_tab.Book
    on_look: Callable[[], None]  # somebody wants to see a Home tab
    calls_of: Callable[[datetime, datetime], Iterator[Call]]  # a period
    steps: steps.Book
    on_step: Callable[[], None]  # a workflow asks for a call
    rules: Rules
    forms: Run  # each of these has a pool of its own, so that none holds up another
    strangers: Run  # forms and answers for people who must be looked up first
    exporting: Run
    looking_up: Run
    ending: Run
    now: Callable[[], datetime]

    def opener(self) -> Opener:
        """Opens forms, and knows who may."""
        return Opener(
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

    form: listeners.CallListeners
    shortcuts: shortcuts.ShortcutListeners
    hanging_up: hanging_up.HangUpListener
    home: home_tab.HomeListeners
    exporter: export.Exporter
    steps: steps.StepListeners
    whisper: Whisper  # for telling somebody that what they pressed broke


def seat(desk: Desk) -> Listeners:
    """Build the listeners."""
    opener = desk.opener()
    whisper, board, rules = desk.whisper, desk.switchboard, desk.rules
    reply = Reply(desk.private_client, whisper, opener.safe_url)
    return Listeners(
        form=listeners.CallListeners(desk.intake, board, opener, rules, reply, desk.strangers),
        shortcuts=shortcuts.ShortcutListeners(board, opener, rules, whisper),
        hanging_up=hanging_up.HangUpListener(
            board,
            desk.hang_up,
            opener,
            whisper,
            looking_up=desk.looking_up,
            ending=desk.ending,
            region=rules.region,
        ),
        home=home_tab.HomeListeners(desk.homes, desk.on_look, desk.now),
        exporter=export.Exporter(
            desk.patient_client, desk.calls_of, opener, rules, desk.exporting, whisper, desk.now
        ),
        steps=steps.StepListeners(
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
