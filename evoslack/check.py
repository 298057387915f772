"""`bot.py --check`: checks everything the first call depends on, one line for each part.

Read-only: nothing is dialed, posted or changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.number_format import pretty
from evoslack.calling.offer import Offer
from evoslack.calling.refusals import Denial, Lack, NotAllowed, NothingToOffer, Refusal
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import EvoClient
from evoslack.evo.directory import ACCESS_TO_CALL, CALLING_ROLES, Directory
from evoslack.evo.errors import EvoError, LoginFailed
from evoslack.evo.session_poller import SessionPoller
from evoslack.ledger.sqlite_file import missing_file
from evoslack.ledger.store import Store, database_problem
from evoslack.settings import Settings
from evoslack.slack.background.channel_members import is_shared_externally
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.workspace import SLACK_ERRORS, identify, problem_of, web_client

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
    "usergroups:read",
)
BUDGET_S = 20.0

LACK_ADVICE = {
    Lack.NOT_LOADED: "Evo Voice did not answer; try again later.",
    Lack.LOGIN: "login failed; check EVO_USERNAME and EVO_PASSWORD.",
    Lack.ACCOUNT_UNCLEAR: "the login can see several accounts, or none; set EVO_ACCOUNT_ID to one of them.",
    Lack.ACCOUNT_HIDDEN: "the login cannot see EVO_ACCOUNT_ID; check the id, or grant it access.",
    Lack.FLOWS: "no flow to offer; create one with nodes in Evo Voice, or check EVO_FLOWS.",
    Lack.CALLER_IDS: "the account owns no phone number; buy one in Evo Voice.",
}

DENIAL_WORDS = {  # why a login in EVO_USER_MAP may not call
    Denial.NO_LOGIN: "no login has that email address",
    Denial.SEVERAL_LOGINS: "several logins have that email address",
    Denial.ROLE: "the login lacks the role Manager",
    Denial.ACCOUNT: "the login has no access to the account",
    Denial.READ_ONLY: "the login is read-only",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was checked, whether it is right, and what was found or what to do."""

    what: str
    is_ok: bool
    words: str


def check(settings: Settings, say: Callable[[str], object]) -> int:
    """Check everything and report one line each. Returns the exit code: 0 if there is no problem, else 1."""
    problems = 0
    for finding in _findings(settings):
        problems += not finding.is_ok
        say(f"{'ok     ' if finding.is_ok else 'PROBLEM'}  {finding.what}: {finding.words}")
    say(f"{problems} problem{'s' * (problems > 1)}." if problems else "Everything is ready.")
    return 1 if problems else 0


def _findings(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", True, "all valid")
    client = web_client(settings.slack_bot_token, settings.slack_api_url)
    yield from _slack(client, settings)
    evo = EvoClient(settings.evo_base_url, settings.evo_username, settings.evo_password)
    yield from _evo(evo, settings)
    yield _database(settings.database_url)


def _slack(client: WebClient, settings: Settings) -> Iterator[Finding]:
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
    yield from _app_token(client, settings)
    yield from _channel(client, settings.calls_channel)
    yield _help_contact(client, HelpContact.of(settings.help_contact))


def _app_token(client: WebClient, settings: Settings) -> Iterator[Finding]:
    if settings.slack_app_token is None:
        yield Finding("receiver", True, f"HTTP on {settings.host}:{settings.port}/slack/events")
        return
    try:
        client.apps_connections_open(app_token=settings.slack_app_token)
    except SLACK_ERRORS as error:
        advice = "check SLACK_APP_TOKEN (scope connections:write), and that Socket Mode is on."
        yield Finding("app token", False, f"{problem_of(error)}; {advice}")
    else:
        yield Finding("app token", True, "Socket Mode connects")


def _channel(client: WebClient, channel_id: str) -> Iterator[Finding]:
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
            f"{name} is shared with other companies, so its cards hide the numbers called; "
            "stop sharing it, or choose another CALLS_CHANNEL."
        )
        yield Finding("channel", False, advice)
    else:
        yield Finding("channel", True, f"the bot is in {name}")


def _help_contact(client: WebClient, contact: HelpContact) -> Finding:
    """Whether requests for access arrive there."""
    what = "help contact"
    if not contact.id:
        shown = f"only the words “{contact.words}” are shown" if contact.words else "HELP_CONTACT is not set"
        return Finding(what, True, f"{shown}, so nobody is offered “Request access”")
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
        return Finding(what, False, f"{contact.id}: {problem_of(error)}; check HELP_CONTACT.")
    if is_gone:
        return Finding(what, False, f"nobody reads {name} anymore; choose another HELP_CONTACT.")
    return Finding(what, True, f"requests for access go to {name}")


