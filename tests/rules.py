"""Rules for tests that are about something else: hand-written facts instead of a ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evoslack.calling.calls import CallRequest
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import BlockedNumber, Limit, RuleChange, Rules, StoredRule
from evoslack.calling.rules import Facts, Reading

T0 = datetime(2026, 3, 2, 20, 48, tzinfo=UTC)  # a Monday
US_ONLY = Rules(countries=frozenset({"US"}))


class KnownFacts:
    """What a ledger would know: blocked numbers, limits that are reached, and stored rules."""

    def __init__(self) -> None:
        self.blocked: dict[str, BlockedNumber] = {}
        self.reached: dict[Limit, datetime] = {}
        self.rules: list[StoredRule] = []
        self.fails = False  # the database is away

    def read(
        self, request: CallRequest, limits: Collection[Limit], *, at: datetime, is_begun: bool = False
    ) -> Reading:
        is_clear = request.number not in self.blocked and not self.reached
        return Reading(request, tuple(limits), at, False, tuple(self.stored()), is_clear)

    def facts(
        self, request: CallRequest, limits: Sequence[Limit], *, at: datetime, except_for: str = ""
    ) -> Facts:
        return Facts(self.blocked.get(request.number), self.reached)

    def stored(self) -> list[StoredRule]:
        if self.fails:
            raise ConnectionError
        return self.rules

    def change(
        self, name: str, value: Mapping[str, Any] | None, *, revision: int, by: str, at: datetime
    ) -> bool:
        raise NotImplementedError

    def changes(self) -> Iterator[RuleChange]:
        raise NotImplementedError


def rule_check(rules: Rules = US_ONLY, facts: KnownFacts | None = None, at: datetime = T0) -> RuleCheck:
    """The rules with these facts; nobody is in a user group."""
    return RuleCheck(facts or KnownFacts(), rules, "US", lambda _user, _groups: frozenset(), lambda: at)
