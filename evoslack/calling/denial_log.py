"""The log lines of denials: who was told no, and which rule said so; never a full number."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from evoslack.calling.refusals import Refusal

log = logging.getLogger(__name__)

ADMINISTRATORS_ONLY = "administrators_only"
NOT_THEIR_CALL = "not_their_call"
_DETAILS = ("denial", "source", "lack", "problem", "rule")  # of refusals: short words of ours


def log_denial(refusal: Refusal, user_id: str) -> None:
    """One line for a refusal, however often it is raised again on its way to the person."""
    if not refusal.was_logged:
        refusal.was_logged = True
        log_denied(user_id, denial_name(refusal))


def log_denials(refusals: Iterable[Refusal], user_id: str) -> None:
    """The same for several."""
    for refusal in refusals:
        log_denial(refusal, user_id)


def log_denied(user_id: str, denial: str) -> None:
    """The line itself."""
    log.info("denied %s: %s", user_id, denial, extra={"user_id": user_id, "denial": denial})


def denial_name(refusal: Refusal) -> str:
    """The kind of a refusal and its detail, such as `not_allowed:role`: stable, without what people typed."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(refusal).__name__).lower()
    details = [getattr(refusal, name) for name in _DETAILS if hasattr(refusal, name)]
    return ":".join([kind, *map(str, details)])
