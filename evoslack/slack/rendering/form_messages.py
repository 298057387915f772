"""The sentences of the form, of the choice between numbers, and of what the command answers."""

from __future__ import annotations

from evoslack.calling.number_format import example

FORM_TITLE = "Place a call"
FORM_SUBMIT = "Call"
CALL_ANYWAY = "Call anyway"
CLOSE = "Close"
FLOW_LABEL = "Flow"
FLOW_HINT = "What they'll hear when they pick up."
FLOW_PLACEHOLDER = "Choose a flow"
NUMBER_LABEL = "Number"
ANOTHER_NUMBER = "Nothing was dialed. Enter another number."  # the line below says why
CALLER_ID_LABEL = "Caller ID"
CALLER_ID_HINT = "What they'll see on their phone."
CALLER_ID_GONE = (
    "This flow's default, {number}, no longer belongs to this account, so another one is filled in."
)
CALLER_ID_PLACEHOLDER = "Choose a number"
WHEN_LABEL = "When"
WHEN_NOW = "Now"
WHEN_LATER = "Later…"
LOADING = "Loading…\nStill loading after 10 seconds? Close this and try again."
FORM_TOO_LATE = "The form couldn't open in time. Try again."
TOO_MANY_PAGES = "Slack shows three pages at most. Close one, then try again."
FORM_MAY_STILL_OPEN = "Slack is slow. If no form opens, try again."

CHOICE_SUBMIT = "Next"
CHOICE_LABEL = "Which number?"
NO_NUMBER = "This message has no number EvoSlack can call. Enter one."
NOTHING_TO_REPEAT = "No calls yet, so there's nothing to call again."
MORE_UNUSED = "EvoSlack couldn't use the rest of what you typed, either."
LONGEST_QUOTED = 40  # characters of what was typed


def number_hint(region: str, allowed: frozenset[str]) -> str:
    """An example of the region, and how to call other countries if that is allowed."""
    if allowed == frozenset({region}):
        return f"Example: {example(region)}"
    return f"Example: {example(region)}. For another country, start with + and its code."


def no_flow(typed: str) -> str:
    """For words after the command that name no flow (plain text, like the next four)."""
    return f"You have no flow called {_quoted(typed)}."


def choose_flow(typed: str) -> str:
    """The same when there are several."""
    return f"{no_flow(typed)} Choose one."


def did_you_mean(typed: str, flow_name: str) -> str:
    """The same when a flow has a similar name."""
    return f"{no_flow(typed)} Did you mean {_cut(flow_name)}?"


def no_code(typed: str) -> str:
    """For a code after the command, such as *67."""
    return f"{_quoted(typed)} can't be dialed."


def no_number(typed: str) -> str:
    """For a mention after the command: EvoSlack calls numbers, not people."""
    return f"{_quoted(typed)} isn't a number."


def _quoted(typed: str) -> str:
    return f"“{_cut(typed)}”"


def _cut(typed: str) -> str:
    shown = " ".join(typed.split())
    return shown if len(shown) <= LONGEST_QUOTED else f"{shown[: LONGEST_QUOTED - 1]}…"


def choice_hint(found: int, offered: int) -> str:
    """How many numbers a message has. Counting stops at one more than are offered."""
    if offered < found:
        many = f"This message has more than {offered} numbers. These are the first {offered}."
    else:
        many = f"This message has {found} numbers."
    return f"{many} Nothing is dialed yet."


def help_text(command: str, region: str) -> str:
    """What `/call help` answers (mrkdwn)."""
    number = example(region)
    return (
        f"*{command}* opens a form. Enter a number, check the flow and the caller ID, then press "
        f"*{FORM_SUBMIT}*. Nothing is dialed until you do.\n"
        f"*{command} {number}* fills in the number, and the flow and caller ID of your last call.\n"
        f"*{command} {number} survey* picks the flow with the closest name.\n"
        f"*{command} last* fills in your last call.\n"
        f"*{command} history* shows your latest calls.\n"
        f"*{command} block {number} reason* puts the number on the do-not-call list: nobody can call it.\n"
        f"*{command} blocked* shows that list.\n"
        "To call a number in a message: *⋮* → *Call number in message*.\n"
        "You need the Manager role in Evo Voice.\n"
        f"Administrators: *{command} export* sends you everyone's latest calls as a file.\n"
        f"*{command} unblock {number}* takes a number off the do-not-call list.\n"
        f"*{command} block import* adds the numbers in a file to it.\n"
        f"*{command} blocked export* sends it to you as a file.\n"
        f"*{command} export rules* sends you every change to the rules and to that list.\n"
        "One press, at most one ring, never a ring after a no, and you always learn what happened."
    )


def wrong_command(arrived: str, expected: str) -> str:
    """For a command that the manifest has and the settings do not."""
    return f"Type {expected} instead of {arrived}. Your EvoSlack admin can change that (SLACK_COMMAND)."
