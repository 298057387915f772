"""The button Hang up on a card: for whoever asked for the call, and for administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from slack_bolt import Ack

from evoslack.calls import Call, Ending, Role
from evoslack.refusals import Refusal
from evoslack.slack import messages
from evoslack.slack.opening import Opener
from evoslack.slack.press import Payload, team_of
from evoslack.slack.refusal_words import spoken
from evoslack.slack.whisper import Whisper


class Calls(Protocol):
    """Where calls are looked up."""

    def get(self, call_id: str) -> Call | None: ...


class HangUpListener:
    """What happens when somebody presses it; `slack.app` registers it."""

    def __init__(
        self,
        calls: Calls,
        hang_up: Callable[[Call], Ending | None],
        opener: Opener,
        whisper: Whisper,
        later: Callable[[Callable[[], None]], object],
        *,
        region: str,
    ) -> None:
        self._calls = calls
        self._hang_up = hang_up
        self._opener = opener
        self._whisper = whisper
        self._later = later
        self._region = region

    def pressed(self, ack: Ack, body: Payload) -> None:
        """Check who it is, then ask Evo Voice in a thread of its own."""
        user_id, team_id = body["user"]["id"], team_of(body)
        call = self._calls.get(str(body["actions"][0].get("value") or ""))
        try:
            role = self._opener.role_of(user_id, team_id)
        except Refusal as refusal:
            self._whisper(user_id, messages.escape(spoken(refusal, self._region).words))
        else:
            if call is None:
                self._whisper(user_id, messages.GONE)
            elif not _is_theirs(call, user_id, team_id) and role is not Role.ADMINISTRATOR:
                self._whisper(user_id, messages.NOT_YOURS_TO_END)
            else:
                self._later(lambda: self._end(call, user_id))
        ack()

    def _end(self, call: Call, user_id: str) -> None:
        if not call.may_be_ended:
            self._whisper(user_id, messages.NOTHING_TO_END)
            return
        ending = self._hang_up(call)
        if words := messages.ENDING_WORDS.get(ending):
            self._whisper(user_id, words)


def _is_theirs(call: Call, user_id: str, team_id: str) -> bool:
    return (call.request.user_id, call.request.team_id) == (user_id, team_id)
