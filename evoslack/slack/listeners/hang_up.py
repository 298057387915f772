"""The Hang up button on a card: for the person who placed the call, and for administrators.

An unwanted call should end fast: if the person's role is remembered, Evo Voice is asked at once, in a pool
that does only this. People whose role must be checked first have another pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from slack_bolt import Ack, BoltContext

from evoslack.calling.access import Access
from evoslack.calling.calls import Call, Ending, Role
from evoslack.calling.denial_log import NOT_THEIR_CALL, log_denied
from evoslack.calling.ports import CallLedger
from evoslack.calling.refusals import CannotCheck, NotAllowed, NothingToOffer
from evoslack.runtime.background_pool import Run, Tell
from evoslack.slack.listeners.reply import PageReply, Trigger
from evoslack.slack.payloads import ARRIVAL, Payload, team_of
from evoslack.slack.rendering import button_messages
from evoslack.slack.rendering.help_contact import HelpContact

_Who = tuple[str, str]  # user id and team id
_Role = Role | NotAllowed | CannotCheck | NothingToOffer  # their role, or why they have none


@dataclass(frozen=True, slots=True)
class _Press:
    """One press of the button."""

    who: _Who
    call_id: str
    trigger: Trigger


class HangUpListener:
    """The listener of the Hang up button; `slack.app` registers it."""

    def __init__(
        self,
        calls: CallLedger,
        hang_up: Callable[[Call, str], Ending | None],
        access: Access,
        pages: PageReply,
        *,
        looking_up: Run,
        ending: Run,
        contact: HelpContact,
    ) -> None:
        self._calls = calls
        self._hang_up = hang_up
        self._access = access
        self._pages = pages
        self._looking_up = looking_up
        self._ending = ending
        self._contact = contact
        self._lock = threading.Lock()
        self._unknown: dict[_Who, list[_Press]] = {}  # of people whose role is being checked

    def pressed(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """End the call if this person is known to be allowed to, else check their role first."""
        who = body["user"]["id"], team_of(body)
        call_id = str(body["actions"][0].get("value") or "")
        press = _Press(who, call_id, Trigger.of(body, context[ARRIVAL]))
        if self._access.is_known(*who):
            if words := self._decide(press, self._role_of(who)):
                self._tell(press)(words)
        else:
            self._look_up(press)
        ack()

    def _look_up(self, press: _Press) -> None:
        """One lookup per person at a time: pressing many buttons must not hold up other people."""
        with self._lock:
            is_on_its_way = press.who in self._unknown
            self._unknown.setdefault(press.who, []).append(press)
        if not is_on_its_way:
            self._looking_up(lambda: self._looked_up(press.who), self._tell(press))

    def _looked_up(self, who: _Who) -> None:
        try:
            role = self._role_of(who)
        finally:
            with self._lock:
                presses = self._unknown.pop(who)
        # Many presses with the same answer get one page; the newest trigger lives the longest.
        answers = {self._decide(press, role): press for press in presses}
        for words, newest in answers.items():
            if words:
                self._tell(newest)(words)

    def _role_of(self, who: _Who) -> _Role:
        try:
            return self._access.role_of(*who)
        except (NotAllowed, CannotCheck, NothingToOffer) as refusal:
            return refusal

    def _decide(self, press: _Press, role: _Role) -> str:
        """Have the call ended, or return why not (mrkdwn)."""
        call = self._calls.get(press.call_id)
        if isinstance(role, CannotCheck | NothingToOffer):
            return button_messages.not_hung_up(role)
        if call is None:
            return button_messages.GONE
        if not _is_theirs(call, press.who) and role is not Role.ADMINISTRATOR:
            log_denied(press.who[0], NOT_THEIR_CALL)
            return button_messages.only_caller_can_hang_up(call)
        if isinstance(role, NotAllowed):
            return button_messages.NO_LONGER_YOURS
        self._ending(lambda: self._end(call, press), self._tell(press))
        return ""

    def _end(self, call: Call, press: _Press) -> None:
        if not call.can_hang_up:
            self._tell(press)(button_messages.NOTHING_TO_HANG_UP)
        elif words := button_messages.ENDING_MESSAGES.get(self._hang_up(call, press.who[0])):
            self._tell(press)(self._contact.named_in(words))

    def _tell(self, press: _Press) -> Tell:
        return self._pages.to(press.trigger, button_messages.HANG_UP)


def _is_theirs(call: Call, who: _Who) -> bool:
    return (call.request.user_id, call.request.team_id) == who
