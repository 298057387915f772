"""Opening a page for a button: at once for known people, a loading page for others, and never in silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError, SlackClientError

from evoslack.calling.arrival import Arrival
from evoslack.calling.refusals import UnknownFlow
from evoslack.runtime.clock import Clock
from evoslack.slack.listeners.page_opener import OpenRequest, Page, PageOpener
from evoslack.slack.listeners.reply import TRIGGER_LIVES_S
from evoslack.slack.rendering import form_messages
from evoslack.slack.rendering.blocks import Block

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Refused:
    """An answer of Slack's that says no."""

    status_code = 200

    def __init__(self, error: str) -> None:
        self._error = error

    def get(self, name: str) -> str:
        return {"error": self._error}[name]


class World:
    """Slack and the permission on a page; `events` is what happened, in order."""

    def __init__(self, *, known: bool) -> None:
        self.events: list[str] = []
        self.told: list[str] = []
        self.fails: Exception | None = None
        self.update_fails: Exception | None = None
        self.wall = T0
        self._known = known
        self.opener: Any = PageOpener(self, self, self, self._pool("known"), self._pool("others"))  # type: ignore[arg-type]

    def _pool(self, name: str) -> Callable[..., None]:
        def run(work: Callable[[], None], _tell: Any) -> None:
            self.events.append(f"in {name}")
            work()

        return run

    def is_known(self, _user_id: str, _team_id: str) -> bool:
        return self._known

    # Slack
    def views_open(self, *, trigger_id: str, view: Block) -> None:
        self._show("opens", trigger_id, view)

    def views_push(self, *, trigger_id: str, view: Block) -> None:
        self._show("pushes", trigger_id, view)

    def views_update(self, *, external_id: str, view: Block) -> None:
        self._show("updates", external_id, view)
        if self.update_fails is not None:
            raise self.update_fails

    def _show(self, how: str, _to: str, view: Block) -> None:
        self.events.append(f"{how} {view['name']}")
        if self.fails is not None:
            raise self.fails

    def passed_s(self) -> float:
        return (self.wall - T0).total_seconds()

    def open(
        self, *, in_modal: bool = False, breaks: Exception | None = None, waited_s: float = 0
    ) -> list[str]:
        """Press the button; what happened."""
        clock = Clock(lambda: self.wall, self.passed_s)
        arrival = Arrival(clock, clock.moment())
        self.wall += timedelta(seconds=waited_s)

        def make() -> Block:
            self.events.append("asks")
            if breaks is not None:
                raise breaks
            return {"name": "page"}

        page = Page(
            make,
            lambda refusal: {"name": f"no: {refusal}"},
            lambda refusal: f"no, in words: {refusal}",
            lambda _id: {"name": "loading"},
            lambda words: {"name": words},
        )
        request = OpenRequest("U_SARA", "T1", "1.2", arrival, is_in_modal=in_modal)
        self.opener.open_soon(request, page, self.told.append)
        return self.events


def test_a_known_person_gets_the_page_with_one_request() -> None:
    assert World(known=True).open() == ["in known", "asks", "opens page"]


def test_others_see_a_loading_page_before_anything_is_asked() -> None:
    assert World(known=False).open() == ["in others", "opens loading", "asks", "updates page"]


@pytest.mark.parametrize(("known", "shown"), [(True, "pushes page"), (False, "pushes loading")])
def test_inside_a_modal_the_page_goes_on_top(known: bool, shown: str) -> None:
    events = World(known=known).open(in_modal=True)

    assert shown in events
    assert not any(event.startswith("opens") for event in events)


@pytest.mark.parametrize("known", [True, False])
def test_a_trigger_that_is_too_old_is_explained_and_nobody_is_asked(known: bool) -> None:
    world = World(known=known)

    assert world.open(waited_s=TRIGGER_LIVES_S + 0.1)[1:] == []
    assert world.told == [form_messages.FORM_TOO_LATE]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SlackApiError("no", Refused("expired_trigger_id")), [form_messages.FORM_TOO_LATE]),
        (SlackApiError("no", Refused("push_limit_reached")), [form_messages.TOO_MANY_PAGES]),
        (SlackClientError("timed out"), [form_messages.FORM_MAY_STILL_OPEN]),
    ],
)
def test_what_slack_answers_is_said_once(known: bool, error: Exception, words: list[str]) -> None:
    world = World(known=known)
    world.fails = error

    world.open(in_modal=True)

    assert world.told == words


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SlackApiError("no", Refused("ratelimited")), [form_messages.FORM_TOO_LATE]),
        (SlackClientError("timed out"), [form_messages.FORM_TOO_LATE]),
        (SlackApiError("no", Refused("not_found")), []),  # the person closed it
    ],
)
def test_a_loading_page_that_stays_is_explained(error: Exception, told: list[str]) -> None:
    world = World(known=False)
    world.update_fails = error

    world.open()

    assert world.told == told


@pytest.mark.parametrize(("known", "how"), [(True, "opens"), (False, "updates")])
def test_a_defect_shows_a_reference_where_the_person_is(
    known: bool, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    last = World(known=known).open(breaks=RuntimeError("a defect"))[-1]

    assert last.startswith(f"{how} Something broke in EvoSlack (reference ")
    assert "a page could not be filled" in caplog.text


@pytest.mark.parametrize(("known", "last"), [(True, "opens no: unknown"), (False, "updates no: unknown")])
def test_a_no_is_a_page_too(known: bool, last: str) -> None:
    world = World(known=known)

    assert world.open(breaks=UnknownFlow("unknown"))[-1] == last
    assert world.told == []


def test_a_no_whose_page_does_not_open_is_told_in_words() -> None:
    world = World(known=True)
    world.fails = SlackApiError("no", Refused("expired_trigger_id"))

    world.open(breaks=UnknownFlow("unknown"))

    assert world.told == ["no, in words: unknown"]
