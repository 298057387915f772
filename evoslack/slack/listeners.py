"""What happens when somebody types `/call`, searches in the form or presses its button.

`ack` is the last line of every listener: acknowledged means written down, and an exception before it can
still be answered. Nothing slow runs here: what has to be looked up goes to `later`, while a loading page
is shown.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calls import Call, CallRequest, Offer
from evoslack.numbers import BadNumber, dialable, typed_after_command
from evoslack.refusals import NothingToOffer, Refusal, UnknownCallerId, UnknownFlow
from evoslack.slack import messages, views
from evoslack.slack.press import Payload, Press, team_of
from evoslack.slack.refusal_words import spoken
from evoslack.slack.workspace import NO_ANSWER, problem_of

log = logging.getLogger(__name__)

HELP = frozenset({"help", "?", "-h", "--help"})


class Switchboard(Protocol):
    """Where calls go."""

    def accept(self, request: CallRequest) -> Call: ...
    def find(self, request_key: str) -> Call | None: ...


class Permission(Protocol):
    """Who may call."""

    def is_known(self, user_id: str, team_id: str, account_id: str) -> bool: ...
    def require(self, user_id: str, team_id: str, account_id: str) -> None: ...


class Catalog(Protocol):
    """What can be offered."""

    def offer(self) -> Offer: ...
    def refresh(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say about the form."""

    command: str
    region: str
    allowed_countries: frozenset[str]
    calls_channel: str
    response_hosts: frozenset[str]  # where private lines may be posted


