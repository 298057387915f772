"""What goes wrong around the page is said on the page, and it recovers."""

from __future__ import annotations

import json
import socket
import struct
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.page.playground import Playground
from tests.page.visit import Visit


@pytest.fixture
def another() -> Iterator[Playground]:
    playground = Playground()
    yield playground
    playground.close()


def test_the_bot_dies_and_is_started_again(visit: Callable[..., Visit], playground: Playground) -> None:
    here = visit()
    playground.kill_the_bot()
    stopped = here.page.locator("#stopped")
    expect(stopped).to_contain_text("EvoSlack's process has ended (exit code -9).")
    here.page.click("#start")
    expect(stopped).to_be_empty()
    here.call("(814) 404-3201")
    here.press_phone("decline")
    expect(here.card("(814) 404-3201")).to_contain_text("busy")


def test_a_reload_in_the_middle_of_a_call_shows_it_again(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.call("(814) 404-3202")
    here.page.reload()
    here.ringing()
    here.press_phone("answer")
    here.page.reload()
    expect(here.page.locator("#handset")).to_contain_text("On the call")
    expect(here.card("(814) 404-3202")).to_contain_text("on the call")
    here.press_phone("hang_up")
    expect(here.page.locator("#phone")).to_have_attribute("data-state", "idle")


def test_a_browser_without_event_source_can_play(visit: Callable[..., Visit]) -> None:
    here = visit(script="delete window.EventSource")
    expect(here.page.locator("#old-browser")).to_be_visible()
    here.call("(814) 404-3203")
    here.press_phone("decline")
    expect(here.card("(814) 404-3203")).to_contain_text("busy")


def test_two_playgrounds_know_of_each_other_and_one_that_stops_says_so(
    visit: Callable[..., Visit], playground: Playground, another: Playground
) -> None:
    assert another.url != playground.url
    here = visit(url=another.url)
    expect(here.page.locator("#notice")).to_contain_text("Port 8700 was taken")
    here.expected = (
        "Failed to load resource: net::ERR_"  # the browser writes that for each attempt to reconnect
    )
    another.close()
    expect(here.page.locator("#lost")).to_be_visible()
    expect(here.page.locator("#lost")).to_contain_text("make sandbox")
    here.page.fill("#text", "anybody there?")
    here.page.press("#text", "Enter")
    expect(here.page.locator("#toast")).to_contain_text("doesn't respond")
    expect(here.page.locator("#text")).to_have_value("anybody there?")


def test_tabs_that_close_at_any_moment_print_nothing(playground: Playground) -> None:
    port = urlsplit(playground.url).port
    for number in range(30):
        with socket.create_connection(("127.0.0.1", port)) as tab:
            tab.sendall(b"GET /events?person=U_SARA HTTP/1.1\r\nHost: x\r\n\r\n")
            if number % 3:
                tab.recv(1000)
            write(playground, f"before {number}")
            reset = struct.pack("ii", number % 2, 0)  # with a reset, or an orderly end
            tab.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        write(playground, f"after {number}")
    assert playground.printed() == ""


def write(playground: Playground, text: str) -> None:
    """Change what everybody sees."""
    message = {"person": "U_SARA", "channel": "C_GENERAL", "text": text}
    kind = {"Content-Type": "application/json"}
    sent = urllib.request.Request(f"{playground.url}/act/write", json.dumps(message).encode(), kind)
    urllib.request.urlopen(sent).close()


def test_an_unknown_person_becomes_a_known_one(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.page.evaluate("sessionStorage.setItem('me', 'U_GONE')")
    here.expected = "status of 404"
    here.page.reload()
    expect(here.page.locator("#intro")).to_contain_text("You're Sara Lind")


def test_what_is_not_an_action_is_denied_and_prints_nothing(
    visit: Callable[..., Visit], playground: Playground
) -> None:
    here = visit()
    for body in ("[]", "null", "1", '"x"', "{", '{"person": "U_SARA"}', '{"person": 1, "sid": []}'):
        for name in ("write", "answer", "click", "next_calls", "set_fault"):
            sent = here.page.request.post(
                f"{playground.url}/act/{name}", data=body, headers={"Content-Type": "application/json"}
            )
            assert sent.status == 409, (name, body, sent.status)
