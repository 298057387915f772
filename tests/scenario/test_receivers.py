"""Every entry point and every kind of person: who gets in, and what everyone else reads instead.

The entry points are the command, the shortcuts, Call again, the choice between numbers, the two lists of the
form and its button, the Home tab with its search and its button, the step of a workflow, and the export. Each
case is a new person who comes to one entry point for the first time, in an office that stays open for all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from evoslack.calling.calls import Call
from evoslack.calling.refusals import Denial, NotAllowed
from evoslack.slack.listeners.shortcuts import NUMBER_IN_MESSAGE, PLACE_A_CALL
from evoslack.slack.rendering import button_messages
from evoslack.slack.rendering.cards import CALL_AGAIN, HANG_UP
from evoslack.slack.rendering.export_messages import ADMINISTRATORS_ONLY
from evoslack.slack.rendering.home import PLACE
from evoslack.slack.rendering.home_filters import FilterAction
from evoslack.slack.rendering.refusal_messages import refusal_message
from sandbox.evo.calls import FAILED
from sandbox.evo.world import PASSWORD
from sandbox.slack.delivery import Delivery
from sandbox.slack.team import TEAM_ID
from tests.scenario.office import NUMBER, Office

MANAGER, AGENT_ROLE = ("Manager",), ("User",)
MEMBERS_ONLY = "Only full members"

Trouble = Callable[[Office, "Person"], AbstractContextManager[None]]


def no_trouble(_office: Office, _person: Person) -> AbstractContextManager[None]:
    return nullcontext()


@contextmanager
def role_is_taken_away(office: Office, person: Person) -> Iterator[None]:
    assert person.searches(office, "flow") != []  # found to be a manager, and remembered
    office.evo.world.logins[person.email].roles = AGENT_ROLE
    office.pass_time(seconds=61)
    yield


@contextmanager
def evo_voice_is_down(office: Office, _person: Person) -> Iterator[None]:
    office.evo.stop()
    try:
        yield
    finally:
        office.evo.start()


@contextmanager
def slack_has_an_error(office: Office, _person: Person) -> Iterator[None]:
    office.slack.fault("users.info", "500", times=None)
    try:
        yield
    finally:
        office.slack.clear_faults()


@dataclass(frozen=True)
class Kind:
    """A kind of person: what Slack and Evo Voice say of them, and the words they read (none: come in)."""

    words: str = ""
    slack: dict[str, Any] = field(default_factory=dict)  # what is unusual about the user object
    logins: dict[str, dict[str, Any]] = field(default_factory=lambda: {"{}": {}})  # email: what is unusual
    team_id: str = TEAM_ID  # what the payload says
    user_id: str = ""  # if it has to be a certain one
    mapped_to: str = ""  # an email in EVO_USER_MAP
    trouble: Trouble = no_trouble


NO_LOGIN = "No Evo Voice login"
NO_MAIL = "can't see your email"
KINDS = {
    "manager": Kind(),
    "manager on an older server": Kind(logins={"{}": {"manager_access": None}}),
    "manager beside a similar address": Kind(logins={"{}": {}, "x{}": {"roles": AGENT_ROLE}}),
    "administrator": Kind(
        logins={"{}": {"roles": ("SystemAdministrator",), "account_ids": (), "manager_access": None}}
    ),
    "mapped manager without an email": Kind(slack={"profile": {}}, mapped_to="boss@acme.test"),
    "agent": Kind("need the Manager role", logins={"{}": {"roles": AGENT_ROLE, "manager_access": None}}),
    "agent beside a similar address": Kind(
        "need the Manager role", logins={"{}": {"roles": AGENT_ROLE}, "x{}": {}}
    ),
    "mapped agent": Kind("need the Manager role", mapped_to="agent@acme.test"),
    "no role at all": Kind("need the Manager role", logins={"{}": {"roles": ()}}),
    "read-only manager": Kind("read-only", logins={"{}": {"manager_access": "ReadOnly"}}),
    "manager with unknown access": Kind("read-only", logins={"{}": {"manager_access": "Sometimes"}}),
    "manager of another account": Kind("not in the account", logins={"{}": {"account_ids": ("acc2",)}}),
    "nobody": Kind(NO_LOGIN, logins={}),
    "part of a manager's address": Kind(NO_LOGIN, logins={"x{}": {}}),
    "more than a manager's address": Kind(
        NO_LOGIN, slack={"profile": {"email": "xx-{}"}}, logins={"x-{}": {}}
    ),
    "two logins": Kind("Several Evo Voice logins", logins={"{}": {}, " {}": {}}),
    "unconfirmed email": Kind("isn't confirmed", slack={"is_email_confirmed": False}),
    "confirmation not told": Kind("isn't confirmed", slack={"is_email_confirmed": None}),
    "no email": Kind(NO_MAIL, slack={"profile": {}}),
    "no profile": Kind(NO_MAIL, slack={"profile": None}),
    "deleted": Kind(MEMBERS_ONLY, slack={"deleted": True}),
    "guest": Kind(MEMBERS_ONLY, slack={"is_restricted": True}),
    "single-channel guest": Kind(MEMBERS_ONLY, slack={"is_restricted": True, "is_ultra_restricted": True}),
    "guest as far as one can tell": Kind(MEMBERS_ONLY, slack={"is_restricted": None}),
    "mapped guest": Kind(MEMBERS_ONLY, slack={"is_restricted": True}, mapped_to="boss@acme.test"),
    "stranger": Kind(MEMBERS_ONLY, slack={"is_stranger": True}),
    "invited user": Kind(MEMBERS_ONLY, slack={"is_invited_user": True}),
    "bot": Kind(MEMBERS_ONLY, slack={"is_bot": True}),
    "Slackbot": Kind(MEMBERS_ONLY, user_id="USLACKBOT"),
    "member of another team": Kind(MEMBERS_ONLY, slack={"team_id": "T_OTHER"}),
    "comes from another team": Kind(MEMBERS_ONLY, team_id="T_OTHER"),
    "comes from no team": Kind(MEMBERS_ONLY, team_id=""),
    "another person by Slack's answer": Kind(MEMBERS_ONLY, slack={"id": "U_BOSS"}),
    "manager until a minute ago": Kind("need the Manager role", trouble=role_is_taken_away),
    "manager while Evo Voice is down": Kind(
        "EvoSlack couldn't check whether you can place calls", trouble=evo_voice_is_down
    ),
    "manager while Slack has an error": Kind(
        "EvoSlack couldn't check who you are", trouble=slack_has_an_error
    ),
}


@dataclass(frozen=True)
class Person:
    """A person of a kind, at one entry point."""

    kind: Kind
    user_id: str
    email: str

    @classmethod
    def of(cls, kind: str, entry: str) -> Person:
        number = 1000 + 100 * list(KINDS).index(kind) + EVERYWHERE.index(entry)
        return cls(KINDS[kind], KINDS[kind].user_id or f"U{number}", f"u{number}@acme.test")

    def arrives(self, office: Office) -> None:
        fields = {**self.kind.slack}
        if (fields.get("profile") or {}).get("email"):
            fields["profile"] = {"email": fields["profile"]["email"].format(self.email)}
        office.slack.add_user(self.user_id, "a person", self.email, **fields)
        if office.slack.modal(self.user_id):  # Slackbot was at another entry point before
            office.slack.close_modal(self.user_id)
        for email, unusual in self.kind.logins.items():
            office.evo.world.add_login(email.format(self.email), PASSWORD, **({"roles": MANAGER} | unusual))

    def types(self, office: Office, text: str) -> Delivery:
        payload = {"command": "/call", "text": text, "user_id": self.user_id, "team_id": self.kind.team_id}
        payload |= {"channel_id": "C_GENERAL", "trigger_id": office.slack.new_trigger(self.user_id)}
        return office.slack.send("slash_commands", payload)

    def searches(self, office: Office, select: str) -> list[Any]:
        payload = {"action_id": select, "block_id": select, "value": "", "view": {"callback_id": "call_form"}}
        delivery = office.slack.send("block_suggestion", self.acting() | payload)
        assert delivery.acked
        return delivery.payload["options"]

    def presses(self, office: Office, number: str) -> Delivery:
        chosen = {"flow": {"selected_option": {"value": "flow2"}}, "number": {"value": number}}
        chosen |= {"caller_id": {"selected_option": {"value": "+12025550100"}}}
        view = {
            "type": "modal",
            "callback_id": "call_form",
            "private_metadata": f'{{"key":"{self.user_id}","made_at":"{just_now(office)}"}}',
            "state": {"values": {block: {block: entry} for block, entry in chosen.items()}},
        }
        return office.slack.send("view_submission", self.acting() | {"view": view})

    def acting(self) -> dict[str, Any]:
        team = {"id": self.kind.team_id}
        return {"user": {"id": self.user_id, "team_id": self.kind.team_id}, "team": team}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One office for all of them; the bot's login sees two accounts, and calls from the first."""
    office = Office(tmp_path_factory.mktemp("entries"))
    office.evo.world.logins["bot@acme.test"].account_ids = ("acc1", "acc2")
    everybody = [Person.of(kind, entry) for kind in KINDS for entry in EVERYWHERE]
    mapped = [f"{one.user_id}={one.kind.mapped_to}" for one in everybody if one.kind.mapped_to]
    office.open(EVO_ACCOUNT_ID="acc1", EVO_USER_MAP=",".join(mapped))
    office.slack.wait_for(office.bot.catalog.refresh, what="flows to offer")
    yield office
    office.close()


