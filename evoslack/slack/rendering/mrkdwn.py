"""Makes text from outside safe for Slack's markup: no mention, no link, no turned line gets through."""

from __future__ import annotations

import html
import re

from evoslack.slack.rendering.help_contact import ADMIN

LONGEST_NAME = 200  # characters; a field takes 2,000, and escaping makes one up to five
LONGEST_ID = 60  # characters shown of what should be a user id

_USER_ID = re.compile(r"[A-Z0-9_]{1,40}", re.ASCII)
# Characters that turn the direction of what follows: a name must not reverse the words behind it.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# With other spaces in it, this is not replaced by the name of the help contact.
_NOT_ADMIN = ADMIN.replace(" ", "\u00a0")


def escape(text: str) -> str:
    """Text from outside, made safe for mrkdwn: no mention, no link gets through (slack-facts 4)."""
    return html.escape(text, quote=False).replace(ADMIN, _NOT_ADMIN)


def shown_name(name: str) -> str:
    """A text from Evo Voice, made safe and no longer than a card or a page can hold."""
    return escape(name[:LONGEST_NAME])


def one_line(text: str, most: int) -> str:
    """A text from outside on one line of at most `most` characters (before escaping), and escaped."""
    return escape(plain_line(text, most))


def plain_line(text: str, most: int) -> str:
    """The same where there is no markup, and so nothing to escape."""
    line = " ".join(_DIRECTION.sub("", text).split()).replace(ADMIN, _NOT_ADMIN)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def mention(user_id: str) -> str:
    """A person, as Slack shows them; escaped if it is no user id after all."""
    return f"<@{user_id}>" if _USER_ID.fullmatch(user_id) else one_line(user_id, LONGEST_ID)
