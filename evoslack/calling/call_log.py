"""The log lines of calls."""

from __future__ import annotations

import logging

from evoslack.calling.calls import Call, State
from evoslack.calling.number_format import masked

log = logging.getLogger(__name__)


def log_state(call: Call) -> None:
    """One line for each change of a call, with a masked number."""
    level = logging.WARNING if call.state is State.IN_DOUBT else logging.INFO
    log.log(
        level,
        "call %s to %s by %s: %s%s",
        call.id,
        masked(call.request.number),
        call.request.user_id,
        call.state,
        f" ({call.reason})" if call.reason else "",
        extra={"call_id": call.id, "state": call.state.value},
    )
