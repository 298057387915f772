"""`make bench`: what EvoSlack costs over a bare Bolt app, by ratio, in one run on one machine.

In process, signatures verified, SQLite on the disk with full sync. The bare apps do the same visible work:
for /call one `views.open` on the same stand-in Slack, for Submit nothing but the ack. Nothing is dialed,
so that only the way to the ack is measured.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slack_bolt import Ack, App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from evoslack.calling.arrival import Arrival
from evoslack.running import Bot
from evoslack.runtime.clock import Clock
from evoslack.settings import Settings
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.rendering import views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.wiring import build
from sandbox.bot_process import sandbox_settings
from sandbox.evo.voice import EvoVoice
from sandbox.slack.workspace import SlackWorkspace

COMMANDS, SUBMISSIONS, ROUNDS = 200, 500, 3
SECRET = "sandbox-secret"
TEAM, SARA = "T0SANDBOX", "U_SARA"
_counter = itertools.count()


def main() -> int:
    """Measure, print the table, and fail if an aim was missed."""
    with office() as (slack, bot_app, bare_app, stock_app):
        form = slack.modal(SARA)
        bare_command = p50(COMMANDS, lambda: dispatch(bare_app, command(slack)))
        our_command = p50(COMMANDS, lambda: command_until_opened(bot_app, slack))
        our_ack = p50(COMMANDS, lambda: dispatch(bot_app, command(slack)))
        bare_submit = p50(SUBMISSIONS, lambda: dispatch(bare_app, submission(form)))
        our_submit = p50(SUBMISSIONS, lambda: dispatch(bot_app, submission(form)))
        stock_submit = p50(50, lambda: dispatch(stock_app, submission(form)))
    print(f"{'p50, milliseconds':<44}{'bare Bolt':>10}{'EvoSlack':>10}{'ratio':>8}")
    line("/call until the form is open, inline Bolt", bare_command, our_command)
    line("/call to its ack, inline Bolt with the form", bare_command, our_ack)
    line("Submit with the durable insert, inline Bolt", bare_submit, our_submit)
    line("Submit with the durable insert, stock Bolt", stock_submit, our_submit)
    missed = []
    if our_command > 2 * bare_command:
        missed.append("/call is more than twice an inline bare Bolt")
    if our_submit > stock_submit:
        missed.append("Submit is slower than stock Bolt's bare ack")
    print(
        "aims: "
        + ("; ".join(missed) if missed else "/call at most 2x inline Bolt, Submit below stock Bolt: met")
    )
    return 1 if missed else 0


@contextmanager
def office() -> Iterator[tuple[SlackWorkspace, App, App, App]]:
    """The stand-ins, EvoSlack with everything in memory warm, a bare inline Bolt and a stock one."""
    with tempfile.TemporaryDirectory() as folder, a_bot(f"sqlite:///{Path(folder) / 'bench.db'}") as found:
        slack, bot = found
        view = views.form(
            bot.catalog.offer(),
            FormMetadata("bare"),
            views.FormSettings("/call", "US", frozenset({"US"}), "C_CALLS", frozenset()),
            views.Prefill(),
        )
        yield slack, bot.app, bare(slack, view, inline=True), bare(slack, view, inline=False)


@contextmanager
def a_bot(
    database_url: str, *, dialing_s: float = 0.0, **settings: str
) -> Iterator[tuple[SlackWorkspace, Bot]]:
    """The stand-ins, and EvoSlack with everything in memory warm; its worker pools don't run.

    Evo Voice takes `dialing_s` for each call.
    """
    slack, evo = SlackWorkspace(), EvoVoice()
    slack.start()
    evo.start()
    if dialing_s:
        evo.fault("/sessions/outgoing", "slow", times=None, seconds=dialing_s)
    env = {**sandbox_settings(slack, evo, database_url), **settings}
    del env["SLACK_APP_TOKEN"]
    bot = build(Settings.from_env({**env, "SLACK_SIGNING_SECRET": SECRET, "PORT": "0"}))
    try:
        bot.store.open()
        bot.catalog.refresh()
        dispatch(bot.app, command(slack))
        slack.wait_for_modal(SARA, views.FORM)
        yield slack, bot
    finally:
        bot.receiver.stop()  # it listens already, though it was never started
        bot.stop()
        slack.close()
        evo.close()


def bare(slack: SlackWorkspace, view: Block, *, inline: bool) -> App:
    """The smallest app that opens a form, the same each time, and acknowledges its submission."""
    client = WebClient(token="xoxb-sandbox", base_url=slack.api_url)
    identity = AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_token="xoxb-sandbox")
    app = App(
        client=WebClient(base_url=slack.api_url),
        authorize=lambda **_: identity,
        signing_secret=SECRET,
        process_before_response=inline,
    )

    @app.command("/call")
    def open_form(ack: Ack, body: dict[str, Any]) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=view)
        ack()

    @app.view(views.FORM)
    def submit(ack: Ack) -> None:
        ack()

    return app


def command(slack: SlackWorkspace) -> str:
    """The body of a slash command with a trigger that works."""
    return urlencode(
        {
            "command": "/call",
            "text": "814 404 3093 survey",
            "user_id": SARA,
            "team_id": TEAM,
            "channel_id": "C_GENERAL",
            "response_url": f"{slack.url}/response/none",
            "trigger_id": slack.new_trigger(SARA),
        }
    )


def submission(form: dict[str, Any]) -> str:
    """The body of a press: another form and another number each time."""
    count = next(_counter)
    origin = FormMetadata(key=f"bench-{count}", made_at=str(int(time.time())))
    values = {
        views.NUMBER: {views.NUMBER: {"value": f"814 {404 + count // 9000} {1000 + count % 9000}"}},
        views.FLOW: {views.FLOW: {"selected_option": {"value": "flow2"}}},
        views.CALLER_ID: {views.CALLER_ID: {"selected_option": {"value": "+12025550100"}}},
    }
    view = {**form, "private_metadata": origin.packed(), "state": {"values": values}}
    payload = {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": {"id": SARA, "team_id": TEAM},
        "view": view,
    }
    return urlencode({"payload": json.dumps(payload)})


def dispatch(app: App, body: str) -> None:
    """One signed request; anything but an ack without errors ends the benchmark."""
    answer = answer_to(app, body)
    if not is_accepted(answer):
        raise SystemExit(f"not acknowledged: {answer}")


def is_accepted(answer: str) -> bool:
    """Whether nothing in it says no."""
    return "errors" not in answer and "cannot be read" not in answer


def answer_to(app: App, body: str) -> str:
    """One signed request and its answer; anything but 200 ends the benchmark."""
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
    headers = {
        "content-type": ["application/x-www-form-urlencoded"],
        "x-slack-request-timestamp": [timestamp],
        "x-slack-signature": [signature],
    }
    clock = Clock()
    arrival = Arrival(clock, clock.moment())
    answer = app.dispatch(BoltRequest(body=body, headers=headers, context={ARRIVAL: arrival}))
    arrival.answered()
    if answer.status != 200:
        raise SystemExit(f"not acknowledged: {answer.status} {answer.body}")
    return answer.body or ""


def command_until_opened(app: App, slack: SlackWorkspace) -> None:
    """A command until Slack has shown the form, which comes after the ack."""
    before = (slack.modal(SARA) or {}).get("id")
    dispatch(app, command(slack))
    while (slack.modal(SARA) or {}).get("id") == before:
        time.sleep(0.0002)


def p50(times: int, act: Callable[[], None]) -> float:
    """The median of single runs in milliseconds, the best of three rounds."""
    medians = []
    for _round in range(ROUNDS):
        spans = []
        for _run in range(times):
            begin = time.perf_counter()
            act()
            spans.append((time.perf_counter() - begin) * 1000)
        medians.append(statistics.median(spans))
    return min(medians)


def line(what: str, theirs: float, ours: float) -> None:
    """One row of the table."""
    print(f"{what:<44}{theirs:>10.2f}{ours:>10.2f}{ours / theirs:>8.2f}")


if __name__ == "__main__":
    sys.exit(main())
