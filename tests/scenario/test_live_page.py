"""After Call, the form is a page that shows the call, as long as it is open and Slack lets us."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import Call, Progress, State
from evoslack.calling.outcomes import Placed, Reason, Rejected
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notes import NoteLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.pages import PageLedger
from evoslack.ledger.store import Store
from evoslack.slack.background.live_page import LivePages
from evoslack.slack.card_links import CardLinks
from evoslack.slack.rendering import live_page
from evoslack.slack.rendering.cards import CALL_AGAIN, HANG_UP
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.workspace import web_client
from sandbox.bot_process import BotProcess
from sandbox.evo.calls import Script
from sandbox.slack.workspace import SlackWorkspace
from tests.calls import call_request
from tests.scenario.office import NUMBER, SARA, SHOWN, Office, as_read, says_placed
from tests.scenario.test_tracking import RINGING, answered, at_the_phone, until

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LONG_AGO = T0 - timedelta(days=1)
TALKING = Script(ring_s=0, talk_s=3600)
SOON_S = 1.0  # Slack may not have applied the answer to the form before


def all_of(view: dict[str, Any] | None) -> str:
    """Everything on a page: its words as people read them, and its buttons."""
    return as_read(json.dumps((view or {}).get("blocks"), ensure_ascii=False))


@dataclass
class Scene:
    """Pages between a ledger and Slack, and a clock that only moves when told to."""

    slack: SlackWorkspace
    store: Store
    now: datetime = T0
    wakes_in_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.notes = NoteLedger(self.store)
        self.calls, self.notifications = CallLedger(self.store), NotificationLedger(self.store)
        self.client = web_client(self.slack.bot_token, self.slack.api_url)

    def pages(self, *, timeout_s: int = 5, contact: HelpContact = NO_CONTACT) -> LivePages:
        """What one bot does for pages, with a rate limiter of its own."""
        return LivePages(
            web_client(self.slack.bot_token, self.slack.api_url, timeout_s=timeout_s),
            PageLedger(self.store),
            CardLinks("https://sandbox.slack.com/", self.notifications.cards_of),
            channel_id="C_CALLS",
            region="US",
            now=lambda: self.now,
            can_end=lambda: True,
            wake_in=self.wakes_in_s.append,
            contact=contact,
        )

    def call(self, who: str = SARA, number: str = NUMBER) -> Call:
        """The form of this person has just become this call."""
        accepted = live_page.view(
            Call("", call_request(view_id="V"), State.ACCEPTED, T0), "US", channel_id="C_CALLS"
        )
        opened = self.client.views_open(trigger_id=self.slack.new_trigger(who), view=accepted)
        request = call_request(f"key {number}", number, user_id=who, view_id=opened["view"]["id"])
        call = self.calls.accept(request, at=self.now)
        self.calls.begin(at=self.now, accepted_after=LONG_AGO)
        return call

    def finish(self, call: Call, outcome: Placed | Rejected) -> None:
        """Evo Voice answered."""
        assert self.calls.finish(call.id, outcome, at=self.now)

    def update_all(self, pages: LivePages, *, after_s: float = 0) -> int:
        """Update every page that can be updated at that moment; how many requests Slack got."""
        self.now += timedelta(seconds=after_s)
        before = len(self.updates())
        while pages.update_next():
            pass
        return len(self.updates()) - before

    def updates(self) -> list[Any]:
        """The requests for pages that Slack got."""
        return self.slack.api_calls("views.update")

    def shown(self, who: str = SARA) -> str:
        """What this person's page says."""
        return all_of(self.slack.modal(who))

    def is_followed(self) -> bool:
        """Whether any page is still taken for open."""
        with self.store.engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT count(*) FROM pages").scalar_one())


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind is enough: `tests/contract/ledger` has what differs."""
    return sqlite_url


@pytest.fixture
def scene(slack: SlackWorkspace, store: Store) -> Scene:
    return Scene(slack, store)


BUSY = Rejected(Reason.TOO_MANY)


# --- when a page is updated --------------------------------------------------------------------------


def test_a_page_is_not_updated_before_slack_has_applied_the_answer_to_its_form(scene: Scene) -> None:
    call, pages = scene.call(), scene.pages()
    scene.finish(call, BUSY)  # at once: ours would be overwritten by the answer

    assert scene.update_all(pages, after_s=0.9) == 0
    assert scene.update_all(pages, after_s=0.1) == 1

    assert "Evo Voice is busy" in scene.shown()


def test_a_late_answer_to_a_second_press_does_not_stay_on_the_page(scene: Scene) -> None:
    """Slack takes an answer for three seconds; that page says what was known when it was made."""
    call, pages = scene.call(), scene.pages()
    stale = scene.slack.modal(SARA)
    scene.finish(call, BUSY)
    scene.update_all(pages, after_s=SOON_S)
    assert stale is not None
    scene.client.views_update(view_id=stale["id"], view=live_page.view(call, "US", channel_id="C_CALLS"))
    assert "· dialing" in scene.shown()

    scene.update_all(pages, after_s=3)

    assert "Evo Voice is busy" in scene.shown()
    assert scene.update_all(pages, after_s=60) == 0, "and then it is left alone"


def test_a_page_is_updated_at_most_once_a_second_and_ends_with_the_last_state(scene: Scene) -> None:
    call, pages, began = scene.call(), scene.pages(), scene.now
    scene.update_all(pages, after_s=10)
    sent = 0
    for index in range(20):
        if index == 0:
            scene.finish(call, BUSY)
        elif index == 19:
            scene.finish(call, Placed("s1", ""))
        else:
            scene.notifications.mark_card_shown(call.id, index, "C_CALLS", f"1700000000.{index:06}")
        sent += scene.update_all(pages, after_s=0.1)
    sent += scene.update_all(pages, after_s=1)

    assert sent <= 4, f"in {scene.now - began}"
    assert "Evo Voice is busy" not in scene.shown()
    assert "· calling" in scene.shown()


def test_a_change_that_the_page_does_not_show_costs_no_request(scene: Scene) -> None:
    call, pages = scene.call(), scene.pages()
    scene.finish(call, BUSY)
    scene.update_all(pages, after_s=10)
    scene.notes.write_note(call.id, call.note, at=scene.now)

    assert scene.update_all(pages, after_s=2) == 0


def test_the_page_links_to_the_card_as_soon_as_there_is_one(scene: Scene) -> None:
    call, pages = scene.call(), scene.pages()
    scene.finish(call, BUSY)
    scene.update_all(pages, after_s=10)
    assert "Open card" not in scene.shown()

    scene.notifications.mark_card_shown(call.id, 2, "C_CALLS", "1700000000.000100")
    scene.update_all(pages, after_s=1)

    assert "<https://sandbox.slack.com/archives/C_CALLS/p1700000000000100|Open card>" in scene.shown()


# --- trouble with pages ------------------------------------------------------------------------------


def test_a_page_that_was_closed_is_tried_once_and_never_again(scene: Scene) -> None:
    call, pages = scene.call(), scene.pages()
    scene.slack.close_modal(SARA)
    scene.finish(call, BUSY)

    assert scene.update_all(pages, after_s=SOON_S) == 1
    assert not scene.is_followed()

    scene.finish(call, Placed("s1", ""))
    assert scene.update_all(pages, after_s=60) == 0


@pytest.mark.parametrize("trouble", ["500", "cut", "lose_answer", "error:internal_error", "hang"])
def test_the_last_state_is_shown_after_trouble(scene: Scene, trouble: str) -> None:
    call, pages = scene.call(), scene.pages(timeout_s=1)
    scene.finish(call, BUSY)
    scene.slack.fault("views.update", trouble, times=2)
    scene.update_all(pages, after_s=SOON_S)
    scene.finish(call, Placed("s1", ""))  # found at Evo Voice meanwhile

    for _ in range(4):
        scene.update_all(pages, after_s=2)

    assert SHOWN in scene.shown()
    assert "Evo Voice is busy" not in scene.shown()
    assert len(scene.updates()) <= 5


def test_a_rate_limited_page_waits_as_long_as_slack_asked_and_so_do_the_others(scene: Scene) -> None:
    sara, boss = scene.call(), scene.call("U_BOSS", "+18144043094")
    pages = scene.pages()
    for call in (sara, boss):
        scene.finish(call, BUSY)
    scene.slack.fault("views.update", "429", retry_after=30)

    assert scene.update_all(pages, after_s=SOON_S) == 1, "the limit is for all pages together"
    assert scene.update_all(pages, after_s=29) == 0
    assert scene.update_all(pages, after_s=1) == 1
    assert scene.update_all(pages, after_s=1) == 1, "each has its slot"

    assert "Evo Voice is busy" in scene.shown() and "Evo Voice is busy" in scene.shown("U_BOSS")


@pytest.mark.parametrize("why", ["invalid_arguments", "invalid_blocks", "internal"])
def test_a_no_that_passes_does_not_end_the_page(scene: Scene, why: str) -> None:
    call, pages = scene.call(), scene.pages()
    scene.finish(call, BUSY)
    scene.slack.fault("views.update", f"error:{why}", times=2)

    for _ in range(6):
        scene.update_all(pages, after_s=2)

    assert "Evo Voice is busy" in scene.shown()
    assert len(scene.updates()) == 3, "two that were denied, and no more than needed"


def test_a_no_that_stays_is_given_up_and_the_next_change_is_tried(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    call, pages = scene.call(), scene.pages()
    scene.finish(call, BUSY)
    scene.slack.fault("views.update", "error:invalid_arguments", times=None)

    assert 3 < sum(scene.update_all(pages, after_s=60) for _ in range(20)) < 10
    assert scene.update_all(pages, after_s=600) == 0
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [f"call {call.id}: its page is not updated until the call changes: invalid_arguments"]

    scene.slack.clear_faults()
    scene.finish(call, Placed("s1", ""))
    scene.update_all(pages, after_s=2)
    assert "Evo Voice is busy" not in scene.shown()


def test_the_page_says_that_there_is_no_card_and_when_there_is_one(scene: Scene) -> None:
    call, pages = scene.call(), scene.pages()
    scene.update_all(pages, after_s=5)

    scene.notifications.set_card_problem(call.id, "not_in_channel")
    scene.update_all(pages, after_s=1)
    assert "No card yet: EvoSlack isn't in <#C_CALLS>" in scene.shown()

    scene.notifications.set_card_problem(call.id, "not_in_channel")
    assert scene.update_all(pages, after_s=5) == 0, "nothing new"

    scene.notifications.mark_card_shown(call.id, 2, "C_CALLS", "1700000000.000100")
    scene.update_all(pages, after_s=1)
    assert "No card yet" not in scene.shown() and "Open card" in scene.shown()

    scene.notifications.give_up_card(call.id, 3, "message_not_found")
    scene.update_all(pages, after_s=1)
    assert "missing or out of date" in scene.shown() and "Open card" not in scene.shown()


def test_the_page_names_the_help_contact(scene: Scene) -> None:
    call, pages = scene.call(), scene.pages(contact=HelpContact.of("U_ROOT"))
    scene.finish(call, Rejected(Reason.LOGIN_REJECTED))

    scene.update_all(pages, after_s=2)

    assert "If it keeps happening, tell <@U_ROOT>." in scene.shown()


def test_another_bot_goes_on_where_one_died(scene: Scene) -> None:
    """It died after Slack took its update, and before it wrote that down."""
    call = scene.call()
    scene.finish(call, BUSY)
    scene.now += timedelta(seconds=SOON_S)
    lease = scene.now + timedelta(seconds=30)
    page = PageLedger(scene.store).claim(at=scene.now, until=lease, shown_before=scene.now)
    assert page is not None
    other = scene.pages()
    assert scene.update_all(other) == 0, "it still has the lease"

    assert scene.update_all(other, after_s=30) == 1

    assert "Evo Voice is busy" in scene.shown()


def test_twenty_calls_of_one_person_at_once(scene: Scene) -> None:
    """Only the last page is on the screen: each form that is opened replaces the one before."""
    calls = [scene.call(SARA, f"+18144043{index:03}") for index in range(20)]
    for call in calls:
        scene.finish(call, BUSY)
    pages = scene.pages()

    assert scene.update_all(pages, after_s=SOON_S) == 20
    assert "(814) 404-3019" in scene.shown()
    assert scene.update_all(pages, after_s=10) == 1, "nineteen are closed"


# --- the whole way -----------------------------------------------------------------------------------


def soon(office: Office) -> None:
    """A moment later, by the bot's clocks."""
    office.pass_time(seconds=2)
    office.bot.wake()


