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

# Label, kind of the fault, and what to watch for.
NEXT_CALLS = {
    "answer_lost": (
        "rings, but Evo Voice's response is lost",
        "cut_after_ring",
        "It rings once. EvoSlack finds the call and updates the card; not if Evo Voice “doesn't list calls”.",
    ),
    "no_answer": (
        "rings, but Evo Voice never responds",
        "hang_after_ring",
        "It rings once. EvoSlack waits, and searches for the call instead of dialing again.",
    ),
    "late": (
        "rings ten seconds late",
        "late_ring",
        "Press Call twice if you like: it still rings once.",
    ),
    "rejected": (
        "is rejected by Evo Voice",
        "400_json",
        "Nothing rings. The card says “rejected”, and why.",
    ),
    "broken": (
        "doesn't ring: gateway error",
        "502",
        "Nothing rings, but EvoSlack can't know that: watch it say “not certain” instead of trying again.",
    ),
}
SLACK_FAULTS = {
    "rate_limit": (
        "Slack limits messages (429)",
        "429",
        ("chat.postMessage", "chat.update", "response_url"),
        "The phone rings at once. When you turn this off, the card appears in its newest state.",
    ),
    "card_lost": (
        "Cards are posted, but Slack's response is lost",
        "lose_answer",
        ("chat.postMessage",),
        "After 15 seconds EvoSlack finds its card. There is one, not two.",
    ),
    "slow_form": (
        "Slack confirms forms four seconds late",
        "slow",
        ("views.open",),
        "The command is acknowledged in time all the same, and you're told that Slack is slow.",
    ),
}
DOWN = (
    "Nothing rings. The form says that EvoSlack can't check your role; a card says that nothing was dialed."
)
HIDDEN = "Calls ring. With “response is lost” too, the card says “not certain” until you turn this off."
LOCKED = "Nothing rings. Forms say so, and after a minute whom to tell; until then, a call is rejected."
NOT_INVITED = "The phone still rings. You're told that the card couldn't be posted."


@dataclass(frozen=True)
class FaultSwitch:
    """A switch with its group and label on the page."""

    group: str
    label: str
    is_on: Callable[[], bool]
    set: Callable[[bool], None]
    watch: str  # what to watch for


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


def _next_call(evo: EvoVoice, label: str, kind: str, watch: str) -> FaultSwitch:
    method, path = OUTGOING
    active: list[Fault] = []

    def is_on() -> bool:
        return any(fault.hits < (fault.times or 0) for fault in active)

    def set_on(on: bool) -> None:
        for fault in active:
            fault.times = 0
        active[:] = [evo.fault(path, kind, method=method, seconds=CALL_DELAY_S)] if on else []

    return FaultSwitch(NEXT_CALL, label, is_on, set_on, watch)


def _down(evo: EvoVoice) -> FaultSwitch:
    down: set[bool] = set()

    def set_on(on: bool) -> None:
        if on:
            evo.stop()
            down.add(True)
        elif down:
            evo.start()
            down.clear()

    return FaultSwitch(EVO_VOICE, "Evo Voice is down", lambda: bool(down), set_on, DOWN)


def _calls_hidden(evo: EvoVoice) -> FaultSwitch:
    active: list[Fault] = []

    def set_on(on: bool) -> None:
        for fault in active:
            fault.times = 0
        active[:] = [evo.fault(path, "500_json", None, method="GET") for path in CALL_LISTS] if on else []

    return FaultSwitch(EVO_VOICE, "Evo Voice doesn't list calls", lambda: bool(active), set_on, HIDDEN)


def _login_locked(evo: EvoVoice) -> FaultSwitch:
    login = evo.world.logins["bot@acme.test"]

    def set_on(on: bool) -> None:
        login.locked = on
        evo.expire_logins()

    return FaultSwitch(EVO_VOICE, "EvoSlack's login is locked", lambda: login.locked, set_on, LOCKED)


def _slack_fault(slack: SlackWorkspace, on: set[str], key: str) -> FaultSwitch:
    def set_on(wanted: bool) -> None:
        on.add(key) if wanted else on.discard(key)
        slack.clear_faults()
        for each, (_label, kind, methods, _watch) in SLACK_FAULTS.items():
            for method in methods if each in on else ():
                slack.fault(method, kind, None, RETRY_AFTER_S, SLOW_FORM_S)

    return FaultSwitch(SLACK, SLACK_FAULTS[key][0], lambda: key in on, set_on, SLACK_FAULTS[key][-1])


def _not_invited(slack: SlackWorkspace) -> FaultSwitch:
    channel = slack.channels["C_CALLS"]

    def set_on(on: bool) -> None:
        channel["is_member"] = not on

    def is_on() -> bool:
        return not channel["is_member"]

    return FaultSwitch(SLACK, "The bot isn't in #calls", is_on, set_on, NOT_INVITED)