class CallListeners:
    """The listeners of the call form; `slack.app` registers them."""

    def __init__(
        self,
        client: WebClient,
        switchboard: Switchboard,
        permission: Permission,
        catalog: Catalog,
        rules: Rules,
        later: Callable[[Callable[[], None]], object],
    ) -> None:
        self._client = client
        self._switchboard = switchboard
        self._permission = permission
        self._catalog = catalog
        self._rules = rules
        self._later = later

    def command(self, ack: Ack, body: Payload) -> None:
        """`/call …`: one `views.open` when everything is known, else a loading page first."""
        text = str(body.get("text") or "").strip()
        if text.casefold() in HELP:
            ack(messages.help_text(self._rules.command, self._rules.region))
            return
        try:
            offer = self._offer_to_known(body["user_id"], body["team_id"])
            if offer is not None:
                self._open(body, self._form(offer, body, text))
            else:
                self._open_loading(body, text)
        except SlackApiError as error:
            log.warning("the form did not open: %s", problem_of(error))
            ack(messages.FORM_TOO_LATE)
        except NO_ANSWER as error:
            log.warning("whether the form opened is unknown: %s", problem_of(error))
            ack(messages.FORM_MAY_COME)
        else:
            ack()

    def other_command(self, ack: Ack, body: Payload) -> None:
        """A command that the manifest has and the settings do not."""
        log.error("%s arrived, but SLACK_COMMAND is %s", body.get("command"), self._rules.command)
        ack(messages.wrong_command(messages.escape(str(body.get("command"))), self._rules.command))

    def flows(self, ack: Ack, body: Payload) -> None:
        """The flows that match what was typed, from memory."""
        offer = self._offer_to(body)
        ack(options=views.flow_options(offer.flows, body.get("value") or "") if offer else [])

    def caller_ids(self, ack: Ack, body: Payload) -> None:
        """The caller IDs that match what was typed, from memory."""
        offer = self._offer_to(body)
        typed = body.get("value") or ""
        region = self._rules.region
        ack(options=views.caller_id_options(offer.caller_ids, typed, region) if offer else [])

    def submit(self, ack: Ack, body: Payload, view: Payload) -> None:
        """The button: everything is checked again, the call is written down, then acknowledged."""
        try:
            call = self._accept(Press.of(body, view))
        except _Unclear as unclear:
            ack(response_action="errors", errors=unclear.errors)
            return
        except Refusal as refusal:
            words = spoken(refusal, self._rules.region)
            if words.field:
                ack(response_action="errors", errors={words.field: words.words})
            else:
                ack(response_action="update", view=views.notice(messages.escape(words.words)))
            return
        ack(response_action="update", view=self.accepted(call))

    def accepted(self, call: Call) -> views.View:
        """What a form turns into once it became a call."""
        return views.notice(messages.on_its_way(call, self._rules.region, self._rules.calls_channel))

    def call_of(self, user_id: str, view: Payload) -> Call | None:
        """The call that this person's form became, as far as the ledger can say."""
        call = self._switchboard.find(views.Origin.unpacked(view["private_metadata"]).key)
        return call if call is not None and call.request.user_id == user_id else None

    def _offer_to_known(self, user_id: str, team_id: str) -> Offer | None:
        """The offer, if this person's permission is remembered; without asking anybody."""
        try:
            offer = self._catalog.offer()
        except NothingToOffer:
            return None
        return offer if self._permission.is_known(user_id, team_id, offer.account_id) else None

    def _offer_to(self, body: Payload) -> Offer | None:
        """The offer for a search in the form; nothing for whoever may not call."""
        try:
            offer = self._catalog.offer()
            self._permission.require(body["user"]["id"], team_of(body), offer.account_id)
        except Refusal as refusal:
            log.info("no options for %s: %s", body["user"]["id"], type(refusal).__name__)
            return None
        return offer

    def _open_loading(self, body: Payload, text: str) -> None:
        external_id = secrets.token_urlsafe(18)
        try:
            self._open(body, views.loading(external_id))
        except SlackApiError:
            raise
        except NO_ANSWER:
            self._later(lambda: self._fill(external_id, body, text))  # it may have opened all the same
            raise
        self._later(lambda: self._fill(external_id, body, text))

    def _fill(self, external_id: str, body: Payload, text: str) -> None:
        """Turn the loading page into the form, or into the reason why there is none."""
        try:
            if not self._catalog_is_ready():
                self._catalog.refresh()
            offer = self._catalog.offer()
            self._permission.require(body["user_id"], body["team_id"], offer.account_id)
            view = self._form(offer, body, text)
        except Refusal as refusal:
            words = spoken(refusal, self._rules.region).words
            view = views.notice(messages.escape(words))
        except Exception:
            reference = new_reference()
            log.exception("the form could not be filled (reference %s)", reference)
            view = views.notice(messages.broken(reference))
        try:
            self._client.views_update(external_id=external_id, view=view)
        except NO_ANSWER as error:
            log.warning("the loading page could not be updated: %s", problem_of(error))

    def _catalog_is_ready(self) -> bool:
        try:
            self._catalog.offer()
        except NothingToOffer:
            return False
        return True

    def _form(self, offer: Offer, body: Payload, text: str) -> views.View:
        typed = typed_after_command(text, self._rules.region)
        origin = views.Origin(
            key=secrets.token_urlsafe(18),
            channel_id=str(body.get("channel_id") or ""),
            response_url=self._safe_url(str(body.get("response_url") or "")),
        )
        return views.form(
            offer,
            origin,
            region=self._rules.region,
            allowed=self._rules.allowed_countries,
            number=typed.number,
            words=typed.words,
        )

    def _open(self, body: Payload, view: views.View) -> None:
        self._client.views_open(trigger_id=body["trigger_id"], view=view)

    def _safe_url(self, url: str) -> str:
        """An address that private lines may be posted to, or nothing."""
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return ""
        return url if host in self._rules.response_hosts and len(url) < 1000 else ""

    def _accept(self, press: Press) -> Call:
        """Check what was filled in and write the call down. Raises `_Unclear` or a `Refusal`."""
        number, problems = self._number(press.typed_number)
        first = self._switchboard.find(press.origin.key)
        if first is not None:
            # Whatever changed since, this press already was a call, and that is what the person must hear.
            return press.same_as(first, number)
        offer = self._catalog.offer()
        self._permission.require(press.user_id, press.team_id, offer.account_id)
        flow, caller_id = offer.flow(press.flow_id), offer.caller_id(press.caller_id)
        problems += [] if flow else [UnknownFlow()]
        problems += [] if caller_id else [UnknownCallerId()]
        if problems or flow is None or caller_id is None:
            raise _Unclear(problems, self._rules.region)
        request = CallRequest(
            key=press.origin.key,
            team_id=press.team_id,
            user_id=press.user_id,
            account_id=offer.account_id,
            flow_id=flow.id,
            flow_name=flow.name,
            number=number,
            caller_id=caller_id.number,
            channel_id=press.origin.channel_id,
            response_url=self._safe_url(press.origin.response_url),
        )
        return self._switchboard.accept(request)

    def _number(self, typed: str) -> tuple[str, list[Refusal]]:
        try:
            return dialable(typed, self._rules.region, self._rules.allowed_countries), []
        except BadNumber as bad:
            return "", [bad]


class _Unclear(Exception):
    """Some fields need another look; `errors` has a sentence for each, by block id."""

    def __init__(self, problems: list[Refusal], region: str) -> None:
        super().__init__()
        found = [spoken(problem, region) for problem in problems]
        self.errors = {words.field: words.words for words in found}


def new_reference() -> str:
    """A short word that a person can pass on and an operator can find in the log."""
    return secrets.token_hex(3).upper()
