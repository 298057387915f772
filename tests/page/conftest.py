"""A playground, a browser, and guards for every visit: no error, nothing from outside, nothing executed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.playground import Playground
from tests.page.visit import Visit

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PATIENCE_MS = 20_000
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert Path(CHROMIUM).exists(), "install chromium, or set CHROMIUM to the path of one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def playground() -> Iterator[Playground]:
    """Shared by all tests. Tabs come and go; none of that may print anything in its terminal."""
    playground = Playground()
    yield playground
    assert playground.close() == ""


@pytest.fixture
def visit(browser: Browser, playground: Playground) -> Iterator[Callable[..., Visit]]:
    """Opens the page in a window of its own; at the end nothing may have gone wrong in it."""
    visits: list[Visit] = []

    def open_page(look: str = "light", url: str = "", script: str = "") -> Visit:
        context = browser.new_context(**LOOKS[look], reduced_motion="no-preference")
        context.set_default_timeout(PATIENCE_MS)
        if script:
            context.add_init_script(script)
        flags = {"is_narrow": look == "narrow", "is_dark": look != "light"}
        visit = Visit(context.new_page(), url or playground.url, **flags)
        watch(visit.page, visit.problems)
        visits.append(visit)
        visit.open()
        return visit

    yield open_page
    for each in visits:
        executed = each.page.evaluate("window.hit ?? null")
        each.page.context.close()
        assert [problem for problem in each.problems if not re.search(each.expected, problem)] == []
        assert executed is None


def watch(page: Page, problems: list[str]) -> None:
    """Note what should never happen."""

    def request(address: str) -> None:
        if urlsplit(address).hostname not in {"127.0.0.1", None}:  # None: data:
            problems.append(f"request to {address}")

    def said(kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            problems.append(f"console {kind}: {text}")

    page.on("request", lambda sent: request(sent.url))
    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
