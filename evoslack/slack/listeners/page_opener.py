"""Opens a page on a person's screen, after the ack and in worker threads, for what a button asks for.

A person whose role is remembered gets the page with one request. Anyone else gets a loading page first: a
trigger lives three seconds, and looking up a role takes longer. Inside a modal the page is put on top of it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.access import Access
from evoslack.calling.arrival import Arrival
from evoslack.calling.denial_log import log_denial
from evoslack.calling.refusals import Refusal
from evoslack.runtime.background_pool import Run, Tell
from evoslack.runtime.reference import new_reference
from evoslack.slack.listeners.reply import TRIGGER_LIVES_S, Trigger, open_page
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import form_messages, messages
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

FULL = "push_limit_reached"  # three pages lie on each other (slack-facts 2)
CLOSED = "not_found"  # the person closed the loading page, which needs no explanation


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Who asked for the form and where, as it came with the payload."""

    user_id: str
    team_id: str
    trigger_id: str
    arrival: Arrival
    channel_id: str = ""
    response_url: str = ""
    is_in_modal: bool = False

    @property
    def trigger(self) -> Trigger:
        """What lets the bot open one page, if the form does not open."""
        return Trigger(self.user_id, self.trigger_id, self.arrival, self.is_in_modal)

    @classmethod
    def of(cls, body: Payload, arrival: Arrival) -> OpenRequest:
        """Read a shortcut, a button or a choice."""
        return cls(
            user_id=text_of(body["user"]["id"]),
            team_id=team_of(body),
            trigger_id=str(body.get("trigger_id") or ""),
            arrival=arrival,
            channel_id=str((body.get("channel") or {}).get("id") or ""),
            response_url=str(body.get("response_url") or ""),
            is_in_modal=(body.get("view") or {}).get("type") == "modal",
        )


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be opened, and what stands for it until it is there, or instead of it."""

    make: Callable[[], Block]  # may take seconds; raises `Refusal` if this person may not see it
    denied: Callable[[Refusal], Block]
    words_of: Callable[[Refusal], str]  # the same in words (mrkdwn), if no page opens
    loading: Callable[[str], Block]  # is given the page's external id
    notice: Callable[[str], Block]  # a page with a sentence (mrkdwn)


class PageOpener:
    """Opens pages. `known` runs what is quick, `others` what must check a role first."""

    def __init__(
        self,
        client: WebClient,  # quick to give up: a trigger lives three seconds
        patient_client: WebClient,  # for the loading page, which stays open
        access: Access,
        known: Run,
        others: Run,
    ) -> None:
        self._client = client
        self._patient_client = patient_client
        self._access = access
        self._known = known
        self._others = others

    def open_soon(self, request: OpenRequest, page: Page, tell: Tell) -> None:
        """Open the page, or `tell` why it does not open. Returns at once."""
        run = self._known if self._is_known(request) else self._others
        run(lambda: self._open(request, page, tell), tell)

    def _is_known(self, request: OpenRequest) -> bool:
        return self._access.is_known(request.user_id, request.team_id)

    def _open(self, request: OpenRequest, page: Page, tell: Tell) -> None:
        try:
            if request.arrival.age_s > TRIGGER_LIVES_S:
                tell(form_messages.FORM_TOO_LATE)
            elif self._is_known(request):
                self._show(request, _made(page))
            else:
                self._open_loading(request, page, tell)
        except Refusal as refusal:
            log_denial(refusal, request.user_id)
            if not open_page(self._client, request.trigger, page.denied(refusal)):
                tell(page.words_of(refusal))
        except SlackApiError as error:
            log.warning("a page did not open: %s", problem_of(error))
            is_full = problem_of(error) == FULL
            tell(form_messages.TOO_MANY_PAGES if is_full else form_messages.FORM_TOO_LATE)
        except SLACK_ERRORS as error:
            log.warning("a page may not have opened: %s", problem_of(error))
            tell(form_messages.FORM_MAY_STILL_OPEN)

    def _show(self, request: OpenRequest, view: Block) -> None:
        if request.is_in_modal:
            self._client.views_push(trigger_id=request.trigger_id, view=view)
        else:
            self._client.views_open(trigger_id=request.trigger_id, view=view)

    def _open_loading(self, request: OpenRequest, page: Page, tell: Tell) -> None:
        external_id, is_told = secrets.token_urlsafe(18), False
        try:
            self._show(request, page.loading(external_id))
        except SlackApiError:
            raise
        except SLACK_ERRORS as error:  # it may have opened anyway
            log.warning("the loading page may not have opened: %s", problem_of(error))
            tell(form_messages.FORM_MAY_STILL_OPEN)
            is_told = True
        try:
            view = _made(page)
        except Refusal as refusal:
            log_denial(refusal, request.user_id)
            view = page.denied(refusal)
        try:
            self._patient_client.views_update(external_id=external_id, view=view)
        except SLACK_ERRORS as error:
            log.warning("the loading page could not be updated: %s", problem_of(error))
            if not is_told and problem_of(error) != CLOSED:
                tell(form_messages.FORM_TOO_LATE)


def _made(page: Page) -> Block:
    """The page, or one with a reference under which the log says why there is none. Raises `Refusal`."""
    try:
        return page.make()
    except Refusal:
        raise
    except Exception:
        reference = new_reference()
        log.exception("a page could not be filled (reference %s)", reference)
        return page.notice(messages.broken(reference))
