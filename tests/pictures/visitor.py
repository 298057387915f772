"""A person at the playground's page, in a browser whose clock is the stage's."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Locator, Page, Playwright
from playwright.sync_api import TimeoutError as NotSeen

BROWSER = "PICTURES_BROWSER"  # environment variable: the path of a Chromium
WAIT_MS, SHORT_WAIT_MS = 20_000, 3_000
CLOCK_STEP_MS = 400
MOST_SHOTS = 10
DENSITY = 2  # pixels of a picture per pixel of the page

# Without the phone system's list of calls, which counts every second.
# The field with the focus: whether it has it yet depends on how busy the machine is.
UNMARKED = "#modal :focus-visible { outline: none }"
QUIET = f"#call-list {{ visibility: hidden }} {UNMARKED}"
NEWEST_CALL = """() => new Promise(resolve => {
  const events = new EventSource("/events?person=U_SARA");
  events.onmessage = event => { events.close(); resolve(JSON.parse(event.data).calls[0].sid); };
})"""

# Without what shines through behind the round corners of a modal.
PLAIN = f"#screen {{ background: var(--paper) !important }} {UNMARKED}"
PLAIN += " #modal { border-radius: 0; box-shadow: none }"

# Replaces seconds, which depend on how busy the machine is, in the text on the page; says whether it did.
MASK = """(elements, masks) => {
  const seen = masks.map(() => 0);
  let changed = false;
  const walkers = elements.map(each => document.createTreeWalker(each, NodeFilter.SHOW_TEXT));
  for (const walker of walkers) while (walker.nextNode()) {
    const text = walker.currentNode.nodeValue;
    masks.forEach(([pattern, words], index) => {
      if (!new RegExp(pattern).test(text)) return;
      const word = words[seen[index]++ % words.length];
      const now = walker.currentNode.nodeValue.replace(new RegExp(pattern), word);
      if (now === walker.currentNode.nodeValue) return;
      walker.currentNode.nodeValue = now;
      changed = true;
    });
  }
  return changed;
}"""


def open_browser(playwright: Playwright) -> Browser:
    """Chromium, drawn the same way on every machine. Raises SystemExit without one."""
    path = os.environ.get(BROWSER) or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit(
            f"Install Chromium (Debian: apt-get install chromium), or set {BROWSER} to its path."
        )
    same = ["--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb", "--disable-gpu"]
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium does not start otherwise
    return playwright.chromium.launch(executable_path=path, args=[*as_root, *same])


@contextmanager
def visit(
    browser: Browser, url: str, now: datetime, size: tuple[int, int], *, is_dark: bool = False
) -> Iterator[Visitor]:
    """The page in a window of this size, at this time of the stage's clock, as people in New York see it."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=DENSITY,
        color_scheme="dark" if is_dark else "light",
        reduced_motion="reduce",
        locale="en-US",
        timezone_id="America/New_York",
        bypass_csp=True,  # for PLAIN
    )
    context.set_default_timeout(WAIT_MS)
    context.clock.install(time=now)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#channels button")
    try:
        yield Visitor(page)
    except Exception:
        print(f"Then the page said:\n{page.locator('#slack').inner_text()}", file=sys.stderr)
        raise
    finally:
        context.close()


class Visitor:
    """Someone who types, clicks and looks."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def become(self, user_id: str) -> None:
        """Sit down at another person's screen."""
        self.page.click(f"#person-{user_id}")
        self.page.wait_for_selector(f"#person-{user_id}[aria-pressed=true], #person-{user_id}[selected]")

    def open_channel(self, name: str) -> None:
        """Click a channel."""
        self.page.locator("#channels button").filter(has_text=name).click()

    def open_home(self) -> None:
        """Open the app's Home tab."""
        self.page.locator("#apps button").filter(has_text="EvoSlack").click()
        self.page.locator("#tabs button").filter(has_text="Home").click()
        self.page.wait_for_selector("#home .block")

    def write(self, text: str) -> None:
        """Type into the message box."""
        self.page.fill("#text", text)

    def send(self, text: str) -> None:
        """Type a message or a command and send it."""
        self.write(text)
        self.page.press("#text", "Enter")

    def press(self, words: str, where: str = "#modal") -> None:
        """Press the last button with exactly these words."""
        exactly = re.compile(rf"^\s*{re.escape(words)}\s*$")
        self.page.locator(f"{where} button").filter(has_text=exactly).last.click()

    def confirm(self, words: str) -> None:
        """Press a button of the question that Slack asks."""
        self.press(words, "#confirm")

    def close(self) -> None:
        """Close the modal, if one is open."""
        if self.page.locator("#screen").is_visible():
            self.page.locator("#modal").press("Escape")
            self.page.wait_for_selector("#screen", state="hidden")

    def open_form(self, text: str, words: str = "Caller ID") -> None:
        """Type a command until its form has these words; a bot that just started knows less in time."""
        for _attempt in range(5):
            self.send(text)
            self.see("Caller ID")
            with suppress(NotSeen):
                self.page.locator("#modal").filter(has_text=words).wait_for(timeout=SHORT_WAIT_MS)
                return
            self.close()
        raise AssertionError(f"no form has {words!r}")

    def see(self, words: str, where: str = "#modal") -> None:
        """Wait until these words are there."""
        self.page.locator(where).filter(has_text=words).wait_for()

    def card(self, last_digits: str, words: str = "") -> Locator:
        """Wait for the message about the number with these last digits."""
        number = self.page.locator("#messages article:not(.only-you)").filter(has_text=last_digits)
        card = (number.filter(has_text=words) if words else number).last
        card.wait_for()
        return card

    def act(self, name: str, **body: object) -> None:
        """Something that happens without this page: at a phone, at Evo Voice."""
        answer = self.page.request.post(f"{self.page.url.rstrip('/')}/act/{name}", data=body)
        if not answer.ok:
            raise AssertionError(f"{name}: {answer.text()}")

    def newest_call(self) -> str:
        """The phone system's id of the newest call."""
        return str(self.page.evaluate(NEWEST_CALL))

    def pass_time(self, by: timedelta) -> None:
        """Let the browser's clock jump ahead, as the stage's did."""
        self.page.clock.fast_forward(int(by.total_seconds() * 1000))

    def shot(self, where: str | Locator, masks: Mapping[str, tuple[str, ...]] | None = None) -> Image.Image:
        """What is there now, around all elements that match.

        `masks`: words, in turn, for patterns in their text that would differ each time.
        """
        time.sleep(CLOCK_STEP_MS / 1000)  # what was published a moment ago is drawn
        target = self.page.locator(where) if isinstance(where, str) else where
        look: Any = {"animations": "disabled", "caret": "hide", "scale": "device"}
        look["style"] = PLAIN if where == "#modal" else QUIET
        words = list((masks or {}).items())
        for _attempt in range(MOST_SHOTS):  # the page counts seconds, also while it is drawn
            target.evaluate_all(MASK, words)
            if target.count() == 1:
                drawn = target.screenshot(**look)
            else:
                drawn = self.page.screenshot(clip=around(target), **look)
            if not target.evaluate_all(MASK, words):
                return Image.open(io.BytesIO(drawn)).convert("RGB")
        raise AssertionError(f"{where} never stands still")


def around(several: Locator) -> FloatRect:
    """The smallest part of the page that has all these elements."""
    boxes = [box for each in several.all() if (box := each.bounding_box())]
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right = max(box["x"] + box["width"] for box in boxes)
    bottom = max(box["y"] + box["height"] for box in boxes)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}
