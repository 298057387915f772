"""Somebody is told when trouble lasts: once when it has lasted five minutes, once when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.alerts import Alert, AlertKind
from evoslack.outages import Outages
from evoslack.slack.background.alerts import Alerts
from evoslack.slack.rendering import alert_messages
from evoslack.slack.web_api import SlackUnanswered

T0 = datetime(2026, 11, 29, 10, 20, tzinfo=UTC)


class Ledger:
    """What bots share. `is_away`: it raises as a database does that is away."""

    def __init__(self) -> None:
        self.rows: dict[AlertKind, Alert] = {}
        self.unsent: set[AlertKind] = set()
        self.cards, self.doubted_at = 0, list[datetime]()
        self.is_away = False

    def told(self) -> dict[AlertKind, Alert]:
        if self.is_away:
            raise ConnectionError
        return dict(self.rows)

    def claim(
        self, kind: AlertKind, since: datetime, *, at: datetime, until: datetime, is_sending: bool = False
    ) -> bool:
        known = self.rows.get(kind)
        is_unsent = kind in self.unsent and not is_sending
        if known and is_unsent and known.until > at:
            return False
        self.rows[kind] = Alert(kind, known.since if known else since, until)
        if known is None:
            self.unsent.add(kind)
        return known is None or is_unsent

    def mark_told(self, kind: AlertKind) -> None:
        self.unsent.discard(kind)

    def end(self, kind: AlertKind, *, at: datetime) -> bool:
        self.unsent.discard(kind)
        return self.rows.pop(kind, None) is not None

    def stuck_cards(self) -> int:
        return self.cards

    def doubts(self, *, since: datetime) -> tuple[int, datetime | None]:
        found = [at for at in self.doubted_at if at >= since]
        return len(found), min(found, default=None)


class Slack(WebClient):
    """Notes what is posted; `error` is raised instead."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[str] = []
        self.tries = 0
        self.error: Exception | None = None

    def chat_postMessage(self, **message: object) -> dict[str, str]:  # type: ignore[override]
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.posted.append(f"{message['channel']}: {message['text']}")
        return {}


