"""`bot.py --check`: checks everything the first call depends on, one line for each part.

Read-only: nothing is dialed, posted or changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from evoslack.check import database, evo_voice, health_pages, slack
from evoslack.check.finding import Finding
from evoslack.check.rules import rule_lines
from evoslack.evo.client import EvoClient
from evoslack.settings import Settings
from evoslack.settings.environment import Environment
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.workspace import web_client


def check(environment: Environment, say: Callable[[str], object]) -> int:
    """Check everything and report one line each. Returns the exit code: 0 if there is no problem, else 1."""
    problems = 0
    for finding in _findings(environment, environment.settings):
        problems += not finding.is_ok
        say(f"{finding.label:7}  {finding.what}: {finding.words}")
    say(f"{problems} problem{'s' * (problems > 1)}." if problems else "Everything is ready.")
    return 1 if problems else 0


def _findings(environment: Environment, settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", True, "all valid")
    yield from (Finding(what, True, words) for what, words in environment.facts)
    yield from (Finding("settings", True, words, is_note=True) for words in environment.warnings)
    slack_time = SlackTime(time.monotonic)
    client = web_client(settings.slack_bot_token, settings.slack_api_url, on_date=slack_time.note)
    yield from slack.findings(client, settings, slack_time)
    evo = EvoClient(settings.evo_base_url, settings.evo_username, settings.evo_password)
    yield from evo_voice.findings(evo, settings)
    yield from (Finding("rules", is_ok, words) for is_ok, words in rule_lines(settings))
    yield database.finding(settings.database_url)
    yield from health_pages.findings(settings.health_host, settings.health_port)


def problems_after_start(settings: Settings, evo: EvoClient) -> Iterator[Finding]:
    """What a start does not ask anyway: problems with which the bot runs, but not as it should."""
    client = web_client(settings.slack_bot_token, settings.slack_api_url)
    for finding in (*slack.place_findings(client, settings), *evo_voice.login_findings(evo, settings)):
        if not finding.is_ok:
            yield finding
