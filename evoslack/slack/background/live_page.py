"""Keeps the pages that forms became up to date, as long as they are open.

A page works like a Home tab: a changed call makes its row due, a worker shows the newest state, and states in
between are skipped. It has workers and a rate limit of its own, so cards never wait for pages, nor pages for
cards. A page that Slack no longer has was closed, and is forgotten.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.call_log import fields_of
from evoslack.calling.notification import LivePage
from evoslack.calling.ports import PageLedger
from evoslack.runtime.backoff import Backoff
from evoslack.slack.background.delivery_rules import is_expiring, is_too_old
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.card_links import CardLinks
from evoslack.slack.rendering import live_page
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.workspace import SLACK_ERRORS, is_denial, pause_of, problem_of

log = logging.getLogger(__name__)

TIMEOUT_S = 5  # for a whole request
LEASE = timedelta(seconds=30)
MIN_LEASE = timedelta(seconds=12)  # what an update takes at most
MIN_INTERVAL_S = 1.0  # between two updates of a page; Slack may apply the answer to the form that late, too
# Slack waits three seconds for an answer. A second press of the form may be answered that late, and then its
# page is what the call was at the time.
ANSWERS_ARE_APPLIED = timedelta(seconds=4)
UPDATE_INTERVAL_S = 0.65  # slightly slower than the rate Slack guarantees (slack-facts 8)
RETRY = Backoff(first_s=1, longest_s=60)
MAX_DENIALS = 8  # then Slack will not take this state of the page; the next one gets as many

_ALL = ""  # the one target of views.update, whose limit is for all pages together
_CLOSED = frozenset({"not_found", "view_not_found"})


class LivePages:
    """Updates one due page at a time."""

    def __init__(
        self,
        client: WebClient,
        ledger: PageLedger,
        links: CardLinks,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        can_end: Callable[[], bool],
        wake_in: Callable[[float], None],
        contact: HelpContact = NO_CONTACT,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._links = links
        self._channel_id = channel_id
        self._region = region
        self._now = now
        self._can_end = can_end
        self._wake_in = wake_in
        self._contact = contact
        self._updating = RateLimiter(UPDATE_INTERVAL_S, now)

    def update_next(self) -> bool:
        """Update the page that has been due the longest. Returns whether there was one."""
        now = self._now()
        lease = now + LEASE
        rested = now - timedelta(seconds=MIN_INTERVAL_S)
        page = self._ledger.claim(at=now, until=lease, shown_before=rested)
        if page is None:
            return False
        if is_too_old(page.call.changed_at, now):
            self._ledger.remove(page.call.id, lease=lease)
            return True
        view = self._view(page)
        digest = hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()
        if digest == page.shown:
            self._ledger.keep(page.call.id, lease=lease)
        elif wait_s := self._slot_s(page):
            self._postpone(page, lease, wait_s)
        elif not is_expiring(lease, self._now(), MIN_LEASE):
            self._update(page, view, digest, lease)
        return True

    def _view(self, page: LivePage) -> dict[str, Any]:
        view = live_page.view(
            page.call,
            self._region,
            channel_id=self._channel_id,
            card_link=self._links.to(page.card_channel, page.card_ts),
            card_problem=page.card_problem,
            can_end=self._can_end(),
        )
        named: dict[str, Any] = self._contact.named_in_blocks(view)
        return named

    def _slot_s(self, page: LivePage) -> float:
        """Seconds until this page may be updated; one that was postponed has a slot already."""
        seconds = self._updating.reserve_s if page.attempts == 1 else self._updating.spacing_s
        return seconds(_ALL)

    def _update(self, page: LivePage, view: dict[str, Any], digest: str, lease: datetime) -> None:
        call = page.call
        try:
            self._client.views_update(view_id=call.request.view_id, view=view)
        except SLACK_ERRORS as error:
            self._failed(page, error, lease)
            return
        now = self._now()
        settled_at = call.accepted_at + ANSWERS_ARE_APPLIED
        if now < settled_at:
            self._ledger.mark_shown(call.id, "", lease=lease, at=now, again_at=settled_at)
            self._wake_in((settled_at - now).total_seconds())
        else:
            self._ledger.mark_shown(call.id, digest, lease=lease, at=now)
        self._wake_in(MIN_INTERVAL_S)  # for what changed meanwhile

    def _failed(self, page: LivePage, error: Exception, lease: datetime) -> None:
        problem, pause_s = problem_of(error), pause_of(error)
        is_no = isinstance(error, SlackApiError) and is_denial(error)
        if pause_s is not None:
            self._postpone(page, lease, self._updating.back_off_s(_ALL, pause_s))
        elif is_no and problem in _CLOSED:
            log.info("call %s: its page was closed", page.call.id, extra=fields_of(page.call))
            self._ledger.remove(page.call.id, lease=lease)
        elif is_no and page.attempts >= MAX_DENIALS:
            words = "call %s: its page is not updated until the call changes: %s"
            log.error(words, page.call.id, problem, extra=fields_of(page.call))
            self._ledger.keep(page.call.id, lease=lease)
        else:  # it may have been updated or not
            words = "call %s: its page was not updated: %s; trying again"
            log.info(words, page.call.id, problem, extra=fields_of(page.call))
            self._postpone(page, lease, RETRY.pause_s(page.attempts - 1))

    def _postpone(self, page: LivePage, lease: datetime, seconds: float) -> None:
        self._ledger.postpone(page.call.id, lease=lease, again_at=self._now() + timedelta(seconds=seconds))
        self._wake_in(seconds)