class World:
    """One Slack, one ledger, one time, and bots."""

    def __init__(self) -> None:
        self.s = 0.0
        self.slack, self.ledger = Slack(), Ledger()
        self.bots: list[tuple[Outages, Alerts]] = []

    def bot(self, channel: str = "C_OPS") -> Outages:
        outages = Outages(lambda: self.s)

        def is_outage(error: Exception) -> bool:
            return isinstance(error, ConnectionError)

        alerts = Alerts(
            self.slack,
            self.ledger,
            outages.by_alert(),
            channel=channel,
            answers=lambda: not self.ledger.is_away,
            is_outage=is_outage,
            now=lambda: T0 + timedelta(seconds=self.s),
            clock_s=lambda: self.s,
        )
        self.bots.append((outages, alerts))
        return outages

    def minutes(self, minutes: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        for _ in range(int(minutes * 6)):
            self.s += 10
            meanwhile()
            for _, alerts in self.bots:
                alerts.check()

    @property
    def headlines(self) -> list[str]:
        return [text.partition("*")[2].partition("*")[0] for text in self.slack.posted]


@pytest.fixture
def world() -> World:
    return World()


KINDS = [
    (AlertKind.EVO_LOGIN, "Evo Voice rejects EvoSlack's login.", "Evo Voice accepts the login again."),
    (AlertKind.EVO_VOICE, "Evo Voice isn't answering.", "Evo Voice answers again."),
]


@pytest.mark.parametrize(("kind", "began", "over"), KINDS)
def test_a_lasting_trouble_is_told_when_it_lasts_and_when_it_is_over(
    world: World, kind: AlertKind, began: str, over: str
) -> None:
    outage = world.bot().by_alert()[kind]
    world.minutes(4.8, lambda: outage.failed("no"))
    assert world.headlines == []

    world.minutes(60, lambda: outage.failed("no"))
    assert world.headlines == [began]

    world.minutes(5, outage.worked)
    assert world.headlines == [began, over]
    assert world.slack.posted[0].startswith("C_OPS: ")
    assert "Nobody can place calls" in world.slack.posted[0]
    assert "<!date^1795947610^{time}|10:20 UTC>" in world.slack.posted[0]
    assert "lasted 1 hr 5 min" in world.slack.posted[1]


def test_what_is_over_soon_is_told_to_nobody(world: World) -> None:
    login = world.bot().evo_login
    for _ in range(20):
        world.minutes(3, lambda: login.failed("no"))
        world.minutes(2, login.worked)

    assert world.slack.posted == []


def test_of_several_bots_one_tells(world: World) -> None:
    logins = [world.bot().evo_login for _ in range(3)]
    world.minutes(10, lambda: [login.failed("no") for login in logins])
    assert len(world.headlines) == 1

    logins[0].worked()  # it is over for one of them only
    world.minutes(10, lambda: [logins[0].worked(), *(login.failed("no") for login in logins[1:])])
    assert len(world.headlines) == 1

    world.minutes(10, lambda: [login.worked() for login in logins])
    assert len(world.headlines) == 2


def test_a_restart_repeats_nothing_and_still_tells_the_end(world: World) -> None:
    first = world.bot().evo_login
    world.minutes(10, lambda: first.failed("no"))
    world.bots.clear()
    second = world.bot().evo_login
    world.minutes(3)  # it does not know yet: no end is told
    world.minutes(30, lambda: second.failed("no"))
    assert len(world.headlines) == 1

    world.minutes(3, second.worked)
    assert world.headlines[1:] == ["Evo Voice accepts the login again."]
    assert "lasted 43 min" in world.slack.posted[1]


def test_what_slack_did_not_take_before_a_restart_is_sent_after_it(world: World) -> None:
    first = world.bot().evo_login
    world.slack.error = SlackUnanswered("timed out")
    world.minutes(7, lambda: first.failed("no"))
    world.bots.clear()
    world.slack.error = None
    second = world.bot().evo_login
    world.minutes(30, lambda: second.failed("no"))

    assert world.headlines == ["Evo Voice rejects EvoSlack's login."]


def test_of_several_bots_one_tells_after_slack_was_away(world: World) -> None:
    logins = [world.bot().evo_login for _ in range(3)]
    world.slack.error = SlackUnanswered("timed out")
    world.minutes(40, lambda: [login.failed("no") for login in logins])
    world.slack.error = None
    world.minutes(20, lambda: [login.failed("no") for login in logins])

    assert world.headlines == ["Evo Voice rejects EvoSlack's login."]


def test_a_beginning_whose_end_another_bot_told_is_not_sent_anymore(world: World) -> None:
    first, second = (world.bot().evo_login for _ in range(2))
    world.slack.error = SlackUnanswered("timed out")
    world.minutes(6, lambda: [first.failed("no"), second.failed("no")])
    first.worked()
    second.worked()
    world.bots.reverse()  # the other one is the first to see that it is over
    world.minutes(3)
    world.slack.error = None
    world.minutes(10)

    assert world.headlines == ["Evo Voice accepts the login again."]


def test_a_database_that_is_away_is_told_without_it(world: World) -> None:
    database = world.bot().database
    world.ledger.is_away = True
    world.minutes(20, lambda: database.failed("connection refused"))
    assert world.headlines == ["EvoSlack can't reach its database."]

    world.ledger.is_away = False
    world.minutes(2)
    assert world.headlines[1:] == ["The database answers again."]
    assert "lasted 20 min" in world.slack.posted[1]


def test_the_outage_of_the_database_ends_without_a_channel_too(world: World) -> None:
    database = world.bot(channel="").database
    world.ledger.is_away = True
    database.failed("connection refused")
    world.ledger.is_away = False
    world.minutes(20)

    assert database.state.began_s is None
    assert world.slack.tries == 0


def test_cards_that_are_stuck_are_told_and_counted(world: World) -> None:
    world.bot()
    world.ledger.cards = 3
    world.minutes(6)
    world.ledger.cards = 0
    world.minutes(3)

    assert world.headlines == [
        "EvoSlack can't post cards in the calls channel.",
        "EvoSlack can post cards in the calls channel again.",
    ]
    assert "3 cards are waiting." in world.slack.posted[0]


def test_calls_in_doubt_are_told_at_once_and_grouped(world: World) -> None:
    world.bot()
    world.ledger.doubted_at = [T0]
    world.minutes(0.2)
    assert world.headlines == ["EvoSlack can't tell whether a phone rang."]
    assert "1 call is not certain." in world.slack.posted[0]

    world.ledger.doubted_at += [T0 + timedelta(minutes=minute) for minute in range(10)]
    world.minutes(20)
    assert len(world.headlines) == 1
    world.minutes(10)
    assert world.headlines[1:] == ["No more calls end in doubt."]


@pytest.mark.parametrize(
    "error",
    [SlackUnanswered("timed out"), SlackApiError("no", {"error": "channel_not_found"})],  # type: ignore[arg-type]
)
def test_what_cannot_be_sent_is_sent_later_and_less_and_less_often(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    if isinstance(error, SlackApiError):
        error.response = FakeAnswer({"error": "channel_not_found"})
    login = world.bot().evo_login
    world.slack.error = error
    world.minutes(65, lambda: login.failed("no"))
    assert 10 < world.slack.tries < 30
    assert len([line for line in caplog.messages if "sending an alert failed" in line]) == 1

    world.slack.error = None
    world.minutes(6, lambda: login.failed("no"))
    assert world.headlines == ["Evo Voice rejects EvoSlack's login."]


def test_what_was_over_before_it_could_be_sent_is_one_message(world: World) -> None:
    login = world.bot().evo_login
    world.slack.error = SlackUnanswered("timed out")
    world.minutes(20, lambda: login.failed("no"))
    world.slack.error = None
    login.worked()
    world.slack.error = SlackUnanswered("timed out")
    world.minutes(3, login.worked)
    world.slack.error = None
    world.minutes(6, login.worked)

    assert world.headlines == ["Evo Voice accepts the login again."]


class FakeAnswer(dict[str, str]):
    """An answer of Slack."""

    status_code = 200
    headers: ClassVar[dict[str, str]] = {}


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_says_what_it_means_and_what_to_do(kind: AlertKind) -> None:
    alert = Alert(kind, T0, T0 + timedelta(minutes=12), count=2)

    began, over = alert_messages.began(alert), alert_messages.over(alert)
    assert began.count("\n") == 2, "what, what it means, what to do"
    assert "lasted 12 min" in over
    assert "{" not in began.replace("{time}", "")
