"""Following and ending calls over real HTTP: whatever Evo Voice shows, and in whatever form it says it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import CallRequest, Ending, Progress
from evoslack.calling.matching import TrackedCall, advance_all
from evoslack.calling.outcomes import Placed
from evoslack.calling.snapshot import Session, Snapshot
from evoslack.evo.client import EvoClient
from evoslack.evo.errors import EvoError, EvoUnavailable, Forbidden, LoginFailed
from evoslack.evo.session_poller import SessionPoller, active_of, moment, session_of
from sandbox.evo.calls import BUSY, FAILED, NO_ANSWER, OutgoingCall, Script
from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD, World

BOT, ACCOUNT = "bot@acme.test", "acc1"
NUMBER, CALLER_ID = "+12025550143", "+12025550100"
PLENTY_S = 10.0
TALKING = Script(ring_s=2, talk_s=10**6)
LONG_OVER = Script(ring_s=0, talk_s=0)


class Clock:
    """How old the calls at Evo Voice are."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def evo(clock: Clock) -> Iterator[EvoVoice]:
    """Its calls go on only when the clock is put forward."""
    with EvoVoice(world=World.standard(clock)) as stand_in:
        yield stand_in


@pytest.fixture
def client(evo: EvoVoice) -> EvoClient:
    return EvoClient(evo.url, BOT, PASSWORD)


@pytest.fixture
def poller(client: EvoClient) -> SessionPoller:
    return SessionPoller(client, lambda: datetime.now(UTC))


def poll(poller: SessionPoller, since: datetime | None = None, account_id: str = ACCOUNT) -> Snapshot:
    return poller.poll(account_id, since or datetime.now(UTC), budget_s=PLENTY_S)


class Story:
    """One call from the poll before it to its end, with polls at chosen ages (seconds)."""

    def __init__(self, evo: EvoVoice, clock: Clock, client: EvoClient, poller: SessionPoller) -> None:
        self._clock, self._poller, self._evo = clock, poller, evo
        before = poll(poller)
        self.tracked = TrackedCall(
            "call", ACCOUNT, NUMBER, CALLER_ID, datetime.now(UTC), before.ids(NUMBER, CALLER_ID)
        )
        outcome = client.dial(CallRequest("key", "T1", "U1", ACCOUNT, "flow1", "Survey", NUMBER, CALLER_ID))
        assert isinstance(outcome, Placed)

    def at(self, *ages: float) -> list[Progress]:
        """How far it has come at each age; calls age without our clock."""
        told = []
        for age in ages:
            self._clock.seconds = age
            seen = poll(self._poller, self.tracked.requested_at)
            seen = replace(seen, taken_at=self.tracked.requested_at + timedelta(seconds=age))
            (self.tracked,) = advance_all([self.tracked], seen)
            told.append(self.tracked.progress)
        return told

    @property
    def call(self) -> OutgoingCall:
        return self._evo.world.calls[-1]


@pytest.fixture
def begin(evo: EvoVoice, clock: Clock, client: EvoClient, poller: SessionPoller) -> Any:
    """Place a call that goes by this script."""

    def begin(script: Script) -> Story:
        evo.world.script(NUMBER, script)
        return Story(evo, clock, client, poller)

    return begin


WAITING, RINGING, ANSWERED, ENDED, LOST = Progress

# --- calls of every kind ---------------------------------------------------------------------------------


@pytest.mark.parametrize("session", ["on_answer", "at_once", "twice"])
def test_a_call_with_a_session_is_tracked_to_evo_voices_outcome(begin: Any, session: Any) -> None:
    story = begin(Script(ring_s=2, talk_s=20, session=session))

    assert story.at(0.1, 1, 3, 10, 23) == [RINGING, RINGING, ANSWERED, ANSWERED, ENDED]
    assert story.tracked.outcome == "Completed"
    assert (story.tracked.session_id, story.tracked.call_sid) == (story.call.session_id, story.call.sid)


def test_a_call_whose_session_comes_late_ends_with_it(begin: Any) -> None:
    story = begin(Script(ring_s=2, talk_s=20, session="late"))

    assert story.at(1, 3, 21, 22.5) == [RINGING, ANSWERED, ANSWERED, ENDED]
    assert story.tracked.outcome == "Completed"
    assert story.tracked.session_id == story.call.session_id


