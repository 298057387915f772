"""Three questions that are asked of every press, about the order in which things happened.

Did the phone ring after Slack had shown its error? After anybody was told that it does not ring? For a person
who was not allowed at the moment of the answer? A later press of the same form that was answered with a yes
makes its ring a right one: people press again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evoslack.calling.calls import State
from evoslack.calling.number_format import pretty, unbroken
from evoslack.slack.background.direct_message import SEPARATOR
from sandbox.evo.calls import Ring
from sandbox.slack.delivery import Delivery
from sandbox.slack.message_records import ShownMessage, words_of
from tests.chaos.judge import BEGINNINGS
from tests.chaos.rights import Rights

Answer = Literal["yes", "no", "unclear", "error"]

YES = tuple(
    words
    for state in (State.ACCEPTED, State.PLACING, State.PLACED, State.IN_DOUBT)
    for words in BEGINNINGS[state]
)
_UNCLEAR = re.compile(
    r"already started a call|already used|something broke|can't tell|not certain", re.IGNORECASE
)
_NOTHING_RANG = re.compile(
    r"(?:nothing|no call) (?:was|has been|will be) dial|\b(?:was|is|were|be|been) not dial|will not be dial"
    r"|did(?: not|n't) (?:dial|call)|not (?:sent|placed)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    rf"{_NOTHING_RANG.pattern}|too late|(?:was|will) not (?:be )?placed|(?:may not|can't) (?:call|place)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Verdict:
    """Which of the three happened; `lie`: it was said that nothing was dialed, after it had rung."""

    after_error: bool = False
    after_no: bool = False
    not_allowed: bool = False
    lie: str = ""

    @property
    def sentences(self) -> Iterator[str]:
        """A sentence for each thing that breaks the promise."""
        if self.after_error:
            yield "it rang after Slack had shown its error"
        if self.after_no:
            yield "it rang after a no"
        if self.not_allowed:
            yield "it rang for a person who may not call"
        if self.lie:
            yield f"it had rung, and then it was said that nothing was dialed: {self.lie!r}"


def answer_of(delivery: Delivery) -> Answer:
    """What a press was answered, as the person reads it. `error`: Slack's own, without any answer."""
    if not delivery.acked:
        return "error"
    payload = delivery.payload if isinstance(delivery.payload, dict) else {}
    if errors := payload.get("errors"):
        return "unclear" if _UNCLEAR.search(" ".join(map(str, errors.values()))) else "no"
    words = words_of("", (payload.get("view") or {}).get("blocks"))
    if words.lstrip("* \n").startswith(YES):
        return "yes"
    return "no" if words and not _UNCLEAR.search(words) else "unclear"


def lines_about(
    shown: Iterable[ShownMessage], user_id: str, number: str, call_ids: Collection[str]
) -> list[ShownMessage]:
    """What the presser alone, or the channel, was ever shown of the calls that a form became."""
    found, spelled = [], unbroken(pretty(number, "US"))
    for line in shown:
        of_card = (line.metadata.get("event_payload") or {}).get("call_id")
        if of_card is not None and of_card in call_ids:
            found.append(line)
        elif line.user_id == user_id:  # one message may tell of several calls
            mine = [part for part in line.text.split(SEPARATOR) if spelled in unbroken(part)]
            found += [replace(line, text=part) for part in mine]
    return found


def asked_of(
    deliveries: Sequence[Delivery],
    rings: Iterable[Ring],
    lines: Iterable[ShownMessage],
    user_id: str,
    rights: Rights,
) -> Verdict:
    """The answers for one form: `deliveries` are all of its presses, `rings` those of its number."""
    rang_at = [ring.at.timestamp() for ring in rings]
    told = list(lines)
    nos = [each.over_at for each in deliveries if answer_of(each) == "no"]
    nos += [line.at for line in told if _NO.search(line.text)]
    errors = [each.over_at for each in deliveries if answer_of(each) == "error"]
    lies = [line.text for line in told if _NOTHING_RANG.search(line.text) and _before(rang_at, line.at)]
    return Verdict(
        after_error=any(_is_bare(at, error, deliveries) for at in rang_at for error in errors),
        after_no=any(_is_bare(at, no, deliveries) for at in rang_at for no in nos),
        not_allowed=any(_was_not_allowed(at, deliveries, user_id, rights) for at in rang_at),
        lie=lies[0] if lies else "",
    )


def _before(moments: Iterable[float], at: float) -> bool:
    return any(moment < at for moment in moments)


def _is_bare(rang_at: float, word_at: float, deliveries: Iterable[Delivery]) -> bool:
    """Whether it rang after this word, and no press that was answered yes stands between the two."""
    said_yes = any(
        answer_of(each) == "yes" and each.sent_at < rang_at and each.over_at > word_at for each in deliveries
    )
    return word_at < rang_at and not said_yes


def _was_not_allowed(rang_at: float, deliveries: Iterable[Delivery], user_id: str, rights: Rights) -> bool:
    """The press that it rang for is the last one before it, whatever was answered to that one."""
    before = [each.sent_at for each in deliveries if each.sent_at < rang_at]
    return bool(before) and rights.are_gone(user_id, max(before))
