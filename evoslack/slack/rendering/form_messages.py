"""The sentences of the form, of its shortcuts, and of what `/call` answers."""

from __future__ import annotations

from evoslack.calling.calls import Call, State
from evoslack.calling.numbers import example, pretty
from evoslack.slack.rendering.messages import shown_name, state_words

FORM_TITLE = "Place a call"
FORM_SUBMIT = "Call"
CLOSE = "Close"
FLOW_LABEL = "Flow"
FLOW_HINT = "Runs when somebody answers."
SEARCH_PLACEHOLDER = "Type to search"
NUMBER_LABEL = "Number"
CALLER_ID_LABEL = "Caller ID"
CALLER_ID_HINT = "The number that the person called will see."
LOADING = (
    "Looking up who you are and what you can call with…\n"
    "Still here after ten seconds? Close this and start again."
)
FORM_TOO_LATE = "Slack did not let the form open in time. Please try again."
FORM_MAY_STILL_OPEN = "Slack is slow. If a form still opens, it works; otherwise please try again."

NOTHING_TO_REPEAT = "You have not called anybody from here yet, so there is nothing to call again."
CHOICE_SUBMIT = "Next"
CHOICE_LABEL = "Which number?"
NO_NUMBER = (
    "EvoSlack found no phone number in this message that can be called. Type the command to call any number."
)


def number_hint(region: str, allowed: frozenset[str]) -> str:
    """An example of the region, and whether other countries can be called."""
    if allowed == frozenset({region}):
        return f"For example {example(region)}"
    return f"For example {example(region)}. Another country: begin with + and its code."


def choice_hint(found: int, offered: int) -> str:
    """How many numbers a message has, and whether all of them are offered; no more are counted then."""
    if offered < found:
        many = f"More than {offered} numbers are in this message; these are the first {offered}."
    else:
        many = f"{found} numbers are in this message."
    return f"{many} Nothing is dialed yet."


def submitted(call: Call, region: str, channel_id: str) -> str:
    """What the form turns into once the call is written down (mrkdwn)."""
    number = f"*{pretty(call.request.number, region)}*"
    match call.state:
        case State.RECEIVED | State.ACCEPTED | State.PLACING:
            return (
                f"*⏳ On its way.* Evo Voice is being asked to call {number} with the flow "
                f"{shown_name(call.request.flow_name)}.\n"
                f"You can close this page; it does not change. The card in <#{channel_id}> does."
            )
        case _:
            state = state_words(call)
            return f"*{state}.* This was your call to {number}. Details are in <#{channel_id}>."


def help_text(command: str, region: str) -> str:
    """What `/call help` answers (mrkdwn)."""
    return (
        f"*{command}* opens a form: choose a flow, a number and a caller ID, then press "
        f"*{FORM_SUBMIT}*. "
        "Nothing is dialed before you press it.\n"
        f"*{command} {example(region)}* fills in the number, *{command} {example(region)} survey* also the "
        "flow whose name fits best.\n"
        f"*{command} last* fills in your last call, *{command} history* shows your latest ones.\n"
        f"*{command} export* sends administrators everybody's calls as a file.\n"
        "A number in somebody's message: *⋮* → *Call number in message*.\n"
        "You need the role Manager in Evo Voice. One press rings at most once, and you always hear what "
        "became of it."
    )


def wrong_command(arrived: str, expected: str) -> str:
    """For a command that the manifest has and the settings do not."""
    return f"EvoSlack listens to {expected}, not to {arrived}. Set SLACK_COMMAND to {arrived} to change that."
