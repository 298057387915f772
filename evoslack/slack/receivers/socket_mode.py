"""Socket Mode: payloads come over websockets that the bot opens, so it needs no public address.

Two connections are kept. Slack sends each payload to any one of them (slack-facts 7), so when one is
refreshed or breaks the other goes on. A watchman looks every second: a connection that Slack wants to end is
replaced before it goes, and one that is closed or deaf is thrown away and opened anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode.internals import build_headers, send_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest

from evoslack.calling.arrival import Arrival
from evoslack.runtime.clock import Clock
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.receivers.lanes import THREADS, Lane, lane_of
from evoslack.slack.receivers.socket_connection import NoHello, SocketConnection
from evoslack.slack.workspace import NO_ANSWER, pause_of, problem_of

log = logging.getLogger(__name__)

LINES = 2  # of the ten that Slack allows; while all are refreshed at once, four bots fit side by side
LOOK_EVERY_S = 1.0
LINGER_S = 12.0  # Slack warns about ten seconds before it closes, and may send until then
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0  # between two tries to connect
STEADY_S = 5.0  # a connection that did not last so long was no success
LAST_ACKS_S = 3.0  # when stopping; Slack waits no longer either

_TOKEN_TROUBLE = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
    | {"not_allowed_token_type", "link_disabled"}
)


class SocketModeReceiver:
    """The websockets that payloads come in by."""

    def __init__(
        self, app: App, app_token: str, web_client: WebClient, clock: Clock, waited_s: Callable[[], float]
    ) -> None:
        self._app = app
        self._clock = clock
        self._waited_s = waited_s  # see `heartbeat`
        self._app_token = app_token
        self._web_client = web_client
        self._lanes = {lane: ThreadPoolExecutor(THREADS[lane], thread_name_prefix=lane) for lane in Lane}
        self._lines: list[SocketConnection] = []
        self._leaving: list[tuple[SocketConnection, float]] = []  # with when they are closed
        self._stopping = threading.Event()
        self._nudge = threading.Event()
        self._watchman = threading.Thread(target=self._watch, name="watchman", daemon=True)
        self._counting = threading.Lock()
        self._in_hand = _InHand()
        self._is_over = False
        self._troubles = 0  # in a row
        self._next_try_s = 0.0
        self._said = ""

    def start(self) -> str:
        """Connect; raises what the SDK raises when Slack does not let us in, or `NoHello`."""
        self._open_line()
        self._watchman.start()  # who opens the other one
        return "Socket Mode"

    def stop(self) -> None:
        """Ask Slack to send nothing more, answer what is here already, then disconnect.

        One connection after the other, so that the last one can carry the acks of the rest.
        """
        with self._counting:
            self._stopping.set()
        self._nudge.set()
        if self._watchman.ident is not None:
            self._watchman.join(LAST_ACKS_S)
        lines = sorted(self._lines, key=SocketConnection.is_dead)
        last, others = lines[:1], lines[1:]
        everybody = [*self._lines, *(line for line, _ in self._leaving)]
        for line in others:
            line.say_goodbye()
        ends = time.monotonic() + LAST_ACKS_S
        while time.monotonic() < ends and not all(line.is_dead() for line in others):
            self._nudge.clear()
            self._nudge.wait(0.02)
        self._in_hand.wait_until_none(max(ends - time.monotonic(), 0.5))
        self._is_over = True  # what comes from here on could not be acknowledged
        for line in last:
            line.say_goodbye()
        for line in everybody:
            line.close()
        for pool in self._lanes.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def is_open(self) -> bool:
        """Whether payloads can come in right now."""
        leaving = [line for line, _ in list(self._leaving)]  # which Slack may still use
        return any(line.is_connected() for line in (*self._lines, *leaving))

    def _open_line(self) -> None:
        line = SocketConnection(self._app_token, self._web_client, self._take, self._nudge.set)
        try:
            line.open()
        except BaseException:
            line.close()
            raise
        with self._counting:  # a line that opened too late would take payloads that nobody answers
            if self._stopping.is_set():
                line.close()
            else:
                self._lines = [*self._lines, line]

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._nudge.clear()
            try:
                self._look()
            except Exception:
                log.exception("looking after the connections to Slack broke")
            self._nudge.wait(LOOK_EVERY_S)

    def _look(self) -> None:
        """Sort out what is broken or leaving, then open what is missing."""
        now = time.monotonic()
        for line in [each for each in self._lines if each.is_dead() or each.is_told_to_go]:
            self._lines = [each for each in self._lines if each is not line]
            if line.is_dead():
                line.close()
                log.warning("a connection to Slack is replaced: %s", line.trouble)
            else:
                self._leaving.append((line, now + LINGER_S))
                log.info("Slack refreshes a connection: %s", line.trouble)
            if now - line.opened_s < STEADY_S:
                self._pause(now)
            else:
                self._troubles = 0
        for line, until in [each for each in self._leaving if each[0].is_dead() or each[1] < now]:
            self._leaving.remove((line, until))
            line.close()
        while (
            len(self._lines) < LINES and time.monotonic() >= self._next_try_s and not self._stopping.is_set()
        ):
            self._try_to_open(time.monotonic())

    def _try_to_open(self, now: float) -> None:
        try:
            self._open_line()
        except (*NO_ANSWER, NoHello) as error:
            wish = pause_of(error) if isinstance(error, SlackApiError) else None
            self._pause(now, wish)
            self._say(str(error) if isinstance(error, NoHello) else problem_of(error))
        else:
            if self._said:
                log.warning("EvoSlack is connected to Slack again")
            self._said = ""

    def _pause(self, now: float, wish_s: float | None = None) -> None:
        pause_s = min(FIRST_PAUSE_S * 2**self._troubles, LONGEST_PAUSE_S)
        self._troubles = min(self._troubles + 1, 10)
        self._next_try_s = now + (wish_s or pause_s)

    def _say(self, problem: str) -> None:
        """One honest line for each new trouble; without any connection nobody can call."""
        words = f"{problem}, {len(self._lines)}"
        if words == self._said:
            return
        self._said = words
        if problem in _TOKEN_TROUBLE:
            log.error(
                "Slack does not take SLACK_APP_TOKEN any more (%s). See that Socket Mode is on, make a new "
                "token with connections:write and start EvoSlack with it.",
                problem,
            )
        if problem == "too_many_websockets" and self.is_open():
            return  # there is room as soon as the leaving ones are gone
        if not self.is_open():
            log.error("No connection to Slack (%s): no command comes in. EvoSlack goes on trying.", problem)
        else:
            log.warning("Slack opens no further connection (%s); one is enough for now.", problem)

    def _take(self, line: SocketConnection, request: SocketModeRequest) -> None:
        """One payload was read: stamp it, and give it to a thread in its lane. Never blocks."""
        arrival = Arrival(self._clock, self._clock.moment(), age_s=self._waited_s())
        self._in_hand.more()
        try:
            self._lanes[lane_of(request.payload)].submit(self._handle, line, request, arrival)
        except RuntimeError:  # stopped meanwhile: Slack shows its own error
            self._in_hand.less()

    def _handle(self, line: SocketConnection, request: SocketModeRequest, arrival: Arrival) -> None:
        """Let Bolt answer, and send the ack, if it is in time."""
        started = time.time()
        was_tried = is_known = False
        try:
            if self._is_over:
                return
            answer = self._app.dispatch(
                BoltRequest(
                    mode="socket_mode",
                    body=request.payload,
                    headers=build_headers(request),
                    context={ARRIVAL: arrival},
                )
            )
            if arrival.awaits_answer and arrival.is_late:
                return  # an answer that says that it is dialed must not go out any more
            for way in sorted({line, *self._lines}, key=lambda each: (each.said_goodbye, each is not line)):
                if way.is_closed_by_slack():  # the system would take an ack, and nobody would read it
                    continue
                was_tried = was_tried or answer.status == 200
                try:
                    send_response(way, request, answer, started)
                except NO_ANSWER as error:
                    log.warning("an ack did not go out: %s", problem_of(error))
                else:
                    is_known = not arrival.awaits_answer or way.was_taken(lambda: arrival.is_late)
                    return
        except Exception:
            log.exception("a payload could not be answered")
        finally:
            if not was_tried:
                arrival.given_up()
            elif is_known:  # else it may have arrived all the same, and nobody knows what the person saw
                arrival.answered()
            self._in_hand.less()


class _InHand:
    """How many payloads have arrived and are not answered yet."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def more(self) -> None:
        with self._changed:
            self._count += 1

    def less(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait_until_none(self, within_s: float) -> bool:
        """Whether there are none, within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count <= 0, within_s)
