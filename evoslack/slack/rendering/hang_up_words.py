"""What is said about hanging up: the button, its question, and what became of it."""

from __future__ import annotations

from evoslack.calling.calls import Ending, HangUp

HANG_UP = "Hang up"
KEEP_ON = "Keep talking"
HANG_UP_TEXT = "This ends the call for both sides. It cannot be taken back."
HANG_UP_WORDS = {
    HangUp.ASKED: "Somebody hung up here; Evo Voice has not shown the end yet.",
    HangUp.NO_EFFECT: "Somebody hung up here, but the call goes on. Try again, or end it in Evo Voice.",
}
NOT_YOURS_TO_END = "Only whoever asked for this call, or an administrator of Evo Voice, can end it here."
NOTHING_TO_END = "There is nothing to end: the call is over, or EvoSlack does not see which one it is."
ENDING_WORDS = {
    Ending.FORBIDDEN: (
        "Evo Voice does not let EvoSlack's login end calls: it needs the role User. The call goes on. "
        "End it in Evo Voice, and tell whoever looks after EvoSlack."
    ),
    None: "Evo Voice did not answer, so the call probably goes on. Try again, or end it in Evo Voice.",
}
