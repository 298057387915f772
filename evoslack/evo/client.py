"""The Evo Voice client: reads lists, dials once, ends sessions.

Reads may be repeated. A request to dial is sent once, and once more only after a 401, which proves that
nothing was dialed. The vendor's own client retries on 429 and 5xx; here that could ring a phone twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from evoslack.calling.calls import CallRequest, Ending
from evoslack.calling.number_format import masked
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Reason, Rejected
from evoslack.evo.errors import EvoError, EvoUnavailable, Forbidden, LoginFailed
from evoslack.evo.login import BotLogin
from evoslack.evo.observed_transport import ObservedTransport
from evoslack.evo.transport import HeldBack, Reply, Unanswered, Unsent, seconds_until
from evoslack.evo.wire import Login, call_body, login_of, outcome_of, words_of
from evoslack.runtime.outage import Outage
from evoslack.runtime.request_result import Observe, unobserved

log = logging.getLogger(__name__)

DIAL_DEADLINE_S = 30.0  # evo-voice-api 7, step 4
ENOUGH_TO_DIAL = 1 / 3  # of the deadline must be left after logging in
STEADY = timedelta(seconds=5)  # two answers whose clocks agree this well are believed
PAGE_SIZE = 100  # the largest that Evo Voice allows is unknown; smaller pages work too
MOST_PAGES = 200


class EvoClient:
    """One login at one Evo Voice. Safe from several threads.

    `skew` is how far Evo Voice's clock is ahead of ours. `observe` is told of every request.
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        dial_deadline_s: float = DIAL_DEADLINE_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        observe: Observe = unobserved,
        away: Outage | None = None,
        login_rejected: Outage | None = None,
    ) -> None:
        """`observe` is told of every request, `away` and `login_rejected` of what it met."""
        self._away = away or Outage("Evo Voice is unavailable", "Evo Voice answers again")
        self._transport = ObservedTransport(base_url, observe, self._note)
        self._login = BotLogin(self._transport, username, password, login_rejected)
        self._dial_deadline_s = dial_deadline_s
        self._now = now
        self.skew = timedelta(0)
        self._last_skew: timedelta | None = None  # by the last answer

    def dial(self, request: CallRequest, may_leave: Callable[[], bool] = lambda: True) -> Outcome:
        """Ask Evo Voice to call the number and run the flow when the callee answers.

        One `POST /sessions/outgoing` on a fresh connection, 30 s in all. `may_leave` is asked right before
        the first byte is sent; if it returns False, nothing is. Returns how it ended and raises nothing.
        """
        body = call_body(request)
        ends = time.monotonic() + self._dial_deadline_s
        try:
            login = self._login.ensure(ends)
        except LoginFailed:
            return NotSent(Reason.LOGIN_FAILED)
        except EvoError:
            return NotSent(Reason.UNREACHABLE)
        reply = self._post_call(body, ends, may_leave)
        if isinstance(reply, Reply) and reply.status == 401:
            try:
                self._login.ensure(ends, instead_of=login)
            except EvoError:
                return Rejected(Reason.LOGIN_REJECTED)
            reply = self._post_call(body, ends, may_leave)
            if isinstance(reply, Reply) and reply.status == 401:
                self._login.failed("dialing: status 401 right after logging in")
        return outcome_of(reply) if isinstance(reply, Reply) else reply

    def end(self, session_id: str, budget_s: float) -> Ending:
        """Ask Evo Voice to end a session (evo-voice-api 5.7 and 8); the next poll shows whether it did.

        Raises `EvoUnavailable` or `LoginFailed` if the request was not taken.
        """
        if not session_id.strip(" ./"):  # such a path could mean all sessions
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
        login = self._login.ensure(ends)
        status = self.get("/auth/status", {}, budget_s=seconds_until(ends))
        if not status.get("isAuthenticated"):  # this path's way to say 401
            self._login.ensure(ends, instead_of=login)
            status = self.get("/auth/status", {}, budget_s=seconds_until(ends))
        if not status.get("isAuthenticated"):
            raise self._login.failed("not logged in after logging in")
        return login_of(status)

    def get(self, path: str, params: Mapping[str, str], *, budget_s: float) -> dict[str, Any]:
        """Read a JSON object. Raises `EvoUnavailable`, `LoginFailed` or `Forbidden`."""
        reply = self._ask("GET", path, params, time.monotonic() + budget_s)
        if reply.status == 403:
            raise Forbidden(f"{path}: {words_of(reply) or 'role missing'}")
        found = {} if reply.status == 204 else reply.json_object()
        # The status comes first: some errors have a body that looks like an empty list (evo-voice-api 5.6).
        if reply.status not in {200, 204} or found is None:
            asked = reply.headers.get("Retry-After", "")
            pause_s = float(asked) if asked.isdecimal() else None
            raise EvoUnavailable(f"{path}: status {reply.status}", pause_s=pause_s)
        return found

    def items(self, path: str, params: Mapping[str, str], *, budget_s: float) -> Iterator[dict[str, Any]]:
        """Read a whole list page by page, each item once (evo-voice-api 2.5). Raises what `get` raises."""
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
        if seconds_until(ends) < self._dial_deadline_s * ENOUGH_TO_DIAL:
            return NotSent(Reason.UNREACHABLE)  # too little time for an answer: that would end in doubt
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
            log.warning("call to %s: held back; nothing was sent", masked(str(body["numberToDial"])))
            return NotSent(Reason.HELD_UP)
        except Unsent as error:
            log.warning("call to %s: nothing was sent: %s", masked(str(body["numberToDial"])), error)
            return NotSent(Reason.UNREACHABLE)
        except Unanswered as error:
            log.warning("call to %s: sent, but not answered: %s", masked(str(body["numberToDial"])), error)
            return InDoubt(Reason.NO_ANSWER if error.timed_out else Reason.CUT_OFF)

    def _ask(self, method: str, path: str, params: Mapping[str, str], ends: float) -> Reply:
        """Send a request that may be repeated; log in again after a 401.

        Raises `EvoUnavailable` or `LoginFailed`.
        """
        login = self._login.ensure(ends)
        reply = self._exchange(method, path, params, ends)
        if reply.status == 401:
            self._login.ensure(ends, instead_of=login)
            reply = self._exchange(method, path, params, ends)
        if reply.status == 401:
            raise self._login.failed(f"{path}: status 401 right after logging in")
        self._note_clock(reply)
        return reply

    def _note(self, problem: str) -> None:
        """A request was answered (no problem), or not."""
        if problem:
            self._away.failed(problem, level=logging.WARNING)
        else:
            self._away.worked()

    def _note_clock(self, reply: Reply) -> None:
        try:
            date = parsedate_to_datetime(reply.headers.get("Date", ""))
        except ValueError:
            return
        before, now = self._last_skew, date.replace(tzinfo=date.tzinfo or UTC) - self._now()
        self._last_skew = now
        if before is None or abs(now - before) < STEADY:  # one odd date, such as a proxy's, does not count
            self.skew = now

    def _exchange(self, method: str, path: str, params: Mapping[str, str], ends: float) -> Reply:
        try:
            return self._transport.exchange(method, path, params=params, budget_s=seconds_until(ends))
        except Unanswered as error:
            if error.timed_out:
                raise EvoUnavailable(f"{path}: no answer in time") from error
        except Unsent as error:
            raise EvoUnavailable(f"{path}: {error}") from error
        # A kept-alive connection may have died meanwhile, and this request may be repeated.
        try:
            return self._transport.exchange(
                method, path, params=params, budget_s=seconds_until(ends), fresh=True
            )
        except (Unsent, Unanswered) as error:
            raise EvoUnavailable(f"{path}: {error}") from error
