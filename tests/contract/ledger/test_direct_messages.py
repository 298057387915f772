"""What the ledger promises about direct messages that are edited later, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evoslack.calling.calls import Call
from evoslack.calling.outcomes import InDoubt, Reason
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from tests.calls import call_request, own_number

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEASE = T0 + 60 * SECOND
MESSAGE = ("D_SARA", "1700000000.000100")


def doubts(ledger: CallLedger, notifications: NotificationLedger, *keys: str) -> list[Call]:
    """Calls in doubt; one message told of all of them."""
    found = []
    for key in keys:
        call = ledger.accept(call_request(key, own_number(key)), at=T0)
        ledger.begin(at=T0, accepted_after=T0 - SECOND)
        ledger.finish(call.id, InDoubt(Reason.NO_ANSWER), at=T0)
        notifications.mark_told(call.id, 2, bad_news=True, what="in_doubt", message=MESSAGE)
        found.append(call)
    while (claimed := notifications.claim(at=T0, until=LEASE)) is not None:
        notifications.release(claimed.call.id, lease=LEASE)
    return found


def test_a_message_is_claimed_with_all_that_it_tells_of_or_not_at_all(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    one, two, three = doubts(ledger, notifications, "one", "two", "three")

    others = notifications.claim_message(*MESSAGE, one.id, at=T0, until=LEASE)

    assert others is not None
    assert {each.call.id for each in others} == {two.id, three.id}
    assert notifications.claim_message(*MESSAGE, two.id, at=T0 + SECOND, until=LEASE) is None
    notifications.release(three.id, lease=LEASE)
    assert notifications.claim_message(*MESSAGE, one.id, at=T0 + SECOND, until=LEASE) is None
    left = notifications.claim_message(*MESSAGE, two.id, at=T0 + SECOND, until=LEASE)
    assert left is not None, "nothing was leased by the attempt that failed"
    assert {each.call.id for each in left} == {one.id, three.id}
    after = notifications.claim_message(*MESSAGE, one.id, at=LEASE, until=LEASE + 60 * SECOND)
    assert after is not None and len(after) == 2, "the bot that had them died"


def test_a_message_stays_where_it_is_until_it_is_forgotten(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    one, two = doubts(ledger, notifications, "one", "two")
    notifications.mark_told(one.id, 3, bad_news=False, what="placed")
    assert (notifications.read(one.id).told_channel, notifications.read(one.id).told_ts) == MESSAGE

    notifications.forget_message(*MESSAGE)

    assert [notifications.read(each.id).told_ts for each in (one, two)] == ["", ""]
    assert notifications.read(one.id).told_what == "placed"


def test_what_is_told_by_editing_is_not_put_into_a_new_message(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    (told,) = doubts(ledger, notifications, "told")
    ledger.finish(told.id, InDoubt(Reason.NO_ANSWER), at=T0)
    new = ledger.accept(call_request("new", own_number("new")), at=T0)
    ledger.begin(at=T0, accepted_after=T0 - SECOND)
    ledger.finish(new.id, InDoubt(Reason.NO_ANSWER), at=T0)

    found = notifications.claim_others("U_SARA", "T1", at=T0, until=LEASE, limit=9)

    assert [each.call.id for each in found] == [new.id]
