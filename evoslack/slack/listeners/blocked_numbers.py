"""The do-not-call list by command: `/call block`, `unblock` and `blocked`. Answers are ephemeral.

Everyone who may place calls can block a number and read the list; only administrators unblock, import and
export. People whose role is not remembered are looked up in the background.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from slack_bolt import Ack, BoltContext

from evoslack.calling.access import Access
from evoslack.calling.calls import Role
from evoslack.calling.denial_log import ADMINISTRATORS_ONLY, log_denied
from evoslack.calling.do_not_call import typed_block
from evoslack.calling.number_format import masked
from evoslack.calling.numbers import BadNumber, Problem, e164
from evoslack.calling.ports import BlockedNumberLedger
from evoslack.calling.refusals import Refusal
from evoslack.calling.rulebook import LONGEST_REASON, BlockedNumber
from evoslack.runtime.background_pool import Run
from evoslack.slack.listeners.blocked_files import BlockedFileListeners
from evoslack.slack.listeners.reply import PrivateReply
from evoslack.slack.payloads import Payload
from evoslack.slack.rendering import blocked_form, blocked_messages
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.views import FormSettings

log = logging.getLogger(__name__)

BLOCK, UNBLOCK, BLOCKED = "block", "unblock", "blocked"
IMPORT, EXPORT = "import", "export"

_Answer = dict[str, Any]  # text, and blocks where it has some


def is_meant(body: Payload) -> bool:
    """Whether this command is about the do-not-call list."""
    return _words(body)[0] in {BLOCK, UNBLOCK, BLOCKED}


class BlockedNumberListeners:
    """The listener of these commands; `slack.app` registers it."""

    def __init__(
        self,
        blocked: BlockedNumberLedger,
        access: Access,
        settings: FormSettings,
        reply: PrivateReply,
        look_up: Run,
        files: BlockedFileListeners,
        now: Callable[[], datetime],
    ) -> None:
        self._blocked = blocked
        self._access = access
        self._settings = settings
        self._reply = reply
        self._look_up = look_up
        self._files = files
        self._now = now

    def change_blocked(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """One of these commands. What is known to be allowed is done at once."""
        word, rest = _words(body)
        if word != UNBLOCK and rest.casefold() == IMPORT:
            self._files.open_import(body, context)
            ack()
            return
        user_id, team_id, url = body["user_id"], body["team_id"], str(body.get("response_url") or "")
        if self._access.is_known(user_id, team_id):
            ack(**self._answer(user_id, team_id, word, rest))
            return

        def look_up() -> None:
            answer = self._answer(user_id, team_id, word, rest)
            self._reply.send(user_id, url, answer["text"], answer.get("blocks"))

        self._look_up(look_up, self._reply.to(user_id, url))
        ack()

    def _answer(self, user_id: str, team_id: str, word: str, rest: str) -> _Answer:
        try:
            role = self._access.role_of(user_id, team_id)
            if word == BLOCKED:
                return self._list(user_id, role, rest)
            return {
                "text": self._block(user_id, rest) if word == BLOCK else self._unblock(user_id, role, rest)
            }
        except Refusal as refusal:
            return {"text": refusal_words(refusal, self._settings.region, self._settings.help_contact)}

    def _block(self, user_id: str, text: str) -> str:
        command, region = self._settings.command, self._settings.region
        try:
            typed = typed_block(text, region)
        except BadNumber as bad:
            if bad.problem is Problem.EMPTY:
                return blocked_messages.usage(command, region)
            raise
        if (entry := self._blocked.find(typed.number)) is not None:
            return blocked_messages.already(entry, region)
        if not typed.reason:
            return blocked_messages.missing_reason(command, typed.number, region)
        if len(typed.reason) > LONGEST_REASON:
            return blocked_messages.long_reason(len(typed.reason))
        entry = BlockedNumber(typed.number, typed.reason, user_id, self._now())
        if not self._blocked.block(entry):  # someone else was quicker
            return blocked_messages.already(self._blocked.find(typed.number) or entry, region)
        log.info("%s blocked %s", user_id, masked(entry.number))
        return blocked_messages.blocked(entry, region)

    def _unblock(self, user_id: str, role: Role, text: str) -> str:
        command, region = self._settings.command, self._settings.region
        if role is not Role.ADMINISTRATOR:
            log_denied(user_id, ADMINISTRATORS_ONLY)
            return blocked_messages.ADMINISTRATORS_UNBLOCK
        if not text:
            return blocked_messages.unblock_usage(command, region)
        number = e164(text, region)
        entry = self._blocked.unblock(number, by=user_id, at=self._now())
        if entry is None:
            return blocked_messages.not_listed(number, region)
        log.info("%s unblocked %s", user_id, masked(number))
        return blocked_messages.unblocked(entry, region)

    def _list(self, user_id: str, role: Role, rest: str) -> _Answer:
        if rest.casefold() == EXPORT:
            return {"text": self._files.export(user_id, role)}
        found, total = self._blocked.newest(blocked_form.NEWEST)
        if not found:
            return {"text": blocked_messages.EMPTY}
        shown = (found, total, self._settings.region, self._settings.command)
        return {"text": blocked_form.entries_text(*shown), "blocks": blocked_form.entries(*shown)}


def _words(body: Payload) -> tuple[str, str]:
    """The first word, in lowercase, and the rest of what was typed."""
    word, *rest = str(body.get("text") or "").split(maxsplit=1) or [""]
    return word.casefold(), rest[0].strip() if rest else ""
