"""What `--check` says about Evo Voice: login, role, account, flows, numbers, and the mapped users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from evoslack.calling.number_format import pretty
from evoslack.calling.offer import Offer
from evoslack.calling.refusals import Denial, Lack, NotAllowed, NothingToOffer, Refusal
from evoslack.check.finding import Finding
from evoslack.check.rules import gone_caller_ids
from evoslack.evo.catalog import Catalog
from evoslack.evo.client import EvoClient
from evoslack.evo.directory import ACCESS_TO_CALL, CALLING_ROLES, Directory
from evoslack.evo.errors import EvoError, LoginFailed
from evoslack.evo.session_poller import SessionPoller
from evoslack.settings import Settings

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


def findings(evo: EvoClient, settings: Settings) -> Iterator[Finding]:
    found = list(login_findings(evo, settings))
    yield from found
    if not found[0].is_ok:
        return
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


def login_findings(evo: EvoClient, settings: Settings) -> Iterator[Finding]:
    """Whether the login is accepted, and may place calls; checked after each start, too."""
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
    yield from (Finding("caller ID", False, words) for words in gone_caller_ids(settings, offer))


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
