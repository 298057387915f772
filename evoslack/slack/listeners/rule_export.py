"""`/call export rules`: every change of a rule or of the do-not-call list as a CSV file, privately."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from slack_bolt import Ack
from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.calls import Role
from evoslack.calling.denial_log import ADMINISTRATORS_ONLY, log_denied
from evoslack.calling.ports import RuleLedger
from evoslack.calling.refusals import Refusal
from evoslack.runtime.background_pool import Run
from evoslack.slack.listeners.contacts import Contacts
from evoslack.slack.listeners.export import EXPORT
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.payloads import Payload
from evoslack.slack.rendering import export_messages, rule_csv
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.workspace import SLACK_ERRORS, object_in, problem_of

log = logging.getLogger(__name__)

RULES = "rules"


class RuleExportListener:
    """Makes the file and sends it; `slack.app` registers it."""

    def __init__(
        self,
        client: WebClient,  # a patient one
        ledger: RuleLedger,
        access: Access,
        settings: FormSettings,
        run: Run,
        notify_privately: NotifyPrivately,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._access = access
        self._settings = settings
        self._run = run
        self._notify_privately = notify_privately
        self._now = now

    def export_rules(self, ack: Ack, body: Payload) -> None:
        """The command: the role is checked first; the file is made in the background."""
        user_id = str(body["user_id"])
        try:
            role = self._access.role_of(user_id, body["team_id"])
        except Refusal as refusal:
            ack(refusal_words(refusal, self._settings.region, self._settings.help_contact))
            return
        if role is not Role.ADMINISTRATOR:
            log_denied(user_id, ADMINISTRATORS_ONLY)
            ack(export_messages.RULES_ADMINISTRATORS_ONLY)
            return
        self._run(lambda: self._send(user_id), lambda words: self._notify_privately(user_id, words))
        ack(export_messages.RULES_STARTED)

    def _send(self, user_id: str) -> None:
        """Send the file, or say privately why there is none."""
        contacts = Contacts(self._client)
        try:
            content, rows = rule_csv.file_of(self._ledger.changes(), lambda who: contacts.of(who).name)
            log.info("export: %s gets %d changes of rules", user_id, rows)
            if rows:
                self._upload(user_id, content, export_messages.rule_changes(rows))
            else:
                self._notify_privately(user_id, export_messages.NO_RULE_CHANGES)
        except SLACK_ERRORS as error:
            log.warning("export: the file for %s was not sent: %s", user_id, problem_of(error))
            self._notify_privately(user_id, export_messages.not_sent(problem_of(error)))

    def _upload(self, user_id: str, content: bytes, comment: str) -> None:
        channel = object_in(self._client.conversations_open(users=user_id), "channel")
        self._client.files_upload_v2(
            channel=channel["id"],
            content=content,
            filename=f"rules-{self._now():%Y-%m-%d-%H%M}-utc.csv",
            title=export_messages.RULES_TITLE,
            initial_comment=comment,
        )


def is_meant(body: Payload) -> bool:
    """Whether this command asks for the changes of rules."""
    return str(body.get("text") or "").casefold().split() == [EXPORT, RULES]
