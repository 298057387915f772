"""Asks before a number is called that may be on the phone: the form once more, with who that is on top."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from evoslack.calling.access import Access
from evoslack.calling.ports import CallLedger
from evoslack.calling.refusals import NumberBusy
from evoslack.slack.card_links import CardLinks
from evoslack.slack.listeners.submission import FormSubmission
from evoslack.slack.rendering import number_messages, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.views import FormSettings

MOST_CALLS = 10  # of a number that are read


class BusyNumbers:
    """Questions about numbers that may be on the phone; only local reads, as Slack waits for the answer."""

    def __init__(
        self,
        calls: CallLedger,
        access: Access,
        links: CardLinks,
        settings: FormSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._calls = calls
        self._access = access
        self._links = links
        self._settings = settings
        self._now = now

    def question(self, submission: FormSubmission, busy: NumberBusy) -> Block:
        """The same form with what was filled in, and the question. Raises `Refusal`.

        A call that is being dialed lets nobody pass, so then there is only something to wait for.
        """
        call, reader, entries = busy.call, submission.user_id, submission.entries
        offer = self._access.offer_to(reader, submission.team_id)
        words = number_messages.being_dialed(call, reader)
        if not call.is_open:
            words = number_messages.question(
                call, reader, busy.ago, link=self._link(busy), others=self._others(busy)
            )
        return views.form(
            offer,
            submission.asks_about("" if call.is_open else call.id, self._now()),
            self._settings,
            views.Prefill(
                number=entries.typed_number, flow_id=entries.flow_id, caller_id=entries.caller_id or ""
            ),
            question=views.Question(words, call.request.number, can_pass=not call.is_open),
        )

    def _link(self, busy: NumberBusy) -> str:
        return self._links.of([busy.call]).get(busy.call.id, "")

    def _others(self, busy: NumberBusy) -> int:
        """How many earlier calls to the number may be going on; who calls anyway gets past these, too."""
        request, at = busy.call.request, busy.call.accepted_at + busy.ago
        latest = self._calls.latest_to(request.account_id, request.number, MOST_CALLS)
        return sum(call.may_be_on_the_phone(at) for call in latest if call.id != busy.call.id)
