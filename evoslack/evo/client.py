"""The client of Evo Voice: logs in, reads lists, and dials once.

Reads may be repeated; dialing is sent once, and once more only after a 401, which proves that nothing was
dialed. The vendor's own client repeats on 429 and 5xx; for a telephone that would be two rings.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from evoslack.calling.calls import Ending, InDoubt, NotSent, Outcome, Reason, Rejected
from evoslack.calling.numbers import masked
from evoslack.evo.transport import HeldBack, Reply, Transport, Unanswered, Unsent, seconds_until
from evoslack.evo.wire import Login, login_of, outcome_of, words_of

log = logging.getLogger(__name__)

DIAL_DEADLINE_S = 30.0  # evo-voice-api 7, step 4
ENOUGH_TO_DIAL = 1 / 3  # of the deadline must be left after logging in
LOGIN_REST_S = 60.0  # after a refused login: asking again at once might lock the account
STEADY = timedelta(seconds=5)  # two answers that agree so well are believed
PAGE_SIZE = 100  # the largest allowed is unknown; a smaller answer is followed page by page
MOST_PAGES = 200


class EvoError(Exception):
    """Evo Voice could not be asked. The text is for the log."""


class EvoUnavailable(EvoError):
    """No answer, or one that makes no sense. `pause_s`: for so long Evo Voice wants to be left alone."""

    def __init__(self, words: str, *, pause_s: float | None = None) -> None:
        super().__init__(words)
        self.pause_s = pause_s


class LoginFailed(EvoError):
    """Evo Voice does not take the bot's login."""


class Forbidden(EvoError):
    """The bot's login may not read this."""


