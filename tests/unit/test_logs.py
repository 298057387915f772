"""One event is one line: when in UTC, what, and about which call; known trouble needs no traceback."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from evoslack.evo.errors import EvoUnavailable
from evoslack.foreseen import foreseen
from evoslack.ledger.sqlite_file import LedgerLost
from evoslack.logs import TEXT, InWords, JsonLines, TextLines
from evoslack.slack.web_api import SlackUnanswered

AT = 1_795_947_648.123  # 2026-11-29, 10:20:48 UTC


def record(message: str, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.getLogger("evoslack.testing").makeRecord(
        "evoslack.testing", logging.ERROR, "file.py", 1, message, (), exc_info, extra=extra
    )
    made.created = AT
    return made


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_east")
@pytest.mark.parametrize("formatter", [TextLines(TEXT), JsonLines()], ids=["text", "json"])
def test_times_are_utc_and_say_so_wherever_the_machine_is(formatter: logging.Formatter) -> None:
    assert "2026-11-29T10:20:48.123Z" in formatter.format(record("hello"))


def test_a_json_line_has_the_fields_that_the_documents_promise() -> None:
    line = json.loads(JsonLines().format(record("call 7: placed", call_id="7", state="placed")))

    assert line == {
        "time": "2026-11-29T10:20:48.123Z",
        "level": "ERROR",
        "logger": "evoslack.testing",
        "message": "call 7: placed",
        "call_id": "7",
        "state": "placed",
    }


KNOWN = {
    "no connection": sa.exc.OperationalError("SELECT 1", {}, OSError("connection refused")),
    "no free connection": sa.exc.TimeoutError("QueuePool limit of size 10 overflow 40 reached"),
    "deleted": LedgerLost("ledger.db was deleted or replaced"),
    "evo": EvoUnavailable("/flows: no answer in time"),
    "slack": SlackUnanswered("timed out"),
}
DEFECTS = {
    "ours": ValueError("oops"),
    "a table": sa.exc.OperationalError("SELECT", {}, OSError("no such table: calls")),
    "wrong SQL": sa.exc.ProgrammingError("SELEC", {}, OSError("syntax error")),
}


def logged(error: Exception) -> str:
    try:
        raise error
    except Exception as raised:  # noqa: BLE001 - any
        line = record("saving failed 100%", raised)
    assert InWords(foreseen).filter(line)
    return TextLines(TEXT).format(line)


@pytest.mark.parametrize("error", KNOWN.values(), ids=KNOWN)
def test_known_trouble_is_one_line_in_words(error: Exception) -> None:
    line = logged(error)

    assert "\n" not in line
    assert "saving failed 100%: " in line
    assert str(getattr(error, "orig", error)).splitlines()[0][:20] in line or "no connection was free" in line


@pytest.mark.parametrize("error", DEFECTS.values(), ids=DEFECTS)
def test_a_defect_keeps_its_traceback(error: Exception) -> None:
    assert "Traceback" in logged(error)


def test_the_traceback_names_this_file() -> None:
    assert sys._getframe().f_code.co_filename in logged(ValueError("oops"))
