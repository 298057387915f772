"""What is wrong with what became of a press that is in the ledger: the one measure of every experiment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from evoslack.calling.calls import Call, CallRequest, LostReason, Progress, State
from evoslack.calling.number_format import pretty
from evoslack.slack.rendering.messages import STATE_WORDS, state_words

_OUTCOMES = ("", "completed", "busy", "no answer", "failed", "canceled", "something else")
_PLACED = Call("", CallRequest(*[""] * 8), State.PLACED, datetime.now(UTC))


def _symbols_of_placed() -> Iterator[str]:
    for progress in (None, *Progress):
        for lost_reason in LostReason:
            for outcome in _OUTCOMES:
                call = replace(_PLACED, progress=progress, lost_reason=lost_reason, evo_outcome=outcome)
                yield state_words(call).split()[0]


# How a text begins that tells of a call in this state. However far a placed call has come, its card may lag.
BEGINNINGS = {state: (words.rstrip("…"),) for state, words in STATE_WORDS.items()}
BEGINNINGS[State.PLACED] = tuple(sorted(set(_symbols_of_placed())))

# A placed call is shown by its progress, or by how it ended.
PLACED = ("📞", "🔔", "🟢", "☑", "🚫", "🔕", "⚠", "✖", "⏹", "❔")


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
    was_told = any(number in line and any(words in line for words in beginnings) for line in lines)
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
