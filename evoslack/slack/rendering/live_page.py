"""The page that a form becomes: the call as it is now, for the person who placed it. Pure functions."""

from __future__ import annotations

from evoslack.calling.calls import Call, HangUp, Progress
from evoslack.slack.rendering import button_messages, cards, form_messages, messages, page_messages
from evoslack.slack.rendering.blocks import Block, actions, button, confirm, modal, mrkdwn, section

LIVE_PAGE = "live_page"


def view(call: Call, region: str, *, channel_id: str, card_link: str = "", can_end: bool = False) -> Block:
    """What became of the call first, then what can be done about it, then where it goes on.

    `channel_id` is where its card is, `card_link` that card's address, if there is one. `can_end`: whether
    the bot may end calls at Evo Voice.
    """
    found = [section(messages.headline(call, region, is_bold=True))]
    if reason := messages.reason(call):
        found.append(section(reason))
    found.append(_small(page_messages.with_what(call, region), *_running_time(call)))
    if call.hang_up is not None and call.is_in_progress:
        found.append(section(button_messages.HANG_UP_MESSAGES[call.hang_up]))
    if not call.is_in_progress:
        found.append(actions([cards.call_again(call)]))
    elif can_end and call.can_hang_up and call.hang_up is not HangUp.ASKED:
        found.append(actions([_hang_up(call)]))
    found.append(_small(page_messages.goes_on(call, channel_id, card_link)))
    return modal(LIVE_PAGE, page_messages.PAGE_TITLE, form_messages.CLOSE, found)


def _running_time(call: Call) -> list[str]:
    """Slack counts it, so it is right without an update."""
    if call.progress is not Progress.ANSWERED or call.answered_at is None:
        return []
    at = call.answered_at
    shown, otherwise = "{time_secs}, {ago}", f"{at:%H:%M:%S} UTC"
    return [page_messages.answered(f"<!date^{int(at.timestamp())}^{shown}|{otherwise}>")]


def _hang_up(call: Call) -> Block:
    words = button_messages.HANG_UP
    question = confirm(f"{words}?", button_messages.HANG_UP_TEXT, words, button_messages.CANCEL)
    danger = {"style": "danger"}
    return button(cards.HANG_UP, words, call.id) | danger | {"confirm": question | danger}


def _small(*lines: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(line) for line in lines]}
