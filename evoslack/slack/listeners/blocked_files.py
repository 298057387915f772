"""The do-not-call list as a file: a form imports one, all of it or nothing, and administrators export it.

Both are done in the background; the person gets the result as a direct message.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from slack_bolt import Ack, BoltContext
from slack_sdk import WebClient

from evoslack.calling import blocked_csv
from evoslack.calling.access import Access
from evoslack.calling.blocked_csv import NotAList, WrongLine
from evoslack.calling.calls import Role
from evoslack.calling.denial_log import ADMINISTRATORS_ONLY, log_denied
from evoslack.calling.ports import BlockedNumberLedger
from evoslack.calling.refusals import NothingToOffer, Refusal, UnreadableForm
from evoslack.calling.rulebook import BlockedNumber
from evoslack.runtime.background_pool import Run
from evoslack.runtime.unhurried import unhurried
from evoslack.slack import file_download
from evoslack.slack.file_download import FileDownload, NotDownloaded
from evoslack.slack.listeners.page_opener import OpenRequest, Page, PageOpener
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.payloads import ARRIVAL, Payload, team_of
from evoslack.slack.rendering import blocked_form, blocked_messages, export_messages
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.refusal_messages import refusal_message, refusal_words
from evoslack.slack.rendering.views import FormSettings
from evoslack.slack.workspace import SLACK_ERRORS, object_in, problem_of

log = logging.getLogger(__name__)

_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError)


class BlockedFileListeners:
    """The listener of the form; `slack.app` registers it, and `blocked_numbers` opens the form."""

    def __init__(
        self,
        client: WebClient,  # a patient one
        download: FileDownload,
        blocked: BlockedNumberLedger,
        access: Access,
        refresh_offer: Callable[[], object],
        opener: PageOpener,
        settings: FormSettings,
        run: Run,
        notify_privately: NotifyPrivately,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._download = download
        self._blocked = blocked
        self._access = access
        self._refresh_offer = refresh_offer
        self._opener = opener
        self._settings = settings
        self._run = run
        self._notify_privately = notify_privately
        self._now = now
        self._lock = threading.Lock()
        self._importing: set[str] = set()  # ids of files: a double press imports once

    def export(self, user_id: str, role: Role) -> str:
        """Have the list sent to a person with this role. What they are told meanwhile (mrkdwn)."""
        if role is not Role.ADMINISTRATOR:
            log_denied(user_id, ADMINISTRATORS_ONLY)
            return blocked_messages.ADMINISTRATORS_EXPORT
        _newest, total = self._blocked.newest(1)
        if not total:
            return blocked_messages.EMPTY
        self._run(lambda: self._send_list(user_id), lambda words: self._notify_privately(user_id, words))
        return blocked_messages.exporting(total)

    def open_import(self, body: Payload, context: BoltContext) -> None:
        """Open the form for a command, in the background."""
        request = OpenRequest(
            user_id=body["user_id"],
            team_id=body["team_id"],
            trigger_id=str(body.get("trigger_id") or ""),
            arrival=context[ARRIVAL],
        )
        region, contact = self._settings.region, self._settings.help_contact
        page = Page(
            lambda: self._form(request),
            lambda refusal: blocked_form.denied(refusal, region, contact),
            lambda refusal: refusal_words(refusal, region, contact),
            blocked_form.loading,
            blocked_form.notice,
        )
        self._opener.open_soon(request, page, lambda words: self._notify_privately(request.user_id, words))

    def import_file(self, ack: Ack, body: Payload, view: Payload) -> None:
        """*Import*: the role is asked for again; the file is read in the background."""
        try:
            user_id, team_id = str(body["user"]["id"]), team_of(body)
            file = blocked_form.file_in(view["state"]["values"])
            otherwise = blocked_form.reason_in(view["state"]["values"])
        except _MALFORMED:
            words = refusal_message(UnreadableForm(), self._settings.region).words
            ack(response_action="update", view=blocked_form.notice(words))
            return
        if (words := self._why_not(user_id, team_id, file)) or file is None:
            ack(response_action="errors", errors={blocked_form.FILE: words})
            return
        name = str(file.get("name") or "")
        self._start(user_id, file, name, otherwise)
        ack(response_action="update", view=blocked_form.notice(blocked_messages.importing(name)))

    def _form(self, request: OpenRequest) -> Block:
        """The form, or a page that says for whom it is. Raises `Refusal`."""
        try:
            role = self._access.role_of(request.user_id, request.team_id)
        except NothingToOffer:
            self._refresh_offer()  # right after the start nothing has been read yet
            role = self._access.role_of(request.user_id, request.team_id)
        if role is not Role.ADMINISTRATOR:
            log_denied(request.user_id, ADMINISTRATORS_ONLY)
            return blocked_form.notice(blocked_messages.ADMINISTRATORS_IMPORT)
        return blocked_form.form()

    def _why_not(self, user_id: str, team_id: str, file: Mapping[str, Any] | None) -> str:
        """Why nothing is imported (plain text), if so."""
        try:
            role = self._access.role_of(user_id, team_id)
        except Refusal as refusal:
            return f"{blocked_messages.NOT_STARTED} {refusal_message(refusal, self._settings.region).words}"
        if role is not Role.ADMINISTRATOR:
            log_denied(user_id, ADMINISTRATORS_ONLY)
            return blocked_messages.ADMINISTRATORS_IMPORT
        return blocked_messages.NO_FILE if file is None else ""

    def _start(self, user_id: str, file: Mapping[str, Any], name: str, otherwise: str) -> None:
        file_id = str(file.get("id") or "")
        with self._lock:
            if file_id in self._importing:
                return
            self._importing.add(file_id)

        def task() -> None:
            try:
                self._import(user_id, file, name, otherwise)
            finally:
                with self._lock:
                    self._importing.discard(file_id)

        self._run(task, lambda words: self._notify_privately(user_id, words))

    def _import(self, user_id: str, file: Mapping[str, Any], name: str, otherwise: str) -> None:
        """Import all of the file, or tell the person what is wrong with it."""
        region = self._settings.region
        try:
            found = blocked_csv.read(self._download.content_of(file), region, otherwise)
        except NotDownloaded as error:
            log.warning("a file of %s was not downloaded: %s", user_id, error.problem)
            self._notify_privately(user_id, _not_downloaded(name, error.problem))
            return
        except NotAList as error:
            self._notify_privately(user_id, blocked_messages.unusable(name, error.problem))
            return
        if found.wrong:
            log.info("%s imported nothing: %d lines are wrong", user_id, len(found.wrong))
            self._tell_wrong(user_id, name, found.wrong)
            return
        at = self._now()
        numbers = [BlockedNumber(number, reason, user_id, at) for number, reason in found.reasons.items()]
        new = self._blocked.add_all(numbers, by=user_id, at=at)
        log.info("%s imported %d numbers, %d of them new", user_id, len(numbers), new)
        self._notify_privately(user_id, blocked_messages.imported(name, new, len(numbers), found.heading))

    def _tell_wrong(self, user_id: str, name: str, wrong: list[WrongLine]) -> None:
        """The first wrong lines in a message; more than that come with a file that has all of them."""
        words = blocked_messages.not_imported(name, wrong, self._settings.region)
        if len(wrong) <= blocked_messages.SHOWN_LINES:
            self._notify_privately(user_id, words)
            return
        content = blocked_form.wrong_file_of(unhurried(wrong), self._settings.region)
        self._send(
            user_id, content, ("lines-to-fix.csv", blocked_messages.WRONG_TITLE), words, otherwise=words
        )

    def _send_list(self, user_id: str) -> None:
        content, total = blocked_form.file_of(unhurried(self._blocked.everything()))
        log.info("export: %s gets %d blocked numbers", user_id, total)
        name = f"do-not-call-{self._now():%Y-%m-%d-%H%M}-utc.csv"
        self._send(user_id, content, (name, blocked_messages.FILE_TITLE), blocked_messages.exported(total))

    def _send(
        self, user_id: str, content: bytes, names: tuple[str, str], comment: str, otherwise: str = ""
    ) -> None:
        """Send a file (its name and title) as a direct message; if it can't be sent, say so."""
        try:
            channel = object_in(self._client.conversations_open(users=user_id), "channel")
            self._client.files_upload_v2(
                channel=channel["id"],
                content=content,
                filename=names[0],
                title=names[1],
                initial_comment=comment,
            )
        except SLACK_ERRORS as error:
            log.warning("a file for %s was not sent: %s", user_id, problem_of(error))
            why = export_messages.not_sent(problem_of(error))
            self._notify_privately(user_id, f"{otherwise}\n{why}".strip())


def _not_downloaded(name: str, problem: str) -> str:
    if problem == file_download.TOO_LARGE:
        return blocked_messages.too_large(name, file_download.MOST_BYTES)
    if problem == file_download.NOT_LET_IN:
        return blocked_messages.not_let_in(name)
    return blocked_messages.not_downloaded(name, problem)
