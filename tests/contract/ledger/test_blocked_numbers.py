"""What the ledger promises about the do-not-call list, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import Call, CallNote, Result
from evoslack.calling.do_not_call import DO_NOT_CALL
from evoslack.calling.rulebook import LONGEST_REASON, BlockedNumber
from evoslack.ledger.blocked_numbers import PIECE, BlockedNumberLedger
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notes import NoteLedger
from evoslack.ledger.rules import RuleLedger
from evoslack.ledger.store import Store
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SARA, BOSS, ROOT = "U_SARA", "U_BOSS", "U_ROOT"
ENTRY = BlockedNumber("+18144043093", "asked by email", SARA, T0)
WORKERS = 12


@pytest.fixture
def blocked(store: Store) -> BlockedNumberLedger:
    return BlockedNumberLedger(store)


@pytest.fixture
def call(store: Store) -> Call:
    """A call to the number of `ENTRY`."""
    return CallLedger(store).accept(call_request(number=ENTRY.number), at=T0)


def logged(store: Store) -> list[tuple[str, str, str]]:
    """Who changed the list, and what it said before and after."""
    changes = list(RuleLedger(store).changes())
    assert {change.rule for change in changes} <= {DO_NOT_CALL}
    return [(change.by, change.before, change.after) for change in changes]


def entries(how_many: int, by: str = ROOT) -> list[BlockedNumber]:
    return [BlockedNumber(f"+1814{2_000_000 + each}", f"asked {each}", by, T0) for each in range(how_many)]


@pytest.mark.parametrize("reason", ["asked by email", "<!channel> *b* 👩‍💻 \u200fאב", "r" * LONGEST_REASON])
def test_an_entry_comes_back_as_it_was_written(
    store: Store, blocked: BlockedNumberLedger, reason: str
) -> None:
    entry = replace(ENTRY, reason=reason, call_id="c0ffee")
    assert blocked.find(ENTRY.number) is None

    assert blocked.block(entry)

    assert blocked.find(ENTRY.number) == entry
    assert RuleLedger(store).facts(call_request(number=ENTRY.number), (), at=T0).blocked == entry
    ((by, before, after),) = logged(store)
    assert (by, before) == (SARA, "")
    assert json.loads(after) == {"number": ENTRY.number, "reason": reason, "call_id": "c0ffee"}


def test_a_number_keeps_its_first_entry(store: Store, blocked: BlockedNumberLedger) -> None:
    blocked.block(ENTRY)

    assert not blocked.block(replace(ENTRY, reason="another", by=BOSS, at=T0 + SECOND))

    assert blocked.find(ENTRY.number) == ENTRY
    assert len(logged(store)) == 1


def test_of_many_who_block_at_once_one_did_it(store: Store, blocked: BlockedNumberLedger) -> None:
    with ThreadPoolExecutor(WORKERS) as hands:
        did = list(hands.map(lambda who: blocked.block(replace(ENTRY, by=f"U{who}")), range(WORKERS)))

    assert did.count(True) == 1
    entry = blocked.find(ENTRY.number)
    assert entry is not None
    assert entry.by == f"U{did.index(True)}"
    assert [by for by, _before, _after in logged(store)] == [entry.by]


def test_an_unblocked_number_is_gone_and_the_log_has_what_it_was(
    store: Store, blocked: BlockedNumberLedger
) -> None:
    blocked.block(ENTRY)

    assert blocked.unblock(ENTRY.number, by=ROOT, at=T0 + SECOND) == ENTRY
    assert blocked.unblock(ENTRY.number, by=BOSS, at=T0 + SECOND) is None

    assert blocked.find(ENTRY.number) is None
    _blocked, (by, before, after) = logged(store)
    assert (by, json.loads(before), after) == (ROOT, {"number": ENTRY.number, "reason": ENTRY.reason}, "")


def test_the_newest_come_first_with_how_many_there_are(blocked: BlockedNumberLedger) -> None:
    assert blocked.newest(20) == ([], 0)
    for age, entry in enumerate(entries(5)):
        blocked.block(replace(entry, at=T0 + age * SECOND))

    found, total = blocked.newest(3)

    assert ([entry.reason for entry in found], total) == (["asked 4", "asked 3", "asked 2"], 5)


@pytest.mark.parametrize("how_many", [0, PIECE - 1, PIECE, PIECE + 1])
def test_everything_is_read_once_whatever_the_pieces(blocked: BlockedNumberLedger, how_many: int) -> None:
    blocked.add_all(entries(how_many), by=ROOT, at=T0)

    assert list(blocked.everything()) == entries(how_many)


def test_an_import_adds_what_is_new_and_is_one_line_in_the_log(
    store: Store, blocked: BlockedNumberLedger
) -> None:
    first = replace(entries(1)[0], reason="was here before", by=SARA)
    blocked.block(first)

    assert blocked.add_all(reversed_(entries(2_500)), by=ROOT, at=T0) == 2_499
    assert blocked.add_all(entries(2_500), by=ROOT, at=T0) == 0

    assert blocked.find(first.number) == first
    assert blocked.newest(1)[1] == 2_500
    told = [json.loads(after) for by, _before, after in logged(store) if by == ROOT]
    assert told == [{"imported": 2_500, "new": 2_499}, {"imported": 2_500, "new": 0}]


def test_an_import_that_breaks_in_the_middle_leaves_nothing(
    store: Store, blocked: BlockedNumberLedger
) -> None:
    broken = [*entries(2_000), replace(ENTRY, number="+1999", reason=None)]  # type: ignore[arg-type]

    with pytest.raises(sa.exc.IntegrityError):
        blocked.add_all(broken, by=ROOT, at=T0)

    assert blocked.newest(1) == ([], 0)
    assert logged(store) == []


def test_imports_at_once_in_different_orders_do_not_block_each_other(
    store: Store, blocked: BlockedNumberLedger
) -> None:
    lists = [entries(1_500), reversed_(entries(1_500))] * 3

    with ThreadPoolExecutor(len(lists)) as hands:
        who = [f"U{each}" for each in range(len(lists))]
        new = list(hands.map(lambda each, by: blocked.add_all(each, by=by, at=T0), lists, who))

    assert sum(new) == 1_500
    assert blocked.newest(1)[1] == 1_500


def test_a_note_and_what_it_blocks_are_written_together(
    store: Store, blocked: BlockedNumberLedger, call: Call
) -> None:
    note = CallNote(Result.DO_NOT_CALL, "", BOSS)
    block = replace(ENTRY, by=BOSS, call_id=call.id)

    assert NoteLedger(store).write_note(call.id, note, at=T0, block=block) is not None

    assert blocked.find(ENTRY.number) == block
    assert [by for by, _before, _after in logged(store)] == [BOSS]


def test_a_note_that_is_not_kept_blocks_nothing(
    store: Store, blocked: BlockedNumberLedger, call: Call
) -> None:
    late = CallNote(Result.DO_NOT_CALL, "", BOSS, revision=7)

    assert NoteLedger(store).write_note(call.id, late, at=T0, block=ENTRY) is None

    assert blocked.find(ENTRY.number) is None
    assert logged(store) == []


def test_a_note_about_a_number_on_the_list_is_kept_and_so_is_its_entry(
    store: Store, blocked: BlockedNumberLedger, call: Call
) -> None:
    blocked.block(ENTRY)
    note = CallNote(Result.DO_NOT_CALL, "again", BOSS)

    written = NoteLedger(store).write_note(call.id, note, at=T0, block=replace(ENTRY, by=BOSS))

    assert written is not None
    assert written.note.result is Result.DO_NOT_CALL
    assert blocked.find(ENTRY.number) == ENTRY


def reversed_(numbers: list[BlockedNumber]) -> list[BlockedNumber]:
    return numbers[::-1]
