"""Who may call at which moment, as far as an experiment takes rights away or never gave any.

The bot remembers a yes for a minute, by design. So a right counts as gone only when it has been gone for
longer than that before the press; a person who never had one has nothing to be cached.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from evoslack.calling.permission import YES_REMEMBERED_S
from sandbox.evo.voice import EvoVoice
from sandbox.slack.workspace import SlackWorkspace

NEVER = float("-inf")


@dataclass
class Rights:
    """Since when people may not call; everyone else may."""

    lost_at: dict[str, float] = field(default_factory=dict)  # user id to Unix time

    def never_had_by(self, *user_ids: str) -> None:
        """These people could never call."""
        self.lost_at |= dict.fromkeys(user_ids, NEVER)

    def take_role(self, evo: EvoVoice, slack: SlackWorkspace, user_id: str) -> None:
        """Evo Voice's administrator takes the role away."""
        login = evo.world.logins[str(slack.users[user_id]["profile"]["email"])]
        login.roles = ("User",)
        self.lost_at[user_id] = time.time()

    def are_gone(self, user_id: str, at: float) -> bool:
        """Whether nobody may believe any more, at that time, that this person is allowed."""
        return user_id in self.lost_at and self.lost_at[user_id] < at - YES_REMEMBERED_S
