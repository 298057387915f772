"""Who "your EvoSlack admin" is: a person, a channel, or words, as `HELP_CONTACT` says.

Sentences say "your EvoSlack admin". Where markup is shown, `HelpContact.named_in` puts the contact in its
place; in plain text, such as an error under a field, the words stay. `mrkdwn.escape` makes sure that a text
from outside cannot mention anyone this way.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Self

ADMIN = "your EvoSlack admin"

# An id has digits, or is longer than an abbreviation such as CTO.
_ID = re.compile(r"[UWCG](?=[A-Z]*[0-9_]|[A-Z]{8})[A-Z0-9_]+")


@dataclass(frozen=True, slots=True)
class HelpContact:
    """The contact; `id` is empty if nothing can be sent there, `words` if there is an id or no contact."""

    id: str = ""  # of a person (U…, W…) or a channel (C…, G…)
    words: str = ""

    @classmethod
    def of(cls, setting: str) -> Self:
        """Read the setting: an id or words."""
        return cls(id=setting) if _ID.fullmatch(setting) else cls(words=setting)

    @property
    def is_channel(self) -> bool:
        """Whether it is a channel rather than a person."""
        return self.id.startswith(("C", "G"))

    @property
    def name(self) -> str:
        """How sentences call it (mrkdwn)."""
        if self.id:
            return f"<#{self.id}>" if self.is_channel else f"<@{self.id}>"
        return html.escape(self.words, quote=False) or ADMIN

    def named_in(self, words: str) -> str:
        """A sentence (mrkdwn) that names the contact where it said "your EvoSlack admin"."""
        return words.replace(ADMIN, self.name)

    def named_in_blocks(self, part: Any) -> Any:
        """The same for everything with markup in some blocks; the rest stays as it is."""
        if isinstance(part, list):
            return [self.named_in_blocks(each) for each in part]
        if not isinstance(part, dict):
            return part
        if part.get("type") == "mrkdwn":
            return part | {"text": self.named_in(part["text"])}
        return {key: self.named_in_blocks(value) for key, value in part.items()}


NO_CONTACT = HelpContact()
