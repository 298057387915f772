"""The faults that can be switched on from the page.

A switch for the next call turns off after one call; the others stay on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.evo.faults import OUTGOING, Fault
from sandbox.evo.voice import EvoVoice
from sandbox.slack.workspace import SlackWorkspace

NEXT_CALL, EVO_VOICE, SLACK = "The next call", "Evo Voice", "Slack"
CALL_DELAY_S = 10.0
SLOW_FORM_S = 4.0  # longer than a trigger_id is valid
RETRY_AFTER_S = 3
CALL_LISTS = ("/calls/active", "/sessions")

NEXT_CALLS = {
    "answer_lost": ("rings, but Evo Voice's response is lost", "cut_after_ring"),
    "no_answer": ("rings, but Evo Voice never responds", "hang_after_ring"),
    "late": ("rings ten seconds late", "late_ring"),
    "rejected": ("is rejected by Evo Voice", "400_json"),
    "broken": ("doesn't ring: gateway error", "502"),
}
SLACK_FAULTS = {
    "rate_limit": (
        "Slack limits messages (429)",
        "429",
        ("chat.postMessage", "chat.update", "response_url"),
    ),
    "card_lost": ("Cards are posted, but Slack's response is lost", "lose_answer", ("chat.postMessage",)),
    "slow_form": ("Forms take four seconds to open", "slow", ("views.open",)),
}


@dataclass(frozen=True)
class FaultSwitch:
    """A switch with its group and label on the page."""

    group: str
    label: str
    is_on: Callable[[], bool]
    set: Callable[[bool], None]


def all_switches(slack: SlackWorkspace, evo: EvoVoice) -> dict[str, FaultSwitch]:
    """The switches by id, in page order."""
    found = {key: _next_call(evo, *each) for key, each in NEXT_CALLS.items()}
    found["evo_down"] = _down(evo)
    found["calls_hidden"] = _calls_hidden(evo)
    found["login_locked"] = _login_locked(evo)
    on: set[str] = set()
    found |= {key: _slack_fault(slack, on, key) for key in SLACK_FAULTS}
    found["not_invited"] = _not_invited(slack)
    return found


def _next_call(evo: EvoVoice, label: str, kind: str) -> FaultSwitch:
    method, path = OUTGOING
    active: list[Fault] = []

    def is_on() -> bool:
        return any(fault.hits < (fault.times or 0) for fault in active)

    def set_on(on: bool) -> None:
        for fault in active:
            fault.times = 0
        active[:] = [evo.fault(path, kind, method=method, seconds=CALL_DELAY_S)] if on else []

    return FaultSwitch(NEXT_CALL, label, is_on, set_on)


def _down(evo: EvoVoice) -> FaultSwitch:
    down: set[bool] = set()

    def set_on(on: bool) -> None:
        if on:
            evo.stop()
            down.add(True)
        elif down:
            evo.start()
            down.clear()

    return FaultSwitch(EVO_VOICE, "Evo Voice is down", lambda: bool(down), set_on)


def _calls_hidden(evo: EvoVoice) -> FaultSwitch:
    active: list[Fault] = []

    def set_on(on: bool) -> None:
        for fault in active:
            fault.times = 0
        active[:] = [evo.fault(path, "500_json", None, method="GET") for path in CALL_LISTS] if on else []

    return FaultSwitch(EVO_VOICE, "Evo Voice doesn't list calls", lambda: bool(active), set_on)


def _login_locked(evo: EvoVoice) -> FaultSwitch:
    login = evo.world.logins["bot@acme.test"]

    def set_on(on: bool) -> None:
        login.locked = on
        evo.expire_logins()

    return FaultSwitch(EVO_VOICE, "EvoSlack's login is locked", lambda: login.locked, set_on)


def _slack_fault(slack: SlackWorkspace, on: set[str], key: str) -> FaultSwitch:
    def set_on(wanted: bool) -> None:
        on.add(key) if wanted else on.discard(key)
        slack.clear_faults()
        for each, (_label, kind, methods) in SLACK_FAULTS.items():
            for method in methods if each in on else ():
                slack.fault(method, kind, None, RETRY_AFTER_S, SLOW_FORM_S)

    return FaultSwitch(SLACK, SLACK_FAULTS[key][0], lambda: key in on, set_on)


def _not_invited(slack: SlackWorkspace) -> FaultSwitch:
    channel = slack.channels["C_CALLS"]

    def set_on(on: bool) -> None:
        channel["is_member"] = not on

    return FaultSwitch(SLACK, "The bot isn't in #calls", lambda: not channel["is_member"], set_on)
