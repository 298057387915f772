"""What can be made to go wrong on the sandbox's page, each as a switch in plain words.

A switch about the next call falls back by itself once a call has met it; the others stay as they are put.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.evo.faults import OUTGOING, Fault
from sandbox.evo.voice import EvoVoice
from sandbox.slack.workspace import SlackWorkspace

NEXT_CALL, EVO_VOICE, SLACK = "The next call …", "Evo Voice", "Slack"
TAKES_ITS_TIME_S = 10.0
SLOW_FORM_S = 4.0  # longer than a trigger_id lives
RETRY_AFTER_S = 3
SHOWS_CALLS = ("/calls/active", "/sessions")

NEXT_CALLS = {
    "answer_lost": ("rings, but Evo Voice's answer is lost", "cut_after_ring"),
    "no_answer": ("rings, but Evo Voice keeps silent", "hang_after_ring"),
    "late": ("rings ten seconds late", "late_ring"),
    "refused": ("is refused by Evo Voice", "400_json"),
    "broken": ("does not ring: a gateway error", "502"),
}
SLACK_FAULTS = {
    "rate_limit": (
        "Slack takes no messages (429)",
        "429",
        ("chat.postMessage", "chat.update", "response_url"),
    ),
    "card_lost": ("Cards arrive, Slack's answer is lost", "lose_answer", ("chat.postMessage",)),
    "slow_form": ("Forms take four seconds to open", "slow", ("views.open",)),
}


@dataclass(frozen=True)
class FaultSwitch:
    """One switch: where the trouble is, what it is, whether it is on, and how to put it on or off."""

    where: str
    words: str
    is_on: Callable[[], bool]
    put: Callable[[bool], None]


def all_switches(slack: SlackWorkspace, evo: EvoVoice) -> dict[str, FaultSwitch]:
    """The switches by id, in the order in which the page shows them."""
    found = {key: _next_call(evo, *each) for key, each in NEXT_CALLS.items()}
    found["evo_down"] = _down(evo)
    found["unseen"] = _unseen(evo)
    found["login_locked"] = _login_locked(evo)
    on: set[str] = set()
    found |= {key: _slack_fault(slack, on, key) for key in SLACK_FAULTS}
    found["not_invited"] = _not_invited(slack)
    return found


def _next_call(evo: EvoVoice, words: str, kind: str) -> FaultSwitch:
    method, path = OUTGOING
    ordered: list[Fault] = []

    def is_on() -> bool:
        return any(fault.hits < (fault.times or 0) for fault in ordered)

    def put(on: bool) -> None:
        for fault in ordered:
            fault.times = 0
        ordered[:] = [evo.fault(path, kind, method=method, seconds=TAKES_ITS_TIME_S)] if on else []

    return FaultSwitch(NEXT_CALL, words, is_on, put)


def _down(evo: EvoVoice) -> FaultSwitch:
    down: set[bool] = set()

    def put(on: bool) -> None:
        if on:
            evo.stop()
            down.add(True)
        elif down:
            evo.start()
            down.clear()

    return FaultSwitch(EVO_VOICE, "Evo Voice is down", lambda: bool(down), put)


def _unseen(evo: EvoVoice) -> FaultSwitch:
    ordered: list[Fault] = []

    def put(on: bool) -> None:
        for fault in ordered:
            fault.times = 0
        ordered[:] = [evo.fault(path, "500_json", None, method="GET") for path in SHOWS_CALLS] if on else []

    return FaultSwitch(EVO_VOICE, "Evo Voice does not show its calls", lambda: bool(ordered), put)


def _login_locked(evo: EvoVoice) -> FaultSwitch:
    login = evo.world.logins["bot@acme.test"]

    def put(on: bool) -> None:
        login.locked = on
        evo.expire_logins()

    return FaultSwitch(EVO_VOICE, "EvoSlack's login is locked", lambda: login.locked, put)


def _slack_fault(slack: SlackWorkspace, on: set[str], key: str) -> FaultSwitch:
    def put(wanted: bool) -> None:
        on.add(key) if wanted else on.discard(key)
        slack.clear_faults()
        for each, (_words, kind, methods) in SLACK_FAULTS.items():
            for method in methods if each in on else ():
                slack.fault(method, kind, None, RETRY_AFTER_S, SLOW_FORM_S)

    return FaultSwitch(SLACK, SLACK_FAULTS[key][0], lambda: key in on, put)


def _not_invited(slack: SlackWorkspace) -> FaultSwitch:
    channel = slack.channels["C_CALLS"]

    def put(on: bool) -> None:
        channel["is_member"] = not on

    return FaultSwitch(SLACK, "The bot is not in #calls", lambda: not channel["is_member"], put)
