"""What typing the command answers in words: its help, and that it goes by another name."""

from __future__ import annotations

from evoslack.calling.numbers import example
from evoslack.slack.rendering import messages


def help_text(command: str, region: str) -> str:
    """What `/call help` answers (mrkdwn)."""
    return (
        f"*{command}* opens a form: choose a flow, a number and a caller ID, then press "
        f"*{messages.FORM_SUBMIT}*. "
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
