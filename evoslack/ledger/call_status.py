"""What became of a call, in SQL: the database computes it for each row, so that a filter is an index read.

It says the same as `calling.status` and `calling.history_filter.group_of`; a test asks both about every kind
of call. The column is made by migration 0009. If a status changes, a migration must make it anew.
"""

from __future__ import annotations

_IGNORED = (" ", "-", "_", "\t", "\n")  # in Evo Voice's words, as in `plain_outcome`


def _plain(word: str) -> str:
    for sign in _IGNORED:
        word = f"replace({word}, '{sign}', '')"
    return f"lower({word})"


_WAS_HUNG_UP = "hang_up = 'asked' AND coalesce(hung_up_by, '') <> ''"
_BY_OUTCOME = f"""
CASE {_plain("coalesce(evo_outcome, '')")}
  WHEN 'busy' THEN 'busy'
  WHEN 'noanswer' THEN 'no_answer'
  WHEN 'failed' THEN 'failed'
  WHEN 'canceled' THEN 'canceled'
  WHEN 'cancelled' THEN 'canceled'
  WHEN 'completed' THEN CASE WHEN {_WAS_HUNG_UP} THEN 'canceled' ELSE 'reached' END
  ELSE CASE WHEN {_WAS_HUNG_UP} THEN 'canceled' ELSE 'ended' END
END"""

OUTCOME = f"""
CASE state
  WHEN 'placed' THEN CASE
    WHEN coalesce(progress, 'lost') NOT IN ('ended', 'lost') THEN 'in_progress'
    WHEN answered_at IS NOT NULL THEN 'reached'
    WHEN coalesce(progress, 'lost') = 'lost' THEN 'ended'
    ELSE {_BY_OUTCOME}
  END
  WHEN 'canceled' THEN CASE WHEN answered_at IS NOT NULL THEN 'reached' ELSE 'canceled' END
  WHEN 'rejected' THEN 'not_placed'
  WHEN 'not_sent' THEN 'not_placed'
  WHEN 'expired' THEN 'not_placed'
  WHEN 'in_doubt' THEN 'not_certain'
  WHEN 'scheduled' THEN 'scheduled'
  WHEN 'received_later' THEN 'scheduled'
  ELSE 'in_progress'
END"""