def see_page(office: Office, words: str) -> None:
    """Time passes until the page says these words."""
    until(office, lambda: words in all_of(office.slack.modal(SARA)), words)


def test_the_page_follows_the_call_to_its_end_and_can_end_it(office: Office) -> None:
    office.evo.world.default_script = RINGING
    office.call()
    assert f"{SHOWN} · dialing" in office.page()

    see_page(office, f"{SHOWN} · ringing")
    see_page(office, "Open card")
    answered(office)
    see_page(office, f"{SHOWN} · on the call")
    see_page(office, HANG_UP)

    office.slack.click(SARA, HANG_UP)
    see_page(office, f"{SHOWN} · hung up by <@{SARA}>")

    assert at_the_phone(office).number == NUMBER
    page = all_of(office.slack.modal(SARA))
    assert HANG_UP not in page
    assert "The card in <#C_CALLS> has the details." in page
    office.slack.click(SARA, CALL_AGAIN)
    office.slack.wait_for_modal(SARA, "call_form")
    assert office.rings == 1


def test_a_page_that_was_closed_at_once_costs_one_request(office: Office) -> None:
    office.evo.world.default_script = TALKING
    office.call()
    office.slack.close_modal(SARA)
    before = len(office.slack.api_calls("views.update"))

    office.wait_for_card(says_placed)
    soon(office)
    office.slack.wait_for(lambda: len(office.slack.api_calls("views.update")) > before)
    until(office, lambda: office.ledger()[0].progress is Progress.ANSWERED)
    soon(office)
    office.wait_until_settled()

    assert len(office.slack.api_calls("views.update")) == before + 1
    assert office.slack.modal(SARA) is None