@pytest.mark.parametrize(
    "script", [Script(session="never"), Script(archived=True)], ids=["never", "archived"]
)
def test_a_call_whose_session_does_not_end_is_over_when_it_is_no_longer_active(
    begin: Any, script: Script
) -> None:
    story = begin(script)

    assert story.at(1, 3, 23, 30, 33) == [RINGING, ANSWERED, ANSWERED, ANSWERED, ENDED]
    assert story.tracked.outcome == ""


@pytest.mark.parametrize("script", [BUSY, FAILED, NO_ANSWER], ids=["busy", "failed", "no answer"])
def test_a_call_that_nobody_answers_ends_after_it_rang(begin: Any, script: Script) -> None:
    story = begin(script)
    over = script.ring_s + 0.1

    assert story.at(script.ring_s - 0.1, over, over + 10) == [RINGING, RINGING, ENDED]
    assert (story.tracked.answered_at, story.tracked.session_id) == (None, "")


@pytest.mark.parametrize("script", [BUSY, FAILED, NO_ANSWER], ids=["busy", "failed", "no answer"])
def test_evo_voices_outcome_of_an_unanswered_call_is_kept(begin: Any, script: Script) -> None:
    story = begin(replace(script, session="at_once"))

    assert story.at(script.ring_s - 0.1, script.ring_s + 0.1) == [RINGING, ENDED]
    assert story.tracked.outcome == script.outcome


def test_a_long_call_is_tracked_for_hours_and_then_given_up(begin: Any) -> None:
    story = begin(TALKING)

    assert story.at(1, 3, 3 * 3600, 4 * 3600) == [RINGING, ANSWERED, ANSWERED, LOST]


def test_a_call_that_only_shows_when_it_is_answered_waits_until_then(evo: EvoVoice, begin: Any) -> None:
    evo.quirks.active_before_answer = False
    story = begin(replace(TALKING, ring_s=20))

    assert story.at(1, 19, 21) == [WAITING, WAITING, ANSWERED]


def test_a_call_that_never_shows_is_lost_after_a_window(evo: EvoVoice, begin: Any) -> None:
    evo.quirks.active_before_answer = False
    story = begin(NO_ANSWER)

    assert story.at(1, 26, 89, 90) == [WAITING, WAITING, WAITING, LOST]


def test_a_call_that_is_answered_and_ends_between_two_polls_is_seen_in_its_session(begin: Any) -> None:
    story = begin(Script(ring_s=1, talk_s=1))

    assert story.at(5) == [ENDED]
    assert (story.tracked.outcome, story.tracked.answered_at) == ("Completed", None)


@pytest.mark.parametrize("dates", ["iso", "naive", "servicestack", "rfc2822"])
@pytest.mark.parametrize("callee_side", ["to", "from"])
@pytest.mark.parametrize("clock_ahead_s", [-300, 0, 300])
@pytest.mark.parametrize("disconnected", [True, False])
def test_a_call_is_found_in_every_format(
    evo: EvoVoice, begin: Any, dates: Any, callee_side: Any, clock_ahead_s: float, disconnected: bool
) -> None:
    evo.quirks.active_before_answer = False  # so that only the record tells
    evo.quirks.dates, evo.quirks.callee_side = dates, callee_side
    evo.quirks.clock_ahead_s, evo.quirks.disconnected_before_answer = clock_ahead_s, disconnected
    story = begin(Script(ring_s=5, talk_s=20, session="at_once"))

    assert story.at(2, 10, 26) == [WAITING if disconnected else RINGING, ANSWERED, ENDED]
    assert story.tracked.session_id == story.call.session_id
    ended_s = (story.tracked.ended_at - story.tracked.requested_at).total_seconds()
    assert 24 <= ended_s <= 27, "by our clock"


