"""The Hang up button on a card: for the person who placed the call, and for administrators.

An unwanted call should end fast: if the person's role is remembered, Evo Voice is asked at once, in a pool
that does only this. People whose role must be checked first have another pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from slack_bolt import Ack

from evoslack.calling.access import Access
from evoslack.calling.calls import Call, Ending, Role
from evoslack.calling.ports import CallLedger
from evoslack.calling.refusals import Refusal
from evoslack.runtime.background_pool import Run
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.payloads import Payload, team_of
from evoslack.slack.rendering import button_messages, messages
from evoslack.slack.rendering.refusal_messages import refusal_message

_Who = tuple[str, str]  # user id and team id


class HangUpListener:
    """The listener of the Hang up button; `slack.app` registers it."""

    def __init__(
        self,
        calls: CallLedger,
        hang_up: Callable[[Call, str], Ending | None],
        access: Access,
        notify_privately: NotifyPrivately,
        *,
        looking_up: Run,
        ending: Run,
        region: str,
    ) -> None:
        self._calls = calls
        self._hang_up = hang_up
        self._access = access
        self._notify_privately = notify_privately
        self._looking_up = looking_up
        self._ending = ending
        self._region = region
        self._lock = threading.Lock()
        self._unknown: dict[_Who, list[str]] = {}  # call ids, of people whose role is being checked

    def pressed(self, ack: Ack, body: Payload) -> None:
        """End the call if this person is known to be allowed to, else check their role first."""
        who = body["user"]["id"], team_of(body)
        call_id = str(body["actions"][0].get("value") or "")
        if self._access.is_known(*who):
            self._decide(who, self._role_of(who), call_id)
        else:
            self._look_up(who, call_id)
        ack()

    def _look_up(self, who: _Who, call_id: str) -> None:
        """One lookup per person at a time: pressing many buttons must not hold up other people."""
        with self._lock:
            is_on_its_way = who in self._unknown
            self._unknown.setdefault(who, []).append(call_id)
        if not is_on_its_way:
            self._looking_up(lambda: self._looked_up(who), self._tell(who))

    def _looked_up(self, who: _Who) -> None:
        try:
            role = self._role_of(who)
        finally:
            with self._lock:
                call_ids = self._unknown.pop(who)
        for call_id in call_ids:
            self._decide(who, role, call_id)

    def _role_of(self, who: _Who) -> Role | None:
        """Their role; people without one are told why."""
        try:
            return self._access.role_of(*who)
        except Refusal as refusal:
            self._notify_privately(who[0], messages.escape(refusal_message(refusal, self._region).words))
            return None

    def _decide(self, who: _Who, role: Role | None, call_id: str) -> None:
        if role is None:
            return
        call = self._calls.get(call_id)
        if call is None:
            self._notify_privately(who[0], button_messages.GONE)
        elif not _is_theirs(call, who) and role is not Role.ADMINISTRATOR:
            self._notify_privately(who[0], button_messages.only_caller_can_hang_up(call))
        else:
            self._ending(lambda: self._end(call, who), self._tell(who))

    def _end(self, call: Call, who: _Who) -> None:
        if not call.can_hang_up:
            self._notify_privately(who[0], button_messages.NOTHING_TO_HANG_UP)
        elif words := button_messages.ENDING_MESSAGES.get(self._hang_up(call, who[0])):
            self._notify_privately(who[0], words)

    def _tell(self, who: _Who) -> Callable[[str], None]:
        return lambda words: self._notify_privately(who[0], words)


def _is_theirs(call: Call, who: _Who) -> bool:
    return (call.request.user_id, call.request.team_id) == who
