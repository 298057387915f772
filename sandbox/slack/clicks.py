"""Clicks: finds the component that a person uses in a message or view, and builds the payload.

Call these with the team's lock held. They raise LookupError when the person cannot see the component.
"""

from __future__ import annotations

from typing import Any

from sandbox.slack import payloads
from sandbox.slack.block_kit import Json, elements_of
from sandbox.slack.forms import Form
from sandbox.slack.team import BOT_ID, BOT_USER_ID, Team
from sandbox.slack.views import Views


def in_message(
    team: Team, user_id: str, channel_id: str, ts: str, ids: tuple[str, str | None], value: str | None
) -> Json:
    """A click in a message of the channel, or in one of the person's private messages."""
    message = team.message(channel_id, ts) or _private_message(team, user_id, ts)
    if message is None:
        raise LookupError(f"{user_id} sees no message {ts} in {channel_id}")
    block, element = _find(message.get("blocks", []), *ids)
    action = payloads.action(block, element, None, value, team.next_ts())
    return payloads.click_in_message(team, user_id, channel_id, message, action)


def _private_message(team: Team, user_id: str, ts: str) -> Json | None:
    for note in team.private(user_id):
        if note.ts == ts:
            base = {"type": "message", "user": BOT_USER_ID, "bot_id": BOT_ID, "is_ephemeral": True}
            return base | {"ts": ts, "text": note.text, "blocks": note.blocks}
    return None


def in_view(
    team: Team, views: Views, user_id: str, form: Form | None, ids: tuple[str, str | None], value: str | None
) -> Json:
    """A click in a modal or Home tab; `value` is also entered there if the component keeps its state."""
    if form is None:
        raise LookupError(f"{user_id} has neither a modal nor a Home tab to click in")
    block, element = _find(form.view["blocks"], *ids)
    where = (block["block_id"], element["action_id"])
    if value is not None and form.entry(*where) is not None:
        form.fill(where[0], value, where[1])
    action = payloads.action(block, element, form.entry(*where), value, team.next_ts())
    return payloads.click_in_view(team, views, user_id, form, action)


def _find(blocks: list[Json], action_id: str, block_id: str | None) -> tuple[Json, Json]:
    seen: list[Any] = []
    for block in blocks:
        for element in elements_of(block):
            if element["action_id"] == action_id and block_id in {None, block["block_id"]}:
                return block, element
            seen.append(element["action_id"])
    raise LookupError(f"no component {action_id!r}, there are {seen}")