@pytest.mark.parametrize("trouble", ["hang", "500", "429"])
def test_a_page_that_cannot_be_updated_does_not_hold_up_its_card(office: Office, trouble: str) -> None:
    office.evo.world.default_script = Script(ring_s=0, talk_s=0)
    office.form()
    office.fill()
    office.slack.fault("views.update", trouble, times=None, retry_after=600, seconds=30)
    office.press()
    soon(office)

    office.wait_until_settled(within_s=3)
    until(office, lambda: office.ledger()[0].progress is Progress.ENDED)
    office.wait_for_card(lambda text: "· completed" in text, within_s=3)
    assert "· dialing" in office.page()


def test_a_card_that_cannot_be_posted_does_not_hold_up_the_page(office: Office) -> None:
    office.evo.world.default_script = TALKING
    office.form()
    office.fill()
    office.slack.fault("chat.postMessage", "hang", times=None, seconds=30)
    office.press()

    see_page(office, "· on the call")

    assert office.cards() == []
    assert "Open card" not in office.page()
    office.slack.stop()  # so that nothing waits for its answer any longer


def test_a_bot_that_was_killed_leaves_the_page_to_the_next(empty_office: Office, process: BotProcess) -> None:
    """Killed between the answer to the form and the first update."""
    office = empty_office
    office.evo.world.default_script = TALKING
    process.start()
    office.slack.wait_for_connection()
    office.call()
    office.evo.wait_for(lambda: office.rings)
    process.kill()
    assert "· dialing" in office.page()

    office.open()

    see_page(office, "stays up to date")
    until(office, lambda: "· dialing" not in office.page())
    assert office.rings == 1


def test_a_form_whose_call_failed_already_names_the_help_contact(empty_office: Office) -> None:
    """Also if its button was pressed twice: the second answer is the page as the call is by then."""
    office = empty_office
    office.open(HELP_CONTACT="U_ROOT")
    office.evo.fault("/sessions/outgoing", "401_empty", times=None)
    office.form()
    office.fill()
    pressed = office.press()
    office.wait_until_settled()
    see_page(office, "tell <@U_ROOT>")

    again = office.slack.redeliver(pressed)
    office.slack.wait_for(lambda: again.payload, what="the answer")

    assert "tell <@U_ROOT>" in str(again.payload)
