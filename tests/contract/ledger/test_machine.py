"""Three bots at one ledger do what bots do, in thousands of orders, and after each step every promise holds.

They take presses, for now and for later, start what is due, dial, answer late or twice, sweep, tell, stand
still and crash, while people take calls back or change their times, and the clock jumps.
Races within one step are in `test_ledger`; here the steps are whole and only their order is wild.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from evoslack.calling.calls import (
    ANY_CALL,
    OPEN_STATES,
    STATE_OF,
    TRANSITIONS,
    UNANSWERED,
    Call,
    CallRequest,
    State,
)
from evoslack.calling.notification import Notification
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.calling.refusals import FormUsed, KeyTaken, NotYourForm, NumberBusy, Refusal
from evoslack.calling.switchboard import ANSWERING_LIMIT, PLACING_LIMIT
from evoslack.ledger.busy_numbers import JUST_PLACED, OLDEST
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.retention import CallRetention
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.ledger.store import Store

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LEASE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=2)
KEPT = timedelta(seconds=150)
MISSED_AFTER = timedelta(seconds=60)
LONG = timedelta(days=1)  # longer than every lease and every pause

BOTS = st.sampled_from(range(3))
ANY_ONE = st.integers(0, 9)  # which of the calls there are, counted round and round
OUTCOMES = st.sampled_from(
    [
        Placed("session", "sid"),
        Rejected(Reason.NOT_FOUND),
        Rejected(Reason.LOGIN_REJECTED),
        NotSent(Reason.UNREACHABLE),
        InDoubt(Reason.NO_ANSWER),
    ]
)
# Just before and after everything that runs out: a busy number, a dialing, a lease, a wait.
PAUSES = st.sampled_from([0.1, 1, 9, 11, 44, 61, 121])
ANSWERS = st.sampled_from(["none yet", "none yet", "posted", "rejected", "lost"])
STILL_TELLING = -1
AGAIN = st.sampled_from([None, None, 5, STILL_TELLING, STILL_TELLING])  # all is told, or when to try again
OTHERWISE = st.sampled_from(
    [
        {},
        {"flow_name": "Renamed", "channel_id": "C2"},  # labels do not make another press
        {"number": "+12025550177"},
        {"flow_id": "another"},
        {"caller_id": "+12025550101"},
        {"user_id": "U_BOSS"},
        {"team_id": "T2"},
        {"due_at": T0 + LONG},
    ]
)
DUE_IN = st.sampled_from([1, 10, 61])  # seconds
DUE_CALL = st.sampled_from(["started", "started", "denied"])
SEEN_BEFORE = st.sampled_from([False, False, True])  # whether a person looks at a time that was changed since
FATES = st.sampled_from(["answered", "answered", "given up", "crashed"])
NEWLY = st.builds(
    CallRequest,
    key=st.just(""),
    team_id=st.just("T1"),
    user_id=st.sampled_from(["U_SARA", "U_BOSS"]),
    account_id=st.sampled_from(["acc1", "acc2"]),
    flow_id=st.just("flow1"),
    flow_name=st.just("Survey"),
    number=st.sampled_from([f"+1202555012{last}" for last in range(5)]),
    caller_id=st.just("+12025550100"),
    anyway=st.sampled_from(["", "", ANY_CALL, ANY_CALL, "the latest"]),
)
HAPPENINGS = {
    "time_passes": {"seconds": PAUSES},
    "a_person_presses": {"bot": BOTS, "request": NEWLY},
    "a_press_waits_for_its_answer": {"bot": BOTS, "request": NEWLY, "due_in": st.none() | DUE_IN},
    "a_person_schedules": {"bot": BOTS, "request": NEWLY, "due_in": DUE_IN},
    "a_person_takes_it_back": {"bot": BOTS, "one": ANY_ONE, "outdated": SEEN_BEFORE},
    "a_person_changes_its_time": {"bot": BOTS, "one": ANY_ONE, "due_in": DUE_IN, "outdated": SEEN_BEFORE},
    "a_time_comes": {"bot": BOTS, "one": ANY_ONE, "fate": DUE_CALL},
    "a_waiting_form_is_pressed_again": {"bot": BOTS, "one": ANY_ONE},
    "an_answer_leaves_or_not": {"bot": BOTS, "one": ANY_ONE, "fate": FATES},
    "a_form_is_pressed_again": {"bot": BOTS, "one": ANY_ONE, "otherwise": OTHERWISE},
    "a_bot_dials": {"bot": BOTS, "outcome": st.none() | OUTCOMES},
    "an_outcome_comes_late_or_twice_or_out_of_the_blue": {"bot": BOTS, "one": ANY_ONE, "outcome": OUTCOMES},
    "a_bot_sweeps": {"bot": BOTS},
    "a_bot_tells": {"bot": BOTS, "slow": st.none() | ANY_ONE, "answer": ANSWERS, "pause_s": AGAIN},
    "all_bots_are_killed_and_one_starts": {},
}
OFTEN = [
    "time_passes",
    "a_person_presses",
    "a_person_schedules",
    "a_time_comes",
    "a_bot_dials",
    *["a_bot_tells"] * 3,
]
# A broken promise is reported with the story that broke it; looking for a shorter one takes minutes.
LONG_STORIES = settings(max_examples=30, stateful_step_count=80, phases=[Phase.generate])


BEFORE_DIALING = {*UNANSWERED, State.SCHEDULED, State.ACCEPTED}


@dataclass(eq=False)
class Delivery:
    """One bot delivering one call's notification; it may be slow, and another may have taken over."""

    ledger: NotificationLedger
    notification: Notification
    lease: datetime
    has_posted: bool = False


