"""What the ledger promises about notes, on SQLite and PostgreSQL: of two who write at once, one is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.calls import Call, CallNote, Result
from evoslack.calling.outcomes import InDoubt, Placed, Reason
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.notes import NoteLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from tests.calls import call_request
from tests.contract.ledger.rows import deliver

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SARA, BOSS = "U_SARA", "U_BOSS"
WRITERS = 16


@pytest.fixture
def call(ledger: CallLedger) -> Call:
    """A call that was placed."""
    ledger.accept(call_request(), at=T0)
    begun = ledger.begin(at=T0, accepted_after=T0 - SECOND)
    assert begun is not None
    placed = ledger.finish(begun.id, Placed(), at=T0)
    assert placed is not None
    return placed


def note_of(ledger: CallLedger, call: Call) -> CallNote:
    found = ledger.get(call.id)
    assert found is not None
    return found.note


def test_a_call_has_no_note_at_first(call: Call) -> None:
    assert call.note == CallNote()


@pytest.mark.parametrize("result", [*Result, None])
@pytest.mark.parametrize("text", ["", "left a message", "<!channel> *b* 👩‍💻\n\u200fאב " + "n" * 2950])
def test_a_note_comes_back_as_it_was_written(
    ledger: CallLedger, notes: NoteLedger, call: Call, result: Result | None, text: str
) -> None:
    written = notes.write_note(call.id, CallNote(result, text, BOSS), at=T0 + SECOND)

    assert written is not None
    assert written.note == CallNote(result, text, BOSS, T0 + SECOND, revision=1)
    assert note_of(ledger, call) == written.note
    assert (written.state, written.progress, written.request) == (call.state, call.progress, call.request)


def test_whoever_read_the_newest_note_may_replace_it_and_nobody_else(
    ledger: CallLedger, notes: NoteLedger, call: Call
) -> None:
    first = notes.write_note(call.id, CallNote(Result.REACHED, "first", BOSS), at=T0)
    late = notes.write_note(call.id, CallNote(Result.OTHER, "late", SARA, revision=0), at=T0 + SECOND)
    ahead = notes.write_note(call.id, CallNote(Result.OTHER, "ahead", SARA, revision=2), at=T0 + SECOND)
    assert first is not None
    assert (late, ahead, note_of(ledger, call)) == (None, None, first.note)

    removed = notes.write_note(call.id, CallNote(by=SARA, revision=1), at=T0 + SECOND)

    assert removed is not None
    assert removed.note == CallNote(None, "", SARA, T0 + SECOND, revision=2)


def test_of_many_who_write_at_once_one_is_kept(ledger: CallLedger, notes: NoteLedger, call: Call) -> None:
    def write(index: int) -> Call | None:
        return notes.write_note(call.id, CallNote(None, f"note {index}", f"U{index}"), at=T0)

    with ThreadPoolExecutor(WRITERS) as hands:
        kept = [each for each in hands.map(write, range(WRITERS)) if each is not None]

    assert [each.note for each in kept] == [note_of(ledger, call)]
    assert kept[0].note.revision == 1
    assert kept[0].note.text == f"note {kept[0].note.by[1:]}"


def test_a_call_that_is_gone_takes_no_note(ledger: CallLedger, notes: NoteLedger) -> None:
    assert notes.write_note("nobody", CallNote(text="x", by=SARA), at=T0) is None


def test_a_note_brings_the_card_and_the_home_tabs_up_to_date(
    store: Store, ledger: CallLedger, notes: NoteLedger, notifications: NotificationLedger, call: Call
) -> None:
    homes = HomeTabLedger(store)
    homes.mark_opened("T1", SARA, at=T0)
    tab = homes.claim(at=T0, until=T0 + SECOND, shown_before=T0)
    assert tab is not None
    homes.mark_shown(tab, lease=T0 + SECOND, at=T0)
    deliver(notifications, call.id, at=T0)
    assert notifications.claim(at=T0, until=T0 + SECOND) is None
    before = notifications.read(call.id).revision

    notes.write_note(call.id, CallNote(text="x", by=BOSS), at=T0)

    due = notifications.claim(at=T0, until=T0 + SECOND)
    assert due is not None
    assert (due.call.note.text, due.revision) == ("x", before + 1)
    assert homes.claim(at=T0 + 5 * SECOND, until=T0 + 9 * SECOND, shown_before=T0 + 5 * SECOND) is not None


def test_a_note_that_was_not_kept_makes_nothing_due(
    ledger: CallLedger, notes: NoteLedger, notifications: NotificationLedger, call: Call
) -> None:
    deliver(notifications, call.id, at=T0)

    notes.write_note(call.id, CallNote(text="x", by=BOSS, revision=7), at=T0)

    assert notifications.claim(at=T0, until=T0 + SECOND) is None


def test_a_note_survives_everything_that_happens_to_the_call_later(
    ledger: CallLedger, notes: NoteLedger
) -> None:
    accepted = ledger.accept(call_request(), at=T0)
    notes.write_note(accepted.id, CallNote(Result.OTHER, "early", BOSS), at=T0)
    ledger.begin(at=T0, accepted_after=T0 - SECOND)
    ledger.finish(accepted.id, InDoubt(Reason.NO_ANSWER), at=T0)
    ledger.finish(accepted.id, Placed(), at=T0)

    assert note_of(ledger, accepted).text == "early"
