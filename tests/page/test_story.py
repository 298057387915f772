"""The whole story by clicking, in each look: nobody needs to be told more than the page says."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.page.visit import EXAMPLE, Visit

SHOWN = "(814) 404-3093"


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_a_newcomer_sees_what_to_do_and_does_it(visit: Callable[..., Visit], look: str) -> None:
    here = visit(look)
    page = here.page
    expect(page.locator("#intro")).to_contain_text("You're Sara Lind, sales manager.")
    expect(page.locator("#intro")).to_contain_text("is yours: pick up, or don't.")
    expect(page.locator("#text")).to_have_value(EXAMPLE)
    expect(page.locator("#text")).to_be_in_viewport(ratio=1)
    here.check_accessibility("on opening")

    page.get_by_role("button", name="Send").click()
    form = here.modal("Place a call")
    here.check_accessibility("the form")
    if here.is_narrow:
        assert form.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    here.press_call()
    here.check_accessibility("ringing")

    if here.is_narrow:
        page.click("#heads-up-answer")
    else:
        expect(page.locator("#handset")).to_contain_text("Caller ID (202) 555-0100")
        page.click("#phone-answer")
    page.locator("#modal footer").get_by_role("button", name="Close").click()
    card = here.card(SHOWN)
    expect(card).to_contain_text("on the call")
    here.check_accessibility("on the call")

    card.get_by_role("button", name="Hang up").click()
    page.locator("#confirm").get_by_role("button", name="Hang up").click()
    expect(card).to_contain_text("hung up by @sara")
    expect(page.locator("#phone")).to_have_attribute("data-state", "idle")


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_every_place_has_no_finding(visit: Callable[..., Visit], look: str) -> None:
    here = visit(look)
    page = here.page
    here.go("C_GENERAL")
    page.fill("#text", "/")
    here.check_accessibility("a command is offered")
    page.press("#text", "Escape")

    page.locator("#apps button").first.click()
    expect(page.locator("#home")).to_contain_text("Call history")
    here.check_accessibility("the Home tab")
    here.go("workflows")
    page.click("#run-step")
    expect(page.locator("#workflows")).to_contain_text("Please complete this required field.")
    here.check_accessibility("workflow steps")

    page.click("#open-break")
    here.check_accessibility("the drawer Break something")
    expect(page.locator("#break .watch")).to_have_count(16)
    page.click("#open-inspector")
    page.locator("#payloads summary").first.click()
    here.check_accessibility("the inspector")
    page.keyboard.press("Escape")

    here.be("U_OTHER")
    expect(page.locator("#intro")).to_contain_text("You manage another account of Evo Voice.")
    here.go("C_CALLS")
    here.send("/call")
    expect(here.modal("Place a call")).to_contain_text("not in the account that this workspace calls from")
    here.check_accessibility("a no")
    page.keyboard.press("Escape")
    expect(page.locator("#modal")).to_be_hidden()


def test_one_declines_and_the_card_says_busy(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.call("(814) 404-3101")
    here.press_phone("decline")
    expect(here.card("(814) 404-3101")).to_contain_text("busy")
    expect(here.page.locator("#handset")).to_contain_text("busy")


def test_a_ringing_phone_moves_unless_one_wants_no_motion(visit: Callable[..., Visit]) -> None:
    here = visit("narrow")
    here.call("(814) 404-3102")
    here.page.click("#phone-tab")
    moving = "getComputedStyle(document.querySelector('#handset .icon')).animationName"
    assert here.page.evaluate(moving) != "none"
    here.page.emulate_media(reduced_motion="reduce")
    assert here.page.evaluate(moving) == "none"
    here.page.click("#phone-decline")
    expect(here.page.locator("#phone")).to_have_attribute("data-state", "idle")


def test_the_inspector_shows_both_ways_with_their_age(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.send("/call help")
    here.page.click("#open-inspector")
    for way in ("Slack → bot", "bot → Slack"):
        row = here.page.locator(f"[data-way='{way}']").first
        expect(row.locator("summary")).to_contain_text(re.compile(r"\d+ (sec|min) ago"))
    sent = here.page.locator("[data-way='Slack → bot']").first
    expect(sent).to_contain_text(re.compile(r"acknowledged after \d+ ms"))
    sent.locator("summary").click()
    expect(sent.locator("pre").first).to_be_visible()
    assert "xoxb" not in here.page.locator("#payloads").inner_text()