class Bots(RuleBasedStateMachine):
    """The bots, and the model they are compared with."""

    def __init__(self, stores: list[Store]) -> None:
        super().__init__()
        with stores[0].engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM notifications"))
            connection.execute(sa.text("DELETE FROM calls"))
            connection.execute(sa.text("DELETE FROM used_keys"))
        self.ledgers = [CallLedger(store) for store in stores]
        self.schedules = [ScheduledCallLedger(store) for store in stores]
        self.notification_ledgers = [NotificationLedger(store) for store in stores]
        self.now = T0
        self.retention = CallRetention(stores[0], lambda: self.now)
        self.forms = 0
        self.seen: dict[str, Call] = {}  # every call at the last check, oldest first
        self.answering: list[str] = []  # the call of each delivery that is being answered
        self.deliveries: Counter[str] = Counter()  # of each call that is received, crashed ones too
        self.used: set[str] = set()  # keys of calls that are forgotten
        self.dialed: list[str] = []
        self.denied: set[str] = set()  # not sent without having been begun
        self.in_delivery: list[Delivery] = []
        self.holder: dict[str, Delivery | None] = {}  # who has the lease of a call's notification
        self.revision: dict[str, int] = {}  # how often a call changed
        self.told: dict[str, int] = {}  # up to which revision everything was delivered
        self.due: dict[str, datetime | None] = {}  # from when it must be claimable
        self.cards: Counter[str] = Counter()  # what stands in the channel

    def teardown(self) -> None:
        """In the end everything undelivered is claimed, and nothing twice."""
        self.now += LONG
        self.ledgers[0].abandon(at=self.now, received_before=None)
        self.only_what_may_follow_follows()
        claims = [
            self.notification_ledgers[0].claim(at=self.now, until=self.now + LEASE)
            for _ in range(len(self.due) + 1)
        ]
        claimed = sorted(notification.call.id for notification in claims if notification is not None)
        assert claimed == sorted(filter(self.claimable_at, self.due))
        assert all(call_id in claimed for call_id, told in self.told.items() if told < self.revision[call_id])

    # --- what happens

    @initialize(request=NEWLY)
    def the_first_press(self, request: CallRequest) -> None:
        self.a_person_presses(0, request)

    @rule(what=st.sampled_from([*HAPPENINGS, *OFTEN]), how=st.data())
    def something_happens(self, what: str, how: st.DataObject) -> None:
        """One rule for all: several rules would be left out by turns, and most stories need all of them."""
        getattr(self, what)(**how.draw(st.fixed_dictionaries(HAPPENINGS[what]), label=what))

    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def a_person_presses(self, bot: int, request: CallRequest) -> None:
        self.press(bot, self.new_form(request))

    def a_press_waits_for_its_answer(self, bot: int, request: CallRequest, due_in: int | None) -> None:
        self.receive(bot, self.new_form(request, due_in))

    def a_person_schedules(self, bot: int, request: CallRequest, due_in: int) -> None:
        known = len(self.answering)
        self.receive(bot, self.new_form(request, due_in))
        if len(self.answering) > known:
            self.every_promise_holds()
            self.an_answer_leaves_or_not(bot, known, "answered")

    def a_person_takes_it_back(self, bot: int, one: int, outdated: bool) -> None:
        if before := self.scheduled_or_any(one):
            seen = outdated_view(before) if outdated else before
            canceled = self.schedules[bot].cancel(seen, by="U_SARA", at=self.now)
            assert (canceled is not None) == before.is_scheduled  # whatever time they saw

    def a_person_changes_its_time(self, bot: int, one: int, due_in: int, outdated: bool) -> None:
        if before := self.scheduled_or_any(one):
            seen = outdated_view(before) if outdated else before
            due_at = self.now + timedelta(seconds=due_in)
            moved = self.schedules[bot].move(seen, due_at, hours_reason="", at=self.now)
            assert (moved is not None) == (before.is_scheduled and not outdated)
            if moved is not None:
                self.seen[before.id] = replace(before, request=replace(before.request, due_at=due_at))
                self.becomes_due(before.id)

    def a_time_comes(self, bot: int, one: int, fate: str) -> None:
        """A bot starts a call that is due, or a rule denies it; or it tries so with one that is not."""
        due = [call for call in self.all(State.SCHEDULED) if call.request.due_at <= self.now]
        found = self.schedules[bot].due(at=self.now, limit=1000)
        assert ids(found) == ids(due)
        assert found == sorted(found, key=lambda call: (call.request.due_at, call.id))
        before = found[one % len(found)] if found else self.scheduled_or_any(one)
        if before is None:
            return
        if fate == "denied":
            denied = self.schedules[bot].deny(before, Reason.BLOCKED, at=self.now)
            assert (denied is not None) == before.is_scheduled
            self.denied |= {before.id} if denied else set()
            return
        request = replace(before.request, anyway="")
        is_busy = any(self.is_in_the_way(call, request) for call in self.seen.values() if call != before)
        try:
            started = self.schedules[bot].start(before, at=self.now)
        except NumberBusy:
            assert is_busy
        else:
            assert (started is not None) == (before in due and not is_busy)
            if started is not None:
                assert started.state is State.ACCEPTED
                self.seen[before.id] = replace(before, accepted_at=self.now)  # its wait begins now

    def a_waiting_form_is_pressed_again(self, bot: int, one: int) -> None:
        """Slack delivers it twice, or the person presses again before anybody answered."""
        if self.answering:
            self.receive(bot, self.seen[self.answering[one % len(self.answering)]].request)

    def an_answer_leaves_or_not(self, bot: int, one: int, fate: str) -> None:
        """In time; or never, as Slack gave up; or nobody knows, as the bot died."""
        if not self.answering:
            return
        call_id = self.answering.pop(one % len(self.answering))
        was_received = call_id in self.seen and self.seen[call_id].is_unanswered
        if fate == "answered":
            confirmed = self.ledgers[bot].confirm([call_id], at=self.now)
            assert ids(confirmed) == ({call_id} if was_received else set())
        elif fate == "given up":
            self.ledgers[bot].withdraw([call_id])
            self.deliveries[call_id] -= 1
            if was_received and not self.deliveries[call_id]:
                self.drop(call_id)

    def a_form_is_pressed_again(self, bot: int, one: int, otherwise: dict[str, str]) -> None:
        first = self.call(one)
        if first is None:
            return
        assert self.ledgers[bot].find(first.request.key) == first
        self.press(bot, replace(first.request, **otherwise))

    def a_bot_dials(self, bot: int, outcome: Outcome | None) -> None:
        """Without an outcome it crashes, or is still waiting for the answer."""
        oldest = self.now - LONGEST_WAIT
        waiting = [call for call in self.all(State.ACCEPTED) if call.accepted_at > oldest]
        call = self.ledgers[bot].begin(at=self.now, accepted_after=oldest)
        if call is None:
            assert waiting == []
            return
        assert call.accepted_at == min(one.accepted_at for one in waiting)
        assert call.id in ids(waiting)
        assert call.request.due_at is None or call.request.due_at <= self.now
        self.dialed.append(call.id)
        self.every_promise_holds()
        if outcome is not None:
            self.finish(bot, self.seen[call.id], outcome)

    def an_outcome_comes_late_or_twice_or_out_of_the_blue(self, bot: int, one: int, outcome: Outcome) -> None:
        if before := self.call(one):
            self.finish(bot, before, outcome)

    def a_bot_sweeps(self, bot: int) -> None:
        ledger, limit, began = self.ledgers[bot], self.now - LONGEST_WAIT, self.now - PLACING_LIMIT
        self.purge(self.now - KEPT)
        dead = [call for call in self.all(*UNANSWERED) if call.accepted_at <= self.now - ANSWERING_LIMIT]
        abandoned = ledger.abandon(at=self.now, received_before=self.now - ANSWERING_LIMIT)
        assert ids(abandoned) == ids(dead)
        late = [call for call in self.all(State.ACCEPTED) if call.accepted_at <= limit]
        assert ids(ledger.expire(at=self.now, accepted_before=limit)) == ids(late)
        limit = self.now - MISSED_AFTER
        missed = [call for call in self.all(State.SCHEDULED) if call.request.due_at < limit]
        assert ids(self.schedules[bot].miss(at=self.now, due_before=limit)) == ids(missed)
        orphans = [call for call in self.all(State.PLACING) if call.began_at <= began]
        assert ids(ledger.doubt_orphans(at=self.now, began_before=began)) == ids(orphans)

    def a_bot_tells(self, bot: int, slow: int | None, answer: str, pause_s: int | None) -> None:
        """Claim a notification, or continue a slow delivery."""
        if slow is None or not self.in_delivery:
            delivery = self.claim(bot)
        else:
            delivery = self.in_delivery[slow % len(self.in_delivery)]
        if delivery is None:
            return
        if answer != "none yet" and not delivery.has_posted and not self.finds_card(delivery):
            self.post_card(delivery, answer)
        if pause_s != STILL_TELLING:
            self.give_back(delivery, pause_s)

    def all_bots_are_killed_and_one_starts(self) -> None:
        self.in_delivery.clear()
        self.answering.clear()
        for call_id, due in self.due.items():
            if self.holder[call_id] or (due and due > self.now):
                self.due[call_id] = self.now
        self.holder = dict.fromkeys(self.holder)
        self.notification_ledgers[0].drop_leases(at=self.now)
        closed = self.ledgers[0].doubt_orphans(at=self.now, began_before=None)
        assert ids(closed) == ids(self.all(State.PLACING))
        abandoned = self.ledgers[0].abandon(at=self.now, received_before=None)
        assert ids(abandoned) == ids(self.all(*UNANSWERED))

    # --- how they do it

    def press(self, bot: int, request: CallRequest) -> None:
        expected = self.answer_to(request)
        try:
            call = self.ledgers[bot].accept(request, at=self.now)
        except Refusal as refusal:
            assert type(refusal) is expected
        else:
            assert expected == (call.id if call.id in self.seen else State.ACCEPTED)

    def receive(self, bot: int, request: CallRequest) -> None:
        expected = self.answer_to(request)
        try:
            call = self.ledgers[bot].receive(request, at=self.now, require_time=lambda: None)
        except Refusal as refusal:
            assert type(refusal) is expected
            return
        assert expected == (call.id if call.id in self.seen else State.ACCEPTED)
        if call.is_unanswered:
            self.answering.append(call.id)
            self.deliveries[call.id] += 1

    def new_form(self, request: CallRequest, due_in: int | None = None) -> CallRequest:
        """A form with a key of its own; its person may know of the latest call to that number."""
        self.forms += 1
        anyway = request.anyway
        if anyway == "the latest":
            to_it = [call.id for call in self.seen.values() if call.request.number == request.number]
            anyway = to_it[-1] if to_it else ""
        due_at = None if due_in is None else self.now + timedelta(seconds=due_in)
        return replace(request, key=f"form{self.forms}", anyway=anyway, due_at=due_at)

    def drop(self, call_id: str) -> None:
        for known in (self.seen, self.revision, self.told, self.due):
            del known[call_id]

    def finish(self, bot: int, before: Call, outcome: Outcome) -> None:
        finished = self.ledgers[bot].finish(before.id, outcome, at=self.now)
        assert (finished is not None) == (STATE_OF[type(outcome)] in TRANSITIONS[before.state])
        if finished is not None and before.is_scheduled:  # the table lets it be not sent, and nothing else
            self.denied.add(before.id)

    def purge(self, limit: datetime) -> None:
        over = [each for each in self.seen.values() if not each.is_open and not each.is_scheduled]
        old = {each.id for each in over if each.accepted_at < limit and self.claimable_at(each.id) is None}
        assert self.retention.purge_calls(accepted_before=limit, at=limit) == len(old)
        self.in_delivery = [one for one in self.in_delivery if one.notification.call.id not in old]
        self.dialed = [call_id for call_id in self.dialed if call_id not in old]
        for call_id in old:
            self.used.add(self.seen[call_id].request.key)
            self.drop(call_id)

    def claim(self, bot: int) -> Delivery | None:
        lease = self.now + LEASE
        due = {call_id: at for call_id in self.due if (at := self.claimable_at(call_id))}
        claimable = {call_id: at for call_id, at in due.items() if at <= self.now}
        notification = self.notification_ledgers[bot].claim(at=self.now, until=lease)
        if notification is None:
            assert claimable == {}
            return None
        assert claimable.get(notification.call.id) == min(claimable.values(), default=None)
        assert (notification.call, notification.revision) == (
            self.seen[notification.call.id],
            self.revision[notification.call.id],
        )
        delivery = Delivery(self.notification_ledgers[bot], notification, lease)
        self.holder[notification.call.id], self.due[notification.call.id] = delivery, None
        self.in_delivery.append(delivery)
        return delivery

    def finds_card(self, delivery: Delivery) -> bool:
        """What a bot knows of a card, or finds in the channel after an attempt whose answer was lost."""
        notification = delivery.notification
        return bool(notification.card_ts or (notification.card_tried_at and self.cards[notification.call.id]))

    def post_card(self, delivery: Delivery, answer: str) -> None:
        call_id = delivery.notification.call.id
        delivery.has_posted = delivery.ledger.mark_card_tried(
            call_id, "C1", at=self.now, lease=delivery.lease
        )
        assert delivery.has_posted == (self.holder[call_id] is delivery)
        if not delivery.has_posted:
            return
        if answer == "rejected":
            delivery.ledger.clear_card_tried(call_id, lease=delivery.lease)
            return
        self.cards[call_id] += 1
        if answer == "posted":
            delivery.ledger.mark_card_shown(call_id, delivery.notification.revision, "C1", "1.2")

    def give_back(self, delivery: Delivery, pause_s: int | None) -> None:
        self.in_delivery.remove(delivery)
        call_id, revision = delivery.notification.call.id, delivery.notification.revision
        again_at = None if pause_s is None else self.now + timedelta(seconds=pause_s)
        delivery.ledger.release(call_id, lease=delivery.lease, again_at=again_at)
        if self.holder[call_id] is not delivery:
            return  # too late: another bot delivers it
        self.holder[call_id] = None
        self.due[call_id] = self.due[call_id] or again_at
        if again_at is None:
            self.told[call_id] = revision

    # --- what must be so after each step

    @invariant()
    def every_promise_holds(self) -> None:
        self.only_what_may_follow_follows()
        self.no_call_and_no_form_is_dialed_twice()
        self.nothing_rang_exactly_where_the_ledger_says_so()
        self.no_number_has_two_open_calls()
        assert max(self.cards.values(), default=0) <= 1

    def only_what_may_follow_follows(self) -> None:
        now = {call.id: call for call in reversed(self.ledgers[0].newest(1000))}
        assert now.keys() >= self.seen.keys()
        for call_id, before in self.seen.items():
            after = now[call_id]
            assert after.state is before.state or after.state in TRANSITIONS[before.state]
            assert after.state is not State.ACCEPTED or before.state in BEFORE_DIALING
            assert (after.request, after.accepted_at) == (before.request, before.accepted_at)
        for call_id in now.keys() - self.seen.keys():
            self.holder[call_id], self.told[call_id] = None, 0
        for call_id, after in now.items():
            before = self.seen.get(call_id)
            if after.is_unanswered:  # nobody is told of it before it was answered
                self.revision[call_id], self.due[call_id] = 1, None
            elif before is not None and before.is_unanswered and after.state in BEFORE_DIALING:
                self.due[call_id] = self.now
            elif before is None or (after.state is not before.state and after.state is not State.PLACING):
                self.becomes_due(call_id)
        self.seen |= now

    def no_call_and_no_form_is_dialed_twice(self) -> None:
        assert len(self.dialed) == len(set(self.dialed))
        forms = [call.request.key for call in self.seen.values()]
        assert len(forms) == len(set(forms))

    def nothing_rang_exactly_where_the_ledger_says_so(self) -> None:
        undialed = {*self.all(*BEFORE_DIALING, State.CANCELED, State.EXPIRED)}
        undialed |= {call for call in self.all(State.NOT_SENT) if call.id in self.denied}
        assert set(self.dialed) == self.seen.keys() - ids(undialed)
        assert all((call.began_at is None) == (call in undialed) for call in self.seen.values())

    def no_number_has_two_open_calls(self) -> None:
        lines = Counter((call.request.account_id, call.request.number) for call in self.all(*OPEN_STATES))
        assert max(lines.values(), default=0) <= 1

    # --- what the onlooker knows

    def answer_to(self, request: CallRequest) -> str | type[Refusal]:
        """What a press must be answered: the call that it was already, a refusal, or a new call."""
        others = self.seen.values()
        first = next((call for call in others if call.request.key == request.key), None)
        if first is None and request.key in self.used:
            return FormUsed
        if first is None:
            # A call for later is held up by nobody.
            is_busy = request.due_at is None and any(self.is_in_the_way(call, request) for call in others)
            return NumberBusy if is_busy else State.ACCEPTED
        if (first.request.user_id, first.request.team_id) != (request.user_id, request.team_id):
            return NotYourForm
        return first.id if content(first.request) == content(request) else KeyTaken

    def becomes_due(self, call_id: str) -> None:
        self.revision[call_id] = self.revision.get(call_id, 0) + 1
        due = self.due.get(call_id)
        self.due[call_id] = self.now if due is None else min(due, self.now)

    def claimable_at(self, call_id: str) -> datetime | None:
        """When it is due, or when its lease ends; None: nothing to deliver."""
        holder = self.holder[call_id]
        return self.due[call_id] if holder is None else holder.lease

    def is_in_the_way(self, call: Call, request: CallRequest) -> bool:
        line = (call.request.account_id, call.request.number)
        may_have_rung = call.state in {State.PLACED, State.IN_DOUBT} or call.is_uncertain
        is_fresh = may_have_rung and call.accepted_at > self.now - JUST_PLACED
        keeps_away = (is_fresh or call.may_be_on_the_phone(self.now)) and call.accepted_at > self.now - OLDEST
        known = self.seen.get(request.anyway)
        knows = known is not None and (known.request.account_id, known.request.number) == line
        is_known = knows and (known == call or known.accepted_at >= call.accepted_at)
        is_let_pass = request.anyway == ANY_CALL or is_known
        is_in_the_way = call.is_open or (keeps_away and not is_let_pass)
        return line == (request.account_id, request.number) and is_in_the_way

    def call(self, one: int) -> Call | None:
        """One of the calls, the latest first."""
        return list(self.seen.values())[-1 - one % len(self.seen)] if self.seen else None

    def scheduled_or_any(self, one: int) -> Call | None:
        """One of the calls that wait for their time; without any, one that does not."""
        scheduled = self.all(State.SCHEDULED)
        return scheduled[one % len(scheduled)] if scheduled else self.call(one)

    def all(self, *states: State) -> list[Call]:
        return [call for call in self.seen.values() if call.state in states]


def ids(calls) -> set[str]:
    return {call.id for call in calls}


def outdated_view(call: Call) -> Call:
    """The call as someone saw it before its time was changed."""
    return replace(call, request=replace(call.request, due_at=T0 - LONG))


def content(request: CallRequest) -> tuple[str | datetime | None, ...]:
    return (request.flow_id, request.number, request.caller_id, request.due_at)


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    """What each bot holds: on PostgreSQL a store of its own; a SQLite file has one bot, with many threads."""
    count = 1 if database_url.startswith("sqlite") else 3
    stores = [Store(database_url) for _ in range(count)]
    for store in stores:
        store.open()
    yield stores * (3 // count)
    for store in stores:
        store.close()


@pytest.mark.timeout(300)  # seconds on a quiet machine, but many small transactions on a busy one
def test_whatever_bots_do_in_whatever_order_the_promises_hold(stores: list[Store]) -> None:
    run_state_machine_as_test(lambda: Bots(stores), settings=LONG_STORIES)
