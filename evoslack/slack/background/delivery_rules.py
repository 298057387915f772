"""The rules for delivering rows to Slack: when it is safe to write, when to retry, when to give up.

The lease rule: a claimed row is ours until the lease ends. Then another bot may claim it and deliver
something newer, and a write of ours that starts late could land on top. So nothing is written with less
than `MIN_LEASE` left.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from evoslack.runtime.backoff import Backoff

MIN_LEASE = timedelta(seconds=20)  # a request ends after ten (`workspace.PATIENT_TIMEOUT_S`)
RETRY = Backoff(first_s=1, longest_s=300)
GIVE_UP_AFTER = timedelta(hours=24)


def is_expiring(lease: datetime, now: datetime, min_left: timedelta = MIN_LEASE) -> bool:
    """Whether too little is left of a lease (the time it ends) to start a write."""
    return lease - now < min_left


def is_too_old(changed_at: datetime, now: datetime) -> bool:
    """Whether there is no point in trying any longer to deliver what changed then."""
    return now - changed_at > GIVE_UP_AFTER


def moment_of_its_own(call_id: str) -> timedelta:
    """A short pause, for each call a different one: two that wait for each other must not meet again."""
    return timedelta(seconds=0.1 + int(call_id[-2:], 16) / 512)
