"""Every setting is explained to the operator, and nothing is explained that does not exist."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from evoslack.settings import Settings
from evoslack.settings.names import SECRETS

ROOT = Path(__file__).parents[2]
NAMES = Settings.names()

# What the settings make of several of them: its name, and the code that reads them.
PROPERTIES = {
    name: inspect.getsource(each.fget)
    for name, each in vars(Settings).items()
    if isinstance(each, property) and each.fget is not None
}


def test_the_example_file_and_the_settings_name_the_same_variables() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert set(re.findall(r"^#?([A-Z][A-Z_]+)=", example, re.MULTILINE)) == NAMES


def test_the_settings_page_has_a_row_for_every_setting() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", page, re.MULTILINE)

    assert set(re.findall(r"[A-Z_]+", " ".join(rows))) == NAMES


def test_the_defaults_on_the_settings_page_are_those_in_the_example_file() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#([A-Z][A-Z_]+)=(.*)$", example, re.MULTILINE))

    for names, defaults in re.findall(r"^\| (`[A-Z_`, ]+) \| ([^|]+) \|", page, re.MULTILINE):
        for name, default in zip(names.split(", "), defaults.split(", "), strict=True):
            if default.startswith("`"):
                assert shown[name.strip("`")] == default.strip("`"), name


def test_the_readme_leads_to_the_settings_page_and_the_page_names_every_secret_from_a_file() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert "(docs/settings.md)" in readme
    assert {name for name in SECRETS if f"`{name}_FILE`" not in page} == set()


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
