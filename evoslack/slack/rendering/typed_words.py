"""What the words after the command mean: the flow that they name, and what could not be used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

from evoslack.calling.offer import Flow
from evoslack.slack.rendering import form_messages

CLOSE_ENOUGH = 0.6  # of 1: how similar typed words must be to a flow's name
LONGEST_COMPARED = 75  # characters of a name: what a list shows of it
LONGEST_TYPED = 200  # characters; longer texts match no flow and no caller ID
TYPO = 0.75  # of 1: how similar a typed word must be to one word of a flow's name to be taken for a typo
SHORTEST_TYPO, LONGEST_TYPO = 4, 20  # characters of a word that is compared
MOST_TYPOS = 4  # words that are compared
MOST_QUOTED = 4  # words that could not be used, each with a sentence of its own

_CODE = re.compile(r"[*#][\d*#]*")  # what a phone takes for a command to the network
_MENTION = re.compile(r"@.+|<[@!#].*")


@dataclass(frozen=True, slots=True)
class TypedWords:
    """The flow that was named, and a sentence for each word that could not be used (plain text)."""

    flow: Flow | None = None
    unused: tuple[str, ...] = ()


def read_words(words: str, flows: Sequence[Flow]) -> TypedWords:
    """Codes and mentions are told apart from the words that should name a flow; nothing is left unsaid."""
    pieces = words.split()
    in_names = {part for flow in flows for part in flow.name.casefold().split()}  # such as “Survey #2”
    strange = [piece for piece in pieces if piece.casefold() not in in_names]
    codes = [piece for piece in strange if _CODE.fullmatch(piece)]
    mentions = [piece for piece in strange if _MENTION.fullmatch(piece)]
    name = " ".join(piece for piece in pieces if piece not in {*codes, *mentions})
    flow = best_flow(flows, name)
    unused = [_no_flow(name, flows)] if name and flow is None else []
    unused += [form_messages.no_code(code) for code in dict.fromkeys(codes)]
    unused += [form_messages.no_number(mention) for mention in dict.fromkeys(mentions)]
    if len(unused) > MOST_QUOTED:
        unused = [*unused[:MOST_QUOTED], form_messages.MORE_UNUSED]
    return TypedWords(flow, tuple(unused))


def _no_flow(typed: str, flows: Sequence[Flow]) -> str:
    """What to say about words that name no flow; with a single flow there is nothing to choose."""
    if len(flows) == 1:
        return form_messages.no_flow(typed)
    meant = _meant(typed, flows)
    return form_messages.did_you_mean(typed, meant.name) if meant else form_messages.choose_flow(typed)


def _meant(typed: str, flows: Sequence[Flow]) -> Flow | None:
    """The flow with a word in its name that a typed word looks like; it is suggested, never chosen."""
    named: dict[str, Flow] = {}
    for flow in flows:
        for part in flow.name[:LONGEST_COMPARED].casefold().split():
            named.setdefault(part[:LONGEST_TYPO], flow)
    words = [word for word in typed[:LONGEST_TYPED].casefold().split() if len(word) >= SHORTEST_TYPO]
    for word in words[:MOST_TYPOS]:
        alike = [part for part in named if part[0] == word[0]]  # else “call” would be a typo of “recall”
        close = get_close_matches(word[:LONGEST_TYPO], alike, n=1, cutoff=TYPO)
        if close:
            return named[close[0]]
    return None


def best_flow(flows: Sequence[Flow], words: str) -> Flow | None:
    """The flow whose name matches the words best. None if none is similar enough."""
    wanted = words.casefold().strip()
    if not wanted or len(wanted) > LONGEST_TYPED:
        return None
    # The time grows with the product of both lengths, so no more than a list shows is compared.
    matcher = SequenceMatcher(None, "", wanted[:LONGEST_COMPARED])
    scores = [_score(flow.name.casefold(), wanted, matcher) for flow in flows]
    best = max(scores, default=0.0)
    return flows[scores.index(best)] if best >= CLOSE_ENOUGH else None


def _score(name: str, wanted: str, matcher: SequenceMatcher[str]) -> float:
    """How similar the two are, from 0 to 3; `matcher` already holds what is wanted."""
    if name == wanted:
        return 3.0
    matcher.set_seq1(name[:LONGEST_COMPARED])
    if name.startswith(wanted):
        return 2.0 + matcher.ratio()
    if all(word in name for word in set(wanted.split())):
        return 1.0 + matcher.ratio()
    return matcher.ratio() if matcher.quick_ratio() >= CLOSE_ENOUGH else 0.0  # quick_ratio is an upper bound
