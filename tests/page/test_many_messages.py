"""A channel with a thousand messages is about as quick as one with a hundred."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from playwright.sync_api import expect

from tests.page.visit import Visit

MOST = 3.0  # times as long


def test_a_thousand_messages_stay_quick(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.go("C_GENERAL")
    post(here, 100)
    hundred = seconds_to_show(here)
    post(here, 900)
    expect(here.page.locator("#messages .welcome")).to_contain_text("earlier messages aren't shown here")
    thousand = seconds_to_show(here)
    assert thousand < MOST * hundred, f"{thousand:.3f} s to show a message, {hundred:.3f} s among 100"


def post(here: Visit, count: int) -> None:
    """Post messages at once, as many people would."""
    here.page.evaluate(
        """async (count) => {
            const headers = { "Content-Type": "application/json" };
            const message = { person: "U_SARA", channel: "C_GENERAL", text: "Call *404-3093* about <this>" };
            const body = JSON.stringify(message);
            const send = () => fetch("/act/write", { method: "POST", headers, body });
            for (let sent = 0; sent < count; sent += 50) await Promise.all(Array.from({ length: 50 }, send));
        }""",
        count,
    )


def seconds_to_show(here: Visit) -> float:
    """The median time from sending a message to seeing it."""
    return statistics.median(
        here.page.evaluate(
            """async (text) => {
                const start = performance.now();
                const seen = new Promise((resolve) => {
                    const observer = new MutationObserver(() => {
                        if (!document.getElementById("messages").textContent.includes(text)) return;
                        observer.disconnect();
                        resolve((performance.now() - start) / 1000);
                    });
                    observer.observe(document.getElementById("messages"), { childList: true, subtree: true });
                });
                document.getElementById("text").value = text;
                document.getElementById("composer").requestSubmit();
                return seen;
            }""",
            f"measured {n} {here.page.evaluate('performance.now()')}",
        )
        for n in range(7)
    )