def at_the_command(office: Office, person: Person, text: str = "") -> str:
    """What the page says that opens in the end; nothing when it is the form."""
    assert person.types(office, text).acked
    return page_that_opens(office, person)


def page_that_opens(office: Office, person: Person) -> str:
    view = office.slack.wait_for(
        lambda: (now := office.slack.modal(person.user_id)) and now["callback_id"] != "call_loading" and now
    )
    return "" if view["callback_id"] == "call_form" else office.page(person.user_id)


def at_the_command_with_words(office: Office, person: Person) -> str:
    return at_the_command(office, person, "814 404 3093 survey")


def at_the_shortcut(office: Office, person: Person) -> str:
    trigger = {"trigger_id": office.slack.new_trigger(person.user_id)}
    payload = person.acting() | trigger | {"callback_id": PLACE_A_CALL}
    assert office.slack.send("shortcut", payload).acked
    return page_that_opens(office, person)


def at_a_message(office: Office, person: Person) -> str:
    payload = {"callback_id": NUMBER_IN_MESSAGE, "channel": {"id": "C_GENERAL"}}
    payload |= {"trigger_id": office.slack.new_trigger(person.user_id), "message": {"text": "202-555-0143"}}
    assert office.slack.send("message_action", person.acting() | payload).acked
    return page_that_opens(office, person)


