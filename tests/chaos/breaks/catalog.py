"""The twelve promises, how each is broken, and who must notice.

A break is text for text in files of the product: what is replaced must be there exactly once, so that a break
does not rot unseen. It is always small, and the product still runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """In this file, these words become those."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Break:
    """One promise, the edits that break it, the experiment that must notice, and the tests that should."""

    promise: str
    edits: tuple[Edit, ...]
    experiment: str
    tests: tuple[str, ...]


ARRIVAL, CLOCK, HEARTBEAT = (
    "evoslack/calling/arrival.py",
    "evoslack/runtime/clock.py",
    "evoslack/runtime/heartbeat.py",
)
SOCKET_MODE = "evoslack/slack/receivers/socket_mode.py"
CALLS, ADMISSION = "evoslack/ledger/calls.py", "evoslack/ledger/admission_statements.py"

BREAKS = (
    Break(
        "a press has an age",
        (Edit(ARRIVAL, "return self._age_s + self._clock.elapsed_s(self._at)", "return 0.0"),),
        "frozen",
        ("tests/unit/calling/test_arrival.py", "tests/scenario/test_the_press_in_time.py"),
    ),
    Break(
        "the last check of the age is in the transaction, and what came too late is taken back",
        (
            Edit(CALLS, "lambda _connection, _id: require_time()", "lambda _connection, _id: None"),
            Edit(ARRIVAL, "if self._on_answered is not None and not self.is_late:", "if self._on_answered:"),
            Edit(SOCKET_MODE, "if arrival.awaits_answer and arrival.is_late:", "if False:"),
            Edit(
                SOCKET_MODE,
                "was_delivered = not arrival.awaits_answer or each.was_delivered(lambda: arrival.is_late)",
                "was_delivered = True",
            ),
            Edit(
                "evoslack/slack/receivers/wsgi.py",
                "if arrival.awaits_answer and (arrival.is_late or client_is_gone(environ)):",
                "if False:",
            ),
        ),
        "slow_database",
        ("tests/contract/ledger/test_presses.py", "tests/unit/calling/test_arrival.py"),
    ),
    Break(
        "a process that was paused notices",
        (Edit(HEARTBEAT, "PAUSED_S = 0.3", "PAUSED_S = 1e9"),),
        "frozen",
        ("tests/unit/runtime/test_heartbeat.py",),
    ),
    Break(
        "the role is asked for before anything is done",
        (
            Edit(
                "evoslack/calling/access.py",
                "            offer = self._offer()\n"
                "            self._permission.require(user_id, team_id, offer.account_id)\n"
                "        return offer",
                "            return self._offer()",
            ),
        ),
        "hostile",
        ("tests/scenario/test_who_may.py", "tests/scenario/test_forgeries.py"),
    ),
    Break(
        "foreign text takes linear time",
        (
            Edit(
                "evoslack/calling/numbers.py",
                r'r"<tel:([^<|>]++)(?:\|[^<>]*+)?+>"',
                r'r"<tel:([^|>]+)(?:\|[^>]*)?>"',
            ),
            Edit(
                "evoslack/calling/number_search.py", "LONGEST_MESSAGE = 40_000", "LONGEST_MESSAGE = 4_000_000"
            ),
        ),
        "hostile",
        ("tests/unit/calling/test_linear_time.py", "tests/unit/calling/test_number_search.py"),
    ),
    Break(
        "a request to Slack has a hard deadline",
        (
            Edit(
                "evoslack/slack/web_api.py",
                "with Deadline(budget_s) as deadline:",
                "with Deadline(86_400.0) as deadline:",
            ),
        ),
        "slow_slack",
        ("tests/contract/slack/test_web_api.py", "tests/scenario/test_bad_slack.py"),
    ),
    Break(
        "no clock makes a form ring twice",
        (
            Edit(
                CLOCK,
                "return datetime.fromtimestamp(base.wall_s + self._monotonic_s() - base.monotonic_s, UTC)",
                "return self._wall() if base else datetime.now(UTC)",
            ),
            Edit(
                CLOCK, "return self._monotonic_s() - self._trusted_from_s >= TRUSTED_AFTER_S", "return True"
            ),
            Edit(
                ADMISSION,
                "found = [~sa.exists().where(used_keys",
                "found = 0 * [sa.exists().where(used_keys",
            ),
        ),
        "clocks",
        ("tests/unit/runtime/test_clock.py", "tests/contract/ledger/test_presses.py"),
    ),
    Break(
        "a step and its call are one transaction",
        (
            Edit(
                "evoslack/ledger/workflow_steps.py",
                "if connection.execute(becoming).rowcount != 1:",
                "if connection.execute(becoming).rowcount > 1:",
            ),
        ),
        "workflow_steps",
        ("tests/contract/ledger/test_presses.py",),
    ),
    Break(
        "nothing is claimed without proof: a page with status 200 is doubt",
        (
            Edit(
                "evoslack/evo/wire.py",
                "return InDoubt(Reason.IN_BETWEEN, str(status)) if _is_page(reply) else _placed(reply)",
                "return _placed(reply)",
            ),
        ),
        "bad_phone",
        ("tests/unit/evo/test_wire.py", "tests/contract/evo/test_client.py"),
    ),
    Break(
        "Hang up waits for nothing else",
        (
            Edit(
                "evoslack/wiring/engine.py",
                'self.hang_ups = pool("hang-up", size=HANG_UP_WORKERS)',
                "self.hang_ups = self.exports",
            ),
        ),
        "slow_slack",
        ("tests/scenario/test_hanging_up.py", "tests/scenario/test_export.py"),
    ),
    Break(
        "a no of the rules counts until the request leaves",
        (
            Edit(
                "evoslack/calling/switchboard.py",
                "denied = self._before_dialing(call)",
                "denied = None",
            ),
        ),
        "waiting_calls",
        ("tests/unit/calling/test_switchboard.py", "tests/scenario/test_do_not_call.py"),
    ),
    Break(
        "a number on the do-not-call list is never dialed",
        (Edit("evoslack/calling/rules.py", "if facts.blocked is not None:", "if False:"),),
        "waiting_calls",
        ("tests/unit/calling/test_rules.py", "tests/scenario/test_do_not_call.py"),
    ),
)
