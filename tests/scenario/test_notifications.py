"""Telling people while Slack is slow, or lets only so many messages through."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.webhook import WebhookClient

from evoslack.calling.calls import Call, CallRequest, Reason, Rejected
from evoslack.calling.numbers import pretty
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.slack.background.notifier import Notifier
from evoslack.slack.background.private_messages import PrivateMessages
from evoslack.slack.background.rate_limiter import POST_EVERY_S, RateLimiter
from evoslack.slack.workspace import private_client, web_client
from sandbox.slack.workspace import SlackWorkspace
from tests.scenario.office import BOSS, SARA, Office

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LONG_AGO = T0 - timedelta(days=1)


@dataclass
class Scene:
    """Tellers between a ledger and Slack, and a clock that stands still until it is moved."""

    slack: SlackWorkspace
    store: Store
    now: datetime = T0
    clock: Callable[[], datetime] | None = None  # one that runs
    numbers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calls, self.notifications = CallLedger(self.store), NotificationLedger(self.store)
        self.limiter = RateLimiter(POST_EVERY_S, self.time)

    def time(self) -> datetime:
        """What the clock says."""
        return self.clock() if self.clock else self.now

    def announcer(
        self,
        *,
        timeout_s: int = 10,
        crew: WorkerPool | None = None,
        line_to: Callable[[str], WebhookClient] = private_client,
    ) -> Notifier:
        """Whoever tells; each has limits of its own, like bots side by side."""
        return Notifier(
            web_client(self.slack.bot_token, self.slack.api_url, timeout_s=timeout_s),
            self.notifications,
            channel_id="C_CALLS",
            region="US",
            now=self.time,
            private_client=line_to,
            can_end=lambda: False,
            wake_in=crew.wake_in if crew else lambda _seconds: None,
            posting=RateLimiter(POST_EVERY_S, self.time),
        )

    def refusals(self, count: int, who: str = SARA, response_url: str = "") -> list[Call]:
        """So many calls of one person that Evo Voice refused."""
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
            self.calls.finish(call.id, Rejected(Reason.BAD_REQUEST, "no"), at=self.time())
            found.append(call)
        return found

    def tell(self, announcer: Notifier) -> None:
        """Tell all that can be told at this moment."""
        while announcer.tell_next():
            pass

    def lines(self, who: str = SARA, kind: str = "dm") -> list[str]:
        """What this person was told in that way."""
        return [line.text for line in self.slack.private(who) if line.kind == kind]

    def untold(self, calls: list[Call]) -> list[str]:
        """The numbers of those that nobody is noted to know of."""
        notifications = [self.notifications.read(call.id) for call in calls]
        return [each.call.request.number for each in notifications if each.told_revision < each.revision]


def times_told(calls: list[Call], lines: list[str]) -> list[int]:
    text = "\n".join(lines)
    return [text.count(pretty(call.request.number, "US")) for call in calls]


@pytest.fixture
def slack() -> Iterator[SlackWorkspace]:
    workspace = SlackWorkspace()
    workspace.start()
    yield workspace
    workspace.close()


@pytest.fixture
def scene(slack: SlackWorkspace, store: Store) -> Scene:
    return Scene(slack, store)


# --- answers that drip -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drip", "drip_head", "hang"])
def test_four_answers_that_do_not_come_silence_nobody_for_long(scene: Scene, kind: str) -> None:
    """As many as there are tellers; dripping like this, an answer would take minutes."""
    scene.slack.fault("chat.postMessage", kind, times=4, seconds=0.5)
    crew = WorkerPool("telling", size=4, look_every_s=0.1)
    began = time.monotonic()
    scene.clock = lambda: T0 + timedelta(seconds=time.monotonic() - began)
    stuck = scene.refusals(4, BOSS)
    crew.start(scene.announcer(timeout_s=1, crew=crew).tell_next)
    try:
        scene.slack.wait_for(
            lambda: len(scene.slack.api_calls("chat.postMessage")) >= 4, what="four to be stuck"
        )
        told = scene.refusals(3, SARA)

        scene.slack.wait_for(lambda: times_told(told, scene.lines(SARA)) == [1, 1, 1], 6, "the others")

        assert time.monotonic() - began < 5
        scene.slack.wait_for(lambda: min(times_told(stuck, scene.lines(BOSS))) >= 1, 6, "the four")
    finally:
        crew.stop(within_s=5)


# --- several pieces of news for one person -----------------------------------------------------------


def test_what_waits_for_one_person_is_told_in_one_message(scene: Scene) -> None:
    sara, boss = scene.refusals(5, SARA), scene.refusals(2, BOSS)

    scene.tell(scene.announcer())

    (line,) = scene.lines(SARA)
    assert times_told(sara, [line]) == [1] * 5
    assert len(line.split("\n\n")) == 5, "one block for each call"
    (other,) = scene.lines(BOSS)
    assert times_told(boss, [other]) == [1] * 2
    assert scene.untold(sara + boss) == []


def test_sixty_refusals_of_one_person_are_told_within_seconds(scene: Scene) -> None:
    scene.slack.limits.posts_per_s = 1000  # the clock below is the one that counts
    calls, announcer, began = scene.refusals(60), scene.announcer(), scene.now

    while scene.untold(calls):
        scene.tell(announcer)
        scene.now += timedelta(seconds=0.1)

    assert times_told(calls, scene.lines()) == [1] * 60
    assert all(len(line) <= 4000 for line in scene.lines())
    assert scene.now - began < timedelta(seconds=6)


def test_a_call_is_noted_as_told_when_its_message_went_out_and_not_before(scene: Scene) -> None:
    calls, announcer = scene.refusals(40), scene.announcer()

    scene.tell(announcer)

    (line,) = scene.lines()
    told = [call for call, times in zip(calls, times_told(calls, [line]), strict=True) if times]
    assert 0 < len(told) < 40, "not all of them fit into one message"
    assert len(scene.untold(calls)) == 40 - len(told)
    assert scene.untold(told) == []


def test_a_person_is_left_alone_as_long_as_slack_asked_and_then_told_everything_at_once(scene: Scene) -> None:
    scene.slack.channels["C_CALLS"]["is_archived"] = True  # so that only private lines go out
    announcer = scene.announcer()
    scene.slack.fault("chat.postMessage", "error:is_archived", times=1)
    scene.slack.fault("chat.postMessage", "429", times=1, retry_after=30)
    calls = scene.refusals(1)
    scene.tell(announcer)
    calls += scene.refusals(5)

    for _ in range(29):
        scene.now += timedelta(seconds=1)
        scene.tell(announcer)
    knocks = [call.args["channel"] for call in scene.slack.api_calls("chat.postMessage")].count(SARA)
    assert (knocks, scene.lines()) == (1, [])
    scene.refusals(1, BOSS)
    scene.tell(announcer)
    assert len(scene.lines(BOSS)) == 1, "the limit is one person's"

    scene.now += timedelta(seconds=1)
    scene.tell(announcer)

    (line,) = scene.lines()
    assert times_told(calls, [line]) == [1] * 6


@pytest.mark.parametrize("trouble", ["500", "cut", "error:restricted_action"])
def test_a_message_that_did_not_go_out_is_tried_again_whole(scene: Scene, trouble: str) -> None:
    announcer = scene.announcer()
    calls = scene.refusals(3)
    for _ in range(2):  # the card and the private line
        scene.slack.fault("chat.postMessage", trouble)
    scene.tell(announcer)
    assert len(scene.untold(calls)) == 3

    scene.now += timedelta(seconds=20)
    scene.tell(announcer)

    assert times_told(calls, scene.lines()) == [1, 1, 1]
    assert scene.untold(calls) == []


def test_two_bots_with_many_tellers_tell_each_call_once(scene: Scene) -> None:
    calls = scene.refusals(24)
    scene.slack.fault("chat.postMessage", "slow", times=None, seconds=0.05)
    bots = [scene.announcer(), scene.announcer()]
    gate = threading.Barrier(8)

    def tell(index: int) -> None:
        gate.wait(10)
        scene.tell(bots[index % 2])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tell, range(8)))
    scene.slack.clear_faults()
    while scene.untold(calls):
        scene.now += timedelta(seconds=2)
        scene.tell(bots[0])

    assert times_told(calls, scene.lines()) == [1] * 24


def test_what_a_dead_bot_had_in_hand_is_told_by_the_next(scene: Scene) -> None:
    """It died after it took them all and before its message went out."""
    calls = scene.refusals(3)
    first = scene.notifications.claim(at=scene.now, until=scene.now + timedelta(seconds=60))
    assert first is not None
    others = scene.notifications.claim_others(
        SARA, "T1", at=scene.now, until=scene.now + timedelta(seconds=60), limit=30
    )
    assert len(others) == 2
    announcer = scene.announcer()
    scene.tell(announcer)
    assert scene.lines() == [], "they are in somebody's hands"

    scene.now += timedelta(seconds=61)
    scene.tell(announcer)

    assert times_told(calls, scene.lines()) == [1, 1, 1]


def test_what_can_be_said_where_the_command_was_typed_is_said_there(scene: Scene) -> None:
    url = scene.slack.type_command(SARA).sent["response_url"]
    elsewhere, here = scene.refusals(2), scene.refusals(2, response_url=url)

    scene.tell(scene.announcer())

    assert times_told(elsewhere, scene.lines()) == [1, 1]
    assert times_told(here, scene.lines()) == [0, 0]
    assert times_told(here, scene.lines(kind="response_url")) == [1, 1]


def test_our_own_defect_is_not_taken_for_slacks_silence(scene: Scene) -> None:
    def broken(_url: str) -> WebhookClient:
        raise ValueError("a defect")

    scene.refusals(1, response_url="https://hooks.slack.com/x")

    with pytest.raises(ValueError, match="a defect"):
        scene.announcer(line_to=broken).tell_next()


# --- answers to presses ------------------------------------------------------------------------------


@dataclass
class Alarm:
    """Notes when somebody wants to be woken."""

    wakes: int = 0
    in_s: list[float] = field(default_factory=list)

    def wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def alarm() -> Alarm:
    return Alarm()


@pytest.fixture
def whisper(scene: Scene, alarm: Alarm) -> PrivateMessages:
    client = web_client(scene.slack.bot_token, scene.slack.api_url)
    return PrivateMessages(client, scene.limiter, alarm.wake, alarm.in_s.append)


def test_answers_to_presses_go_out_together_and_the_same_words_once(
    scene: Scene, whisper: PrivateMessages, alarm: Alarm
) -> None:
    whisper(SARA, "first")
    assert alarm.wakes == 1
    assert whisper.send_next()
    for _ in range(100):
        whisper(SARA, "second")
    whisper(SARA, "third")
    assert not whisper.send_next(), "Slack takes one message a second"
    assert alarm.in_s == [pytest.approx(POST_EVERY_S)]
    whisper(BOSS, "hello")
    assert whisper.send_next(), "nobody waits for another person's turn"

    scene.now += timedelta(seconds=POST_EVERY_S)
    assert whisper.send_next()
    assert not whisper.send_next()

    assert scene.lines() == ["first", "second\n\nthird"]
    assert scene.lines(BOSS) == ["hello"]


def test_an_answer_that_slack_limits_comes_when_slack_takes_it(
    scene: Scene, whisper: PrivateMessages
) -> None:
    scene.slack.fault("chat.postMessage", "429", retry_after=30)
    whisper(SARA, "first")
    whisper.send_next()
    whisper(SARA, "second")
    scene.now += timedelta(seconds=29)
    assert not whisper.send_next()

    scene.now += timedelta(seconds=1)
    assert whisper.send_next()

    assert scene.lines() == ["first\n\nsecond"]


def test_many_long_answers_are_split_between_lines(scene: Scene, whisper: PrivateMessages) -> None:
    for index in range(30):
        whisper(SARA, f"{index:03}" * 400)

    while whisper.send_next():
        scene.now += timedelta(seconds=POST_EVERY_S)

    assert [len(line) for line in scene.lines()] == [3604] * 6 + [2402], "20 lines, no more"


# --- a channel that other companies can read ---------------------------------------------------------


def test_a_channel_that_becomes_shared_shows_no_full_number_any_more(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.call(SARA, "(814) 404-3001")
    assert "(814) 404-3001" in office.wait_for_card("📞 Calling")["text"]
    office.wait_until_settled()

    office.slack.channels["C_CALLS"]["is_ext_shared"] = True
    office.pass_time(seconds=301)
    office.evo.fault("/sessions/outgoing", "400_json", times=2)
    for number in ("(814) 404-3002", "(814) 404-3003"):
        office.call(BOSS, number)
    office.wait_until_settled()

    masked = [str(card) for card in office.cards() if "Rejected" in card["text"]]
    assert len(masked) == 2
    for card in masked:
        assert "(814) •••-••0" in card
        assert "404" not in card
    assert "(814) 404-3002" in office.wait_until_told("404-3002", BOSS), "the caller knows all the same"
    assert caplog.text.count("shared with other companies") == 1
    assert "choose another CALLS_CHANNEL" in caplog.text

    office.slack.channels["C_CALLS"]["is_ext_shared"] = False
    office.pass_time(seconds=301)
    office.call(SARA, "(814) 404-3004")
    office.slack.wait_for(lambda: any("404-3004" in card["text"] for card in office.cards()))


def test_an_invitation_to_another_company_counts_already(empty_office: Office) -> None:
    empty_office.slack.channels["C_CALLS"]["is_pending_ext_shared"] = True
    empty_office.open()

    empty_office.call(SARA, "(814) 404-3001")

    assert "(814) •••-••01" in empty_office.wait_for_card("📞 Calling")["text"]


def test_until_slack_says_who_reads_the_channel_numbers_are_hidden(
    empty_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office = empty_office
    office.slack.fault("conversations.info", "500", times=None)
    office.evo.fault("/sessions/outgoing", "slow", seconds=0.3)
    caplog.set_level(logging.INFO)
    office.open()
    office.call(SARA, "(814) 404-3001")
    office.slack.wait_for(lambda: any("•••-••01" in card["text"] for card in office.cards()))
    assert caplog.text.count("who can read the cards is unknown") == 1

    office.slack.clear_faults()
    office.pass_time(seconds=16)
    office.call(SARA, "(814) 404-3002")

    office.slack.wait_for(lambda: any("(814) 404-3002" in card["text"] for card in office.cards()))