def call_of_sara(office: Office) -> Call:
    """The first call of this office: it failed."""
    if not any(call.request.number == NUMBER for call in office.ledger()):
        office.evo.world.script(NUMBER, FAILED)
        office.call()
        office.wait_until_settled()
    return next(call for call in office.ledger() if call.request.number == NUMBER)


def at_a_card(office: Office, person: Person) -> str:
    action = {"action_id": CALL_AGAIN, "block_id": "b", "type": "button", "value": call_of_sara(office).id}
    payload = {"trigger_id": office.slack.new_trigger(person.user_id), "actions": [action]}
    assert office.slack.send("block_actions", person.acting() | payload).acked
    return page_that_opens(office, person)


def at_the_choice(office: Office, person: Person) -> str:
    """What the page says afterwards; nothing when it is the form."""
    option = {"number": {"number": {"selected_option": {"value": "+12025550143"}}}}
    view = {
        "type": "modal",
        "callback_id": "call_choice",
        "private_metadata": f'{{"key":"k","made_at":"{just_now(office)}"}}',
    }
    payload = person.acting() | {"view": view | {"state": {"values": option}}}
    delivery = office.slack.send("view_submission", payload)
    assert delivery.acked
    view = delivery.payload["view"]
    return "" if view["callback_id"] == "call_form" else view["blocks"][0]["text"]["text"]


NUMBERS = (f"+1814404{last:04}" for last in count(1000))


def just_now(office: Office) -> int:
    """By the clocks of this office, which are put forward by the minute."""
    return int(time.time() + office.passed.total_seconds())


def at_the_button(office: Office, person: Person) -> str:
    """What the page says afterwards, or the field; nothing when the call was taken."""
    delivery = person.presses(office, next(NUMBERS))
    assert delivery.acked
    if "errors" in delivery.payload:
        assert delivery.payload["response_action"] == "errors"
        return delivery.payload["errors"]["number"]
    words = delivery.payload["view"]["blocks"][0]["text"]["text"]
    return "" if "⏳" in words else words


def at_home(office: Office, person: Person) -> str:
    """What the Home tab says; nothing when it says that this person may call."""
    event = {"type": "app_home_opened", "user": person.user_id, "tab": "home"}
    payload = {"type": "event_callback", "team_id": person.kind.team_id, "event": event}
    assert office.slack.send("events_api", payload).acked
    return what_home_says(office, person)


def at_a_search_at_home(office: Office, person: Person) -> str:
    action = {"action_id": FilterAction.SEARCH, "block_id": "b", "type": "plain_text_input", "value": "555"}
    payload = person.acting() | {"view": {"type": "home"}, "actions": [action]}
    assert office.slack.send("block_actions", payload).acked
    return what_home_says(office, person)


def what_home_says(office: Office, person: Person) -> str:
    view = office.slack.wait_for(lambda: office.slack.home(person.user_id))
    words = view["blocks"][0]["text"]["text"]
    if "Live now" in words:
        return ""
    assert len(view["blocks"]) == 1, "and no number"
    return words


def at_the_button_at_home(office: Office, person: Person) -> str:
    action = {"action_id": PLACE, "block_id": "b", "type": "button"}
    payload = {"trigger_id": office.slack.new_trigger(person.user_id), "actions": [action]}
    assert office.slack.send("block_actions", person.acting() | payload).acked
    return page_that_opens(office, person)


