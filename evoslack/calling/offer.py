"""What a form can offer: the flows, the caller IDs and the account that they belong to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow of Evo Voice that may be offered; it runs when the callee answers."""

    id: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallerId:
    """An owned number that may be shown to the person called."""

    number: str  # E.164
    label: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form can offer: one account's flows and caller IDs, none of them empty."""

    account_id: str
    flows: tuple[Flow, ...]
    caller_ids: tuple[CallerId, ...]
    default_caller_id: CallerId

    def flow(self, flow_id: str) -> Flow | None:
        """The flow with that id, or None when it is not on offer."""
        return next((flow for flow in self.flows if flow.id == flow_id), None)

    def caller_id(self, number: str) -> CallerId | None:
        """The caller ID with that E.164 number, or None when it is not on offer."""
        return next((caller_id for caller_id in self.caller_ids if caller_id.number == number), None)
