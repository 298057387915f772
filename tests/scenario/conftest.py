"""Every story gets an office of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.office import Office


@pytest.fixture
def empty_office(tmp_path: Path) -> Iterator[Office]:
    """Slack and the phone system are there; no bot is running yet."""
    office = Office(tmp_path)
    yield office
    office.close()


@pytest.fixture
def office(empty_office: Office) -> Office:
    """The bot is running, with nothing but the sandbox's settings."""
    empty_office.open()
    return empty_office
