"""Asks before a number is called that may be on the phone: a form with who that is on top.

It asks as a form opens with such a number, and when a form for one is submitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from evoslack.calling.access import Access
from evoslack.calling.calls import Call
from evoslack.calling.ports import CallHistory
from evoslack.calling.refusals import NumberBusy
from evoslack.slack.card_links import CardLinks
from evoslack.slack.listeners.submission import FormSubmission, asking_about
from evoslack.slack.rendering import number_messages, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.views import FormSettings, Question

MOST_CALLS = 10  # of a number that are read


class BusyNumbers:
    """Questions about numbers that may be on the phone; only local reads, as Slack waits for the answer."""

    def __init__(
        self,
        history: CallHistory,
        access: Access,
        links: CardLinks,
        settings: FormSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._history = history
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
        if call.is_open:
            question = Question(number_messages.being_dialed(call, reader), call.request.number)
        else:
            latest = self._history.latest_to(call.request.account_id, call.request.number, MOST_CALLS)
            question = self._asking(call, latest, reader, call.accepted_at + busy.ago, was_pressed=True)
            if question.call_id == submission.metadata.anyway:  # pressed before anybody could have read it
                question = replace(question, words=f"{question.words} {number_messages.TOO_QUICK}")
        return views.form(
            offer,
            asking_about(question.call_id, submission.metadata, self._now()),
            self._settings,
            views.Prefill(
                number=entries.typed_number, flow_id=entries.flow_id, caller_id=entries.caller_id or ""
            ),
            question=question,
        )

    def question_at_open(self, latest: Sequence[Call], reader: str) -> Question | None:
        """What to ask as a form opens; `latest` are the number's latest calls, newest first.

        None if nobody is on the phone with it, and while one is being dialed: a moment later more is known.
        """
        now = self._now()
        live = [call for call in latest if call.may_be_on_the_phone(now)]
        if not live or any(call.is_open for call in live):
            return None
        return self._asking(live[0], latest, reader, now, was_pressed=False)

    def _asking(
        self, call: Call, latest: Sequence[Call], reader: str, at: datetime, *, was_pressed: bool
    ) -> Question:
        """`latest` also has earlier calls that may be going on; who calls anyway gets past these, too."""
        words = number_messages.question(
            call,
            reader,
            at - call.accepted_at,
            link=self._links.of([call]).get(call.id, ""),
            others=sum(each.may_be_on_the_phone(at) for each in latest if each.id != call.id),
            was_pressed=was_pressed,
        )
        return Question(words, call.request.number, call.id)