class EvoClient:
    """One login at one Evo Voice. Safe from several threads."""

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        dial_deadline_s: float = DIAL_DEADLINE_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._transport = Transport(base_url)
        self._username = username
        self._password = password
        self._dial_deadline_s = dial_deadline_s
        self._now = now
        self.skew = timedelta(0)  # how far Evo Voice's clock is ahead of ours
        self._last_skew: timedelta | None = None  # by its last answer
        self._login_lock = threading.Lock()
        self._login_count = 0  # which login the cookies are from; 0: none yet
        self._refused_until = 0.0

    def dial(
        self,
        *,
        flow_id: str,
        number: str,
        caller_id: str,
        may_leave: Callable[[], bool] = lambda: True,
    ) -> Outcome:
        """Ask Evo Voice to call `number` (E.164) and run the flow when somebody answers.

        One `POST /sessions/outgoing` on a fresh connection, 30 s over all. `may_leave` is asked right before
        its first byte; if it says no, nothing is sent. How it ended is returned, never raised.
        """
        body = {"flowId": flow_id, "numberToDial": number, "callerId": caller_id}
        ends = time.monotonic() + self._dial_deadline_s
        try:
            login = self._login_once(ends)
        except LoginFailed:
            return NotSent(Reason.LOGIN_FAILED)
        except EvoError:
            return NotSent(Reason.UNREACHABLE)
        reply = self._post_call(body, ends, may_leave)
        if isinstance(reply, Reply) and reply.status == 401:
            try:
                self._login_once(ends, instead_of=login)
            except EvoError:
                return Rejected(Reason.LOGIN_REJECTED)
            reply = self._post_call(body, ends, may_leave)
            if isinstance(reply, Reply) and reply.status == 401:
                self._rest_from_login()
        return outcome_of(reply) if isinstance(reply, Reply) else reply

    def end(self, session_id: str, budget_s: float) -> Ending:
        """Ask Evo Voice to end a session (evo-voice-api 5.7 and 8); whether it does is for the next look.

        Raises `EvoUnavailable` or `LoginRefused` when nobody took the wish.
        """
        if not session_id.strip(" ./"):  # such a path may be read as something else: all of the history
            return Ending.GONE
        path = f"/sessions/{quote(session_id, safe='')}"
        reply = self._ask("DELETE", path, {}, time.monotonic() + budget_s)
        if reply.status in {403, 404}:
            return Ending.FORBIDDEN if reply.status == 403 else Ending.GONE
        if 200 <= reply.status < 300:
            return Ending.TAKEN
        raise EvoUnavailable(f"ending a session: status {reply.status}")

    def whoami(self, *, budget_s: float) -> Login:
        """The bot's own login, roles and accounts (evo-voice-api 3.3). Raises `EvoError`."""
        ends = time.monotonic() + budget_s
        login = self._login_once(ends)
        status = self.get("/auth/status", {}, budget_s=seconds_until(ends))
        if not status.get("isAuthenticated"):  # how this one says 401
            self._login_once(ends, instead_of=login)
            status = self.get("/auth/status", {}, budget_s=seconds_until(ends))
        if not status.get("isAuthenticated"):
            self._rest_from_login()
            raise LoginFailed("not logged in after logging in")
        return login_of(status)

    def get(self, path: str, params: Mapping[str, str], *, budget_s: float) -> dict[str, Any]:
        """Read a JSON object. Raises `EvoUnavailable`, `LoginRefused` or `Forbidden`."""
        reply = self._ask("GET", path, params, time.monotonic() + budget_s)
        if reply.status == 403:
            raise Forbidden(f"{path}: {words_of(reply) or 'role missing'}")
        found = {} if reply.status == 204 else reply.json_object()
        # The status comes first: some errors have a body that looks like an empty list (evo-voice-api 5.6).
        if reply.status not in {200, 204} or found is None:
            wish = reply.headers.get("Retry-After", "")
            pause_s = float(wish) if wish.isdecimal() else None
            raise EvoUnavailable(f"{path}: status {reply.status}", pause_s=pause_s)
        return found

    def items(self, path: str, params: Mapping[str, str], *, budget_s: float) -> Iterator[dict[str, Any]]:
        """Read a whole list, page by page, each item once (evo-voice-api 2.5). Raises as `get`."""
        ends = time.monotonic() + budget_s
        seen: set[str] = set()
        for page in range(MOST_PAGES):
            query = {**params, "page": str(page), "countPerPage": str(PAGE_SIZE)}
            answer = self.get(path, query, budget_s=seconds_until(ends))
            found = answer.get("items")
            if not isinstance(found, list):
                raise EvoUnavailable(f"{path}: a list without items")
            new = [item for item in found if isinstance(item, dict) and str(item.get("id")) not in seen]
            seen.update(item["id"] for item in new if isinstance(item.get("id"), str))
            yield from new
            total_pages = answer.get("totalPages")
            if not new or (isinstance(total_pages, int) and page + 1 >= total_pages):
                return
        raise EvoUnavailable(f"{path}: more than {MOST_PAGES} pages")

    def _post_call(
        self, body: Mapping[str, object], ends: float, may_leave: Callable[[], bool]
    ) -> Reply | Outcome:
        if not may_leave():
            return NotSent(Reason.HELD_UP)
        if seconds_until(ends) < self._dial_deadline_s * ENOUGH_TO_DIAL:
            return NotSent(Reason.UNREACHABLE)  # a hurried request would only make doubt
        try:
            return self._transport.exchange(
                "POST",
                "/sessions/outgoing",
                body=body,
                budget_s=seconds_until(ends),
                fresh=True,
                may_leave=may_leave,
            )
        except HeldBack:
            log.warning(
                "call to %s: too late to send it, nothing was sent", masked(str(body["numberToDial"]))
            )
            return NotSent(Reason.HELD_UP)
        except Unsent as error:
            log.warning("call to %s: nothing was sent: %s", masked(str(body["numberToDial"])), error)
            return NotSent(Reason.UNREACHABLE)
        except Unanswered as error:
            log.warning("call to %s: sent, but not answered: %s", masked(str(body["numberToDial"])), error)
            return InDoubt(Reason.NO_ANSWER if error.timed_out else Reason.CUT_OFF)

    def _ask(self, method: str, path: str, params: Mapping[str, str], ends: float) -> Reply:
        """Send what may be sent twice; after a 401 log in anew. Raises `EvoUnavailable` or `LoginRefused`."""
        login = self._login_once(ends)
        reply = self._exchange(method, path, params, ends)
        if reply.status == 401:
            self._login_once(ends, instead_of=login)
            reply = self._exchange(method, path, params, ends)
        if reply.status == 401:
            self._rest_from_login()
            raise LoginFailed(path)
        self._note_clock(reply)
        return reply

    def _note_clock(self, reply: Reply) -> None:
        try:
            date = parsedate_to_datetime(reply.headers.get("Date", ""))
        except ValueError:
            return
        before, now = self._last_skew, date.replace(tzinfo=date.tzinfo or UTC) - self._now()
        self._last_skew = now
        if before is None or abs(now - before) < STEADY:  # one odd date, such as a proxy's, moves nothing
            self.skew = now

    def _exchange(self, method: str, path: str, params: Mapping[str, str], ends: float) -> Reply:
        try:
            return self._transport.exchange(method, path, params=params, budget_s=seconds_until(ends))
        except Unanswered as error:
            if error.timed_out:
                raise EvoUnavailable(f"{path}: no answer in time") from error
        except Unsent as error:
            raise EvoUnavailable(f"{path}: {error}") from error
        # A kept connection may have died meanwhile; a read, and an end, may be asked for again.
        try:
            return self._transport.exchange(
                method, path, params=params, budget_s=seconds_until(ends), fresh=True
            )
        except (Unsent, Unanswered) as error:
            raise EvoUnavailable(f"{path}: {error}") from error

    def _login_once(self, ends: float, *, instead_of: int | None = None) -> int:
        """Log in unless somebody did so since login number `instead_of`; return the login's number."""
        if not self._login_lock.acquire(timeout=seconds_until(ends)):
            raise EvoUnavailable("login: another thread is still at it")
        try:
            if self._login_count and self._login_count != instead_of:
                return self._login_count
            if time.monotonic() < self._refused_until:
                raise LoginFailed("resting after a refused login")
            self._log_in(ends)
            self._login_count += 1
            return self._login_count
        finally:
            self._login_lock.release()

    def _log_in(self, ends: float) -> None:
        """`POST /auth/credentials`; the cookies stay with the transport (evo-voice-api 3.2)."""
        credentials = {
            "provider": "credentials",
            "userName": self._username,
            "password": self._password,
            "rememberMe": True,
        }
        try:
            reply = self._transport.exchange(
                "POST", "/auth/credentials", body=credentials, budget_s=seconds_until(ends), logs_in=True
            )
        except (Unsent, Unanswered) as error:
            raise EvoUnavailable(f"login: {error}") from error
        if reply.status in (400, 401, 403):
            self._rest_from_login()
            raise LoginFailed(f"login: status {reply.status} {words_of(reply)}")
        if reply.status != 200:
            raise EvoUnavailable(f"login: status {reply.status}")

    def _rest_from_login(self) -> None:
        log.error("Evo Voice refuses the bot's login; no further try for %d s", LOGIN_REST_S)
        self._refused_until = time.monotonic() + LOGIN_REST_S
