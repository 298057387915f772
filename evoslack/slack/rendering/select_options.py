"""What the selects of flows and caller IDs offer for what is typed in them. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from evoslack.calling.number_format import pretty
from evoslack.calling.offer import CallerId, Flow
from evoslack.slack.rendering.blocks import Block, plain
from evoslack.slack.rendering.typed_words import LONGEST_TYPED

MOST_OPTIONS = 100  # slack-facts 3: options of a select
LONGEST_OPTION = 75  # and the length of each text


def flow_options(flows: Sequence[Flow], typed: str) -> list[Block]:
    """At most 100 flows whose name holds every typed word."""
    if len(typed) > LONGEST_TYPED:
        return []
    wanted = set(typed.casefold().split())
    names = ((flow, flow.name.casefold()) for flow in flows)
    found = (flow for flow, name in names if all(word in name for word in wanted))
    return [flow_option(flow) for flow in islice(found, MOST_OPTIONS)]


def caller_id_options(caller_ids: Sequence[CallerId], typed: str, region: str) -> list[Block]:
    """At most 100 caller IDs whose label or digits hold what was typed."""
    if len(typed) > LONGEST_TYPED:
        return []
    wanted = typed.casefold().strip()
    digits = "".join(char for char in wanted if char.isdigit())
    found = (
        caller_id
        for caller_id in caller_ids
        if wanted in caller_id.label.casefold() or (digits and digits in caller_id.number)
    )
    return [caller_id_option(caller_id, region) for caller_id in islice(found, MOST_OPTIONS)]


def flow_option(flow: Flow) -> Block:
    """One flow; the value is its id."""
    option = {"text": plain(_cut(flow.name)), "value": flow.id}
    return option | {"description": plain(_cut(flow.note))} if flow.note else option


def caller_id_option(caller_id: CallerId, region: str) -> Block:
    """One caller ID; the value is its E.164 number."""
    number = pretty(caller_id.number, region)
    label = f"{number} · {caller_id.label}" if caller_id.label else number
    return {"text": plain(_cut(label)), "value": caller_id.number}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_OPTION else text[: LONGEST_OPTION - 1] + "…"
