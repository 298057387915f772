"""The phone system's part of the page: the calls, and how the next ones go.

A course says what happens at the phone; a record, when Evo Voice lists the call's session.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.evo.calls import BUSY, FAILED, NO_ANSWER, OutgoingCall, Script
from sandbox.evo.voice import EvoVoice
from sandbox.slack.block_kit import Json

COURSES = {
    "no_answer": ("ring for 25 sec: pick up, or don't", replace(NO_ANSWER, talk_s=600)),
    "answered": ("are answered and end after 20 sec", Script()),
    "long": ("are answered and last 10 min", Script(talk_s=600)),
    "busy": ("are busy", BUSY),
    "failed": ("fail", FAILED),
}
RECORDS = {
    "on_answer": "once it is answered",
    "at_once": "immediately",
    "late": "only after it ends",
    "twice": "twice, once it is answered",
    "never": "never",
}
LONGEST_RING_S = 120
_ACTIVE = {"queued": "queued", "ringing": "ringing", "in-progress": "answered"}


class Phones:
    """The telephones of one Evo Voice."""

    def __init__(self, evo: EvoVoice) -> None:
        self._evo = evo
        self._course, (_words, script) = next(iter(COURSES.items()))
        evo.world.default_script = replace(script, session="at_once")

    def next_calls(self) -> Json:
        """How the next calls go, and the choices."""
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
        """Set how the next calls go. Raises LookupError or ValueError for an unknown choice."""
        _words, script = COURSES[body["course"]]
        ring_s = float(body["ring_s"]) if script.answer else script.ring_s
        if body["record"] not in RECORDS or not 0 <= ring_s <= LONGEST_RING_S:
            raise ValueError(f"the ring time must be 0 to {LONGEST_RING_S} seconds")
        self._course = body["course"]
        self._evo.world.default_script = replace(
            script, ring_s=ring_s, session=body["record"], archived=bool(body["archived"])
        )

    def answer(self, body: Json) -> None:
        """Answer a ringing phone."""
        self._evo.world.answer(self._call(body["sid"]))

    def decline(self, body: Json) -> None:
        """Decline a ringing phone."""
        self._evo.world.decline(self._call(body["sid"]))

    def hang_up(self, body: Json) -> None:
        """Hang up at the called phone, if the call has not ended."""
        call, world = self._call(body["sid"]), self._evo.world
        if call.status(world.age(call)) in _ACTIVE:
            world.hang_up(call)

    def _call(self, sid: str) -> OutgoingCall:
        found = next((call for call in list(self._evo.world.calls) if call.sid == sid), None)
        if found is None:
            raise LookupError("no such call")
        return found

    def calls(self) -> list[Json]:
        """The calls, newest first; `since` in Unix seconds, `lasted` in seconds once it has ended."""
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
            "caller_name": self._names().get(call.caller_id, ""),
            "status": _ACTIVE.get(status) or _end(call),
            "script": _script_words(call.script),
            "record": self._record_words(call, age),
            "since": call.placed_at.timestamp(),
            "lasted": round(call.end_s / world.speed) if status == "completed" else None,
        }

    def _names(self) -> dict[str, str]:
        """The display names of the account's numbers."""
        rows = list(self._evo.world.endpoints.values())
        return {row["phoneNumber"]: row.get("displayName", "") for row in rows if "phoneNumber" in row}

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
        return f"answered after {script.ring_s:.3g} sec, for {script.talk_s:.3g} sec"
    return f"{script.outcome.lower()} after {script.ring_s:.3g} sec"
