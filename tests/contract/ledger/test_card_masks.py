"""Which cards still show their numbers, and who edits which of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from evoslack.calling.outcomes import Placed
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.card_masks import CardMaskLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.schema import notifications as table
from evoslack.ledger.schema import shows_number
from evoslack.ledger.store import Store
from tests.calls import call_request, own_number
from tests.contract.ledger.rows import deliver

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LEASE, MINUTE = T0 + timedelta(seconds=60), timedelta(minutes=1)


@pytest.fixture
def masks(store: Store) -> CardMaskLedger:
    return CardMaskLedger(store)


@pytest.fixture
def card_ids(ledger: CallLedger, notifications: NotificationLedger) -> list[str]:
    """Three calls that are told, with cards that show their numbers, oldest first."""
    ids = []
    for n in range(3):
        call = ledger.accept(call_request(f"k{n}", own_number(f"k{n}")), at=T0)
        ledger.begin(at=T0, accepted_after=T0 - MINUTE)
        ledger.finish(call.id, Placed(), at=T0)
        notifications.mark_card_shown(call.id, 2, "C1", f"170000000{n}.000100")
        ids.append(call.id)
    deliver(notifications, *ids, at=T0)
    return ids


def test_the_newest_card_comes_first_and_each_bot_gets_another_one(
    masks: CardMaskLedger, card_ids: list[str]
) -> None:
    claimed = [masks.claim(at=T0, until=LEASE) for _ in range(4)]

    assert [each and each.call.id for each in claimed] == [*reversed(card_ids), None]
    assert [each.attempts for each in claimed if each] == [0, 0, 0], "it is no attempt to tell"
    assert masks.any_left(), "they are being edited"


def test_a_masked_card_and_one_that_cannot_be_edited_are_done(
    masks: CardMaskLedger, notifications: NotificationLedger, card_ids: list[str]
) -> None:
    notifications.mark_card_shown(card_ids[2], 2, "C1", "1700000002.000100", is_masked=True)
    masks.give_up(card_ids[1])

    left = masks.claim(at=T0, until=LEASE)
    assert left is not None
    assert left.call.id == card_ids[0]
    notifications.mark_card_shown(card_ids[0], 2, "C1", "1700000000.000100", is_masked=True)
    assert not masks.any_left()


def test_cards_from_before_that_was_kept_are_edited_and_calls_without_a_card_are_not(
    store: Store, masks: CardMaskLedger, card_ids: list[str]
) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.update(table).values(card_is_masked=None))
        connection.execute(sa.update(table).where(table.c.call_id != card_ids[0]).values(card_ts=""))

    claimed = masks.claim(at=T0, until=LEASE)
    assert claimed is not None
    assert claimed.call.id == card_ids[0]
    assert masks.claim(at=T0, until=LEASE) is None


def test_a_card_that_has_to_wait_lets_the_others_go_first(masks: CardMaskLedger, card_ids: list[str]) -> None:
    first = masks.claim(at=T0, until=LEASE)
    assert first is not None
    masks.release(first.call.id, lease=LEASE, again_at=T0 + MINUTE)

    claimed = [masks.claim(at=T0, until=LEASE) for _ in range(3)]
    assert [each and each.call.id for each in claimed] == [card_ids[1], card_ids[0], None]
    again = masks.claim(at=T0 + MINUTE, until=LEASE)
    assert again is not None
    assert again.call.id == card_ids[2]


def test_a_release_makes_nothing_due(
    masks: CardMaskLedger, notifications: NotificationLedger, card_ids: list[str]
) -> None:
    claimed = masks.claim(at=T0, until=LEASE)
    assert claimed is not None
    assert notifications.claim(at=T0, until=LEASE) is None
    masks.release(claimed.call.id, lease=LEASE)

    assert notifications.claim(at=T0 + timedelta(days=1), until=LEASE) is None
    assert notifications.count_untold() == 0


def test_the_newest_is_found_by_its_index(store: Store, masks: CardMaskLedger) -> None:
    newest = sa.select(table.c.call_id).where(shows_number).order_by(table.c.card_ts.desc()).limit(1)
    words = str(newest.compile(store.engine, compile_kwargs={"literal_binds": True}))
    with store.engine.connect() as connection:
        if store.is_sqlite:
            plan = connection.execute(sa.text(f"EXPLAIN QUERY PLAN {words}")).all()
        else:
            connection.execute(sa.text("SET enable_seqscan = off"))
            plan = connection.execute(sa.text(f"EXPLAIN {words}")).all()
    assert "cards_that_show_numbers" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
    assert "Sort" not in str(plan)
