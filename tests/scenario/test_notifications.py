"""Notifying people while Slack is slow or rate limits messages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.webhook import WebhookClient

from evoslack.calling.calls import Call, CallNote, CallRequest, HangUp, Progress, Result
from evoslack.calling.number_format import pretty
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.calling.rulebook import Masking
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.card_masks import CardMaskLedger
from evoslack.ledger.notes import NoteLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.slack.background.notifier import Notifier
from evoslack.slack.background.private_messages import PrivateMessages
from evoslack.slack.background.rate_limiter import POST_INTERVAL_S, RateLimiter
from evoslack.slack.rendering.cards import CALL_AGAIN
from evoslack.slack.workspace import private_client, web_client
from sandbox.evo.calls import Script
from sandbox.slack.workspace import SlackWorkspace
from tests.scenario.office import BOSS, ROOT, SARA, Office, as_read, says_placed

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LONG_AGO = T0 - timedelta(days=1)


@dataclass
class Scene:
    """Notifiers between a ledger and Slack, and a clock that only moves when told to."""

    slack: SlackWorkspace
    store: Store
    now: datetime = T0
    clock: Callable[[], datetime] | None = None  # one that runs
    numbers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.notes = NoteLedger(self.store)
        self.calls, self.notifications = CallLedger(self.store), NotificationLedger(self.store)
        self.limiter = RateLimiter(POST_INTERVAL_S, self.time)

    def time(self) -> datetime:
        """What the clock says."""
        return self.clock() if self.clock else self.now

    def notifier(
        self,
        *,
        timeout_s: int = 10,
        pool: WorkerPool | None = None,
        reply_client: Callable[[str], WebhookClient] = private_client,
    ) -> Notifier:
        """A notifier with rate limiters of its own, as each bot has."""
        return Notifier(
            web_client(self.slack.bot_token, self.slack.api_url, timeout_s=timeout_s),
            self.notifications,
            CardMaskLedger(self.store),
            channel_id="C_CALLS",
            region="US",
            now=self.time,
            private_client=reply_client,
            can_end=lambda: False,
            wake_in=pool.wake_in if pool else lambda _seconds: None,
            posting=RateLimiter(POST_INTERVAL_S, self.time),
            masking=lambda: Masking.SHARED,
            mask_in=lambda _seconds: None,
        )

    def rejected_calls(self, count: int, who: str = SARA, response_url: str = "") -> list[Call]:
        """`count` calls of one person, all rejected by Evo Voice."""
        return self._calls(count, Rejected(Reason.BAD_REQUEST, "no"), who, response_url)

    def _calls(self, count: int, outcome: Outcome, who: str, response_url: str) -> list[Call]:
        found = []
        for _ in range(count):
            number = f"+1814404{3000 + len(self.numbers)}"
            self.numbers.append(number)
            request = CallRequest(
                key=f"key{number}",
                team_id="T1",
                user_id=who,
                account_id="acc1",
                flow_id="flow1",
                flow_name="Survey",
                number=number,
                caller_id="+12025550100",
                response_url=response_url,
            )
            call = self.calls.accept(request, at=self.time())
            self.calls.begin(at=self.time(), accepted_after=LONG_AGO)
            self.calls.finish(call.id, outcome, at=self.time())
            found.append(call)
        return found

    def doubts(self, count: int, response_url: str = "") -> list[Call]:
        """`count` calls of Sara that may have rung."""
        return self._calls(count, InDoubt(Reason.NO_ANSWER), SARA, response_url)

    def unsent(self, count: int, response_url: str = "") -> list[Call]:
        """`count` calls of Sara that never left."""
        return self._calls(count, NotSent(Reason.UNREACHABLE), SARA, response_url)

    def placed(self, count: int = 1) -> list[Call]:
        """`count` calls of Sara that Evo Voice took."""
        return self._calls(count, Placed("s1"), SARA, "")

    def goes_on(self, call: Call, progress: Progress, outcome: str = "", hung_up_by: str = "") -> None:
        """What a poll finds."""
        tracked = TrackedCallLedger(self.store)
        if hung_up_by:
            assert tracked.hang_up(call.id, HangUp.ASKED, at=self.now, by=hung_up_by)
        (before,) = [each for each in tracked.in_progress() if each.call_id == call.id]
        at = {"answered_at": before.answered_at or self.now}
        at |= {"ended_at": self.now} if progress is Progress.ENDED else {}
        after = replace(before, progress=progress, session_id="s1", call_sid="c1", outcome=outcome, **at)
        assert tracked.write([(before, after)], at=self.now)

    def has_no_card(self) -> None:
        """The bot is not in the channel."""
        self.slack.channels["C_CALLS"]["is_member"] = False

    def notify_all(self, notifier: Notifier) -> None:
        """Deliver everything that can be delivered at this moment."""
        while notifier.notify_next():
            pass

    def messages(self, who: str = SARA, kind: str = "dm") -> list[str]:
        """The messages of that kind to this person."""
        return [message.text for message in self.slack.private(who) if message.kind == kind]

    def untold(self, calls: list[Call]) -> list[str]:
        """The numbers of the calls whose caller is not recorded as told."""
        notifications = [self.notifications.read(call.id) for call in calls]
        return [each.call.request.number for each in notifications if each.told_revision < each.revision]


def times_told(calls: list[Call], texts: list[str]) -> list[int]:
    text = as_read("\n".join(texts))
    return [text.count(pretty(call.request.number, "US")) for call in calls]


@pytest.fixture
def scene(slack: SlackWorkspace, store: Store) -> Scene:
    return Scene(slack, store)


# --- answers that drip -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drip", "drip_head", "hang"])
def test_four_answers_that_never_come_do_not_hold_up_the_others(scene: Scene, kind: str) -> None:
    """Four is the number of workers; at this drip rate an answer would take minutes."""
    scene.slack.fault("chat.postMessage", kind, times=4, seconds=0.5)
    pool = WorkerPool("notify", size=4, poll_every_s=0.1)
    began = time.monotonic()
    scene.clock = lambda: T0 + timedelta(seconds=time.monotonic() - began)
    stuck = scene.rejected_calls(4, BOSS)
    pool.start(scene.notifier(timeout_s=1, pool=pool).notify_next)
    try:
        scene.slack.wait_for(
            lambda: len(scene.slack.api_calls("chat.postMessage")) >= 4, what="four to be stuck"
        )
        told = scene.rejected_calls(3, SARA)

        scene.slack.wait_for(lambda: times_told(told, scene.messages(SARA)) == [1, 1, 1], 6, "the others")

        assert time.monotonic() - began < 5
        scene.slack.wait_for(lambda: min(times_told(stuck, scene.messages(BOSS))) >= 1, 6, "the four")
    finally:
        pool.stop(within_s=5)


# --- several notifications for one person ------------------------------------------------------------


def test_everything_that_waits_for_one_person_goes_out_in_one_message(scene: Scene) -> None:
    sara, boss = scene.rejected_calls(5, SARA), scene.rejected_calls(2, BOSS)

    scene.notify_all(scene.notifier())

    (message,) = scene.messages(SARA)
    assert times_told(sara, [message]) == [1] * 5
    assert len(message.split("\n\n")) == 5, "one paragraph per call"
    (other,) = scene.messages(BOSS)
    assert times_told(boss, [other]) == [1] * 2
    assert scene.untold(sara + boss) == []


def test_sixty_rejected_calls_of_one_person_are_told_within_seconds(scene: Scene) -> None:
    scene.slack.limits.posts_per_s = 1000  # the clock below is the one that counts
    calls, notifier, began = scene.rejected_calls(60), scene.notifier(), scene.now

    while scene.untold(calls):
        scene.notify_all(notifier)
        scene.now += timedelta(seconds=0.1)

    assert times_told(calls, scene.messages()) == [1] * 60
    assert all(len(message) <= 4000 for message in scene.messages())
    assert scene.now - began < timedelta(seconds=6)


def test_a_call_is_marked_as_told_when_its_message_went_out_and_not_before(scene: Scene) -> None:
    calls, notifier = scene.rejected_calls(40), scene.notifier()

    scene.notify_all(notifier)

    (message,) = scene.messages()
    told = [call for call, times in zip(calls, times_told(calls, [message]), strict=True) if times]
    assert 0 < len(told) < 40, "they do not all fit into one message"
    assert len(scene.untold(calls)) == 40 - len(told)
    assert scene.untold(told) == []


def test_a_rate_limited_person_gets_everything_in_one_message_after_the_pause(scene: Scene) -> None:
    scene.slack.channels["C_CALLS"]["is_archived"] = True  # so that only private messages go out
    notifier = scene.notifier()
    scene.slack.fault("chat.postMessage", "error:is_archived", times=1)
    scene.slack.fault("chat.postMessage", "429", times=1, retry_after=30)
    calls = scene.rejected_calls(1)
    scene.notify_all(notifier)
    calls += scene.rejected_calls(5)

    for _ in range(29):
        scene.now += timedelta(seconds=1)
        scene.notify_all(notifier)
    attempts = [call.args["channel"] for call in scene.slack.api_calls("chat.postMessage")].count(SARA)
    assert (attempts, scene.messages()) == (1, [])
    scene.rejected_calls(1, BOSS)
    scene.notify_all(notifier)
    assert len(scene.messages(BOSS)) == 1, "the limit is per person"

    scene.now += timedelta(seconds=1)
    scene.notify_all(notifier)

    (message,) = scene.messages()
    assert times_told(calls, [message]) == [1] * 6


@pytest.mark.parametrize("trouble", ["500", "cut", "error:restricted_action"])
def test_a_message_that_failed_is_sent_again_in_full(scene: Scene, trouble: str) -> None:
    notifier = scene.notifier()
    calls = scene.rejected_calls(3)
    for _ in range(2):  # the card and the private message
        scene.slack.fault("chat.postMessage", trouble)
    scene.notify_all(notifier)
    assert len(scene.untold(calls)) == 3

    scene.now += timedelta(seconds=20)
    scene.notify_all(notifier)

    assert times_told(calls, scene.messages()) == [1, 1, 1]
    assert scene.untold(calls) == []


def test_two_bots_with_many_workers_tell_each_call_once(scene: Scene) -> None:
    calls = scene.rejected_calls(24)
    scene.slack.fault("chat.postMessage", "slow", times=None, seconds=0.05)
    bots = [scene.notifier(), scene.notifier()]
    gate = threading.Barrier(8)

    def work(index: int) -> None:
        gate.wait(10)
        scene.notify_all(bots[index % 2])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    scene.slack.clear_faults()
    while scene.untold(calls):
        scene.now += timedelta(seconds=2)
        scene.notify_all(bots[0])

    assert times_told(calls, scene.messages()) == [1] * 24


def test_what_a_dead_bot_had_claimed_is_told_by_the_next(scene: Scene) -> None:
    """It died after claiming all of them and before sending its message."""
    calls = scene.rejected_calls(3)
    first = scene.notifications.claim(at=scene.now, until=scene.now + timedelta(seconds=60))
    assert first is not None
    others = scene.notifications.claim_others(
        SARA, "T1", at=scene.now, until=scene.now + timedelta(seconds=60), limit=30
    )
    assert len(others) == 2
    notifier = scene.notifier()
    scene.notify_all(notifier)
    assert scene.messages() == [], "another bot holds their leases"

    scene.now += timedelta(seconds=61)
    scene.notify_all(notifier)

    assert times_told(calls, scene.messages()) == [1, 1, 1]


def test_a_call_from_a_command_is_answered_where_the_command_was_typed(scene: Scene) -> None:
    url = scene.slack.type_command(SARA).sent["response_url"]
    elsewhere, here = scene.rejected_calls(2), scene.rejected_calls(2, response_url=url)

    scene.notify_all(scene.notifier())

    assert times_told(elsewhere, scene.messages()) == [1, 1]
    assert times_told(here, scene.messages()) == [0, 0]
    assert times_told(here, scene.messages(kind="response_url")) == [1, 1]


def test_a_defect_of_ours_is_not_mistaken_for_silence_from_slack(scene: Scene) -> None:
    def broken(_url: str) -> WebhookClient:
        raise ValueError("a defect")

    scene.rejected_calls(1, response_url="https://hooks.slack.com/x")

    with pytest.raises(ValueError, match="a defect"):
        scene.notifier(reply_client=broken).notify_next()


# --- a doubt that is settled -------------------------------------------------------------------------


NOT_CERTAIN = "· not certain"
SETTLES = "This settles the earlier “not certain”."


def later(scene: Scene, notifier: Notifier, seconds: float = 2) -> None:
    """Everything that can be told by then is told."""
    scene.now += timedelta(seconds=seconds)
    scene.notify_all(notifier)


def settle(scene: Scene, call: Call) -> None:
    """Its answer came late: it was placed."""
    assert scene.calls.finish(call.id, Placed("s1"), at=scene.now)


def edits(scene: Scene) -> list[str]:
    """The direct messages that Slack was asked to edit, by ts."""
    return [
        call.args["ts"] for call in scene.slack.api_calls("chat.update") if call.args["channel"] == "D_SARA"
    ]


def buttons(scene: Scene, kind: str = "dm") -> list[str]:
    """The calls for which the private messages offer *Call again*."""
    blocks = [block for each in scene.slack.private(SARA) if each.kind == kind for block in each.blocks]
    elements = [each for block in blocks for each in [block.get("accessory"), *block.get("elements", [])]]
    return [each["value"] for each in elements if each and each["action_id"] == CALL_AGAIN]


def test_a_direct_message_about_a_doubt_is_edited_once_it_is_settled(scene: Scene) -> None:
    (call,), notifier = scene.doubts(1), scene.notifier()
    scene.notify_all(notifier)
    assert [NOT_CERTAIN in text for text in scene.messages()] == [True]

    settle(scene, call)
    later(scene, notifier)

    (text,) = scene.messages()
    assert NOT_CERTAIN not in text
    assert times_told([call], [text]) == [1]
    assert scene.untold([call]) == []
    later(scene, notifier, 600)
    assert len(edits(scene)) == 1


def test_two_doubts_in_one_message_are_settled_one_after_the_other(scene: Scene) -> None:
    (one, two), notifier = scene.doubts(2), scene.notifier()
    scene.notify_all(notifier)
    (text,) = scene.messages()
    assert text.count(NOT_CERTAIN) == 2

    settle(scene, two)
    later(scene, notifier)
    (text,) = scene.messages()
    doubtful = [paragraph for paragraph in text.split("\n\n") if NOT_CERTAIN in paragraph]
    assert times_told([one, two], doubtful) == [1, 0]
    settle(scene, one)
    later(scene, notifier)

    (text,) = scene.messages()
    assert NOT_CERTAIN not in text
    assert times_told([one, two], [text]) == [1, 1]
    assert len(edits(scene)) == 2


def test_two_doubts_in_one_message_settled_at_once_by_two_bots(scene: Scene) -> None:
    calls, bots = scene.doubts(8), [scene.notifier(), scene.notifier()]
    scene.notify_all(bots[0])
    for call in calls:
        settle(scene, call)
    scene.now += timedelta(seconds=2)
    gate = threading.Barrier(8)

    def work(index: int) -> None:
        gate.wait(10)
        scene.notify_all(bots[index % 2])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    for _ in range(5):
        later(scene, bots[0])

    (text,) = scene.messages()
    assert NOT_CERTAIN not in text
    assert times_told(calls, [text]) == [1] * 8
    assert scene.untold(calls) == []
    assert len(edits(scene)) <= 4, "one edit settles all that is settled by then"


@pytest.mark.parametrize(
    "why", ["edit_window_closed", "cant_update_message", "message_not_found", "msg_too_long"]
)
def test_a_message_that_cannot_be_edited_is_followed_by_another(scene: Scene, why: str) -> None:
    (one, two), notifier = scene.doubts(2), scene.notifier()
    scene.notify_all(notifier)
    (before,) = scene.messages()
    scene.slack.channels["C_CALLS"]["is_archived"] = True  # so that only the direct message is edited
    scene.slack.fault("chat.update", "error:is_inactive", times=1)
    scene.slack.fault("chat.update", f"error:{why}", times=1)

    settle(scene, one)
    for _ in range(3):
        later(scene, notifier)

    first, second = scene.messages()
    assert first == before
    assert times_told([one, two], [second]) == [1, 0], "the other one is still in doubt, as it says there"
    assert SETTLES in second
    settle(scene, two)
    for _ in range(3):
        later(scene, notifier)
    assert times_told([one, two], scene.messages()[2:]) == [0, 1]
    later(scene, notifier, 600)
    assert len(scene.messages()) == 3


def test_a_message_that_the_person_deleted_is_followed_by_another(scene: Scene) -> None:
    (call,), notifier = scene.doubts(1), scene.notifier()
    scene.notify_all(notifier)
    scene.slack.delete_message("D_SARA", scene.slack.private(SARA)[0].ts)

    settle(scene, call)
    for _ in range(3):
        later(scene, notifier)

    assert SETTLES in scene.messages()[-1]
    assert len(scene.messages()) == 2  # the stand-in remembers what she saw


def test_a_doubt_told_where_the_command_was_typed_is_settled_by_one_line(scene: Scene) -> None:
    url = scene.slack.type_command(SARA).sent["response_url"]
    (call,), notifier = scene.doubts(1, response_url=url), scene.notifier()
    scene.notify_all(notifier)
    assert NOT_CERTAIN in scene.messages(kind="response_url")[0]

    scene.now += timedelta(minutes=5)
    settle(scene, call)
    for _ in range(3):
        later(scene, notifier)

    (text,) = scene.messages()
    assert text.endswith(f"\n{SETTLES}")
    assert len(text.splitlines()) == 2
    assert len(scene.messages(kind="response_url")) == 1
    assert edits(scene) == []


def test_a_doubt_that_is_settled_while_it_is_being_told_is_corrected_at_once(scene: Scene) -> None:
    (call,), notifier = scene.doubts(1), scene.notifier()
    scene.slack.fault("chat.postMessage", "slow", times=None, seconds=0.3)
    with ThreadPoolExecutor(1) as thread:
        telling = thread.submit(scene.notify_all, notifier)
        scene.slack.wait_for(lambda: len(scene.slack.api_calls("chat.postMessage")) == 2, what="the message")
        settle(scene, call)
        telling.result()
    later(scene, notifier)

    (text,) = scene.messages()
    assert NOT_CERTAIN not in text


@pytest.mark.parametrize("trouble", ["500", "429", "cut", "lose_answer"])
def test_an_edit_without_an_answer_is_tried_again_and_nothing_new_is_sent(scene: Scene, trouble: str) -> None:
    (call,), notifier = scene.doubts(1), scene.notifier()
    scene.notify_all(notifier)
    scene.slack.fault("chat.update", trouble, times=4)

    settle(scene, call)
    for _ in range(8):
        later(scene, notifier, 20)

    (text,) = scene.messages()
    assert NOT_CERTAIN not in text
    assert scene.untold([call]) == []


def test_a_bot_that_died_after_its_edit_has_it_edited_once_more(scene: Scene) -> None:
    """Slack took the edit, and nobody wrote that down."""
    (call,), notifier = scene.doubts(1), scene.notifier()
    scene.notify_all(notifier)
    settle(scene, call)
    first = scene.notifications.claim(at=scene.now, until=scene.now + timedelta(seconds=60))
    assert first is not None
    later(scene, notifier)
    assert edits(scene) == [], "it still has the lease"

    later(scene, notifier, 60)

    (text,) = scene.messages()
    assert NOT_CERTAIN not in text


def test_a_message_about_a_settled_call_stays_true_to_its_end(empty_office: Office) -> None:
    office = empty_office
    office.open(dial_deadline_s=1.0)
    office.evo.fault("/sessions/outgoing", "hang_after_ring")
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600)
    office.slack.fault("response_url", "500", times=None)  # so that she is told by direct message
    office.hide_calls()
    office.call()
    office.wait_until_told(NOT_CERTAIN)

    office.evo.clear_faults()
    office.let_time_pass_until(lambda: "· on the call" in office.told()[0])
    call = office.evo.world.calls[-1]
    call.script = Script(ring_s=0, talk_s=0)
    office.let_time_pass_until(lambda: "· completed" in office.told()[0])

    assert len(office.told()) == 1


def test_no_doubt_is_said_to_be_settled_while_it_is_checked_whether_the_phone_rang(scene: Scene) -> None:
    """A late no proves nothing yet; and the message with the doubt cannot be edited."""
    url = scene.slack.type_command(SARA).sent["response_url"]
    (call,), notifier = scene.doubts(1, response_url=url), scene.notifier()
    scene.notify_all(notifier)
    scene.now += timedelta(minutes=5)
    assert scene.calls.finish(call.id, Rejected(Reason.NOT_PERMITTED), at=scene.now)
    for _ in range(3):
        later(scene, notifier)

    (text,) = scene.messages()
    assert "checking whether the phone rang" in text
    assert "settles" not in text


# --- calls that were placed, and whose card does not tell ----------------------------------------------


def test_a_placed_call_without_a_card_is_told_twice_and_never_edited(scene: Scene) -> None:
    """What stays on the screen must stay true; an end that is only edited in goes unnoticed."""
    scene.has_no_card()
    doubt, placed = scene.doubts(1)[0], scene.placed()[0]
    for call in (doubt, placed):
        scene.notifications.set_card_problem(call.id, "not_in_channel")
    notifier = scene.notifier()
    for _ in range(5):
        later(scene, notifier)
    (unclear,) = [text for text in scene.messages() if times_told([doubt], [text]) == [1]]
    (begun,) = [text for text in scene.messages() if times_told([placed], [text]) == [1]]
    assert unclear != begun, "what is edited later and what is not are never in one message"
    assert "· placed" in begun and "calling" not in begun and "there's no card yet" in begun

    scene.goes_on(placed, Progress.ANSWERED)
    later(scene, notifier)
    scene.goes_on(placed, Progress.ENDED, "busy")
    for _ in range(5):
        later(scene, notifier)

    assert scene.messages()[:2] == [unclear, begun] or scene.messages()[:2] == [begun, unclear]
    (ended,) = scene.messages()[2:]
    assert times_told([doubt, placed], [ended]) == [0, 1] and "· busy" in ended
    assert edits(scene) == []


@pytest.mark.parametrize("why", ["no card", "cannot read the channel", "an administrator hung up"])
def test_the_end_of_a_call_that_was_in_doubt_is_a_message_of_its_own_where_nobody_would_notice_it(
    scene: Scene, why: str
) -> None:
    if why == "no card":
        scene.has_no_card()
    elif why == "cannot read the channel":
        scene.slack.channels["C_CALLS"]["is_private"] = True
        scene.slack.leave(SARA, "C_CALLS")
    (one, two), notifier = scene.doubts(2), scene.notifier()
    for _ in range(3):
        later(scene, notifier)
    settle(scene, one)
    later(scene, notifier)
    scene.goes_on(one, Progress.ANSWERED)
    later(scene, notifier)
    (followed,) = scene.messages()
    assert "· on the call" in followed and "· not certain" in followed

    scene.now += timedelta(seconds=29)
    scene.goes_on(one, Progress.ENDED, "completed", ROOT if why == "an administrator hung up" else "")
    for _ in range(5):
        later(scene, notifier)

    edited, ended = scene.messages()
    says = "· hung up by <@U_ROOT>* · talked" if why == "an administrator hung up" else "· completed"
    assert says in ended and times_told([one, two], [ended]) == [1, 0]
    assert says in edited and "· on the call" not in edited, "the first message is right, too"
    assert "earlier" not in ended
    assert scene.untold([one, two]) == []
    later(scene, notifier, 600)
    assert len(scene.messages()) == 2


@pytest.mark.parametrize(("by", "lines"), [(SARA, 0), (ROOT, 1)])
def test_a_caller_is_told_in_one_line_when_somebody_else_hung_up(scene: Scene, by: str, lines: int) -> None:
    (call,), notifier = scene.placed(), scene.notifier()
    later(scene, notifier)
    scene.goes_on(call, Progress.ANSWERED)
    later(scene, notifier)

    scene.now += timedelta(seconds=27)
    scene.goes_on(call, Progress.ENDED, "completed", by)
    for _ in range(3):
        later(scene, notifier)
    scene.notifications.set_card_problem(call.id, "message_not_found")
    scene.notes.write_note(call.id, CallNote(Result.REACHED, "called back", SARA), at=scene.now)
    for _ in range(3):
        later(scene, notifier)

    assert len(scene.messages()) == lines
    assert all("✋" in text and "by <@U_ROOT>* · talked 29 sec" in text for text in scene.messages())
    assert all("\n" not in text for text in scene.messages())


def test_who_hung_up_is_not_said_again_with_the_first_change_after_the_card_is_right(scene: Scene) -> None:
    (call,), notifier = scene.placed(), scene.notifier()
    later(scene, notifier)
    scene.slack.fault("chat.update", "error:not_in_channel", times=2)
    scene.goes_on(call, Progress.ENDED, "completed", ROOT)
    for _ in range(3):
        later(scene, notifier)
    assert len(scene.messages()) == 1

    for _ in range(10):
        later(scene, notifier, 60)
    scene.notes.write_note(call.id, CallNote(Result.REACHED, "called back", SARA), at=scene.now)
    for _ in range(3):
        later(scene, notifier)

    assert "called back" in scene.slack.messages("C_CALLS")[0]["text"]
    assert len(scene.messages()) == 1


# --- what is written long after the call ---------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["429", "500", "error:internal_error"])
def test_a_note_on_an_old_call_reaches_its_card_after_trouble(scene: Scene, trouble: str) -> None:
    (call,), notifier = scene.placed(), scene.notifier()
    later(scene, notifier)
    scene.goes_on(call, Progress.ENDED, "completed")
    later(scene, notifier)
    scene.now += timedelta(hours=30)
    scene.slack.fault("chat.update", trouble, times=1)

    scene.notes.write_note(call.id, CallNote(Result.REACHED, "will call back", SARA), at=scene.now)
    for _ in range(10):
        later(scene, notifier, 5)

    assert "will call back" in scene.slack.messages("C_CALLS")[0]["text"]
    assert scene.messages() == [], "nobody is told that a card is missing"


def test_a_caller_hears_of_an_old_call_that_is_settled_late_even_after_trouble(scene: Scene) -> None:
    (call,), notifier = scene.doubts(1), scene.notifier()
    later(scene, notifier)
    scene.now += timedelta(hours=30)
    scene.slack.fault("chat.update", "429", times=4)

    settle(scene, call)
    for _ in range(10):
        later(scene, notifier, 10)

    assert NOT_CERTAIN not in scene.messages()[0]


# --- Call again in private messages ------------------------------------------------------------------


def test_failures_told_privately_offer_to_call_again(scene: Scene) -> None:
    url = scene.slack.type_command(SARA).sent["response_url"]
    notifier = scene.notifier()
    here, uncertain = scene.unsent(1, response_url=url), scene.doubts(1)
    together = scene.unsent(2)

    scene.notify_all(notifier)
    later(scene, notifier)

    assert buttons(scene, "response_url") == [here[0].id]
    assert sorted(buttons(scene)) == sorted(call.id for call in together), (
        "what is in doubt is still being checked"
    )
    assert times_told(uncertain + together, scene.messages()) == [1, 1, 1]


def test_the_button_opens_the_form_once_more(office: Office) -> None:
    office.evo.fault("/sessions/outgoing", "401_empty", times=None)
    office.call()
    office.wait_until_told("Nothing was dialed")
    (message,) = office.slack.private(SARA)

    office.slack.click(SARA, CALL_AGAIN, message.channel_id, message.ts)

    form = office.slack.wait_for_modal(SARA, "call_form")
    assert "(814) 404-3093" in str(form)
    assert office.rings == 0


# --- direct messages about button presses ------------------------------------------------------------


@dataclass
class Alarm:
    """Records wake-ups."""

    wakes: int = 0
    in_s: list[float] = field(default_factory=list)

    def wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def alarm() -> Alarm:
    return Alarm()


@pytest.fixture
def private_messages(scene: Scene, alarm: Alarm) -> PrivateMessages:
    client = web_client(scene.slack.bot_token, scene.slack.api_url)
    return PrivateMessages(client, scene.limiter, alarm.wake, alarm.in_s.append)


def test_queued_texts_go_out_together_and_each_text_once(
    scene: Scene, private_messages: PrivateMessages, alarm: Alarm
) -> None:
    private_messages.notify_privately(SARA, "first")
    assert alarm.wakes == 1
    assert private_messages.send_next()
    for _ in range(100):
        private_messages.notify_privately(SARA, "second")
    private_messages.notify_privately(SARA, "third")
    assert not private_messages.send_next(), "Slack takes one message a second"
    assert alarm.in_s == [pytest.approx(POST_INTERVAL_S)]
    private_messages.notify_privately(BOSS, "hello")
    assert private_messages.send_next(), "one person's limit does not hold up another"

    scene.now += timedelta(seconds=POST_INTERVAL_S)
    assert private_messages.send_next()
    assert not private_messages.send_next()

    assert scene.messages() == ["first", "second\n\nthird"]
    assert scene.messages(BOSS) == ["hello"]


def test_a_rate_limited_message_is_sent_after_the_pause(
    scene: Scene, private_messages: PrivateMessages
) -> None:
    scene.slack.fault("chat.postMessage", "429", retry_after=30)
    private_messages.notify_privately(SARA, "first")
    private_messages.send_next()
    private_messages.notify_privately(SARA, "second")
    scene.now += timedelta(seconds=29)
    assert not private_messages.send_next()

    scene.now += timedelta(seconds=1)
    assert private_messages.send_next()

    assert scene.messages() == ["first\n\nsecond"]


def test_many_long_texts_are_split_between_texts(scene: Scene, private_messages: PrivateMessages) -> None:
    for index in range(30):
        private_messages.notify_privately(SARA, f"{index:03}" * 400)

    while private_messages.send_next():
        scene.now += timedelta(seconds=POST_INTERVAL_S)

    assert [len(message) for message in scene.messages()] == [3604] * 6 + [2402], "20 texts, no more"


# --- a channel that other companies can read ---------------------------------------------------------


def test_new_cards_in_a_shared_channel_hide_the_number(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.call(SARA, "(814) 404-3001")
    assert "(814) 404-3001" in office.wait_for_card(says_placed)["text"]
    office.wait_until_settled()

    office.slack.channels["C_CALLS"]["is_ext_shared"] = True
    office.pass_time(seconds=301)
    office.evo.fault("/sessions/outgoing", "400_json", times=2)
    for number in ("(814) 404-3002", "(814) 404-3003"):
        office.call(BOSS, number)
    office.wait_until_settled()

    masked = [str(card) for card in office.cards() if "rejected" in card["text"]]
    assert len(masked) == 2
    for card in masked:
        assert "(•••) •••-300" in card
        assert "404-" not in card and "814404" not in card
    assert "(814) 404-3002" in office.wait_until_told("404-3002", BOSS), "the caller still sees it"
    assert caplog.text.count("shared with other companies") == 1
    assert "choose another CALLS_CHANNEL" in caplog.text

    office.slack.channels["C_CALLS"]["is_ext_shared"] = False
    office.pass_time(seconds=301)
    office.call(SARA, "(814) 404-3004")
    office.slack.wait_for(lambda: any("404-3004" in card["text"] for card in office.cards()))


def test_an_invitation_to_another_company_is_enough(empty_office: Office) -> None:
    empty_office.slack.channels["C_CALLS"]["is_pending_ext_shared"] = True
    empty_office.open()

    empty_office.call(SARA, "(814) 404-3001")

    assert "(•••) •••-3001" in empty_office.wait_for_card(says_placed)["text"]


def test_numbers_are_hidden_until_slack_says_who_can_read_the_channel(
    empty_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office = empty_office
    office.slack.fault("conversations.info", "500", times=None)
    office.evo.fault("/sessions/outgoing", "slow", seconds=0.3)
    caplog.set_level(logging.INFO)
    office.open()
    office.call(SARA, "(814) 404-3001")
    office.slack.wait_for(lambda: any("•••-3001" in card["text"] for card in office.cards()))
    assert caplog.text.count("checking who can read C_CALLS failed") == 1

    office.slack.clear_faults()
    office.pass_time(seconds=16)
    office.call(SARA, "(814) 404-3002")

    office.slack.wait_for(lambda: any("(814) 404-3002" in card["text"] for card in office.cards()))
