"""Every setting is explained to the operator, and nothing is explained that does not exist."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from evoslack.settings import Settings

ROOT = Path(__file__).parents[2]
NAMES = {field.name.upper() for field in fields(Settings)}

# What the settings make of several of them: its name, and the code that reads them.
PROPERTIES = {
    name: inspect.getsource(each.fget)
    for name, each in vars(Settings).items()
    if isinstance(each, property) and each.fget is not None
}


def test_the_example_file_and_the_settings_name_the_same_variables() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert set(re.findall(r"^#?([A-Z][A-Z_]+)=", example, re.MULTILINE)) == NAMES


def test_the_readme_has_a_row_for_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert {name for name in NAMES if f"`{name}`" not in readme} == set()


def test_the_defaults_in_the_example_file_are_the_real_ones() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#([A-Z][A-Z_]+)=(.+)$", example, re.MULTILINE))
    required = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "EVO_USERNAME": "bot",
        "EVO_PASSWORD": "x",
        "CALLS_CHANNEL": "C1",
    }

    assert Settings.from_env({**required, **shown}) == Settings.from_env(required)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_setting_is_without_effect(name: str) -> None:
    parts = [path for path in (ROOT / "evoslack").rglob("*.py") if path.name != "settings.py"]
    parts += [ROOT / "bot.py"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in parts)
    readers = {name.lower(), *(each for each, read in PROPERTIES.items() if name.lower() in read)}

    assert any(re.search(rf"settings\.{reader}\b", code) for reader in readers)
