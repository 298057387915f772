"""What a workflow's step Place a call reports: the result of a call, or why there is none (mrkdwn)."""

from __future__ import annotations

from evoslack.calling.calls import Call, Progress
from evoslack.slack.rendering.messages import ASK_OPERATOR, NOTHING_RANG, escape, headline, reason

UNREADABLE = f"The step does not say who asks for which call. {NOTHING_RANG} {ASK_OPERATOR}"


def denied(user_id: str, *problems: str) -> str:
    """Why this person's step became no call."""
    return " ".join((f"For <@{user_id}>:", *problems))


def not_placed(call: Call, region: str) -> str:
    """Why a call that was tried was not placed, or may not have been."""
    return f"{headline(call, region)} {reason(call)}"


def result(call: Call) -> str:
    """How a placed call ended, as far as Evo Voice showed it."""
    if call.progress is not Progress.ENDED:
        return "no longer visible"
    return f"ended: {escape(call.evo_outcome)}" if call.evo_outcome else "ended"
