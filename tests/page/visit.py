"""A visit of the page: what a person does there, in the words of the story."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

AXE = Path(str(files("axe_playwright_python"))) / "axe.min.js"
EXAMPLE = "/call (814) 404-3093 survey"

expect.set_options(timeout=20_000)


class Visit:
    """A window with the page. `problems` must stay empty."""

    def __init__(self, page: Page, url: str, *, is_narrow: bool, is_dark: bool) -> None:
        self.page, self.url, self.is_narrow, self.is_dark = page, url, is_narrow, is_dark
        self.problems: list[str] = []
        self.expected = "^$"  # a pattern for problems that belong to the story

    def open(self) -> None:
        """Open the page, without a modal or a call that an earlier visit left."""
        self.page.goto(self.url)
        expect(self.page.locator("#intro")).to_contain_text("You're")
        if self.page.locator("#modal").is_visible():
            self.act("close", everything=True)
            expect(self.page.locator("#modal")).to_be_hidden()

    def act(self, name: str, **body: Any) -> Any:
        """An action as the page sends it, for what a story only needs as a beginning."""
        sent = self.page.request.post(f"{self.url}/act/{name}", data={"person": "U_SARA", **body})
        assert sent.ok, sent.text()
        return sent.json()

    def be(self, person: str) -> None:
        """Become another person."""
        if self.is_narrow:
            self.page.click("#open-people")
        self.page.click(f"#person-{person}")

    def go(self, place: str) -> None:
        """Go to a channel or an app."""
        self.page.click(f"#place-{place}")

    def send(self, text: str) -> None:
        """Send a message or a command."""
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def modal(self, title: str) -> Locator:
        """The modal with this title."""
        expect(self.page.locator("#modal-title")).to_have_text(title)
        return self.page.locator("#modal")

    def call(self, number: str) -> None:
        """From the command to the ringing phone."""
        self.send(f"/call {number} survey")
        self.modal("Place a call")
        self.press_call()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#modal")).to_be_hidden()

    def press_call(self) -> None:
        """Press Call until it rings: the form may warn that this number was just called.

        A press right after the warning counts as one for the form before, so it is repeated.
        """
        submit, rings = (
            self.page.locator("#modal button[type=submit]"),
            self.page.locator("[data-state=ringing]"),
        )
        submit.click()
        warned = self.page.locator("#modal").filter(has_text="Nothing was dialed")
        expect(warned.or_(rings).first).to_be_attached()
        while warned.is_visible():
            submit.click()
            with suppress(AssertionError):
                expect(rings).to_be_attached(timeout=1500)
        self.ringing()

    def ringing(self) -> None:
        """Wait until the phone rings."""
        expect(self.page.locator("#phone")).to_have_attribute("data-state", "ringing")

    def press_phone(self, key: str) -> None:
        """Press Answer, Decline or Hang up on the phone; on a narrow screen it has a tab."""
        if self.is_narrow and self.page.get_attribute("#phone-tab", "aria-pressed") == "false":
            self.page.click("#phone-tab")
        self.page.click(f"#phone-{key}")
        if self.is_narrow:
            self.page.click("#phone-tab")

    def card(self, number: str) -> Locator:
        """The newest card about a number."""
        digits = re.compile(r"\D{0,2}".join(re.findall(r"\d", number)))  # cards keep a number in one line
        return self.page.locator("#messages .message, #cards .message").filter(has_text=digits).last

    def check_accessibility(self, where: str) -> None:
        """No finding of axe, of whatever level, and nothing wider than the window."""
        self.page.evaluate("document.getAnimations().forEach((each) => each.cancel())")
        if not self.page.evaluate("typeof axe !== 'undefined'"):
            self.page.evaluate(AXE.read_text("utf-8"))
        # By day and on a narrow screen everything is checked; a dark wide one differs in its colors only.
        rules = {"runOnly": ["color-contrast"]} if self.is_dark and not self.is_narrow else {}
        rules["resultTypes"] = ["violations"]
        found = self.page.evaluate("async (rules) => (await axe.run(document, rules)).violations", rules)
        told = [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in found]
        assert not told, f"{where}: {told}"
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
        assert self.page.evaluate("scrollX === 0 && scrollY === 0"), where
