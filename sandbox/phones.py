"""The phone system's side of the page: how each call goes, how the next ones will, and who picks up.

A course says what happens at the phone, a record when Evo Voice lists the call's session.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.evo.calls import BUSY, FAILED, NO_ANSWER, OutgoingCall, Script
from sandbox.evo.voice import EvoVoice
from sandbox.slack.block_kit import Json

COURSES = {
    "answered": ("are answered, and over after 20 s", Script()),
    "long": ("are answered, and go on for 10 min", Script(talk_s=600)),
    "busy": ("are busy", BUSY),
    "no_answer": ("ring for 25 s unless you answer", NO_ANSWER),
    "failed": ("fail", FAILED),
}
RECORDS = {
    "on_answer": "as soon as somebody answers",
    "at_once": "at once",
    "late": "only when the call is over",
    "twice": "twice, as soon as somebody answers",
    "never": "never",
}
LONGEST_RING_S = 120
_GOING_ON = {"queued": "on its way", "ringing": "ringing", "in-progress": "answered"}


class Phones:
    """The telephones of one Evo Voice."""

    def __init__(self, evo: EvoVoice) -> None:
        self._evo = evo
        self._course = "answered"

    def next_calls(self) -> Json:
        """How the next calls go, and what there is to choose from."""
        script = self._evo.world.default_script
        return {
            "courses": [{"id": id_, "words": words} for id_, (words, _script) in COURSES.items()],
            "records": [{"id": id_, "words": words} for id_, words in RECORDS.items()],
            "course": self._course,
            "ring_s": script.ring_s,
            "answers": script.answer,
            "record": script.session,
            "archived": script.archived,
        }

    def choose(self, body: Json) -> None:
        """Choose how the next calls go. LookupError or ValueError for what there is not."""
        _words, script = COURSES[body["course"]]
        ring_s = float(body["ring_s"]) if script.answer else script.ring_s
        if body["record"] not in RECORDS or not 0 <= ring_s <= LONGEST_RING_S:
            raise ValueError(f"a phone rings for up to {LONGEST_RING_S} seconds")
        self._course = body["course"]
        self._evo.world.default_script = replace(
            script, ring_s=ring_s, session=body["record"], archived=bool(body["archived"])
        )

    def answer(self, body: Json) -> None:
        """Pick up a phone that rings."""
        self._evo.world.answer(self._call(body["sid"]))

    def hang_up(self, body: Json) -> None:
        """End a call at the phone that was called, if it is still going on."""
        call, world = self._call(body["sid"]), self._evo.world
        if call.status(world.age(call)) in _GOING_ON:
            world.hang_up(call)

    def _call(self, sid: str) -> OutgoingCall:
        found = next((call for call in list(self._evo.world.calls) if call.sid == sid), None)
        if found is None:
            raise LookupError("there is no such call")
        return found

    def calls(self) -> list[Json]:
        """The calls that went out, newest first; times in Unix seconds, `lasted` when it is over."""
        return [self._shown(call) for call in reversed(list(self._evo.world.calls))]

    def _shown(self, call: OutgoingCall) -> Json:
        world = self._evo.world
        age = world.age(call)
        status = call.status(age)
        return {
            "sid": call.sid,
            "number": call.number,
            "flow": call.flow["name"],
            "caller_id": call.caller_id,
            "status": _GOING_ON.get(status) or _end(call),
            "script": _script_words(call.script),
            "record": self._record_words(call, age),
            "since": call.placed_at.timestamp(),
            "lasted": round(call.end_s / world.speed) if status == "completed" else None,
        }

    def _record_words(self, call: OutgoingCall, age: float) -> str:
        rows = len(call.sessions(age, self._evo.world.speed, self._evo.quirks))
        if call.archived(age) and rows:
            return "its session is in the archive"
        return ("no session is listed", "its session is listed", "two sessions are listed")[rows]


def _end(call: OutgoingCall) -> str:
    if call.hung_up_s is not None:
        return "hung up"
    return "ended" if call.answered else call.script.outcome.lower()


def _script_words(script: Script) -> str:
    if script.answer:
        return f"answered after {script.ring_s:.3g} s, for {script.talk_s:.3g} s"
    return f"{script.outcome.lower()} after {script.ring_s:.3g} s"
