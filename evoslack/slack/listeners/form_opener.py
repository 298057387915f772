"""Opens the form, from wherever somebody asks for it, filled with what is known already.

After the ack, in threads of its own, so that a slow Slack holds up neither presses nor commands. One
`views.open` when the role is remembered, else a loading page first: a trigger lives three seconds, and a role
takes longer to look up. Nothing here dials; a form is only ever a wish.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Role
from evoslack.calling.offer import Offer
from evoslack.calling.refusals import NothingToOffer, Refusal
from evoslack.runtime.background_pool import Run, Tell
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import form_messages, messages, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.refusal_messages import refusal_message
from evoslack.slack.workspace import NO_ANSWER, problem_of

log = logging.getLogger(__name__)

TRIGGER_LIVES_S = 3.0  # slack-facts 2
# A form has no age limit in Slack, but the row that keeps it from calling twice has: HISTORY_DAYS.
OLDEST_FORM = timedelta(hours=12)
CLOCKS_DIFFER = timedelta(minutes=5)  # at most, between the bot that made a form and the one that takes it


Prefills = Callable[
    [], Sequence[views.Prefill]
]  # what to fill the form with; none at all: no number was found


def empty_form() -> Sequence[views.Prefill]:
    """Nothing to fill in."""
    return [views.Prefill()]


class Permission(Protocol):
    """Who may call."""

    def is_known(self, user_id: str, team_id: str, account_id: str) -> bool: ...
    def require(self, user_id: str, team_id: str, account_id: str) -> Role: ...


class Catalog(Protocol):
    """What can be offered."""

    def offer(self) -> Offer: ...
    def refresh(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class FormSettings:
    """What the settings say about the form."""

    command: str
    region: str
    allowed_countries: frozenset[str]
    calls_channel: str
    response_hosts: frozenset[str]  # where private lines may be posted


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Who asked for the form and where; what came with the payload, as it came."""

    user_id: str
    team_id: str
    trigger_id: str
    arrival: Arrival
    channel_id: str = ""
    response_url: str = ""

    @classmethod
    def by(cls, body: Payload, arrival: Arrival) -> OpenRequest:
        """Who sent a shortcut, a press of a button or a choice."""
        return cls(
            user_id=text_of(body["user"]["id"]),
            team_id=team_of(body),
            trigger_id=str(body.get("trigger_id") or ""),
            arrival=arrival,
            channel_id=str((body.get("channel") or {}).get("id") or ""),
            response_url=str(body.get("response_url") or ""),
        )


