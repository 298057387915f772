"""Habits that people have from Slack: commands, drafts, modals, the keyboard, and mentions."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.page.visit import EXAMPLE, Visit

HAS_FOCUS = "document.activeElement.id"
IN_MODAL = "document.getElementById('modal').contains(document.activeElement)"
NO_EVENTS = "delete window.EventSource"


def test_a_slash_offers_commands_and_enter_takes_one(visit: Callable[..., Visit]) -> None:
    here = visit()
    text, offered = here.page.locator("#text"), here.page.locator("#suggestions [role=option]")
    text.fill("/")
    expect(offered).to_have_count(1)
    expect(offered).to_contain_text("/call [number] [flow] or help")
    text.press("Enter")
    expect(text).to_have_value("/call ")
    expect(here.page.locator("#suggestions")).to_be_hidden()
    expect(here.page.locator("#usage")).to_contain_text("[number] [flow] or help")
    text.fill("/coll")
    expect(offered).to_have_count(0)
    text.press("Enter")
    last = here.page.locator("#messages .message").last
    expect(last).to_contain_text("/coll is not a valid command.")
    expect(text).to_have_value("/coll")


def test_drafts_belong_to_their_channel_and_a_reload_returns_to_it(visit: Callable[..., Visit]) -> None:
    here = visit()
    text = here.page.locator("#text")
    expect(text).to_have_value(EXAMPLE)
    here.go("C_GENERAL")
    expect(text).to_have_value("")
    text.fill("half a thought")
    here.go("C_CALLS")
    expect(text).to_have_value(EXAMPLE)
    here.go("C_GENERAL")
    here.page.reload()
    expect(here.page.locator("#place-name")).to_have_text("# general")
    expect(text).to_have_value("half a thought")
    here.be("U_BOSS")
    expect(text).to_have_value("")
    here.page.reload()
    expect(here.page.locator("#person-U_BOSS")).to_have_attribute("aria-pressed", "true")


def test_a_modal_holds_the_focus_and_gives_it_back(visit: Callable[..., Visit]) -> None:
    here = visit()
    page = here.page
    page.click("#shortcuts")
    page.get_by_role("menuitem", name="Place a call").click()
    modal = here.modal("Place a call")
    expect(modal).to_have_attribute("aria-modal", "true")
    page.wait_for_function(IN_MODAL)
    stops = []
    for _press in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(IN_MODAL)
        stops.append(page.evaluate("document.activeElement.outerHTML"))
    assert len(set(stops)) < len(stops), "it goes round"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(IN_MODAL)
    page.keyboard.press("Escape")
    expect(modal).to_be_hidden()
    page.wait_for_function(f"{HAS_FOCUS} === 'shortcuts'")


def test_a_drawer_closes_with_escape_and_gives_the_focus_back(visit: Callable[..., Visit]) -> None:
    here = visit()
    for name in ("break", "inspector"):
        here.page.click(f"#open-{name}")
        assert here.page.evaluate(HAS_FOCUS) == name
        here.page.keyboard.press("Escape")
        expect(here.page.locator(f"#{name}")).to_be_hidden()
        assert here.page.evaluate(HAS_FOCUS) == f"open-{name}"


def test_mentions_are_names(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.go("C_GENERAL")
    here.send("ask @agnes please")
    last = here.page.locator("#messages .message").last
    expect(last.locator(".mention")).to_have_text("@agnes")
    here.go("workflows")
    here.page.fill("#step-number", "123")
    assert "U_SARA" not in here.page.locator("body").inner_text()


def test_what_the_page_cannot_show_is_loud(visit: Callable[..., Visit]) -> None:
    """Blocks that it does not know, wherever they are: also an input with an unknown element."""
    here = visit(script=NO_EVENTS)
    blocks = [
        {"type": "video", "block_id": "v"},
        {"type": "actions", "block_id": "a", "elements": [{"type": "hologram", "action_id": "h"}]},
        {
            "type": "input",
            "block_id": "i",
            "label": {"type": "plain_text", "text": "Color"},
            "element": {"type": "color_input", "action_id": "c"},
        },
    ]

    def with_unknown(route: Route) -> None:
        answer = route.fetch()
        state = answer.json()
        message = {"ts": "1.0", "user": state["bot"]["id"], "text": "", "blocks": blocks}
        for channel in state["channels"]:
            channel["messages"].append(message)
        route.fulfill(response=answer, body=json.dumps(state))

    here.page.route("**/state?*", with_unknown)
    expect(here.page.locator("[data-unknown]")).to_have_count(3)
    expect(here.page.locator("[data-unknown=video]")).to_contain_text("can't show a “video”")
    here.page.unroute_all(behavior="ignoreErrors")
