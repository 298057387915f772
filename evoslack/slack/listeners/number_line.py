"""Updates the line under a form's number whenever typing pauses.

After the ack, by threads of their own, which may also wait for a role. No press waits for them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.access import Access
from evoslack.calling.refusals import Refusal
from evoslack.slack.listeners.number_lines import NumberLines
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import number_line, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.workspace import SLACK_ERRORS, is_denial, pause_of, problem_of

log = logging.getLogger(__name__)

EVERY_S = 1.0  # between two updates of the same form
MOST_TRIES = 5  # of one update that Slack had no time for, or did not answer
MOST_FORMS = 1000  # that are typed in at the same time; of the ones beyond, the oldest are forgotten


@dataclass(frozen=True, slots=True)
class _Typed:
    """A form in which a person stopped typing for a moment."""

    user_id: str
    team_id: str
    view: Payload
    number: str
    at_s: float  # Slack's timestamp of it
    tries: int = 0  # to update the form with it

    @classmethod
    def of(cls, body: Payload) -> _Typed:
        """Raises what a payload of another shape leads to."""
        view = body["view"]
        return cls(
            user_id=text_of(body["user"]["id"]),
            team_id=team_of(body),
            view=view | {"id": text_of(view["id"]), "hash": text_of(view["hash"])},
            number=views.entries_of(view["state"]["values"]).typed_number,
            at_s=float(body["actions"][0].get("action_ts") or 0),
        )


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was last sent for a form. `hash` was replaced by `new_hash`, which later texts may not know."""

    sent_s: float
    hash: str
    new_hash: str
    line: str


class NumberLineListener:
    """Updates the line under the number: the latest text wins, at most once a second for each form."""

    def __init__(
        self,
        client: WebClient,
        lines: NumberLines,
        access: Access,
        wake: Callable[[], None],
        wake_in: Callable[[float], None],
        slot_s: Callable[[], float],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wake` and `wake_in` wake the threads that run `update_next`.

        `slot_s` says in how many seconds Slack takes another update from this workspace; at 0.0 the caller
        has taken the slot.
        """
        self._client = client
        self._lines = lines
        self._access = access
        self._wake = wake
        self._wake_in = wake_in
        self._slot_s = slot_s
        self._clock_s = clock_s
        self._lock = threading.Lock()  # guards what follows
        self._waiting: dict[str, _Typed] = {}  # by view id
        self._working: set[str] = set()
        self._submitted: set[str] = set()  # while they are worked on
        self._shown: dict[str, _Shown] = {}
        self._is_warm = False
        self._paused_until_s = 0.0  # Slack asked to slow down

    def typed(self, ack: Ack, body: Payload) -> None:
        """Typing in the number field paused."""
        try:
            typed = _Typed.of(body)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            log.warning("what was typed could not be read: %s", type(error).__name__)
        else:
            if typed.view.get("callback_id") == views.FORM:
                self._put(typed)
                self._wake()
        ack()

    def forget(self, view_id: str) -> None:
        """The form was submitted: what its answer says matters more than a line that is still to come."""
        with self._lock:
            self._waiting.pop(view_id, None)
            if view_id in self._working:
                self._submitted.add(view_id)

    def update_next(self) -> bool:
        """Update one form whose turn it is; returns whether there was one."""
        if not self._is_warm:
            self._is_warm = True
            self._lines.warm_up()
        typed = self._take()
        if typed is None:
            return False
        try:
            self._update(typed)
        finally:
            with self._lock:
                self._working.discard(typed.view["id"])
                self._submitted.discard(typed.view["id"])
        return True

    def _put(self, typed: _Typed) -> None:
        view_id = typed.view["id"]
        with self._lock:
            if typed.tries and view_id in self._submitted:
                return
            waiting = self._waiting.get(view_id)
            if waiting is None or typed.at_s >= waiting.at_s:
                self._waiting[view_id] = typed
            while len(self._waiting) > MOST_FORMS:
                del self._waiting[next(iter(self._waiting))]

    def _take(self) -> _Typed | None:
        """A form that has rested long enough. If there is none yet, a thread is woken in time."""
        soonest_s = None
        with self._lock:
            now_s = self._clock_s()
            self._forget(now_s)
            for view_id, typed in self._waiting.items():
                if view_id in self._working:
                    continue  # the thread that works on it comes back here
                shown = self._shown.get(view_id)
                rests_s = max(shown.sent_s + EVERY_S if shown else 0.0, self._paused_until_s) - now_s
                if rests_s <= 0:
                    del self._waiting[view_id]
                    self._working.add(view_id)
                    return typed
                soonest_s = rests_s if soonest_s is None else min(soonest_s, rests_s)
        if soonest_s is not None:
            self._wake_in(soonest_s)
        return None

    def _forget(self, now_s: float) -> None:
        """Forms that were updated long ago; a text that was sent before that has arrived by now."""
        for view_id, shown in list(self._shown.items()):
            if now_s - shown.sent_s < 10 * EVERY_S and len(self._shown) <= MOST_FORMS:
                break  # the rest are newer
            del self._shown[view_id]

    def _update(self, typed: _Typed) -> None:
        view = typed.view
        known_hash, known_line = view["hash"], number_line.line_in(view["blocks"])
        with self._lock:
            shown = self._shown.get(view["id"])
        if shown is not None and shown.hash == known_hash:  # sent before our last update reached the form
            known_hash, known_line = shown.new_hash, shown.line
        asked_about = number_line.asked_about(view["blocks"])
        is_outdated = bool(asked_about) and asked_about != self._lines.number_or_empty(typed.number)
        line = self._line(typed, is_asked=bool(asked_about) and not is_outdated)
        if line == known_line and not is_outdated:
            return
        after = number_line.updated(view, line)
        self._send(typed, known_hash, number_line.without_question(after) if is_outdated else after, line)

    def _line(self, typed: _Typed, *, is_asked: bool) -> str:
        """Nothing for a person who may not call: what still stands there may be about another number."""
        try:
            offer = self._access.offer_to(typed.user_id, typed.team_id)  # may take two seconds
        except Refusal:
            return ""
        return self._lines.line(offer, typed.number, typed.user_id, typed.team_id, is_asked=is_asked)

    def _send(self, typed: _Typed, known_hash: str, after: Block, line: str) -> None:
        """Only if the form is still as it was: a form that was submitted meanwhile is left alone."""
        view, sent_s, new_hash = typed.view, self._clock_s(), ""
        if (rests_s := self._slot_s()) > 0:
            self._pause_until(sent_s + rests_s)
            self._put(replace(typed, tries=max(typed.tries, 1)))
            return
        try:
            answer = self._client.views_update(view_id=view["id"], hash=known_hash, view=after)
            new_hash = str((answer.get("view") or {}).get("hash") or "")
        except SLACK_ERRORS as error:
            log.info("the line under the number was not updated: %s", problem_of(error))
            pause_s = pause_of(error)
            self._pause_until(sent_s + (pause_s or 0.0))
            may_help = pause_s is not None or not (isinstance(error, SlackApiError) and is_denial(error))
            if may_help and typed.tries < MOST_TRIES:
                self._put(replace(typed, tries=typed.tries + 1))
        with self._lock:
            self._shown.pop(view["id"], None)  # to the end: the oldest come first
            self._shown[view["id"]] = _Shown(sent_s, view["hash"] if new_hash else "", new_hash, line)

    def _pause_until(self, at_s: float) -> None:
        with self._lock:
            self._paused_until_s = max(self._paused_until_s, at_s)
