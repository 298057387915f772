"""Stored rules and their audit trail: two who change the same rule at once never overwrite each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.rulebook import RuleChange, StoredRule
from evoslack.ledger.rules import RuleLedger
from evoslack.ledger.store import Store

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
LATER = T0 + timedelta(minutes=1)
ROOT, BOSS = "U_ROOT", "U_BOSS"


@pytest.fixture
def ledger(store: Store) -> RuleLedger:
    return RuleLedger(store)


def masking(how: str) -> dict[str, Any]:
    return {"masking": how}


def test_a_rule_is_stored_with_who_and_when_and_every_change_raises_its_revision(ledger: RuleLedger) -> None:
    assert ledger.stored() == []
    assert ledger.change("masking", masking("shared"), revision=0, by=ROOT, at=T0)
    assert ledger.stored() == [StoredRule("masking", masking("shared"), 1, ROOT, T0)]
    assert ledger.change("masking", masking("always"), revision=1, by=BOSS, at=LATER)
    assert ledger.stored() == [StoredRule("masking", masking("always"), 2, BOSS, LATER)]


def test_a_rule_that_is_no_longer_as_it_was_seen_stays_as_it_is(ledger: RuleLedger) -> None:
    assert not ledger.change("masking", masking("always"), revision=1, by=ROOT, at=T0), "there is none"
    assert ledger.change("masking", masking("shared"), revision=0, by=ROOT, at=T0)
    before = ledger.stored(), list(ledger.changes())

    for revision in (0, 2):
        assert not ledger.change("masking", masking("always"), revision=revision, by=BOSS, at=LATER)
        assert not ledger.change("masking", None, revision=revision, by=BOSS, at=LATER)

    assert (ledger.stored(), list(ledger.changes())) == before


def test_a_removed_rule_can_be_added_again(ledger: RuleLedger) -> None:
    assert ledger.change("masking", masking("shared"), revision=0, by=ROOT, at=T0)
    assert ledger.change("masking", None, revision=1, by=BOSS, at=LATER)
    assert ledger.stored() == []
    assert not ledger.change("masking", None, revision=1, by=BOSS, at=LATER), "it was removed already"
    assert ledger.change("masking", masking("always"), revision=0, by=ROOT, at=LATER)

    assert not ledger.change("masking", None, revision=1, by=ROOT, at=LATER), "not the one that was seen"
    assert [each.value for each in ledger.stored()] == [masking("always")]


def test_the_audit_trail_tells_every_change_with_before_and_after(ledger: RuleLedger) -> None:
    ledger.change("flow:ü'1", {"users": ["U1"], "caller_id": ""}, revision=0, by=ROOT, at=T0)
    ledger.change("flow:ü'1", {"users": []}, revision=1, by=BOSS, at=LATER)
    ledger.change("flow:ü'1", None, revision=2, by=ROOT, at=LATER)

    assert list(ledger.changes()) == [
        RuleChange(T0, ROOT, "flow:ü'1", "", '{"caller_id": "", "users": ["U1"]}'),
        RuleChange(LATER, BOSS, "flow:ü'1", '{"caller_id": "", "users": ["U1"]}', '{"users": []}'),
        RuleChange(LATER, ROOT, "flow:ü'1", '{"users": []}', ""),
    ]


def test_rules_are_apart_by_their_names(ledger: RuleLedger) -> None:
    for name in ("masking", "flow:a", "flow:b"):
        assert ledger.change(name, {"name": name}, revision=0, by=ROOT, at=T0)

    assert [each.name for each in ledger.stored()] == ["flow:a", "flow:b", "masking"]


@pytest.mark.parametrize("is_new", [True, False], ids=["added", "changed"])
@pytest.mark.parametrize("removes", [False, True], ids=["to a value", "or removed"])
def test_of_ten_who_change_a_rule_at_once_one_succeeds(store: Store, is_new: bool, removes: bool) -> None:
    ledgers = [RuleLedger(store) for _ in range(10)]
    if not is_new:
        assert ledgers[0].change("limits", {"person_hour": 99}, revision=0, by=ROOT, at=T0)
    revision = 0 if is_new else 1

    def change(number: int) -> bool:
        value = None if removes and not is_new and number % 2 else {"person_hour": number}
        return ledgers[number].change("limits", value, revision=revision, by=f"U{number}", at=LATER)

    with ThreadPoolExecutor(10) as administrators:
        done = list(administrators.map(change, range(10)))

    assert sorted(done) == [False] * 9 + [True]
    changes = list(ledgers[0].changes())[revision:]
    assert [each.by for each in changes] == [f"U{done.index(True)}"]
    stored = ledgers[0].stored()
    assert [each.by for each in stored] == ([f"U{done.index(True)}"] if changes[0].after else [])
