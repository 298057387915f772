"""Every story gets an office of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess, sandbox_settings
from tests.scenario.office import Office


@pytest.fixture
def empty_office(tmp_path: Path) -> Iterator[Office]:
    """Slack and the phone system are there; no bot is running yet."""
    office = Office(tmp_path)
    yield office
    office.close()


@pytest.fixture(scope="module")
def shared_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all stories of a file in which nothing comes of what a person does."""
    office = Office(tmp_path_factory.mktemp("shared"))
    office.open()
    office.slack.wait_for(office.bot.catalog.refresh, what="flows to offer")
    yield office
    office.close()


@pytest.fixture
def office(empty_office: Office) -> Office:
    """The bot is running, with nothing but the sandbox's settings."""
    empty_office.open()
    return empty_office


@pytest.fixture
def bot_settings(empty_office: Office) -> dict[str, str]:
    """The sandbox's settings, for a bot in a process of its own."""
    return sandbox_settings(empty_office.slack, empty_office.evo, empty_office.database_url)


@pytest.fixture
def process(bot_settings: dict[str, str], tmp_path: Path) -> Iterator[BotProcess]:
    """A bot in a process of its own, not started yet."""
    bot = BotProcess(bot_settings, tmp_path)
    yield bot
    bot.close()
