"""People who may not call press everything there is, with the worst texts, while managers call.

Guests, members without the role, strangers of another workspace: nothing rings for them, and nothing that
they do holds a manager up. By hand: `python -m tests.chaos.hostile short`.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from evoslack.slack.listeners.shortcuts import NUMBER_IN_MESSAGE, PLACE_A_CALL
from evoslack.slack.rendering.cards import HANG_UP, MORE
from sandbox.evo.calls import Script
from sandbox.evo.world import PASSWORD
from sandbox.slack.delivery import Delivery
from tests.chaos.crowd import FormSubmission, by_hand, percentiles_ms, until, wait
from tests.chaos.stage import Set, Stage, count, stage
from tests.chaos.tally import Scale, Tally

AT_ONCE = 50
MANAGERS = 12
ANSWER_S = 1.0
PAUSE_S = 1.0  # of each of them; the people and both stand-ins have to live on the same machine
PRESS_EVERY_S = {"short": 0.25, "long": 1.0}
TALKING = Script(ring_s=0, talk_s=3600, session="at_once")
TEXTS = {  # what a message may hold; Slack takes 40,000 characters from a person, and more from an app
    "telephone links that never end": "<tel:" * 8_000,
    "100 kB of them": "<tel:" * 20_000,
    "open brackets": "<" * 40_000,
    "digits": "8144043093 " * 3_600,
    "digits without an end": "1" * 40_000,
    "pluses and dashes": "+1-(" * 10_000,
    "orders": "order no: " * 4_000,
    "entities": "&amp;lt;" * 5_000,
    "brackets in brackets": "((((814) 404-3093 x" * 2_000,
    "many lines": "a\n" * 20_000 + "+1 814 404 3093",
}
SEARCHES = ("1" * 2_900, "<tel:" * 500, "%_%" * 900, "\\" * 2_900)


@dataclass(frozen=True)
class Stolen:
    """What belongs to a manager and is used by others: a card, and a filled-in form."""

    channel_id: str
    card_ts: str
    note: str  # the line in the card's menu that opens the form for a note
    form: Delivery  # of a press that never reached the bot


def run(scale: Scale) -> list[Tally]:
    """Through both receivers; in the short form only HTTP."""
    modes = (True,) if scale == "short" else (True, False)
    return [everybody(scale, over_http=over_http) for over_http in modes]


def everybody(scale: Scale, *, over_http: bool) -> Tally:
    """Fifty at once, each with something else, while managers press one button after the other."""
    scene = Set(over_http, people=MANAGERS + 2)
    tally = Tally(f"{AT_ONCE} who may not call press everything ({scene.name})")
    with stage(scene) as one:
        hostile = _let_them_in(one)
        one.rights.never_had_by(*hostile)
        presses = one.crowd.open_forms(MANAGERS + 2)
        mine, talking, never = presses[:MANAGERS], presses[MANAGERS], presses[MANAGERS + 1]
        stolen = _steal(one, talking, never)
        ends = len(_endings(one))
        forged = [FormSubmission(who, never.number, []) for who in hostile]
        answers = _press_beside(one, mine, forged, stolen, PRESS_EVERY_S[scale])
        took_s = [each.seconds for each in answers]
        tally.figures |= percentiles_ms("a manager's press or command answered", took_s)
        answers += _read_the_worst(one, mine[0].who, tally)
        slow = [each for each in answers if not each.acked or each.seconds > ANSWER_S]
        tally.lost += [f"a manager waited {each.seconds:.2f} s {each.seen}".rstrip() for each in slow]
        if len(_endings(one)) > ends or _rung(one, talking) != 1:
            tally.lost.append("a person who may not call ended a manager's call, or called again")
        return count(one, tally, [*mine, talking, *forged])


def _press_beside(
    one: Stage, mine: list[FormSubmission], forged: list[FormSubmission], stolen: Stolen, every_s: float
) -> list[Delivery]:
    """Managers press while the others do their worst; what the managers were answered."""
    acts, taking_turns = itertools.cycle(_everything(one, stolen)), threading.Lock()
    enough = threading.Event()

    def press_on(press: FormSubmission) -> None:
        while not enough.is_set():
            with taking_turns:
                act = next(acts)
            act(press.who)
            _forge(one, press, stolen)
            enough.wait(PAUSE_S)

    pressing = [one.submit(press_on, forged[n % len(forged)]) for n in range(AT_ONCE)]
    wait(1)
    answers = []
    for press in mine:
        answers.append(one.crowd.press(press).deliveries[-1])
        answers.append(one.office.slack.type_command(press.who, "help"))
        wait(every_s)
    enough.set()
    for each in pressing:
        each.result()
    return answers


def _read_the_worst(one: Stage, who: str, tally: Tally) -> list[Delivery]:
    """A manager, for whom texts are searched, meets the worst ones."""
    slack, answers = one.office.slack, list[Delivery]()
    for name, text in TEXTS.items():
        ts = slack.say("U_AGENT", "C_GENERAL", text)
        answers.append(slack.use_message_shortcut(who, NUMBER_IN_MESSAGE, "C_GENERAL", ts))
        tally.figures[f"searched {name} for numbers, answered ms"] = round(answers[-1].seconds * 1000)
        if not answers[-1].acked:
            break  # the bot has enough to do now
    return answers


def _let_them_in(one: Stage) -> list[str]:
    """Everybody who may not call, each in their own way."""
    slack, world = one.office.slack, one.office.evo.world
    kinds: dict[str, dict[str, object]] = {
        "guest": {"is_restricted": True},
        "single": {"is_ultra_restricted": True, "is_restricted": True},
        "stranger": {"is_stranger": True},
        "foreign": {"team_id": "T0ELSEWHERE"},
        "unconfirmed": {"is_email_confirmed": False},
        "left": {"deleted": True},
        "robot": {"is_bot": True},
    }
    for name, fields in kinds.items():
        slack.add_user(f"U_{name.upper()}", name, f"{name}@acme.test", **fields)
        world.add_login(f"{name}@acme.test", PASSWORD)  # Evo Voice would let them
    slack.add_user("U_NOLOGIN", "nologin", "nologin@acme.test")
    slack.add_user("U_DOT", "dot", ".")
    return [
        *(f"U_{name.upper()}" for name in kinds),
        "U_NOLOGIN",
        "U_DOT",
        "U_AGENT",
        "U_READONLY",
        "U_OTHER",
    ]


def _steal(one: Stage, talking: FormSubmission, never: FormSubmission) -> Stolen:
    """A card with everything on it, and a form whose button was pressed while no bot listened."""
    slack = one.office.slack
    one.office.evo.world.script(talking.number, TALKING)
    one.crowd.press(talking)
    card = until(lambda: next((each for each in one.office.cards() if HANG_UP in str(each)), None), 20)
    before, slack.request_url = slack.request_url, "http://127.0.0.1:9/slack/events"
    form = slack.submit(never.who)
    slack.request_url = before
    notes = re.findall(r"note:[0-9a-f]{32}", str(card))
    return Stolen("C_CALLS", str(card["ts"]) if card else "", notes[0] if notes else "", form)


def _everything(one: Stage, stolen: Stolen) -> list[Callable[[str], object]]:
    """Every entry point, as an action of one person."""
    slack = one.office.slack
    texts = {name: slack.say("U_AGENT", "C_GENERAL", text) for name, text in TEXTS.items()}
    acts: list[Callable[[str], object]] = [
        lambda who: slack.type_command(who, "814 404 3093 survey"),
        lambda who: slack.type_command(who, "<tel:" * 500),
        lambda who: slack.type_command(who, "last"),
        lambda who: slack.type_command(who, "history"),
        lambda who: slack.type_command(who, "export"),
        lambda who: slack.use_shortcut(who, PLACE_A_CALL),
        lambda who: slack.click(who, MORE, stolen.channel_id, stolen.card_ts, value=stolen.note),
        lambda who: slack.click(who, HANG_UP, stolen.channel_id, stolen.card_ts),
        slack.open_home,
    ]
    acts += [partial(_read, one, ts) for ts in texts.values()]
    acts += [partial(_search, one, stolen, text) for text in SEARCHES]
    return acts


def _read(one: Stage, ts: str, who: str) -> Delivery:
    """Search another person's message for numbers."""
    return one.office.slack.use_message_shortcut(who, NUMBER_IN_MESSAGE, "C_GENERAL", ts)


def _search(one: Stage, stolen: Stolen, text: str, who: str) -> Delivery:
    """Type in the list of flows of a form that is not one's own."""
    sent = stolen.form.sent
    found = {key: sent[key] for key in ("team", "api_app_id", "token", "view")}
    return one.office.slack.send(
        "block_suggestion",
        found | {"user": _as(one, who), "action_id": "flow", "block_id": "flow", "value": text},
    )


def _forge(one: Stage, press: FormSubmission, stolen: Stolen) -> None:
    """Submit another person's form."""
    press.deliveries.append(
        one.office.slack.send("view_submission", stolen.form.sent | {"user": _as(one, press.who)})
    )


def _as(one: Stage, who: str) -> dict[str, str]:
    person = one.office.slack.users[who]
    return {"id": who, "username": person["name"], "name": person["name"], "team_id": person["team_id"]}


def _endings(one: Stage) -> list[str]:
    return [request.path for request in list(one.office.evo.requests) if request.method == "DELETE"]


def _rung(one: Stage, press: FormSubmission) -> int:
    return sum(ring.number == press.number for ring in list(one.office.evo.world.rings))


if __name__ == "__main__":
    by_hand(run)
