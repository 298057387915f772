"""The page that asks when to call: what Slack takes, what each person may choose, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calling_hours import CallingHours, opens_at
from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.places import zones_of
from evoslack.calling.refusals import OutsideHours
from evoslack.slack.rendering import hours_messages, local_times, schedule_messages, schedule_page
from evoslack.slack.rendering.form_metadata import ChangeMetadata, FormMetadata, ScheduleMetadata
from sandbox.slack.block_kit import problems_in_view
from tests.calls import call_request

HONOLULU, TOLL_FREE, SATELLITE, MANY_ZONES = "+18082345678", "+18002345678", "+88213000900", "+79161234567"
NOW = datetime(2026, 11, 2, 16, 12, tzinfo=UTC)  # 6:12 AM in Honolulu, 11:12 AM in New York
DAY = CallingHours(8 * 60, 21 * 60)
REQUEST = call_request(number=HONOLULU)


def outside(number: str = HONOLULU, at: datetime = NOW, *hours: CallingHours) -> OutsideHours:
    zones, windows = zones_of(number), hours or (DAY,)
    opening = opens_at(windows, zones.zones, at) if zones.zones else None
    return OutsideHours(at, tuple(zones.local_times(at)), windows, opening)


def page(
    refusal: OutsideHours | None = None,
    request: CallRequest = REQUEST,
    *,
    is_administrator: bool = False,
    zone: str = "America/New_York",
) -> dict[str, Any]:
    asked = schedule_page.Asked(request, refusal, is_administrator, NOW)
    opening = asked.opens_at
    metadata = ScheduleMetadata(
        FormMetadata("key", response_url="https://hooks.slack.com/x"),
        request.flow_id,
        request.number,
        request.caller_id,
        zone,
        str(int(opening.timestamp())) if opening else "",
    )
    view = schedule_page.ask(asked, metadata, "US")
    assert problems_in_view(view) == []
    assert ScheduleMetadata.unpacked(view["private_metadata"]) == metadata
    return view


def ids(view: dict[str, Any]) -> list[str]:
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]


def choices(view: dict[str, Any], block_id: str) -> list[str]:
    (block,) = [each for each in view["blocks"] if each.get("block_id") == block_id]
    return [option["text"]["text"].replace("\u00a0", " ") for option in block["element"]["options"]]


def words(view: dict[str, Any]) -> str:
    return str([block.get("text") or block.get("elements") for block in view["blocks"]]).replace("\\xa0", " ")


def test_later_asks_for_date_time_and_whose_time_that_is() -> None:
    view = page()

    assert ids(view) == [schedule_page.DATE, schedule_page.TIME, schedule_page.ZONE]
    assert choices(view, schedule_page.ZONE) == ["My time (New York)", "Their time (Honolulu)"]
    assert "Nothing is dialed yet" in words(view)
    assert view["submit"]["text"] == "Schedule"


def test_outside_the_hours_it_says_why_and_offers_the_next_time_first() -> None:
    view = page(outside())

    assert "Nothing was dialed. It's 6:12 AM in " in words(view)
    assert "Calling hours there are 8:00 AM to 9:00 PM." in words(view)
    assert "<!date^1793642400^" in words(view)
    assert choices(view, schedule_page.CHOICE) == ["8:00 AM, their time", "Another time, filled in below"]
    assert schedule_page.REASON not in ids(view)


def test_the_next_time_has_its_day_if_that_is_not_today() -> None:
    evening = datetime(2026, 11, 3, 8, 30, tzinfo=UTC)  # 10:30 PM in Honolulu, still Nov 2

    assert choices(page(outside(at=evening)), schedule_page.CHOICE)[0] == "Tue, Nov 3, 8:00 AM, their time"


def test_an_administrator_can_call_at_once_with_a_reason() -> None:
    view = page(outside(), is_administrator=True)

    assert choices(view, schedule_page.CHOICE)[-1] == "Now, with a reason"
    assert ids(view)[-1] == schedule_page.REASON
    assert view["submit"]["text"] == "Confirm"


def test_a_number_in_many_zones_names_each_of_them() -> None:
    request = replace(REQUEST, number=MANY_ZONES)
    view = page(outside(MANY_ZONES), request)

    zones = zones_of(MANY_ZONES).zones
    assert len(zones) > 3
    assert len(choices(view, schedule_page.ZONE)) == 1 + len(zones)
    assert "Time in Moscow" in choices(view, schedule_page.ZONE)
    assert "It may be " in words(view)


@pytest.mark.parametrize("number", [TOLL_FREE, SATELLITE])
def test_a_number_that_is_nowhere_offers_only_the_readers_own_time(number: str) -> None:
    view = page(request=replace(REQUEST, number=number))

    assert choices(view, schedule_page.ZONE) == ["My time (New York)"]


def test_who_is_in_their_zone_has_one_choice() -> None:
    assert choices(page(zone="Pacific/Honolulu"), schedule_page.ZONE) == ["My time (Honolulu), and theirs"]


def test_a_reader_without_a_zone_is_told_so() -> None:
    view = page(zone="")

    assert choices(view, schedule_page.ZONE)[0] == "UTC"
    assert "didn't share your time zone" in words(view)


def test_where_the_time_is_unknown_an_administrator_is_asked_only_for_a_reason() -> None:
    view = page(outside(SATELLITE), replace(REQUEST, number=SATELLITE), is_administrator=True)

    assert ids(view) == [schedule_page.CHOICE, schedule_page.REASON]


@pytest.mark.parametrize("name", ["<!channel>", "x" * 5000, "&" * 400])
def test_slack_takes_the_pages_whatever_the_flow_is_called(name: str) -> None:
    request = replace(REQUEST, flow_name=name)
    call = Call("0" * 32, replace(request, due_at=NOW), State.SCHEDULED, NOW)

    assert "<!channel" not in str(page(outside(), request, is_administrator=True))
    change = schedule_page.change(call, ChangeMetadata(call.id), "US", is_administrator=True)
    assert problems_in_view(change) == []


def test_changing_a_time_starts_with_the_one_it_has() -> None:
    call = Call("0" * 32, replace(REQUEST, due_at=NOW), State.SCHEDULED, NOW - timedelta(days=1))
    view = schedule_page.change(
        call, ChangeMetadata(call.id, "America/New_York"), "US", is_administrator=False
    )

    elements = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert elements[schedule_page.DATE]["initial_date"] == "2026-11-02"
    assert elements[schedule_page.TIME]["initial_time"] == "11:12"
    assert ids(view) == [schedule_page.DATE, schedule_page.TIME, schedule_page.ZONE]


# --- what the page carries -------------------------------------------------------------------------------

_GOOD = '"form":"{\\"key\\":\\"k\\"}","flow_id":"f","number":"+18082345678","caller_id":"+12025550100"'


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "null", '{"form":"{}"}', '{"key":"k"}'),
        f'{{{_GOOD},"zone":"Moon/Crater"}}',
        f'{{{_GOOD},"zone":"../../etc/passwd"}}',
        f'{{{_GOOD},"zone":"/etc/localtime"}}',
        f'{{{_GOOD},"opens_at":"-1"}}',
        f'{{{_GOOD},"opens_at":"999999999999"}}',
        f'{{{_GOOD},"opens_at":1}}',
        f'{{{_GOOD},"more":"x"}}',
        f"{{{_GOOD}}}".replace("+1808", "1808"),
        f"{{{_GOOD}}}".replace('"f"', '""'),
        f"{{{_GOOD}}}".replace('"f"', '"\\u0000"'),
    ],
)
def test_what_this_bot_never_packed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        ScheduleMetadata.unpacked(text)


def test_what_this_bot_packed_is_read() -> None:
    assert ScheduleMetadata.unpacked(f"{{{_GOOD}}}").form == FormMetadata("k")


@pytest.mark.parametrize("text", ["{}", '{"call_id":"x"}', f'{{"call_id":"{"0" * 32}","zone":"x"}}'])
def test_a_forged_change_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        ChangeMetadata.unpacked(text)


def test_a_page_carries_even_an_odd_address_or_drops_it() -> None:
    form = FormMetadata("k" * 64, "1" * 10, "C" * 32, "https://" + "é" * 900)
    packed = ScheduleMetadata(form, "f" * 150, HONOLULU, "+12025550100", "America/New_York", "1").packed()

    assert len(packed) <= 3000
    assert ScheduleMetadata.unpacked(packed).form == replace(form, response_url="")


# --- times and hours in words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ((DAY,), "8:00 AM to 9:00 PM"),
        ((replace(DAY, days=frozenset(range(5))),), "8:00 AM to 9:00 PM, Monday to Friday"),
        ((replace(DAY, days=frozenset({0, 5})),), "8:00 AM to 9:00 PM, Monday and Saturday"),
        ((DAY, CallingHours(9 * 60, 18 * 60)), "9:00 AM to 6:00 PM"),
        ((CallingHours(20 * 60, 4 * 60),), "8:00 PM to 4:00 AM the next day"),
        ((DAY, CallingHours(20 * 60, 9 * 60)), "8:00 AM to 9:00 PM and also 8:00 PM to 9:00 AM the next day"),
        ((CallingHours(0, 1440),), "any time"),
        ((CallingHours(0, 720),), "midnight to 12:00 PM"),
    ],
)
def test_calling_hours_in_words(windows: tuple[CallingHours, ...], expected: str) -> None:
    assert hours_messages.together(windows) == expected


def test_a_waiting_call_is_said_in_their_time_and_in_the_readers() -> None:
    call = Call("id", replace(REQUEST, due_at=NOW), State.SCHEDULED, NOW)

    said = local_times.due(call).replace("\u00a0", " ")
    assert said.startswith("Mon, Nov 2, 6:12 AM in ")
    assert f"<!date^{int(NOW.timestamp())}^" in said


def test_who_cancels_before_the_press_is_confirmed_is_told_to_try_again() -> None:
    """The page has the button as soon as it is there; "no longer waits" would be heard as a yes."""
    request = replace(REQUEST, due_at=NOW + timedelta(hours=4))
    call = Call("c" * 32, request, State.RECEIVED_LATER, NOW)

    words = schedule_messages.not_waiting(call, "US", "U_SARA")

    assert words.startswith("Nothing was changed: EvoSlack is still writing this call down. Try again in a")