@pytest.mark.parametrize("clock_ahead_s", [-300, 0, 300])
def test_a_call_of_a_minute_before_is_not_ours_even_without_an_earlier_poll(
    evo: EvoVoice, begin: Any, clock_ahead_s: float
) -> None:
    evo.quirks.clock_ahead_s = clock_ahead_s
    theirs = evo.world.place("flow1", NUMBER, CALLER_ID)
    theirs.placed_at -= timedelta(minutes=1)
    evo.quirks.active_before_answer = False
    story = begin(replace(NO_ANSWER, ring_s=80))
    theirs.script = TALKING
    story.tracked = replace(story.tracked, known_ids=None)

    assert story.at(5, 10) == [WAITING, WAITING]
    assert not story.tracked.is_matched


def test_without_a_time_zone_nothing_is_ours_unless_there_was_an_earlier_poll(
    evo: EvoVoice, begin: Any
) -> None:
    evo.quirks.dates = "naive"
    story = begin(TALKING)
    story.tracked = replace(story.tracked, known_ids=None)

    assert story.at(3) == [WAITING]


def test_another_persons_call_at_the_same_time_leaves_ours_open(evo: EvoVoice, begin: Any) -> None:
    story = begin(TALKING)
    evo.world.place("flow1", NUMBER, CALLER_ID)

    assert story.at(1, 3) == [WAITING, WAITING]
    assert not story.tracked.is_matched


def test_another_persons_later_call_is_not_mixed_up_with_ours(evo: EvoVoice, begin: Any) -> None:
    story = begin(TALKING)
    story.at(1)
    ours = story.call
    evo.world.place("flow1", NUMBER, CALLER_ID)

    assert story.at(5) == [ANSWERED]
    assert (story.tracked.session_id, story.tracked.call_sid) == (ours.session_id, ours.sid)


# --- what a poll costs -----------------------------------------------------------------------------------


def requests_of_a_poll(
    evo: EvoVoice, poller: SessionPoller, since: datetime | None = None
) -> tuple[int, int]:
    """How many times each of the two lists was asked for."""
    before = len(evo.requests)
    poll(poller, since)
    paths = [request.path for request in evo.requests[before:]]
    return paths.count("/calls/active"), paths.count("/sessions")


@pytest.mark.parametrize("calls", [0, 1, 300])
def test_one_call_costs_as_much_as_three_hundred(
    evo: EvoVoice, poller: SessionPoller, clock: Clock, calls: int
) -> None:
    for _ in range(calls):
        evo.world.place("flow1", NUMBER, CALLER_ID)
    clock.seconds = 1

    assert requests_of_a_poll(evo, poller) == (1, 1)
    assert len(poll(poller).active) == calls


def a_busy_day(evo: EvoVoice, calls: int) -> None:
    """So many calls, one every fifteen seconds, all over."""
    evo.world.default_script = LONG_OVER
    for index in range(calls):
        evo.world.place("flow1", NUMBER, CALLER_ID).placed_at -= timedelta(seconds=15 * (calls - index))


def test_of_a_busy_day_one_page_is_read_if_the_newest_come_first(
    evo: EvoVoice, poller: SessionPoller
) -> None:
    evo.quirks.sorts_sessions = True
    a_busy_day(evo, 5000)

    assert requests_of_a_poll(evo, poller) == (1, 1)
    # The 290 sessions since a call that began then, and ten minutes more to be sure.
    assert requests_of_a_poll(evo, poller, datetime.now(UTC) - timedelta(minutes=72.5)) == (1, 4)


@pytest.mark.parametrize("order", ["oldest first", "no order"])
def test_of_a_busy_day_all_is_read_in_any_other_order(
    evo: EvoVoice, poller: SessionPoller, order: str
) -> None:
    a_busy_day(evo, 1000)
    if order == "no order":
        random.Random(1).shuffle(evo.world.calls)
    newest = max(evo.world.calls, key=lambda call: call.placed_at)

    assert requests_of_a_poll(evo, poller) == (1, 10)
    assert newest.session_id in {session.id for session in poll(poller).sessions}


def test_smaller_pages_are_all_read(evo: EvoVoice, poller: SessionPoller, clock: Clock) -> None:
    evo.quirks.largest_page = 25
    evo.world.default_script = TALKING
    for _ in range(60):
        evo.world.place("flow1", NUMBER, CALLER_ID)
    clock.seconds = 3

    assert requests_of_a_poll(evo, poller) == (1, 3)
    assert len(poll(poller).sessions) == 60