def at_the_step(office: Office, person: Person) -> str:
    """What the workflow is told; nothing when the step became a call."""
    execution_id = f"Fx{person.email}"
    inputs = {"person": {"id": person.user_id}, "flow": "flow2", "number": next(NUMBERS)}
    event = {"type": "function_executed", "function": {"callback_id": "place_call"}, "inputs": inputs}
    event |= {"function_execution_id": execution_id}
    payload = {"type": "event_callback", "team_id": person.kind.team_id, "event": event}
    assert office.slack.send("events_api", payload).acked
    if "couldn't check" in person.kind.words:  # which the step does not take for an answer at once
        office.pass_time(seconds=61)
        office.bot.wake()

    def told() -> list[str]:
        errors = [call.args for call in office.slack.api_calls("functions.completeError")]
        return [args["error"] for args in errors if args["function_execution_id"] == execution_id]

    def is_a_call() -> bool:
        return f"step {execution_id}" in {call.request.key for call in office.ledger()}

    office.slack.wait_for(lambda: told() or is_a_call(), within_s=8)
    return told()[0] if told() else ""


def at_the_export(office: Office, person: Person) -> str:
    """What the command answers; nothing when that is meant for a person who may call, by their role."""
    delivery = person.types(office, "export")
    assert delivery.acked
    is_administrator = person.kind is KINDS["administrator"]
    wanted = "as a direct message" if is_administrator else ADMINISTRATORS_ONLY
    words = delivery.payload["text"]
    return "" if wanted in words else words


ENTRY_POINTS = {
    "command": at_the_command,
    "command with words": at_the_command_with_words,
    "shortcut": at_the_shortcut,
    "message": at_a_message,
    "card": at_a_card,
    "choice": at_the_choice,
    "button": at_the_button,
    "home": at_home,
    "search at home": at_a_search_at_home,
    "button at home": at_the_button_at_home,
    "step": at_the_step,
    "export": at_the_export,
}
LISTS = ("flow", "caller_id")
EVERYWHERE = [*ENTRY_POINTS, *LISTS, HANG_UP]


@pytest.mark.parametrize("entry", ENTRY_POINTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_person_who_may_call_gets_in_and_everyone_else_reads_why(
    office: Office, kind: str, entry: str
) -> None:
    person = Person.of(kind, entry)
    person.arrives(office)
    if entry == "card":
        call_of_sara(office)
    before = (office.rings, len(office.ledger()))
    with person.kind.trouble(office, person):
        words = ENTRY_POINTS[entry](office, person)

    if person.kind.words:
        assert person.kind.words in words
        assert (office.rings, len(office.ledger())) == before
    else:
        assert words == ""
        office.wait_until_settled()
        more = int(entry in {"button", "step"})
        assert (office.rings, len(office.ledger())) == (before[0] + more, before[1] + more)


# What the page says to everyone else: the call is Sara's. Why they may place no calls does not matter for it.
AT_HANG_UP = {
    "administrator": button_messages.NOTHING_TO_HANG_UP,
    "manager while Evo Voice is down": "EvoSlack couldn't check your role",
    "manager while Slack has an error": "EvoSlack couldn't check who you are",
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_an_administrator_gets_as_far_as_hanging_up_the_call_of_another_person(
    office: Office, kind: str
) -> None:
    person = Person.of(kind, HANG_UP)
    person.arrives(office)
    call = call_of_sara(office)
    action = {"action_id": HANG_UP, "block_id": "b", "type": "button", "value": call.id}
    payload = {"trigger_id": office.slack.new_trigger(person.user_id), "actions": [action]}
    with person.kind.trouble(office, person):
        assert office.slack.send("block_actions", person.acting() | payload).acked
        office.slack.wait_for(lambda: office.slack.modal(person.user_id), what="a page about hanging up")

    assert AT_HANG_UP.get(kind, button_messages.only_caller_can_hang_up(call)) in office.page(person.user_id)
    assert office.told(person.user_id) == [], "it was said once"
    assert not [request for request in office.evo.requests if request.method == "DELETE"]


@pytest.mark.parametrize("select", LISTS)
@pytest.mark.parametrize("kind", KINDS)
def test_only_a_person_who_may_call_finds_something_in_the_lists(
    office: Office, kind: str, select: str
) -> None:
    person = Person.of(kind, select)
    person.arrives(office)
    with person.kind.trouble(office, person):
        found = person.searches(office, select)

    assert bool(found) is not bool(person.kind.words)


@pytest.mark.parametrize("denial", Denial)
def test_every_no_says_what_can_be_done_about_it(denial: Denial) -> None:
    words = refusal_message(NotAllowed(denial), "US").words

    assert re.search(r"\b(ask|confirm|tell|try again|can give|can change)\b", words, re.IGNORECASE)
