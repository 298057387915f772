"""What a person may do here, and what they can call with: permission and the offer, asked together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from evoslack.calling.calls import Role
from evoslack.calling.denial_log import log_denial
from evoslack.calling.offer import Offer
from evoslack.calling.permission import Permission
from evoslack.calling.refusals import NothingToOffer, Refusal

ASK_AGAIN_AFTER = timedelta(hours=24)  # a person's next request for access


class Access:
    """Answers for one account. `offer` is the current offer, or raises `NothingToOffer`; it never waits."""

    def __init__(self, permission: Permission, offer: Callable[[], Offer]) -> None:
        self._permission = permission
        self._offer = offer

    @property
    def account_id(self) -> str:
        """The account that calls are placed with; empty while nothing can be offered."""
        try:
            return self._offer().account_id
        except NothingToOffer:
            return ""

    def offer_to(self, user_id: str, team_id: str) -> Offer:
        """What a person who may call can call with. Raises `Refusal`; may take two seconds."""
        with _denials_logged(user_id):
            offer = self._offer()
            self._permission.require(user_id, team_id, offer.account_id)
        return offer

    def role_of(self, user_id: str, team_id: str) -> Role:
        """The role of a person who may call. Raises `Refusal`; may take two seconds."""
        with _denials_logged(user_id):
            return self._permission.require(user_id, team_id, self._offer().account_id)

    def is_known(self, user_id: str, team_id: str) -> bool:
        """Whether the person may call and the other two would answer without asking anyone."""
        try:
            account_id = self._offer().account_id
        except NothingToOffer:
            return False
        return self._permission.is_known(user_id, team_id, account_id)


@contextmanager
def _denials_logged(user_id: str) -> Iterator[None]:
    """Log the refusal that this raises."""
    try:
        yield
    except Refusal as refusal:
        log_denial(refusal, user_id)
        raise