def _evo(evo: EvoClient, settings: Settings) -> Iterator[Finding]:
    try:
        login = evo.whoami(budget_s=BUDGET_S)
    except LoginFailed:
        yield Finding("Evo Voice login", False, "login failed; check EVO_USERNAME and EVO_PASSWORD.")
        return
    except EvoError as error:
        yield Finding("Evo Voice login", False, f"{error}; check EVO_BASE_URL and the network.")
        return
    yield Finding("Evo Voice login", True, f"{settings.evo_username} at {settings.evo_base_url}")
    roles = sorted(login.roles & CALLING_ROLES)
    yield Finding(
        "role", bool(roles), roles[0] if roles else "the login needs the role Manager in Evo Voice."
    )
    if login.manager_access not in ACCESS_TO_CALL:
        yield Finding("access", False, "the login is read-only; it needs ReadWrite to place calls.")
    catalog = Catalog(
        evo,
        account_id=settings.evo_account_id,
        allowed_flows=settings.evo_flows,
        default_caller_id=settings.evo_caller_id,
    )
    catalog.refresh(budget_s=BUDGET_S)
    try:
        offer = catalog.offer()
    except NothingToOffer as missing:
        yield Finding("account, flows, numbers", False, LACK_ADVICE[missing.lack])
        return
    yield from _offer(offer, settings)
    yield _tracking(evo, offer.account_id)
    yield _hang_up(catalog)
    yield from _user_map(Directory(evo), offer.account_id, settings)


def _tracking(evo: EvoClient, account_id: str) -> Finding:
    """Whether calls can be tracked. Without that they are still placed."""
    now = datetime.now(UTC)
    try:
        seen = SessionPoller(evo, lambda: datetime.now(UTC)).poll(account_id, now, budget_s=BUDGET_S)
    except EvoError as error:
        advice = "cards cannot show what happens to a call; check that the login may see calls and sessions."
        return Finding("tracking", False, f"{error}; {advice}")
    return Finding("tracking", True, f"the login can see calls; {len(seen.active)} active now")


def _hang_up(catalog: Catalog) -> Finding:
    """Whether cards can offer Hang up. Without the role User they cannot: no problem (evo-voice-api 8)."""
    if catalog.may_end_calls:
        return Finding("hang up", True, "the login may end calls, so cards offer Hang up")
    return Finding("hang up", True, "not offered, because the login lacks the role User")


def _offer(offer: Offer, settings: Settings) -> Iterator[Finding]:
    yield Finding("account", True, offer.account_id)
    unknown = [flow_id for flow_id in settings.evo_flows if offer.flow(flow_id) is None]
    if unknown:
        advice = f"EVO_FLOWS: not found in the account, or without nodes: {', '.join(unknown)}."
        yield Finding("flows", False, advice)
    else:
        yield Finding("flows", True, f"{len(offer.flows)} to choose from, such as {offer.flows[0].name}")
    wanted = settings.evo_caller_id
    if wanted is not None and offer.caller_id(wanted) is None:
        yield Finding("caller ID", False, f"EVO_CALLER_ID {wanted} is not a number the account owns.")
    else:
        default = pretty(offer.default_caller_id.number, settings.default_region)
        yield Finding("caller ID", True, f"{default} is the default; {len(offer.caller_ids)} owned")


def _user_map(directory: Directory, account_id: str, settings: Settings) -> Iterator[Finding]:
    """Whether each person in EVO_USER_MAP has a login that may place calls."""
    for user_id, email in settings.evo_user_map.items():
        try:
            directory.require_caller(email, account_id, budget_s=BUDGET_S)
        except Refusal as refusal:
            advice = "check EVO_USER_MAP and that login."
            yield Finding("user map", False, f"{user_id}={email} cannot call: {_why_not(refusal)}; {advice}")
        else:
            yield Finding("user map", True, f"{user_id} calls as {email}")


def _why_not(refusal: Refusal) -> str:
    if isinstance(refusal, NotAllowed):
        return DENIAL_WORDS.get(refusal.denial, refusal.denial.value)
    return "Evo Voice did not answer"


def _database(url: str) -> Finding:
    """Whether the database can be used. A missing SQLite file is created on first start."""
    store = Store(url)
    file = store.file
    if file is not None and (problem := missing_file(file)):
        return Finding("database", False, f"{problem}.")
    if file is not None and not file.exists():
        is_ok = os.access(file.parent, os.W_OK)
        words = f"{file} will be created on first start" if is_ok else f"{file.parent} is not writable."
        return Finding("database", is_ok, words)
    try:
        with store.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        return Finding("database", False, f"{database_problem(error)}; check DATABASE_URL.")
    finally:
        store.engine.dispose()
    return Finding("database", True, "SQLite" if store.is_sqlite else "PostgreSQL")
