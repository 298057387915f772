"""What is wrong with what became of a press that is in the ledger: the one measure of every experiment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.number_format import pretty, unbroken
from evoslack.calling.status import CallStatus, status_of
from evoslack.slack.rendering.status_words import STATUS_WORDS

# How a placed call may be shown: its card may lag however far it has come.
_OF_PLACED = frozenset(CallStatus) - {
    CallStatus.DIALING,
    CallStatus.REJECTED,
    CallStatus.NOT_SENT,
    CallStatus.NOT_CERTAIN,
    CallStatus.TOO_LATE,
}
_ANY = Call("", CallRequest(*[""] * 8), State.PLACED, datetime.now(UTC))


def _symbols_of(state: State) -> tuple[str, ...]:
    statuses = _OF_PLACED if state is State.PLACED else {status_of(replace(_ANY, state=state))}
    return tuple(sorted(STATUS_WORDS[status].symbol for status in statuses))


# How a text begins that tells of a call in this state.
BEGINNINGS = {state: _symbols_of(state) for state in State}


def may_ring(call: Call) -> set[int]:
    """How often a phone may have rung, by what the ledger says of the call."""
    if call.state is State.PLACED:
        return {1}
    return {0, 1} if call.is_uncertain else {0}  # also a no that was not checked yet


def wrong_with(
    calls: Sequence[Call],
    rings: int,
    cards: Sequence[str],
    lines: Sequence[str],
    *,
    card_may_be_late: bool = False,
) -> Iterator[str]:
    """A sentence for each thing that breaks the promise; none if it was kept.

    `calls` are what the form became, `cards` what the channel shows of them, `lines` what the caller alone
    was told. With `card_may_be_late` a private message is enough: Slack itself delays the cards.
    """
    call, *more = calls
    beginnings, number = BEGINNINGS[call.state], pretty(call.request.number, "US")
    # A person who calls several numbers gets several lines.
    headlines = [unbroken(f"{symbol} {number}") for symbol in beginnings]
    was_told = any(headline in unbroken(line) for line in lines for headline in headlines)
    if rings > 1:
        yield "the phone rang more than once"
    if more:
        yield "one form became several calls"
    if call.is_open:
        yield "the call is still open"
    elif rings not in may_ring(call):
        yield "the phone did not do what the ledger says"
    if len(cards) > 1:
        yield f"{len(cards)} cards"
    elif not (cards and cards[0].startswith(beginnings)) and not (card_may_be_late and was_told):
        yield "the card does not say what the ledger says"
    if call.state is not State.PLACED and not was_told:
        yield "the caller was not told"