@pytest.mark.parametrize(
    "fault", ["500_json", "502_html", "429", "206", "redirect", "html_200", "garbage_200"]
)
@pytest.mark.parametrize("path", ["/calls/active", "/sessions"])
def test_half_a_snapshot_is_none(evo: EvoVoice, poller: SessionPoller, path: str, fault: str) -> None:
    """A list that is missing reads like calls that are over."""
    evo.fault(path, fault, times=None, method="GET")

    with pytest.raises(EvoUnavailable):
        poll(poller)


@pytest.mark.parametrize(("account_id", "error"), [("acc2", Forbidden), ("", EvoUnavailable)])
def test_an_error_that_looks_like_an_empty_list_is_an_error(
    evo: EvoVoice, poller: SessionPoller, account_id: str, error: type[EvoError]
) -> None:
    """`{"calls": []}` with a status of 4xx (evo-voice-api 5.6)."""
    assert evo.quirks.bare_active_errors

    with pytest.raises(error):
        poll(poller, account_id=account_id)


@pytest.mark.parametrize("path", ["/calls/active", "/sessions"])
def test_a_poll_ends_in_time(evo: EvoVoice, poller: SessionPoller, path: str) -> None:
    poll(poller)
    evo.fault(path, "hang", method="GET")

    began = time.monotonic()
    with pytest.raises(EvoUnavailable):
        poller.poll(ACCOUNT, datetime.now(UTC), budget_s=0.3)
    assert time.monotonic() - began < 1


def test_a_snapshot_is_as_old_as_the_start_of_its_poll(evo: EvoVoice, poller: SessionPoller) -> None:
    """Whatever began after it may be missing."""
    evo.fault("/sessions", "slow", seconds=0.2, method="GET")

    began = datetime.now(UTC)
    seen = poll(poller)

    assert seen.taken_at - began < timedelta(seconds=0.2) <= datetime.now(UTC) - seen.taken_at


@pytest.mark.parametrize("clock_ahead_s", [-300, 0, 300])
def test_evo_voices_clock_is_known_from_its_answers(
    evo: EvoVoice, poller: SessionPoller, clock_ahead_s: float
) -> None:
    evo.quirks.clock_ahead_s = clock_ahead_s

    assert abs(poll(poller).skew.total_seconds() - clock_ahead_s) < 2


@pytest.mark.parametrize("clock_ahead_s", [-86400, 0, 86400])
def test_the_days_around_are_asked_for_as_their_zone_is_not_known(
    evo: EvoVoice, poller: SessionPoller, clock_ahead_s: float
) -> None:
    evo.quirks.clock_ahead_s = clock_ahead_s
    since = datetime.now(UTC) - timedelta(days=2)
    poll(poller, since)

    theirs, a_day = timedelta(seconds=clock_ahead_s), timedelta(days=1)
    query = evo.requests[-1].query
    assert query["startDate"] == f"{since + theirs - a_day:%Y-%m-%d}"
    assert query["endDate"] == f"{datetime.now(UTC) + theirs + a_day:%Y-%m-%d}"


@pytest.mark.parametrize("odd", [None, 7, ["S1"], {"id": "S1"}, "S 1", "x" * 201], ids=repr)
def test_one_odd_entry_does_not_hide_the_others(
    evo: EvoVoice, poller: SessionPoller, clock: Clock, odd: Any
) -> None:
    evo.world.default_script = TALKING
    evo.world.place("flow1", NUMBER, CALLER_ID).session_id = odd
    ours = evo.world.place("flow1", NUMBER, CALLER_ID)
    clock.seconds = 3

    assert [session.id for session in poll(poller).sessions] == [ours.session_id]


def test_sessions_of_other_accounts_are_left_out(evo: EvoVoice, poller: SessionPoller, clock: Clock) -> None:
    evo.world.logins[BOT].account_ids = ("acc1", "acc2")
    evo.world.default_script = TALKING
    evo.world.add_flow("flow9", "Theirs", "acc2")
    evo.world.place("flow9", NUMBER, CALLER_ID)
    ours = evo.world.place("flow1", NUMBER, CALLER_ID)
    clock.seconds = 3

    seen = poll(poller)

    assert [session.id for session in seen.sessions] == [ours.session_id]
    assert [active.sid for active in seen.active] == [ours.sid]


