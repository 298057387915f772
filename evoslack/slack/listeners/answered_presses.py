"""Remembers presses of the form's button that were answered no, in case Slack delivers one of them again.

A form may be pressed again after a no, and the same press means something else a minute later: the number is
free, the role is there. But a person who was told “Nothing was dialed” must not hear a phone ring. So the
second delivery of one press gets the answer of the first.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from evoslack.calling.arrival import ANSWER_WITHIN_S, Arrival
from evoslack.calling.refusals import TooLate
from evoslack.slack.payloads import Payload

KEPT = timedelta(minutes=10)
MOST_PRESSES = 2_000  # of the ones beyond, the oldest are forgotten


class PressFailed(Exception):
    """The first delivery of this press ended in an error, which its person was told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a press is answered with: the arguments of `ack`, and whether that is a no."""

    ack: dict[str, Any]
    is_no: bool


@dataclass(eq=False, slots=True)
class _Press:
    at: datetime
    is_over: threading.Event = field(default_factory=threading.Event)
    no: Answer | None = None
    has_failed: bool = False


class AnsweredPresses:
    """The presses of this bot, in memory; safe from several threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()  # guards what follows
        self._presses: dict[str, _Press] = {}  # oldest first: those being answered, and those answered no

    def answer(self, body: Payload, arrival: Arrival, judge: Callable[[], Answer]) -> Answer:
        """The answer of `judge`; if this very press was answered no before, that answer again.

        A delivery that comes while another one is being answered waits for it. Raises `TooLate` if there is
        no time left then, `PressFailed`, and what `judge` raises.
        """
        name = _name_of(body)
        with self._lock:
            self._forget_old()
            press = self._presses.get(name)
            is_mine = press is None
            if press is None:
                press = self._presses[name] = _Press(self._now())
        if not is_mine:
            return self._again(press, arrival, judge)
        try:
            answer = judge()
            press.no = answer if answer.is_no else None
        except BaseException:
            press.has_failed = True
            raise
        finally:
            press.is_over.set()
            if press.no is None and not press.has_failed:  # the ledger knows it from now on
                with self._lock:
                    if self._presses.get(name) is press:
                        del self._presses[name]
        return answer

    def _again(self, press: _Press, arrival: Arrival, judge: Callable[[], Answer]) -> Answer:
        if not press.is_over.wait(max(ANSWER_WITHIN_S - arrival.age_s, 0)):
            raise TooLate
        if press.has_failed:
            raise PressFailed
        return press.no or judge()

    def _forget_old(self) -> None:
        oldest = self._now() - KEPT
        for name, press in list(self._presses.items()):
            if press.at > oldest and len(self._presses) < MOST_PRESSES:
                return
            del self._presses[name]


def _name_of(body: Payload) -> str:
    """One press: its trigger, and the form exactly as it was sent, should there be no trigger."""
    own = json.dumps([body.get("trigger_id"), body.get("view")], sort_keys=True, default=str)
    return hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()
