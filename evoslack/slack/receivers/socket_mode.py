"""Socket Mode: payloads come over websockets that the bot opens, so it needs no public address.

Two connections are kept open. Slack sends each payload to any one of them (slack-facts 7), so while one is
refreshed or broken, the other continues. A supervisor checks every second: it replaces a connection that
Slack wants to end before it ends, and one that is closed or timed out at once (docs/decisions/0005).
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
from slack_sdk.socket_mode.request import SocketModeRequest

from evoslack.calling.arrival import Arrival
from evoslack.runtime.backoff import Backoff
from evoslack.runtime.clock import Clock
from evoslack.runtime.trouble_log import TroubleLog
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.receivers.in_flight import InFlight
from evoslack.slack.receivers.lanes import THREADS, Lane, NoteAnswer, lane_of, unnoted
from evoslack.slack.receivers.socket_connection import NoHello, SocketConnection
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

CONNECTIONS = 2  # Slack allows ten: four bots fit even while all of theirs are refreshed
CHECK_EVERY_S = 1.0
RETIRE_AFTER_S = 12.0  # Slack warns about ten seconds before it closes, and may send until then
BACKOFF = Backoff(first_s=0.25, longest_s=30.0)
STABLE_AFTER_S = 5.0  # a connection that ended sooner counts as a failure
LAST_ACKS_S = 3.0  # when stopping; Slack waits no longer for an ack

_TOKEN_PROBLEMS = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
    | {"not_allowed_token_type", "link_disabled"}
)
_IF_REJECTED = (
    " Slack no longer accepts SLACK_APP_TOKEN: check that Socket Mode is on, create a new app-level "
    "token with connections:write and restart EvoSlack with it."
)


class SocketModeReceiver:
    """Receives payloads over websockets. `waited_s`: see `Heartbeat.waited_s`.

    `note_answer` is given the lane of each payload, and how old it was when it was answered.
    """

    def __init__(
        self,
        app: App,
        app_token: str,
        web_client: WebClient,
        clock: Clock,
        waited_s: Callable[[], float],
        note_answer: NoteAnswer = unnoted,
    ) -> None:
        self._note_answer = note_answer
        self._app = app
        self._clock = clock
        self._waited_s = waited_s
        self._app_token = app_token
        self._web_client = web_client
        self._lanes = {lane: ThreadPoolExecutor(THREADS[lane], thread_name_prefix=lane) for lane in Lane}
        self._connections: list[SocketConnection] = []
        self._retiring: list[tuple[SocketConnection, float]] = []  # with the time at which each is closed
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="socket-supervisor", daemon=True)
        self._opening = threading.Lock()  # no connection is added once `_stopping` is set
        self._in_flight = InFlight()
        self._is_over = False
        self._failures = 0  # in a row
        self._next_try_s = 0.0
        self._trouble = TroubleLog(log, "connecting to Slack")

    def start(self) -> str:
        """Open the first connection. Raises what the SDK raises when Slack rejects us, or `NoHello`."""
        self._open()
        self._supervisor.start()  # opens the second one
        return "Socket Mode"

    def stop(self) -> None:
        """Ask Slack to send nothing more, answer what has arrived, then disconnect.

        The last connection stays open until the end, so that it can carry the acks of the others.
        """
        with self._opening:
            self._stopping.set()
        self._wake.set()
        if self._supervisor.ident is not None:
            self._supervisor.join(LAST_ACKS_S)
        connections = sorted(self._connections, key=SocketConnection.is_dead)
        last, others = connections[:1], connections[1:]
        for connection in others:
            connection.send_close()
        ends = time.monotonic() + LAST_ACKS_S
        while time.monotonic() < ends and not all(connection.is_dead() for connection in others):
            self._wake.clear()
            self._wake.wait(0.02)
        self._in_flight.wait_until_none(max(ends - time.monotonic(), 0.5))
        self._is_over = True  # what comes from here on could not be acknowledged
        for connection in last:
            connection.send_close()
        for connection in (*connections, *(each for each, _ in self._retiring)):
            connection.close()
        for pool in self._lanes.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def is_open(self) -> bool:
        """Whether payloads can come in right now."""
        return self.connection_count() > 0

    def connection_count(self) -> int:
        """Over how many connections they can."""
        retiring = [each for each, _ in list(self._retiring)]  # Slack may still send on these
        return sum(connection.is_connected() for connection in (*self._connections, *retiring))

    def _open(self) -> None:
        connection = SocketConnection(self._app_token, self._web_client, self._receive, self._wake.set)
        try:
            connection.open()
        except BaseException:
            connection.close()
            raise
        with self._opening:  # one that opened too late would take payloads that nobody answers
            if self._stopping.is_set():
                connection.close()
            else:
                self._connections = [*self._connections, connection]

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._check_connections()
            except Exception:
                log.exception("supervising the connections to Slack failed")
            self._wake.wait(CHECK_EVERY_S)

    def _check_connections(self) -> None:
        """Remove what is dead or retiring, then open what is missing."""
        now = time.monotonic()
        for connection in [each for each in self._connections if each.is_dead() or each.is_retiring]:
            self._connections = [each for each in self._connections if each is not connection]
            if connection.is_dead():
                connection.close()
                log.warning("lost a connection to Slack: %s; reconnecting", connection.problem)
            else:
                self._retiring.append((connection, now + RETIRE_AFTER_S))
                log.info("replacing a connection that Slack is about to close: %s", connection.problem)
            if now - connection.opened_s < STABLE_AFTER_S:
                self._back_off(now)
            else:
                self._failures = 0
        for connection, until in [each for each in self._retiring if each[0].is_dead() or each[1] < now]:
            self._retiring.remove((connection, until))
            connection.close()
        while (
            len(self._connections) < CONNECTIONS
            and time.monotonic() >= self._next_try_s
            and not self._stopping.is_set()
        ):
            self._try_to_open(time.monotonic())

    def _try_to_open(self, now: float) -> None:
        try:
            self._open()
        except (*SLACK_ERRORS, NoHello) as error:
            self._back_off(now, pause_of(error))
            self._log_failure(str(error) if isinstance(error, NoHello) else problem_of(error))
        else:
            self._trouble.worked()

    def _back_off(self, now: float, asked_s: float | None = None) -> None:
        self._next_try_s = now + BACKOFF.pause_s(self._failures, asked_s)
        self._failures += 1

    def _log_failure(self, problem: str) -> None:
        """Log each new problem with what it means: without any connection nobody can call."""
        if problem == "too_many_websockets" and self.is_open():
            return  # there is room as soon as the retiring ones are closed
        advice = _IF_REJECTED if problem in _TOKEN_PROBLEMS else ""
        if self.is_open():
            level = logging.ERROR if advice else logging.WARNING
            self._trouble.failed(f"{problem}; one connection is open, which is enough.{advice}", level=level)
        else:
            self._trouble.failed(f"{problem}; no command comes in. Retrying.{advice}", level=logging.ERROR)

    def _receive(self, connection: SocketConnection, request: SocketModeRequest) -> None:
        """Stamp a payload that was read, and hand it to a thread of its lane. Never blocks."""
        arrival = Arrival(self._clock, self._clock.moment(), age_s=self._waited_s())
        self._in_flight.begin()
        try:
            self._lanes[lane_of(request.payload)].submit(self._handle, connection, request, arrival)
        except RuntimeError:  # stopped meanwhile: Slack shows its own error
            self._in_flight.end()

    def _handle(self, source: SocketConnection, request: SocketModeRequest, arrival: Arrival) -> None:
        """Have Bolt answer a payload, and send the ack if it is in time."""
        started = time.time()
        was_tried = was_delivered = False
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
                return  # too late to say "calling": the person has seen Slack's own error
            candidates = {source, *self._connections}
            for each in sorted(candidates, key=lambda one: (one.is_closing, one is not source)):
                if each.is_closed_by_slack():  # the kernel would take an ack that nobody reads
                    continue
                was_tried = was_tried or answer.status == 200
                try:
                    send_response(each, request, answer, started)
                except SLACK_ERRORS as error:
                    log.warning("an ack could not be sent: %s", problem_of(error))
                else:
                    was_delivered = not arrival.awaits_answer or each.was_delivered(lambda: arrival.is_late)
                    return
        except Exception:
            log.exception("a payload could not be answered")
        finally:
            if not was_tried:
                arrival.unanswered()
            elif was_delivered:  # otherwise nobody knows what the person saw
                arrival.answered()
            self._note_answer(lane_of(request.payload), arrival.age_s)
            self._in_flight.end()