# --- what is read from one entry -------------------------------------------------------------------------

AT = datetime(2026, 3, 2, 9, 30, 0, 123000, tzinfo=UTC)
CALL_INFO = {"sid": "CA1", "status": "ringing", "to": NUMBER, "from": CALLER_ID}
SESSION_INFO: dict[str, Any] = {
    "id": "S1",
    "accountId": ACCOUNT,
    "channel": "Voice",
    "fromAddress": CALLER_ID,
    "toAddress": NUMBER,
    "destination": NUMBER,
    "callState": "Disconnected",
    "ended": False,
    "callSid": "CA1",
    "dateCreated": "2026-03-02T09:30:00.123Z",
}


def session(**more: Any) -> Session:
    found = session_of(SESSION_INFO | more, ACCOUNT)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:30:00.123Z",
        "2026-03-02T09:30:00.1230000Z",
        "2026-03-02T10:30:00.123+01:00",
        "/Date(1772443800123)/",
        "/Date(1772443800123+0000)/",
        "/Date(1772443800123-0500)/",
    ],
)
def test_a_time_is_read_in_every_form(text: str) -> None:
    assert moment(text) == AT


def test_the_carriers_times_are_read() -> None:
    assert moment("Mon, 02 Mar 2026 09:30:00 +0000") == AT.replace(microsecond=0)
    assert moment("Mon, 02 Mar 2026 04:30:00 -0500") == AT.replace(microsecond=0)


@pytest.mark.parametrize(
    "odd",
    [
        *(None, 1772443800, True, [], {}, "", "now", "\x00", "\ud800"),
        *("2026-03-02T09:30:00", "2026-03-02", "Mon, 02 Mar 2026 09:30:00 -0000"),
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "/Date(-62135596800000)/"),
        *("/Date(999999999999999)/", "/Date(-999999999999999)/", "/Date()/", "9999-12-31T23:59:59-14:00"),
        "Mon, 02 Mar 2026 99:99:99 GMT",
        "Mon, 02 Mar 99999999999999999999 09:30:00 GMT",
    ],
    ids=repr,
)
def test_a_time_that_says_no_moment_is_none(odd: object) -> None:
    assert moment(odd) is None


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress"])
def test_a_call_that_is_going_on_is_seen(status: str) -> None:
    found = active_of(CALL_INFO | {"status": status})

    assert found is not None
    assert (found.sid, found.to, found.sender) == ("CA1", NUMBER[1:], CALLER_ID[1:])
    assert found.is_answered is (status == "in-progress")


@pytest.mark.parametrize(
    "odd",
    [
        *({"status": status} for status in ("completed", "busy", "failed", "no-answer", "canceled")),
        *({"status": odd} for odd in (None, "", 2, ["ringing"], {})),
        *({"sid": odd} for odd in (None, "", 7, ["CA1"], "CA 1", "CA\x00", "\ud800", "x" * 201)),
    ],
    ids=repr,
)
def test_what_is_not_going_on_or_has_no_name_is_left_out(odd: dict[str, Any]) -> None:
    assert active_of(CALL_INFO | odd) is None


@pytest.mark.parametrize(
    ("direction", "by_request"),
    [(None, True), ("", True), ("outbound-api", True), ("inbound", False), ("outbound-dial", False)],
)
def test_only_a_call_through_the_api_can_be_ours(direction: str | None, by_request: bool) -> None:
    found = active_of(CALL_INFO | {"direction": direction})

    assert found is not None
    assert found.is_by_request is by_request


@pytest.mark.parametrize(
    "written",
    [
        "+12025550143",
        "12025550143",
        "+1 202 555 0143",
        "+1 (202) 555-0143",
        "+1.202.555.0143",
        "+1\xa0202/555 0143",
    ],
)
def test_numbers_are_read_however_they_are_written(written: str) -> None:
    found = active_of(CALL_INFO | {"to": written})

    assert found is not None
    assert found.to == session(toAddress=written, destination=written).destination == "12025550143"
    assert session(toAddress=written, destination=written).numbers == {"12025550143", "12025550100"}


