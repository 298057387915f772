"""What the ledger promises about call history and Home tabs, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import Call, State
from evoslack.calling.history_filter import HistoryFilter, HomeTab, Scope
from evoslack.calling.history_page import Count, Cursor, HistoryPage, Way
from evoslack.calling.outcomes import Placed
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.dependents import mark_dependents_due
from evoslack.ledger.history import PIECE, CallHistory
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.retention import CallRetention
from evoslack.ledger.schema import calls as calls_table
from evoslack.ledger.store import Store
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
REST, LEASE = 2 * SECOND, 30 * SECOND
SARA, BOSS = "U_SARA", "U_BOSS"
TEAM = HistoryFilter(Scope.TEAM)


@pytest.fixture
def calls(store: Store) -> CallLedger:
    return CallLedger(store)


@pytest.fixture
def history(store: Store) -> CallHistory:
    return CallHistory(store)


@pytest.fixture
def homes(store: Store) -> HomeTabLedger:
    return HomeTabLedger(store)


def accept(calls: CallLedger, number: str, *, who: str = SARA, team: str = "T1", at: datetime = T0) -> Call:
    key = f"{who}{number}{at.isoformat()}"
    return calls.accept(call_request(key, number, team_id=team, user_id=who), at=at)


def many(calls: CallLedger, count: int) -> list[str]:
    """That many calls, two a second; their numbers, oldest first."""
    numbers = [f"+1202555{index:04}" for index in range(count)]
    for index, number in enumerate(numbers):
        accept(calls, number, who=BOSS if index % 5 == 0 else SARA, at=T0 + index // 2 * SECOND)
    return numbers


def due(homes: HomeTabLedger, *, at: datetime = T0) -> HomeTab | None:
    return homes.claim(at=at, until=at + LEASE, shown_before=at - REST)


def opened(homes: HomeTabLedger, who: str, *, at: datetime = T0) -> HomeTab:
    """This person opened their Home tab, and a bot claimed it to publish it."""
    homes.mark_opened("T1", who, at=at)
    home = due(homes, at=at)
    assert home is not None and home.user_id == who
    return home


def up_to_date(homes: HomeTabLedger, *who: str, at: datetime = T0) -> None:
    """These people opened their Home tabs, and the tabs were published."""
    for each in who:
        home = opened(homes, each, at=at)
        homes.mark_shown(home, lease=at + LEASE, at=at)


def numbers_of(found: HistoryPage) -> list[str]:
    return [call.request.number for call in found.calls]


# --- history --------------------------------------------------------------------------------------


def test_pages_have_no_gaps_and_start_with_the_newest(calls: CallLedger, history: CallHistory) -> None:
    many(calls, 25)
    pages = [history.page("T1", None, TEAM, limit=10)]
    while pages[-1].older.calls:
        place = Cursor.older_than(pages[-1].calls[-1]).packed()
        pages.append(history.page("T1", None, replace(TEAM, place=place), limit=10))

    counts = [(page.newer.calls, len(page.calls), page.older.calls, page.total) for page in pages]
    assert counts == [(0, 10, 15, (25, True)), (10, 10, 5, (25, True)), (20, 5, 0, (25, True))]
    found = [call for page in pages for call in page.calls]
    assert len({call.id for call in found}) == 25
    assert found == sorted(found, key=lambda call: (call.accepted_at, call.id), reverse=True)

    back = Cursor.newer_than(pages[2].calls[0]).packed()
    assert history.page("T1", None, replace(TEAM, place=back), limit=10) == pages[1]
    oldest = history.page("T1", None, replace(TEAM, place="oldest"), limit=10)
    assert (list(oldest.calls), oldest.newer.calls, oldest.older.calls) == (found[15:], 15, 0)


def test_a_new_call_does_not_move_the_page_that_someone_reads(
    calls: CallLedger, history: CallHistory
) -> None:
    many(calls, 25)
    first = history.page("T1", None, TEAM, limit=10)
    second = replace(TEAM, place=Cursor.older_than(first.calls[-1]).packed())
    before = history.page("T1", None, second, limit=10)

    accept(calls, "+13125550001", at=T0 + 3600 * SECOND)

    after = history.page("T1", None, second, limit=10)
    assert (after.calls, after.newer) == (before.calls, Count(11))


@pytest.mark.parametrize("limit", [1, 10, 30])
def test_a_page_that_no_longer_exists_is_the_nearest_one(
    calls: CallLedger, history: CallHistory, store: Store, limit: int
) -> None:
    many(calls, 25)
    everything = history.page("T1", None, TEAM, limit=25).calls
    beyond = [Cursor.older_than(everything[-1]), Cursor.newer_than(everything[0])]

    oldest, newest = (
        history.page("T1", None, replace(TEAM, place=each.packed()), limit=limit) for each in beyond
    )

    assert (list(oldest.calls), oldest.older.calls) == (list(everything)[-limit:], 0)
    assert (list(newest.calls), newest.newer.calls) == (list(everything)[:limit], 0)
    CallRetention(store, lambda: T0).purge_calls(accepted_before=T0 + 3600 * SECOND, at=T0)
    for each in (*beyond, Cursor(Way.OLDEST)):
        assert history.page("T3", None, replace(TEAM, place=each.packed()), limit=limit) == HistoryPage()


@pytest.mark.parametrize("scanned", [1, 7, 4000])
def test_a_search_is_the_same_however_far_the_newest_calls_are_scanned(
    store: Store, calls: CallLedger, scanned: int
) -> None:
    many(calls, 24)
    for index, number in enumerate(("+12025559001", "+12025559002", "+4420255501", "+447700900123")):
        accept(calls, number, who=BOSS, at=T0 - (index + 1) * SECOND)
    history = CallHistory(store, scanned=scanned)
    everything = history.page("T1", None, TEAM, limit=99).calls
    assert len(everything) == 28

    for typed, who in product(("202", "5550", "0123", "+1 202 555 9001", "999", "1" * 40), (None, BOSS)):
        chosen = HistoryFilter(search=typed, outcome="in_progress")
        expected = [
            call.id
            for call in everything
            if chosen.digits in call.request.number and who in {None, call.request.user_id}
        ]
        found = history.page("T1", who, chosen, limit=4)
        assert not found.total.is_all or found.total == Count(len(expected))
        pages = list(found.calls)
        while found.older.may_exceed(0) and len(found.calls) == 4:
            place = Cursor.older_than(found.calls[-1]).packed()
            found = history.page("T1", who, replace(chosen, place=place), limit=4)
            pages += [call for call in found.calls if call not in pages]
        assert [call.id for call in pages] == expected
        assert [call.id for call in history.matching("T1", who, chosen)] == expected[::-1]


def test_a_deleted_number_is_found_no_more_and_one_that_is_called_again_is(
    store: Store, calls: CallLedger, history: CallHistory
) -> None:
    accept(calls, "+12025550001", at=T0 - 9 * SECOND)
    with store.engine.begin() as connection:
        connection.execute(sa.delete(calls_table))
        endings = "SELECT count(*) FROM number_endings"
        assert not store.is_sqlite or connection.exec_driver_sql(endings).scalar_one() == 0
    few = CallHistory(store, scanned=0)

    assert few.page("T1", None, HistoryFilter(search="5550001"), limit=9) == HistoryPage()
    accept(calls, "+12025550001")
    assert len(few.page("T1", None, HistoryFilter(search="5550001"), limit=9).calls) == 1


def test_a_page_can_be_of_one_person_and_never_is_of_another_workspace(
    calls: CallLedger, history: CallHistory
) -> None:
    accept(calls, "+12025550001")
    accept(calls, "+12025550002", who=BOSS)
    accept(calls, "+12025550003", team="T2")

    assert numbers_of(history.page("T1", SARA, TEAM, limit=9)) == ["+12025550001"]
    everybody = numbers_of(history.page("T1", None, TEAM, limit=9))
    assert sorted(everybody) == ["+12025550001", "+12025550002"]
    assert history.page("T3", None, TEAM, limit=9) == HistoryPage()


@pytest.mark.parametrize(
    ("typed", "fitting"),
    [
        ("555-0001", 1),
        ("1 202 555", 2),
        ("20255", 2),
        ("001", 0),
        ("0001", 0),
        ("999", 0),
        ("2025%01", 0),
        ("", 2),
    ],
)
def test_numbers_are_found_by_any_part_of_them_and_by_nothing_else(
    calls: CallLedger, history: CallHistory, typed: str, fitting: int
) -> None:
    accept(calls, "+12025550001")
    accept(calls, "+12025550002", who=BOSS)

    found = history.page("T1", None, HistoryFilter(search=typed), limit=9)

    assert (len(found.calls), found.total) == (fitting, (fitting, True))


@pytest.mark.parametrize(
    "wanted",
    [
        *(HistoryFilter(search=typed) for typed in ("Sara", "12", "%%%", "___", " ")),
        HistoryFilter(first="2026-03-03", last="2026-03-01"),
    ],
)
def test_what_no_call_can_match_finds_nothing_instead_of_everything(
    calls: CallLedger, history: CallHistory, wanted: HistoryFilter
) -> None:
    accept(calls, "+12025550001")

    assert history.page("T1", None, wanted, limit=9) == HistoryPage()
    assert list(history.matching("T1", None, wanted)) == []


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("2026-03-02", "2026-03-02", [1, 2]),
        ("2026-03-02", "", [1, 2, 3]),
        ("", "2026-03-01", [0]),
        ("2026-03-04", "2026-03-05", []),
        ("0001-01-01", "9999-12-31", [0, 1, 2, 3]),
    ],
)
def test_days_are_utc_days_and_the_last_one_is_included(
    calls: CallLedger, history: CallHistory, first: str, last: str, found: list[int]
) -> None:
    day = T0.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [
        day - timedelta(microseconds=1),
        day,
        day + timedelta(days=1, microseconds=-1),
        day + timedelta(days=1),
    ]
    numbers = [f"+120255500{index:02}" for index in range(4)]
    for number, at in zip(numbers, moments, strict=True):
        accept(calls, number, at=at)

    shown = history.page("T1", None, HistoryFilter(first=first, last=last), limit=9)

    assert sorted(numbers_of(shown)) == [numbers[index] for index in found]


def test_calls_can_be_of_one_flow(calls: CallLedger, history: CallHistory) -> None:
    for flow in ("flow1", "flow2", "flow"):
        calls.accept(call_request(flow, f"+1202555{len(flow)}0{flow[-1:]:0>2}"[:12], flow_id=flow), at=T0)

    found = history.page("T1", None, HistoryFilter(flow="flow1"), limit=9)

    assert ([call.request.flow_id for call in found.calls], found.total) == (["flow1"], (1, True))


@pytest.mark.parametrize("count", [0, 1, 7, PIECE, PIECE + 1])
def test_a_period_is_all_calls_in_it_once_oldest_first(
    calls: CallLedger, history: CallHistory, count: int
) -> None:
    """Two calls have the same time, also where one piece ends and the next begins."""
    numbers = many(calls, count)

    found = list(history.period(T0, T0 + timedelta(hours=1)))

    assert sorted(call.request.number for call in found) == numbers
    assert found == sorted(found, key=lambda call: call.accepted_at)


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(
    calls: CallLedger, history: CallHistory
) -> None:
    numbers = many(calls, 8)  # two each second

    found = {call.request.number for call in history.period(T0 + SECOND, T0 + 3 * SECOND)}

    assert found == set(numbers[2:6])


def test_a_slow_reader_of_a_period_blocks_nobody(calls: CallLedger, history: CallHistory) -> None:
    """SQLite has one connection, which a slow reader must not keep between two calls."""
    many(calls, 3)
    reading: Iterator[Call] = history.period(T0, T0 + timedelta(hours=1))
    next(reading)

    assert calls.begin(at=T0, accepted_after=T0 - SECOND) is not None
    assert len(list(reading)) == 2


# --- which home is due ----------------------------------------------------------------------------


def test_a_home_is_due_when_opened_and_claimed_once(homes: HomeTabLedger) -> None:
    assert due(homes) is None
    homes.mark_opened("T1", SARA, at=T0)

    assert due(homes) == HomeTab("T1", SARA, None, T0), "no filter was chosen yet"
    assert due(homes) is None


def test_a_home_keeps_its_owners_filter(homes: HomeTabLedger) -> None:
    chosen = HistoryFilter(Scope.TEAM, "(202) 555", BOSS, Cursor(Way.OLDEST).packed())
    homes.set_filter("T1", SARA, chosen, at=T0)
    homes.mark_opened("T1", SARA, at=T0 + SECOND)

    assert due(homes, at=T0 + SECOND) == HomeTab("T1", SARA, chosen, T0 + SECOND, sees_all=True)


def test_an_unreadable_filter_becomes_the_default(store: Store, homes: HomeTabLedger) -> None:
    homes.mark_opened("T1", SARA, at=T0)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE home_tabs SET history_filter = '[1]'")

    assert due(homes) == HomeTab("T1", SARA, HistoryFilter(), T0)


def test_sixteen_clicks_at_once_are_one_home(homes: HomeTabLedger) -> None:
    gate = threading.Barrier(16)

    def click(page: int) -> None:
        gate.wait(10)
        homes.set_filter("T1", SARA, HistoryFilter(search=str(202 + page)), at=T0)

    with ThreadPoolExecutor(16) as people:
        list(people.map(click, range(16)))

    assert due(homes) is not None
    assert due(homes) is None


def test_concurrent_workers_claim_different_homes(homes: HomeTabLedger) -> None:
    people = [f"U{index}" for index in range(40)]
    for each in people:
        homes.mark_opened("T1", each, at=T0)
    gate = threading.Barrier(8)

    def show_all(_index: int) -> list[str]:
        gate.wait(10)
        shown = []
        while home := due(homes, at=T0 + SECOND):
            shown.append(home.user_id)
        return shown

    with ThreadPoolExecutor(8) as pool:
        shown = [user_id for found in pool.map(show_all, range(8)) for user_id in found]

    assert sorted(shown) == sorted(people)


def test_a_changed_call_makes_the_homes_of_its_caller_and_of_managers_who_see_all_due(
    calls: CallLedger, homes: HomeTabLedger
) -> None:
    up_to_date(homes, SARA, BOSS, "U_ROOT", "U_OTHER")
    homes.set_filter("T1", "U_ROOT", TEAM, at=T0)
    root = due(homes)
    assert root is not None
    homes.mark_shown(root, lease=T0 + LEASE, at=T0)

    later = T0 + 5 * SECOND
    accept(calls, "+12025550001", at=later)

    found = {home.user_id for home in iter(lambda: due(homes, at=later), None)}
    assert found == {SARA, "U_ROOT"}


def test_a_home_that_shows_the_teams_live_calls_follows_all_calls_with_any_filter(
    calls: CallLedger, homes: HomeTabLedger
) -> None:
    root = opened(homes, "U_ROOT")
    assert not root.sees_all
    homes.set_sees_all(root, True, lease=T0)  # not this lease
    homes.set_sees_all(root, True, lease=T0 + LEASE)
    homes.mark_shown(root, lease=T0 + LEASE, at=T0)
    homes.set_filter("T1", "U_ROOT", HistoryFilter(), at=T0)
    homes.mark_shown(due(homes), lease=T0 + LEASE, at=T0)

    accept(calls, "+12025550001", at=T0 + 5 * SECOND)
    root = due(homes, at=T0 + 5 * SECOND)
    assert root is not None and root.sees_all

    homes.set_sees_all(root, False, lease=T0 + 5 * SECOND + LEASE)  # no administrator anymore
    homes.mark_shown(root, lease=T0 + 5 * SECOND + LEASE, at=T0 + 5 * SECOND)
    accept(calls, "+12025550002", at=T0 + 10 * SECOND)
    assert due(homes, at=T0 + 10 * SECOND) is None


def test_every_step_of_a_call_makes_the_home_due_again(calls: CallLedger, homes: HomeTabLedger) -> None:
    at = T0
    up_to_date(homes, SARA)
    call = accept(calls, "+12025550001")

    def is_due_again() -> bool:
        nonlocal at
        at += 5 * SECOND
        home = due(homes, at=at)
        if home is not None:
            homes.mark_shown(home, lease=at + LEASE, at=at)
        return home is not None

    assert is_due_again()
    assert not is_due_again()
    calls.begin(at=T0, accepted_after=T0 - SECOND)
    calls.finish(call.id, Placed(), at=T0)
    assert is_due_again()
    assert not is_due_again()


def test_what_changes_while_a_home_is_shown_is_not_missed(calls: CallLedger, homes: HomeTabLedger) -> None:
    home = opened(homes, SARA)
    accept(calls, "+12025550001")

    homes.mark_shown(home, lease=T0 + LEASE, at=T0)

    assert due(homes, at=T0 + SECOND) is None, "it rests first"
    assert due(homes, at=T0 + REST) == home


def test_a_shown_home_pauses_but_not_for_its_owner(calls: CallLedger, homes: HomeTabLedger) -> None:
    up_to_date(homes, SARA)
    accept(calls, "+12025550001")
    assert due(homes, at=T0 + SECOND) is None

    homes.set_filter("T1", SARA, HistoryFilter(search="202"), at=T0 + SECOND)

    assert due(homes, at=T0 + SECOND) == HomeTab("T1", SARA, HistoryFilter(search="202"), T0 + SECOND)


def test_a_click_while_a_home_is_shown_does_not_wait(homes: HomeTabLedger) -> None:
    home = opened(homes, SARA)
    homes.set_filter("T1", SARA, HistoryFilter(search="202"), at=T0 + SECOND)
    assert due(homes, at=T0 + SECOND) is None, "one at a time, or the older could come last"

    homes.mark_shown(home, lease=T0 + LEASE, at=T0 + SECOND)

    assert due(homes, at=T0 + SECOND) == HomeTab("T1", SARA, HistoryFilter(search="202"), T0 + SECOND)


def test_a_home_that_could_not_be_shown_is_due_again_later_whatever_changes(
    calls: CallLedger, homes: HomeTabLedger
) -> None:
    home = opened(homes, SARA)
    accept(calls, "+12025550001")
    homes.postpone(home, lease=T0 + LEASE, again_at=T0 + 60 * SECOND)
    accept(calls, "+12025550002", at=T0 + SECOND)

    assert due(homes, at=T0 + 59 * SECOND) is None
    assert due(homes, at=T0 + 60 * SECOND) == home


def test_a_home_that_is_outdated_at_a_known_moment_is_due_then_or_when_a_call_changes(
    calls: CallLedger, homes: HomeTabLedger
) -> None:
    home = opened(homes, SARA)
    homes.mark_shown(home, lease=T0 + LEASE, at=T0, again_at=T0 + 600 * SECOND)

    assert due(homes, at=T0 + 599 * SECOND) is None
    again = due(homes, at=T0 + 600 * SECOND)
    assert again is not None
    homes.mark_shown(
        again, lease=T0 + 600 * SECOND + LEASE, at=T0 + 600 * SECOND, again_at=T0 + 3600 * SECOND
    )
    accept(calls, "+12025550001", at=T0 + 610 * SECOND)
    assert due(homes, at=T0 + 610 * SECOND) is not None


def test_what_changes_while_a_home_is_shown_comes_before_the_moment_when_it_is_outdated(
    calls: CallLedger, homes: HomeTabLedger
) -> None:
    home = opened(homes, SARA)
    accept(calls, "+12025550001", at=T0 + SECOND)
    homes.mark_shown(home, lease=T0 + LEASE, at=T0, again_at=T0 + 600 * SECOND)

    assert due(homes, at=T0 + REST) is not None


def test_a_home_can_be_made_due_if_its_owner_ever_opened_it(homes: HomeTabLedger) -> None:
    home = opened(homes, SARA)
    homes.mark_shown(home, lease=T0 + LEASE, at=T0)
    homes.mark_due("T1", BOSS, at=T0)
    homes.mark_due("T2", SARA, at=T0)
    assert due(homes) is None

    homes.mark_due("T1", SARA, at=T0)
    assert due(homes) == home


def test_the_home_of_a_dead_bot_is_taken_over_and_the_late_bot_changes_nothing(homes: HomeTabLedger) -> None:
    home = opened(homes, SARA)
    assert due(homes, at=T0 + LEASE - SECOND) is None

    assert due(homes, at=T0 + LEASE) == home
    for late in (homes.mark_shown, homes.remove):
        late(home, lease=T0 + LEASE, **({"at": T0} if late == homes.mark_shown else {}))
    homes.postpone(home, lease=T0 + LEASE, again_at=T0)

    assert due(homes, at=T0 + LEASE + SECOND) is None, "the other one has it"
    assert due(homes, at=T0 + 2 * LEASE) == home


def test_a_forgotten_home_is_no_longer_due_until_it_is_opened(
    calls: CallLedger, homes: HomeTabLedger
) -> None:
    home = opened(homes, SARA)
    homes.remove(home, lease=T0 + LEASE)
    accept(calls, "+12025550001")
    assert due(homes, at=T0 + 60 * SECOND) is None

    homes.mark_opened("T1", SARA, at=T0 + 60 * SECOND)

    assert due(homes, at=T0 + 60 * SECOND) is not None


def test_a_home_unopened_for_long_is_purged_with_its_search(store: Store, homes: HomeTabLedger) -> None:
    homes.set_filter("T1", SARA, HistoryFilter(search="814 404 3093"), at=T0)
    homes.mark_opened("T1", BOSS, at=T0 + SECOND)

    homes.purge_unopened(since=T0 + SECOND)

    with store.engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT user_id, history_filter FROM home_tabs")).all()
    assert kept == [(BOSS, None)]


def test_a_home_that_is_opened_while_it_is_forgotten_is_shown(homes: HomeTabLedger) -> None:
    home = opened(homes, SARA)
    homes.mark_opened("T1", SARA, at=T0 + SECOND)

    homes.remove(home, lease=T0 + LEASE)

    assert due(homes, at=T0 + SECOND) is not None


def test_a_change_committed_while_its_home_is_already_due_is_not_missed(postgres_url: str) -> None:
    """A worker that claims the home now cannot see the change yet, so the home must be due afterward."""
    store = Store(postgres_url)
    store.open()
    calls, homes = CallLedger(store), HomeTabLedger(store)
    call = accept(calls, "+12025550001")
    homes.mark_opened("T1", SARA, at=T0)
    with store.engine.begin() as changing:
        changing.execute(sa.text("UPDATE calls SET state = :state"), {"state": State.PLACING})
        mark_dependents_due(changing, [call.id], T0)
        early = due(homes)
        assert calls.get(call.id) == call, "nobody sees it yet"

    if early is not None:
        homes.mark_shown(early, lease=T0 + LEASE, at=T0)
    assert due(homes, at=T0 + REST) is not None
    store.close()
