"""The changes of rules as a CSV file. Text from outside can never become a spreadsheet formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable

from evoslack.calling.rulebook import RuleChange
from evoslack.slack.rendering.call_csv import moment, safe_text

# Scripts read columns by these names: keep them.
HEADER = ("changed at (UTC)", "changed by (Slack id)", "name", "rule", "before", "after")


def file_of(changes: Iterable[RuleChange], name_of: Callable[[str], str]) -> tuple[bytes, int]:
    """The file and how many changes it has, oldest first; `name_of` is asked with a Slack id.

    Before and after are JSON; empty: there was, or is, no rule. With a byte order mark, by which Excel knows
    UTF-8.
    """
    found = io.BytesIO()
    text = io.TextIOWrapper(found, encoding="utf-8-sig", newline="", errors="replace")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    rows = 0
    for rows, change in enumerate(changes, 1):  # noqa: B007 - the last one is how many there are
        told = (change.by, name_of(change.by), change.rule, change.before, change.after)
        writer.writerow([moment(change.at), *map(safe_text, told)])
    text.flush()
    return found.getvalue(), rows