@pytest.mark.parametrize(
    "odd", [None, 7, [], "", "client:agent7", "sip:+12025550143@host", "Anonymous", "٢٠٢"]
)
def test_what_is_not_written_like_a_number_is_none(odd: object) -> None:
    found = active_of(CALL_INFO | {"to": odd})

    assert found is not None
    assert found.to == ""
    assert session(destination=odd).numbers == {"12025550143", "12025550100"}
    assert session(destination=odd).destination == ""


@pytest.mark.parametrize(
    "other",
    [
        *({"id": odd} for odd in (None, "", 7, ["S1"], "S 1", "S\n", "\ud800", "x" * 201)),
        *({"accountId": odd} for odd in (None, "acc2", ["acc1"])),
        *({"channel": odd} for odd in ("Chat", "Fax", 1)),
    ],
    ids=repr,
)
def test_sessions_of_others_and_of_other_kinds_are_left_out(other: dict[str, Any]) -> None:
    assert session_of(SESSION_INFO | other, ACCOUNT) is None


def test_a_session_with_next_to_nothing_in_it_is_a_session() -> None:
    assert session_of({"id": "S1", "accountId": ACCOUNT}, ACCOUNT) == Session(
        "S1", "", frozenset(), None, is_ringing=False, is_talking=False, is_over=False
    )


@pytest.mark.parametrize(
    ("more", "ringing", "talking", "over"),
    [
        ({"callState": "Disconnected"}, False, False, False),
        ({"callState": "Ringing"}, True, False, False),
        *(({"callState": state}, False, True, False) for state in ("Connected", "Hold", "Passive")),
        ({"callState": ["Ringing"]}, False, False, False),
        ({"callState": None}, False, False, False),
        ({"ended": True}, False, False, True),
        ({"ended": "false"}, False, False, False),
        ({"dateCompleted": "2026-03-02T09:31:00Z"}, False, False, True),
        ({"dateCompleted": "in a form of its own"}, False, False, True),
        ({"dateCompleted": "0001-01-01T00:00:00.0000000"}, False, False, False),
        ({"dateCompleted": "/Date(-62135596800000)/"}, False, False, False),
        ({"dateCompleted": "0001-01-01T00:00:00Z", "ended": True}, False, False, True),
    ],
)
def test_how_far_a_session_has_come(more: dict[str, Any], ringing: bool, talking: bool, over: bool) -> None:
    found = session(**more)

    assert (found.is_ringing, found.is_talking, found.is_over) == (ringing, talking, over)


@pytest.mark.parametrize("odd", [None, 7, [], "CA 1", "CA\x00"])
def test_a_sid_that_is_none_is_left_out(odd: object) -> None:
    assert session(callSid=odd).call_sid == ""


def test_evo_voices_outcome_can_be_stored() -> None:
    assert session(outcome="No\x00 Answer\ud800").outcome == "No Answer?"
    assert session(outcome=["Busy"]).outcome == ""


# --- ending a call ---------------------------------------------------------------------------------------


@pytest.fixture
def going_on(evo: EvoVoice, clock: Clock) -> OutgoingCall:
    """A person talks, and the bot's login may end that."""
    evo.world.logins[BOT].roles = ("Manager", "User")
    evo.world.default_script = TALKING
    call = evo.world.place("flow1", NUMBER, CALLER_ID)
    clock.seconds = 5
    return call


def goes_on(evo: EvoVoice, call: OutgoingCall) -> bool:
    return call.status(evo.world.age(call)) == "in-progress"


def deleted(evo: EvoVoice) -> list[str]:
    return [request.path for request in evo.requests if request.method == "DELETE"]


@pytest.fixture(autouse=True)
def _no_history_is_deleted(evo: EvoVoice) -> Iterator[None]:
    """`DELETE /sessions` with nothing behind it takes the record of an account away."""
    yield
    assert evo.bulk_deletes == []


def test_a_call_is_ended(evo: EvoVoice, client: EvoClient, going_on: OutgoingCall) -> None:
    assert client.end(going_on.session_id, budget_s=PLENTY_S) is Ending.TAKEN

    assert not goes_on(evo, going_on)
    assert deleted(evo) == [f"/sessions/{going_on.session_id}"]


