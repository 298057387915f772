"""A channel that is shared with another company later: its cards come to hide their numbers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import CallNote, Result
from evoslack.calling.outcomes import InDoubt, Outcome, Reason, Rejected
from evoslack.calling.refusals import CannotEvaluate
from evoslack.calling.rulebook import Masking
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.card_masks import CardMaskLedger
from evoslack.ledger.notes import NoteLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.slack.background.card_masking import CARD_PAUSE, LEASE, REST
from evoslack.slack.background.card_publisher import UPDATE_INTERVAL_S
from evoslack.slack.background.notifier import Notifier
from evoslack.slack.background.rate_limiter import POST_INTERVAL_S, RateLimiter
from evoslack.slack.workspace import private_client, web_client
from sandbox.slack.workspace import SlackWorkspace
from tests.calls import call_request
from tests.databases import new_sqlite
from tests.scenario.office import SARA, Office, as_read, says_placed

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NO = Rejected(Reason.BAD_REQUEST, "no")
SOON_CHECKED = timedelta(seconds=301)  # by then Slack is asked again who can read the channel


class Scene:
    """Bots between a ledger and Slack, and a clock that only moves when told to."""

    def __init__(self, slack: SlackWorkspace, store: Store) -> None:
        self.slack, self.store, self.now = slack, store, T0
        self.masking: Masking | None = Masking.SHARED
        self.notes = NoteLedger(store)
        self.calls, self.notifications = CallLedger(store), NotificationLedger(store)
        self.bot = self.start()

    def start(self) -> Notifier:
        """A bot that has just been started."""
        self.bot = Notifier(
            web_client(self.slack.bot_token, self.slack.api_url, timeout_s=2),
            self.notifications,
            CardMaskLedger(self.store),
            channel_id="C_CALLS",
            region="US",
            now=lambda: self.now,
            private_client=private_client,
            can_end=lambda: False,
            wake_in=lambda _seconds: None,
            posting=RateLimiter(POST_INTERVAL_S, lambda: self.now),
            masking=self.rule,
            mask_in=lambda _seconds: None,
            clock_s=self.clock_s,
        )
        return self.bot

    def clock_s(self) -> float:
        return (self.now - T0).total_seconds()

    def rule(self) -> Masking:
        if self.masking is None:
            raise CannotEvaluate("masking")
        return self.masking

    def call(self, last: int, outcome: Outcome = NO) -> str:
        """A call to a number that ends with these digits, with its card; its id."""
        call = self.calls.accept(call_request(f"key{last}", f"+1814404{last}"), at=self.now)
        self.calls.begin(at=self.now, accepted_after=T0 - timedelta(days=1))
        self.calls.finish(call.id, outcome, at=self.now)
        self.tell()
        return call.id

    def tell(self) -> None:
        """Everything that is due is told."""
        while self.bot.notify_next():
            self.now += timedelta(seconds=1)

    def share(self, *, is_shared: bool = True) -> None:
        self.slack.channels["C_CALLS"]["is_ext_shared"] = is_shared
        self.now += SOON_CHECKED

    def mask_next(self) -> bool:
        """What the bot does in its next slot."""
        self.now += timedelta(seconds=UPDATE_INTERVAL_S)
        return self.bot.masking.mask_next()

    def mask_all(self) -> int:
        """Until nothing is left; how many cards."""
        count = 0
        while self.mask_next():
            count += 1
        return count

    def cards(self) -> list[str]:
        """The cards in the channel, as they were posted: everything that can be read of them."""
        return [as_read(f"{card['text']} {card['blocks']}") for card in self.slack.messages("C_CALLS")]

    def shown(self) -> list[str]:
        """The last digits of whole numbers, or `hidden`."""
        return [
            next((n for n in ("3001", "3002", "3003") if f"(814) 404-{n}" in card), "hidden")
            for card in self.cards()
        ]

    def writes(self) -> list[str]:
        """The methods that wrote something, in order."""
        written = [call.method for call in self.slack.api_calls()]
        return [method for method in written if method.startswith("chat.")]


@pytest.fixture
def store(tmp_path: Any) -> Iterator[Store]:
    store = Store(new_sqlite(tmp_path / "ledger.db"))
    store.open()
    yield store
    store.close()


@pytest.fixture
def scene(slack: SlackWorkspace, store: Store) -> Scene:
    return Scene(slack, store)


def test_older_cards_hide_their_numbers_newest_first_and_nobody_is_told(scene: Scene) -> None:
    for last in (3001, 3002, 3003):
        scene.call(last)
    before, private = scene.writes(), scene.slack.private(SARA)
    assert scene.shown() == ["3001", "3002", "3003"]
    assert not scene.mask_next(), "nobody else can read them"

    scene.share()

    assert scene.mask_next()
    assert scene.shown() == ["3001", "3002", "hidden"]
    assert scene.mask_all() == 2
    for card, last in zip(scene.cards(), (3001, 3002, 3003), strict=True):
        assert f"(•••) •••-{last}" in card
        assert "404-" not in card and "814404" not in card
        assert "rejected" in card
    assert scene.writes()[len(before) :] == ["chat.update"] * 3, "nothing is posted anew"
    assert scene.slack.private(SARA) == private
    assert scene.notifications.count_untold() == 0


def test_it_keeps_to_slacks_rate(scene: Scene) -> None:
    for last in (3001, 3002):
        scene.call(last)
    scene.share()

    assert scene.mask_next()
    assert not scene.bot.masking.mask_next(), "not in the same moment"
    scene.now += timedelta(seconds=UPDATE_INTERVAL_S - 0.01)
    assert not scene.bot.masking.mask_next()
    scene.now += timedelta(seconds=0.01)
    assert scene.bot.masking.mask_next()
    assert scene.shown() == ["hidden", "hidden"]


def test_when_slack_asks_to_slow_down_it_waits_as_long(scene: Scene) -> None:
    scene.call(3001)
    scene.share()
    scene.slack.fault("chat.update", "429", retry_after=30)

    scene.mask_next()
    scene.now += timedelta(seconds=27)
    assert not scene.mask_next()
    assert scene.shown() == ["3001"]
    scene.now += timedelta(seconds=3)
    assert scene.mask_next()
    assert scene.shown() == ["hidden"]


def test_after_a_restart_it_goes_on_where_it_was(scene: Scene) -> None:
    for last in (3001, 3002, 3003):
        scene.call(last)
    scene.share()
    scene.mask_next()
    edits = scene.writes().count("chat.update")

    scene.start()

    assert scene.mask_all() == 2
    assert scene.shown() == ["hidden"] * 3
    assert scene.writes().count("chat.update") == edits + 2


def test_what_a_bot_left_when_it_died_is_done_by_the_next_one(scene: Scene) -> None:
    scene.call(3001)
    scene.share()
    told = scene.slack.private(SARA)
    dead = CardMaskLedger(scene.store).claim(at=scene.now, until=scene.now + LEASE)
    assert dead is not None
    assert not scene.mask_next(), "another bot has it"

    scene.now += LEASE
    scene.tell()  # a lease that ran out is due, and there is nothing to tell
    scene.mask_all()

    assert scene.shown() == ["hidden"]
    assert scene.slack.private(SARA) == told
    assert len(scene.cards()) == 1


def test_what_changes_meanwhile_is_not_lost(scene: Scene) -> None:
    call_id = scene.call(3001)
    scene.share()
    masks = CardMaskLedger(scene.store)
    lease = scene.now + LEASE
    claimed = masks.claim(at=scene.now, until=lease)
    assert claimed is not None
    note = CallNote(Result.REACHED, "call 8144043001 back", SARA)
    scene.notes.write_note(call_id, note, at=scene.now)
    masks.release(call_id, lease=lease)

    scene.tell()

    (card,) = scene.cards()
    assert "Reached" in card
    assert "8144043001" not in card
    assert scene.mask_all() == 0, "the change has hidden it already"


def test_cards_with_other_work_to_do_are_left_to_it(scene: Scene) -> None:
    call_id = scene.call(3001)
    scene.share()
    scene.notes.write_note(call_id, CallNote(Result.REACHED, "", SARA), at=scene.now)

    assert not scene.mask_next()
    scene.tell()
    assert scene.shown() == ["hidden"]


@pytest.mark.parametrize("problem", ["edit_window_closed", "message_not_found", "cant_update_message"])
def test_a_card_that_cannot_be_edited_anymore_is_logged_once_and_the_others_go_on(
    scene: Scene, caplog: pytest.LogCaptureFixture, problem: str
) -> None:
    for last in (3001, 3002):
        scene.call(last)
    private = scene.slack.private(SARA)
    scene.share()
    scene.slack.fault("chat.update", f"error:{problem}")

    assert scene.mask_all() == 2
    scene.start()
    assert scene.mask_all() == 0

    assert scene.shown() == ["hidden", "3002"]
    (line,) = [record.getMessage() for record in caplog.records if problem in record.getMessage()]
    assert "still shows the number" in line
    assert "3002" not in line
    assert scene.slack.private(SARA) == private


@pytest.mark.parametrize("kind", ["500", "error:internal_error", "error:is_archived", "cut"])
def test_another_trouble_is_logged_once_and_tried_again(
    scene: Scene, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    for last in (3001, 3002):
        scene.call(last)
    scene.share()
    scene.slack.fault("chat.update", kind, times=2)

    scene.mask_next()
    assert not scene.mask_next(), "it rests"
    scene.now += REST
    scene.mask_next()
    assert scene.shown() == ["3001", "3002"], "neither worked"
    scene.now += CARD_PAUSE
    assert scene.mask_all() == 2

    assert scene.shown() == ["hidden", "hidden"]
    assert caplog.text.count("hiding the numbers on older cards failed") == 1


def test_an_edit_whose_answer_is_lost_is_made_again(scene: Scene) -> None:
    scene.call(3001)
    scene.share()
    scene.slack.fault("chat.update", "lose_answer")
    scene.mask_next()

    scene.now += REST + CARD_PAUSE
    assert scene.mask_all() == 1
    assert len(scene.cards()) == 1


def test_no_longer_shared_the_number_comes_back_when_the_call_changes(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, _ = scene.call(3001), scene.call(3002)
    scene.share()
    scene.mask_all()
    scene.share(is_shared=False)

    assert scene.mask_all() == 0
    assert scene.shown() == ["hidden", "hidden"]
    scene.notes.write_note(first, CallNote(Result.REACHED, "", SARA), at=scene.now)
    scene.tell()

    assert scene.shown() == ["3001", "hidden"]
    assert "no longer shared" in caplog.text
    scene.share()
    assert scene.mask_all() == 1, "and it is hidden again"
    assert "cards that were edited to hide their number: 2" in caplog.text
    assert "older cards still" not in caplog.text.casefold()


def test_nothing_is_edited_until_slack_has_said_who_can_read_the_channel(scene: Scene) -> None:
    scene.call(3001)
    scene.slack.fault("conversations.info", "500", times=None)
    scene.start()

    assert not scene.mask_next(), "perhaps nobody else can"
    scene.call(3002)
    assert scene.shown() == ["3001", "hidden"], "what is written now hides it for the time being"


@pytest.mark.parametrize(
    ("rule", "is_shared", "then", "old"),
    [
        (Masking.NEVER, False, "3002", "3001"),
        (Masking.NEVER, True, "3002", "3001"),
        (Masking.SHARED, False, "3002", "3001"),
        (Masking.SHARED, True, "hidden", "hidden"),
        (Masking.ALWAYS, False, "hidden", "hidden"),
        (Masking.ALWAYS, True, "hidden", "hidden"),
        (None, False, "hidden", "3001"),
        (None, True, "hidden", "3001"),
    ],
)
def test_the_rule_decides_and_one_that_cannot_be_read_hides_what_is_written_now(
    scene: Scene, rule: Masking | None, is_shared: bool, then: str, old: str
) -> None:
    scene.call(3001)
    scene.masking = rule
    scene.share(is_shared=is_shared)

    scene.mask_all()
    scene.call(3002)

    assert scene.shown() == [old, then]


def test_the_caller_is_told_the_whole_number(scene: Scene) -> None:
    scene.masking = Masking.ALWAYS
    scene.call(3001, InDoubt(Reason.NO_ANSWER))

    assert scene.shown() == ["hidden"]
    assert any("(814) 404-3001" in as_read(line.text) for line in scene.slack.private(SARA))


# --- the whole bot -----------------------------------------------------------------------------------


def test_a_channel_that_is_shared_later_while_the_bot_runs(empty_office: Office) -> None:
    office = empty_office
    office.open()
    office.call(number="814 404 3001")
    office.wait_for_card(says_placed)
    office.wait_until_settled()

    office.slack.channels["C_CALLS"]["is_ext_shared"] = True
    office.pass_time(seconds=301)

    office.let_time_pass_until(lambda: "(•••) •••-3001" in office.cards()[0]["text"], step_s=31)
    assert len(office.cards()) == 1


def test_with_always_cards_hide_the_number_and_who_may_call_still_sees_it(empty_office: Office) -> None:
    office = empty_office
    office.open(MASK_NUMBERS="always")
    office.call(number="814 404 3001")

    assert "(•••) •••-3001" in office.wait_for_card(says_placed)["text"]
    office.wait_for_page("(814) 404-3001")
    office.slack.open_home(SARA)
    office.slack.wait_for(lambda: "(814) 404-3001" in as_read(str(office.slack.home(SARA))))
    assert "404-3001" not in str(office.cards())
