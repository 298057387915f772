"""The wall clock of a running bot is set: an hour back or ahead, a year ahead and back, between two steps.

Whatever the clock says, no form rings twice, no phone rings after the time that people were told, bad news
does not wait for an hour, and a call that rang is found. Only the bot's wall clock is moved; the monotonic
one goes on. By hand: `python -m tests.chaos.clocks short`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from evoslack.calling.calls import State
from evoslack.wiring.engine import SWEEP_EVERY_S
from sandbox.evo.calls import Script
from tests.chaos.crowd import FormSubmission, by_hand, until, wait
from tests.chaos.scene import OUTGOING, new_databases
from tests.chaos.stage import Set, Stage, count, stage
from tests.chaos.tally import Scale, Tally
from tests.chaos.wall_clock import NEEDS, WallClock, build_shim, can_be_set

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
HISTORY_DAYS = 30
TOLD_WITHIN_S = 40.0  # bad outcomes come at once; the rest is slack for a busy machine
NOTICED_S = 1.5  # until the bot has seen a step
SHOWS_CALLS = ("/calls/active", "/sessions")
SPEAKING = ("response_url", "chat.postMessage", "chat.postEphemeral")
LONG_CALL = Script(ring_s=60, talk_s=60, session="at_once")

Trial = Callable[[Path], Tally]


def run(scale: Scale) -> list[Tally]:
    """Everything side by side, each with bots of its own."""
    if not can_be_set():
        return [Tally("the wall clock is set", not_run=NEEDS)]
    with tempfile.TemporaryDirectory() as folder, closing(new_databases()) as urls:
        shim = build_shim(Path(folder))
        trials: list[Trial] = [years_ahead_and_back, between_begin_and_dialing, doubt_then_95_s]
        trials += [lambda shim: bad_news_after_a_step(shim, -HOUR_S)]
        if scale == "long":
            trials += [lambda shim: bad_news_after_a_step(shim, HOUR_S)]
            apart = next(urls)
            trials += [lambda shim: two_clocks(shim, apart)]
        with ThreadPoolExecutor(len(trials)) as hands:
            return list(hands.map(lambda trial: trial(shim), trials))


@contextmanager
def _clocked(shim: Path, scene: Set) -> Iterator[tuple[Stage, WallClock]]:
    """One bot with a clock that can be set."""
    with tempfile.TemporaryDirectory() as folder:
        clock = WallClock(shim, Path(folder))
        settings = {**scene.settings, **clock.settings}
        with stage(replace(scene, settings=settings)) as one:
            yield one, clock


def years_ahead_and_back(shim: Path) -> Tally:
    """The clock jumps beyond the history and back; forms that rang are pressed once more."""
    tally = Tally("clock beyond HISTORY_DAYS and back, then the same forms again")
    days = {"HISTORY_DAYS": str(HISTORY_DAYS)}
    with _clocked(shim, Set(people=4, settings=days)) as (one, clock):
        presses = one.crowd.open_forms(4)
        payloads = [one.crowd.press(press).deliveries[-1] for press in presses]
        one.evidence(presses, TOLD_WITHIN_S)
        clock.step_to((HISTORY_DAYS + 1) * DAY_S)
        wait(SWEEP_EVERY_S + NOTICED_S)  # nothing old may be thrown away on such a clock
        clock.step_to(0)
        wait(NOTICED_S)
        for press, payload in zip(presses, payloads, strict=True):
            press.deliveries.append(one.office.slack.redeliver(payload))
        wait(2)
        return count(one, tally, presses, TOLD_WITHIN_S)


def between_begin_and_dialing(shim: Path) -> Tally:
    """A machine sleeps for an hour, or seems to, after a call has begun and before its request is sent."""
    tally = Tally("an hour ahead between the begin of a call and its request")
    with _clocked(shim, Set(people=2)) as (one, clock):
        presses = one.crowd.open_forms(1)
        # Its first request is turned away, which proves that nothing rang; it logs in again, and that hangs.
        one.office.evo.fault(OUTGOING, "401_empty", times=1)
        login = one.office.evo.fault("/auth/credentials", "slow", times=None, seconds=2.5)
        pressing = [one.press_soon(press) for press in presses]
        until(lambda: login.hits, 10)
        clock.step_to(HOUR_S)
        for each in pressing:
            each.result()
        wait(4)
        rang = [press for press in presses if one.look().rings(press)]
        tally.lost += [f"{press.number}: it rang an hour after its press" for press in rang]
        if not login.hits:
            tally.lost.append("no login hung, so nothing was tried")
        one.office.evo.clear_faults()
        return count(one, tally, presses, TOLD_WITHIN_S)


def doubt_then_95_s(shim: Path) -> Tally:
    """A call rings and its answer is lost; then 95 seconds go by on the wall, and none in truth."""
    tally = Tally("95 s ahead with a call in doubt that rang")
    with _clocked(shim, Set(people=2)) as (one, clock):
        evo = one.office.evo
        evo.world.default_script = LONG_CALL
        presses = one.crowd.open_forms(2)
        evo.fault(OUTGOING, "cut_after_ring", times=2)
        for path in SHOWS_CALLS:
            evo.fault(path, "502_html", times=None, method="GET")
        for press in presses:
            one.crowd.press(press)
        until(lambda: all(_state(one, press) is State.IN_DOUBT for press in presses), 10)
        clock.step_to(95)
        wait(3)
        evo.clear_faults()
        until(lambda: all(_state(one, press) is State.PLACED for press in presses), 70)
        tally.lost += [
            f"{press.number}: it rang and was never found: {one.office.told(press.who)}"
            for press in presses
            if _state(one, press) is not State.PLACED
        ]
        return count(one, tally, presses, TOLD_WITHIN_S)


def bad_news_after_a_step(shim: Path, step_s: float) -> Tally:
    """A call is rejected after the step, another one before it and announced after it; Home works."""
    tally = Tally(f"bad outcomes after the clock was set {'ahead' if step_s > 0 else 'back'} by an hour")
    with _clocked(shim, Set(people=4)) as (one, clock):
        office = one.office
        presses = one.crowd.open_forms(4)
        office.slack.open_home(presses[0].who)
        until(lambda: office.slack.home(presses[0].who), 10)
        office.evo.fault(OUTGOING, "400_json", times=3)
        for method in SPEAKING:  # the first notification has to be sent again, which is recorded
            office.slack.fault(method, "500", times=None)
        one.crowd.press(presses[0])
        wait(NOTICED_S)
        clock.step_to(step_s)
        office.slack.clear_faults()
        for press in presses[1:]:
            one.crowd.press(press)
        known = until(lambda: not one.look().troubles(presses), TOLD_WITHIN_S)
        if not known:
            tally.lost.append(f"not everybody knew after {TOLD_WITHIN_S:g} s")
        if not until(lambda: _home_shows(one, presses[0]), TOLD_WITHIN_S):
            tally.lost.append("the Home tab stood still")
        return count(one, tally, presses, TOLD_WITHIN_S)


def two_clocks(shim: Path, database_url: str) -> Tally:
    """Two bots whose clocks are a minute apart: the one ahead must not think that the other one is dead."""
    tally = Tally("two bots with clocks 60 s apart")
    with tempfile.TemporaryDirectory() as folder:
        ahead = WallClock(shim, Path(folder))
        ahead.step_to(MINUTE_S)
        scene = Set(
            over_http=True, bots=2, people=4, database_url=database_url, settings_of=[{}, ahead.settings]
        )
        with stage(scene) as one:
            one.use(0)
            presses = one.crowd.open_forms(4)
            one.office.evo.fault(OUTGOING, "slow", times=None, seconds=SWEEP_EVERY_S + 5)
            for press in presses:
                one.crowd.press(press)
            wait(SWEEP_EVERY_S + 6)
            one.office.evo.clear_faults()
            tally.lost += [
                f"{press.number}: told falsely: {line}"
                for press in presses
                for line in one.office.told(press.who)
                if "stopped while it was placing" in line
            ]
            return count(one, tally, presses, TOLD_WITHIN_S)


def _state(one: Stage, press: FormSubmission) -> State | None:
    call = one.look().call(press)
    return call.state if call else None


def _home_shows(one: Stage, press: FormSubmission) -> bool:
    """Whether the caller's Home tab has the call."""
    return press.number[-4:] in str(one.office.slack.home(press.who))


if __name__ == "__main__":
    by_hand(run)