def test_a_manager_alone_may_not_end_calls(evo: EvoVoice, client: EvoClient, going_on: OutgoingCall) -> None:
    evo.world.logins[BOT].roles = ("Manager",)

    assert client.end(going_on.session_id, budget_s=PLENTY_S) is Ending.FORBIDDEN
    assert goes_on(evo, going_on)


def test_a_session_of_another_account_is_not_ours_to_end(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall
) -> None:
    evo.world.logins[BOT].account_ids = ("acc2",)

    assert client.end(going_on.session_id, budget_s=PLENTY_S) is Ending.FORBIDDEN
    assert goes_on(evo, going_on)


def test_a_session_that_is_not_there_is_gone(client: EvoClient, going_on: OutgoingCall) -> None:
    assert client.end("unknown", budget_s=PLENTY_S) is Ending.GONE


@pytest.mark.parametrize(
    "nothing", ["", ".", "..", "...", " ", "/", "//", "./", "../", "/.", " / "], ids=repr
)
def test_a_session_without_a_name_is_never_asked_to_end(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall, nothing: str
) -> None:
    """Such a path may be read as that of all sessions, by Evo Voice or by whatever stands before it."""
    assert client.end(nothing, budget_s=PLENTY_S) is Ending.GONE
    assert deleted(evo) == []
    assert goes_on(evo, going_on)


@pytest.mark.parametrize(
    "odd",
    ["a/b", "a/..", "../flows", "50%", "%2F", "%2e%2e", "a?accountId=acc1", "a#b", "a;b", "ü"],
    ids=repr,
)
def test_an_odd_name_stays_one_name(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall, odd: str
) -> None:
    assert client.end(odd, budget_s=PLENTY_S) is Ending.GONE
    assert deleted(evo) == [f"/sessions/{odd}"]
    assert all(not request.query for request in evo.requests)


def test_a_login_that_ran_out_is_renewed_once(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall
) -> None:
    client.whoami(budget_s=PLENTY_S)
    evo.expire_logins()

    assert client.end(going_on.session_id, budget_s=PLENTY_S) is Ending.TAKEN
    assert evo.count("POST", "/auth/credentials") == 2


def test_a_login_that_is_not_taken_is_an_error(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall
) -> None:
    evo.fault("/sessions/", "401_empty", times=None, method="DELETE")

    with pytest.raises(LoginFailed):
        client.end(going_on.session_id, budget_s=PLENTY_S)
    assert len(deleted(evo)) == 2


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("403_text", Ending.FORBIDDEN),
        ("403_json", Ending.FORBIDDEN),
        ("404_text", Ending.GONE),
        ("404_json", Ending.GONE),
    ],
)
def test_a_no_is_told_for_what_it_is(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall, fault: str, ending: Ending
) -> None:
    evo.fault("/sessions/", fault, method="DELETE")

    assert client.end(going_on.session_id, budget_s=PLENTY_S) is ending


@pytest.mark.parametrize("fault", ["400_json", "429", "500_json", "502_html", "redirect"])
def test_any_other_answer_says_that_the_request_was_not_taken(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall, fault: str
) -> None:
    evo.fault("/sessions/", fault, method="DELETE")

    with pytest.raises(EvoUnavailable):
        client.end(going_on.session_id, budget_s=PLENTY_S)
    assert len(deleted(evo)) == 1


def test_a_silent_evo_voice_is_not_waited_for_longer_than_the_budget(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall
) -> None:
    client.whoami(budget_s=PLENTY_S)
    evo.fault("/sessions/", "hang", method="DELETE")

    began = time.monotonic()
    with pytest.raises(EvoUnavailable):
        client.end(going_on.session_id, budget_s=0.3)
    assert time.monotonic() - began < 1


def test_an_evo_voice_that_is_away_is_an_error(
    evo: EvoVoice, client: EvoClient, going_on: OutgoingCall
) -> None:
    client.whoami(budget_s=PLENTY_S)
    evo.stop()

    with pytest.raises(EvoUnavailable):
        client.end(going_on.session_id, budget_s=PLENTY_S)
