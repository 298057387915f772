"""What the ledger promises about the pages that forms became, on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import Call, CallNote, State
from evoslack.calling.notification import LivePage
from evoslack.calling.outcomes import Placed
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notes import NoteLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.pages import PageLedger
from evoslack.ledger.store import Store
from tests.calls import call_request, own_number
from tests.contract.ledger.rows import count_rows

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEASE = 30 * SECOND


@pytest.fixture
def pages(store: Store) -> PageLedger:
    return PageLedger(store)


def accept(ledger: CallLedger, key: str = "key", view_id: str = "V1") -> Call:
    return ledger.accept(call_request(key, own_number(key), view_id=view_id), at=T0)


def due(pages: PageLedger, at: datetime) -> LivePage | None:
    return pages.claim(at=at, until=at + LEASE, shown_before=at - SECOND)


def change(notes: NoteLedger, call: Call, at: datetime, known: int = 0) -> None:
    assert notes.write_note(call.id, CallNote(text="changed", revision=known), at=at) is not None


def test_a_page_is_due_once_its_call_changed_and_the_answer_to_its_form_was_applied(
    ledger: CallLedger, pages: PageLedger
) -> None:
    call = accept(ledger)
    assert due(pages, T0 + 9 * SECOND) is None, "it shows the call as it is"
    ledger.begin(at=T0, accepted_after=T0 - SECOND)
    ledger.finish(call.id, Placed(), at=T0 + SECOND / 2)

    assert due(pages, T0 + 0.9 * SECOND) is None
    found = due(pages, T0 + SECOND)

    assert found is not None
    assert (found.call.state, found.call.request.view_id, found.shown) == (State.PLACED, "V1", "")
    assert due(pages, T0 + SECOND + LEASE / 2) is None, "it is leased"
    again = due(pages, T0 + SECOND + LEASE)
    assert again is not None, "its bot died"
    assert again.attempts == 2


def test_a_call_without_a_form_has_no_page(
    ledger: CallLedger, notes: NoteLedger, pages: PageLedger, store: Store
) -> None:
    call = accept(ledger, view_id="")
    change(notes, call, T0)

    assert due(pages, T0 + SECOND) is None
    assert "pages" not in count_rows(store)


def test_what_changes_during_an_update_is_due_after_a_moment(
    ledger: CallLedger, notes: NoteLedger, pages: PageLedger
) -> None:
    call = accept(ledger)
    change(notes, call, T0)
    at = T0 + SECOND
    assert due(pages, at) is not None
    change(notes, call, at, 1)

    pages.mark_shown(call.id, "digest", lease=at + LEASE, at=at)

    assert due(pages, at + 0.9 * SECOND) is None, "it rests"
    found = due(pages, at + SECOND)
    assert found is not None
    assert (found.shown, found.attempts) == ("digest", 1)
    pages.keep(call.id, lease=at + SECOND + LEASE)
    assert due(pages, at + LEASE * 9) is None


def test_a_page_that_is_due_later_is_due_at_once_if_its_call_changes(
    ledger: CallLedger, notes: NoteLedger, pages: PageLedger
) -> None:
    call = accept(ledger)
    change(notes, call, T0)
    at = T0 + SECOND
    assert due(pages, at) is not None
    pages.mark_shown(call.id, "", lease=at + LEASE, at=at, again_at=T0 + 9 * SECOND)
    assert due(pages, T0 + 8 * SECOND) is None

    change(notes, call, T0 + 3 * SECOND, 1)

    assert due(pages, T0 + 3 * SECOND) is not None


def test_a_failed_update_is_tried_again_with_what_changed_meanwhile(
    ledger: CallLedger, notes: NoteLedger, pages: PageLedger
) -> None:
    call = accept(ledger)
    change(notes, call, T0)
    at = T0 + SECOND
    assert due(pages, at) is not None
    change(notes, call, at, 1)

    pages.postpone(call.id, lease=at + LEASE, again_at=at + 3 * SECOND)

    assert due(pages, at + 2 * SECOND) is None, "Slack asked to wait, so a change does not help"
    found = due(pages, at + 3 * SECOND)
    assert found is not None
    assert (found.attempts, found.call.note.revision, found.shown) == (2, 2, "")


def test_a_closed_page_is_never_due_again(
    ledger: CallLedger, notes: NoteLedger, pages: PageLedger, store: Store
) -> None:
    call, other = accept(ledger), accept(ledger, "other", "V2")
    for each in (call, other):
        change(notes, each, T0)
    at = T0 + SECOND
    first, second = due(pages, at), due(pages, at)
    assert first is not None and second is not None

    pages.remove(call.id, lease=at + LEASE)
    pages.remove(other.id, lease=at + LEASE + SECOND)  # not ours: another bot has it by now

    assert count_rows(store)["pages"] == 1
    change(notes, call, T0 + 60 * SECOND, 1)
    again = due(pages, T0 + 90 * SECOND)
    assert again is not None
    assert again.call.id == other.id


def test_a_page_is_due_when_its_card_appears_because_it_links_there(
    ledger: CallLedger, notifications: NotificationLedger, pages: PageLedger
) -> None:
    call, other = accept(ledger), accept(ledger, "other", "V2")

    notifications.mark_card_shown(call.id, 1, "C1", "1.5")

    at = T0 + SECOND
    found = due(pages, at)
    assert found is not None
    assert (found.call.id, found.card_channel, found.card_ts) == (call.id, "C1", "1.5")
    pages.mark_shown(call.id, "digest", lease=at + LEASE, at=at)
    notifications.mark_card_shown(call.id, 2, "C1", "1.5")
    assert due(pages, at + LEASE) is None, f"nothing new to link to, and nothing about {other.id}"


def test_a_card_that_appears_while_its_call_changes_meets_no_deadlock(
    ledger: CallLedger, notes: NoteLedger, notifications: NotificationLedger
) -> None:
    made = [accept(ledger, chr(300 + index), f"V{index}") for index in range(8)]

    def hurry(index: int) -> None:
        call, number = made[index % 8], index // 16
        if index % 16 < 8:
            notifications.mark_card_shown(call.id, number + 1, "C1", f"1.{number}")
        else:
            change(notes, call, T0, number)

    with ThreadPoolExecutor(16) as bots:
        for number in range(12):
            list(bots.map(hurry, range(number * 16, number * 16 + 16)))

    assert {notifications.read(each.id).card_ts for each in made} == {"1.11"}


def test_two_bots_never_get_the_same_page(ledger: CallLedger, notes: NoteLedger, pages: PageLedger) -> None:
    for index in range(20):
        change(notes, accept(ledger, chr(200 + index), f"V{index}"), T0)

    with ThreadPoolExecutor(8) as bots:
        found = list(bots.map(lambda _: due(pages, T0 + SECOND), range(40)))

    views = sorted(each.call.request.view_id for each in found if each is not None)
    assert views == sorted(f"V{index}" for index in range(20))


def test_a_bot_that_is_alone_takes_over_at_once_whatever_the_clock_says(
    ledger: CallLedger, notes: NoteLedger, notifications: NotificationLedger, pages: PageLedger
) -> None:
    call = accept(ledger)
    change(notes, call, T0)
    assert due(pages, T0 + SECOND) is not None
    earlier = T0 - 3600 * SECOND  # the clock was set back

    notifications.drop_leases(at=earlier)

    assert due(pages, earlier + SECOND) is not None


def test_a_deleted_call_has_no_page(ledger: CallLedger, store: Store) -> None:
    call = ledger.receive(call_request(view_id="V1"), at=T0, require_time=lambda: None)
    assert count_rows(store)["pages"] == 1

    ledger.withdraw([call.id])

    assert sa.inspect(store.engine).has_table("pages")
    assert "pages" not in count_rows(store)
