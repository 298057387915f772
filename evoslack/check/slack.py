"""What `--check` says about Slack: token, scopes, channel, and who is asked for help."""

from __future__ import annotations

import time
from collections.abc import Iterator

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.rulebook import Masking
from evoslack.check.finding import Finding
from evoslack.check.receiver import clock_finding, http_findings
from evoslack.settings import Settings
from evoslack.slack.background.channel_members import is_shared_externally
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.workspace import SLACK_ERRORS, identify, problem_of

SCOPES = (
    "commands",
    "chat:write",
    "users:read",
    "users:read.email",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:write",
    "files:write",
    "files:read",
    "usergroups:read",
)


def findings(client: WebClient, settings: Settings, slack_time: SlackTime) -> Iterator[Finding]:
    """`slack_time` notes the dates of the client's answers."""
    try:
        identity = identify(client)
    except SlackApiError as error:
        yield Finding("bot token", False, f"{problem_of(error)}; check SLACK_BOT_TOKEN.")
        return
    except SLACK_ERRORS as error:
        yield Finding("Slack", False, f"{problem_of(error)}; check the network and SLACK_API_URL.")
        return
    yield Finding("bot token", True, f"workspace {identity.team_name or identity.team_id}")
    missing = [scope for scope in SCOPES if scope not in identity.scopes]
    if missing:
        advice = f"missing {', '.join(missing)}; update the app from manifest.yml and reinstall it."
        yield Finding("scopes", False, advice)
    else:
        yield Finding("scopes", True, f"all {len(SCOPES)} granted")
    clock = clock_finding(slack_time.ahead_s(time.time()), over_http=settings.slack_app_token is None)
    if clock is not None:
        yield clock
    yield from _app_token(client, settings)
    yield from _channel(client, settings.calls_channel, settings.mask_numbers)
    yield _help_contact(client, HelpContact.of(settings.help_contact))
    if settings.alert_channel:
        contact = HelpContact.of(settings.alert_channel)
        yield _reached(client, contact, "alert channel", "ALERT_CHANNEL", "alerts")


def _app_token(client: WebClient, settings: Settings) -> Iterator[Finding]:
    if settings.slack_app_token is None:
        yield from http_findings(settings)
        return
    try:
        client.apps_connections_open(app_token=settings.slack_app_token)
    except SLACK_ERRORS as error:
        advice = "check SLACK_APP_TOKEN (scope connections:write), and that Socket Mode is on."
        yield Finding("app token", False, f"{problem_of(error)}; {advice}")
    else:
        yield Finding("app token", True, "Socket Mode connects")


def _channel(client: WebClient, channel_id: str, masking: Masking) -> Iterator[Finding]:
    try:
        channel = client.conversations_info(channel=channel_id).get("channel") or {}
    except SLACK_ERRORS as error:
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
            channel = client.conversations_info(channel=contact.id).get("channel") or {}
            name, is_gone = f"#{channel.get('name', contact.id)}", channel.get("is_archived")
            if not channel.get("is_member"):
                return Finding(what, False, f"the bot is not in {name}; type /invite @EvoSlack there.")
        else:
            user = client.users_info(user=contact.id).get("user") or {}
            name, is_gone = f"@{user.get('name', contact.id)}", user.get("deleted") or user.get("is_bot")
    except SLACK_ERRORS as error:
        return Finding(what, False, f"{contact.id}: {problem_of(error)}; check {setting}.")
    if is_gone:
        return Finding(what, False, f"nobody reads {name} anymore; choose another {setting}.")
    return Finding(what, True, f"{sent} go to {name}")
