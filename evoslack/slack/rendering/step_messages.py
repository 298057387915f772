"""What a workflow's step *Place a call* reports: the result of a call, or why there is none (mrkdwn)."""

from __future__ import annotations

from evoslack.calling.calls import Call, Progress
from evoslack.calling.number_format import pretty
from evoslack.calling.refusals import NumberBusy, Refusal
from evoslack.slack.rendering.messages import NOTHING_RANG, TELL_ADMIN, reason, what_happened
from evoslack.slack.rendering.mrkdwn import LONGEST_NAME, escape
from evoslack.slack.rendering.refusal_messages import busy_words, refusal_message

UNREADABLE = f"EvoSlack can't read the step's inputs. {NOTHING_RANG} {TELL_ADMIN}"
BEFORE_RESTORE = (
    "EvoSlack was restored from a backup after this step began, so it may have placed this call already. "
    "Check its card before you call again."
)


def denied(user_id: str, refusals: list[Refusal], region: str) -> str:
    """Why this person's step became no call."""
    return " ".join([f"For <@{user_id}>:", *(_denied(refusal, region) for refusal in refusals)])


def _denied(refusal: Refusal, region: str) -> str:
    if isinstance(refusal, NumberBusy):
        return busy_words(refusal, f"<@{refusal.call.request.user_id}>")
    return escape(refusal_message(refusal, region).words)


def no_flow(query: str) -> str:
    """Why the list of flows is empty while a workflow is being built."""
    return f"No flow matches “{escape(query[:LONGEST_NAME])}”. Type part of a flow's name."


def not_placed(call: Call, region: str) -> str:
    """Why a call was not placed, or may not have been."""
    return f"{what_happened(call, pretty(call.request.number, region))} {reason(call)}"


def result(call: Call) -> str:
    """How a placed call ended, as far as Evo Voice showed it. Workflows may compare it: keep the words."""
    if call.progress is not Progress.ENDED:
        return "no longer visible"
    return f"ended: {escape(call.evo_outcome)}" if call.evo_outcome else "ended"