class FormOpener:
    """Opens forms for people who may call. `known` runs what is quick, `others` what looks somebody up."""

    def __init__(
        self,
        client: WebClient,  # quick to give up: Slack waits three seconds
        patient_client: WebClient,  # for what nobody waits for
        permission: Permission,
        catalog: Catalog,
        rules: FormSettings,
        known: Run,
        others: Run,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._patient_client = patient_client
        self._permission = permission
        self._catalog = catalog
        self._rules = rules
        self._known = known
        self._others = others
        self._now = now

    def open_soon(self, asked: OpenRequest, wishes: Prefills, tell: Tell) -> None:
        """Open the form, or a choice if there are several wishes, or `tell` why it does not open.

        Returns at once. People whose role is remembered do not queue behind those who must be looked up.
        """
        run = self._known if self.is_known(asked.user_id, asked.team_id) else self._others
        run(lambda: self._open(asked, wishes, tell), tell)

    def offer_to(self, user_id: str, team_id: str) -> Offer:
        """The offer for somebody who may call. Raises `Refusal`."""
        offer = self._catalog.offer()
        self._permission.require(user_id, team_id, offer.account_id)
        return offer

    def role_of(self, user_id: str, team_id: str) -> Role:
        """What somebody may do here who may call. Raises `Refusal`."""
        return self._permission.require(user_id, team_id, self._catalog.offer().account_id)

    def is_known(self, user_id: str, team_id: str) -> bool:
        """Whether `role_of` would answer without asking anybody."""
        try:
            account_id = self._catalog.offer().account_id
        except NothingToOffer:
            return False
        return self._permission.is_known(user_id, team_id, account_id)

    def view(self, offer: Offer, asked: OpenRequest, *wishes: views.Prefill) -> Block:
        """The form with a new request key, or the choice between several wishes."""
        origin = FormMetadata(
            key=secrets.token_urlsafe(18),
            made_at=str(int(self._now().timestamp())),
            channel_id=asked.channel_id,
            response_url=self.safe_url(asked.response_url),
        )
        region, allowed = self._rules.region, self._rules.allowed_countries
        if len(wishes) > 1:
            return views.choice([wish.number for wish in wishes], origin, region=region)
        wish = wishes[0] if wishes else views.Prefill()
        return views.form(offer, origin, region=region, allowed=allowed, prefill=wish)

    def is_too_old(self, origin: FormMetadata) -> bool:
        """Whether this form may have become a call that is forgotten already, or is of a clock put back."""
        age_s = self._now().timestamp() - float(origin.made_at or 0)
        return not -CLOCKS_DIFFER.total_seconds() <= age_s <= OLDEST_FORM.total_seconds()

    def safe_url(self, url: str) -> str:
        """An address that private lines may be posted to, or nothing."""
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return ""
        return url if host in self._rules.response_hosts and len(url) < 1000 else ""

    def _offer_to_known(self, user_id: str, team_id: str) -> Offer | None:
        return self._catalog.offer() if self.is_known(user_id, team_id) else None

    def _open(self, asked: OpenRequest, wishes: Prefills, tell: Tell) -> None:
        try:
            if asked.arrival.age_s > TRIGGER_LIVES_S:
                tell(form_messages.FORM_TOO_LATE)
                return
            offer = self._offer_to_known(asked.user_id, asked.team_id)
            if offer is None:
                self._open_loading(asked, wishes, tell)
            elif found := wishes():
                self._client.views_open(trigger_id=asked.trigger_id, view=self.view(offer, asked, *found))
            else:
                tell(form_messages.NO_NUMBER)
        except SlackApiError as error:
            log.warning("the form did not open: %s", problem_of(error))
            tell(form_messages.FORM_TOO_LATE)
        except NO_ANSWER as error:
            log.warning("whether the form opened is unknown: %s", problem_of(error))
            tell(form_messages.FORM_MAY_STILL_OPEN)

    def _open_loading(self, asked: OpenRequest, wishes: Prefills, tell: Tell) -> None:
        external_id = secrets.token_urlsafe(18)
        try:
            self._client.views_open(trigger_id=asked.trigger_id, view=views.loading(external_id))
        except SlackApiError:
            raise
        except NO_ANSWER as error:  # it may have opened all the same
            log.warning("whether the loading page opened is unknown: %s", problem_of(error))
            tell(form_messages.FORM_MAY_STILL_OPEN)
        self._fill(external_id, asked, wishes)

    def _fill(self, external_id: str, asked: OpenRequest, wishes: Prefills) -> None:
        """Put the form, or the reason why there is none, where the loading page is."""
        try:
            if not self._catalog_is_ready():
                self._catalog.refresh()
            offer = self.offer_to(asked.user_id, asked.team_id)
            found = wishes()
            view = self.view(offer, asked, *found) if found else views.notice(form_messages.NO_NUMBER)
        except Refusal as refusal:
            view = views.notice(messages.escape(refusal_message(refusal, self._rules.region).words))
        except Exception:
            reference = messages.new_reference()
            log.exception("the form could not be filled (reference %s)", reference)
            view = views.notice(messages.broken(reference))
        try:
            self._patient_client.views_update(external_id=external_id, view=view)
        except NO_ANSWER as error:
            log.warning("the loading page could not be updated: %s", problem_of(error))

    def _catalog_is_ready(self) -> bool:
        try:
            self._catalog.offer()
        except NothingToOffer:
            return False
        return True
