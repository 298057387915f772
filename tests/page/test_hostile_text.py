"""Text that would do something if any part of the page took it for HTML, a script, or a link."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.page.visit import Visit

HOSTILE = (
    """<img src=x onerror="window.hit=1"><script>window.hit=1</script>"'`${window.hit=1}` """
    """<javascript:window.hit=1|x> <@U_SARA|<b>y</b>> <!channel> &lt;svg/onload=window.hit=1&gt; *b* \u202e"""
)
FIELDS = "#modal input:not([type=date], [type=time], [type=checkbox], [type=radio]), #modal textarea"


def test_hostile_text_in_every_field_runs_nothing(visit: Callable[..., Visit]) -> None:
    here = visit()
    page = here.page
    here.go("C_GENERAL")
    here.send(HOSTILE)
    message = page.locator("#messages .message").last
    expect(message).to_contain_text("<img src=x")
    assert message.locator("img, script, svg").count() == 0
    assert message.locator("a").count() == 0

    here.send(f"/call {HOSTILE}")
    here.modal("Place a call")
    for field in page.locator(FIELDS).all():
        field.fill(HOSTILE)
    page.locator("#modal button[type=submit]").click()
    expect(page.locator("#modal .error").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#modal")).to_be_hidden()

    page.locator("#apps button").first.click()
    for field in page.locator("#home input:not([type=date])").all():
        field.fill(HOSTILE)
        field.press("Enter")
    here.go("workflows")
    for field in page.locator("#step input").all():
        field.fill(HOSTILE)
    page.click("#run-step")
    page.click("#open-inspector")
    expect(page.locator("#payloads")).to_contain_text("block_actions")
    for row in page.locator("#payloads summary").all()[:5]:
        row.click()
    assert page.locator("main img, main script, main svg, .drawer img, .drawer script").count() == 0
    page.keyboard.press("Escape")
    here.go("C_GENERAL")
    here.send("/" + HOSTILE)
    expect(page.locator("#messages .message").last).to_contain_text("is not a valid command")
