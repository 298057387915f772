"""What `--check` says about Slack: token, scopes, channel, and who is asked for help."""

from __future__ import annotations

import time
from collections.abc import Iterator

from slack_sdk import WebClient

from evoslack.calling.rulebook import Masking
from evoslack.check.finding import Finding
from evoslack.check.receiver import clock_finding
from evoslack.settings import Settings
from evoslack.slack.background.channel_members import is_shared_externally
from evoslack.slack.receivers.address import is_one_of_us, listen_problem
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.receivers.wsgi import EVENTS_PATH
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.workspace import (
    SCOPES,
    SLACK_ERRORS,
    identify,
    is_passing,
    object_in,
    problem_of,
    scopes_advice,
)
from evoslack.start_trouble import away_words


def findings(client: WebClient, settings: Settings, slack_time: SlackTime) -> Iterator[Finding]:
    """`slack_time` notes the dates of the client's answers."""
    try:
        identity = identify(client)
    except SLACK_ERRORS as error:
        if is_passing(error):
            yield Finding("Slack", False, away_words(error))
        else:
            yield Finding("bot token", False, f"{problem_of(error)}; check SLACK_BOT_TOKEN.")
        return
    yield Finding("bot token", True, f"workspace {identity.team_name or identity.team_id}")
    if not identity.scopes:
        words = "Slack's answer does not say which are granted; a proxy may have taken that away"
        yield Finding("scopes", True, words, is_note=True)
    elif missing := identity.missing_scopes:
        yield Finding("scopes", False, scopes_advice(missing))
    else:
        yield Finding("scopes", True, f"all {len(SCOPES)} granted")
    clock = clock_finding(slack_time.ahead_s(time.time()), over_http=settings.slack_app_token is None)
    if clock is not None:
        yield clock
    yield _app_token(client, settings) if settings.slack_app_token else _address(settings)
    if not settings.slack_app_token:
        words = (
            "cannot be tested from here; if it is wrong, people see errors, and the log says that it differs"
        )
        yield Finding("signing secret", True, words, is_note=True)
    yield from place_findings(client, settings)


def place_findings(client: WebClient, settings: Settings) -> Iterator[Finding]:
    """Whether cards, alerts and requests for access arrive; checked after each start, too."""
    yield from _channel(client, settings.calls_channel, settings.mask_numbers)
    yield _help_contact(client, HelpContact.of(settings.help_contact))
    if settings.alert_channel:
        contact = HelpContact.of(settings.alert_channel)
        yield _reached(client, contact, "alert channel", "ALERT_CHANNEL", "alerts")


def _address(settings: Settings) -> Finding:
    """Whether the port can be had, by the same steps as at the start."""
    where = f"HTTP on {settings.host}:{settings.port}{EVENTS_PATH}"
    problem = listen_problem(settings.host, settings.port)
    if problem is None:
        return Finding("receiver", True, where)
    if is_one_of_us(settings.host, settings.port):
        words = f"{where} is used by a running EvoSlack. Stop that one before you start another"
        return Finding("receiver", True, words, is_note=True)
    return Finding("receiver", False, f"{problem} Check HOST and PORT, and what else runs there.")


def _app_token(client: WebClient, settings: Settings) -> Finding:
    try:
        client.apps_connections_open(app_token=settings.slack_app_token or "")
    except SLACK_ERRORS as error:
        if is_passing(error):
            return Finding("app token", False, away_words(error))
        advice = "check SLACK_APP_TOKEN (scope connections:write), and that Socket Mode is on."
        return Finding("app token", False, f"{problem_of(error)}; {advice}")
    return Finding("app token", True, "Socket Mode connects")


def _channel(client: WebClient, channel_id: str, masking: Masking) -> Iterator[Finding]:
    try:
        channel = object_in(client.conversations_info(channel=channel_id), "channel")
    except SLACK_ERRORS as error:
        if is_passing(error):
            yield Finding("channel", False, away_words(error))
            return
        advice = "check CALLS_CHANNEL; in a private channel, invite the bot first."
        yield Finding("channel", False, f"{problem_of(error)}; {advice}")
        return
    name = f"#{channel.get('name', channel_id)}"
    if channel.get("is_archived"):
        yield Finding("channel", False, f"{name} is archived; choose another CALLS_CHANNEL.")
    elif not channel.get("is_member"):
        yield Finding("channel", False, f"the bot is not in {name}; type /invite @EvoSlack there.")
    elif is_shared_externally(channel):
        advice = (
            f"{name} is shared with other companies, {_what_they_see(masking)}; "
            "stop sharing it, or choose another CALLS_CHANNEL."
        )
        yield Finding("channel", False, advice)
    else:
        yield Finding("channel", True, f"the bot is in {name}")


def _what_they_see(masking: Masking) -> str:
    if masking is Masking.NEVER:
        return "and MASK_NUMBERS lets them read the numbers called"
    return "so its cards hide the numbers called, older ones too"


def _help_contact(client: WebClient, contact: HelpContact) -> Finding:
    """Whether requests for access arrive there."""
    what = "help contact"
    if not contact.id:
        shown = f"only the words “{contact.words}” are shown" if contact.words else "HELP_CONTACT is not set"
        return Finding(what, True, f"{shown}, so nobody is offered “Request access”")
    return _reached(client, contact, what, "HELP_CONTACT", "requests for access")


def _reached(client: WebClient, contact: HelpContact, what: str, setting: str, sent: str) -> Finding:
    """Whether messages arrive there."""
    try:
        if contact.is_channel:
            channel = object_in(client.conversations_info(channel=contact.id), "channel")
            name, is_gone = f"#{channel.get('name', contact.id)}", channel.get("is_archived")
            if not channel.get("is_member"):
                return Finding(what, False, f"the bot is not in {name}; type /invite @EvoSlack there.")
        else:
            user = object_in(client.users_info(user=contact.id), "user")
            name, is_gone = f"@{user.get('name', contact.id)}", user.get("deleted") or user.get("is_bot")
    except SLACK_ERRORS as error:
        if is_passing(error):
            return Finding(what, False, away_words(error))
        return Finding(what, False, f"{contact.id}: {problem_of(error)}; check {setting}.")
    if is_gone:
        return Finding(what, False, f"nobody reads {name} anymore; choose another {setting}.")
    return Finding(what, True, f"{sent} go to {name}")
