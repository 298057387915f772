"""The sentences of the do-not-call list: block, unblock, the list itself, import and export (mrkdwn)."""

from __future__ import annotations

from evoslack.calling.blocked_csv import MOST_LINES, FileProblem, LineProblem, WrongLine
from evoslack.calling.number_format import example, pretty, unbroken
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.rulebook import LONGEST_REASON, BlockedNumber
from evoslack.slack.rendering import times
from evoslack.slack.rendering.mrkdwn import escape, mention, one_line
from evoslack.slack.rendering.refusal_messages import refusal_message

LONGEST_SHOWN = 120  # characters of a reason in the list
LONGEST_CELL = 40  # characters of a line's number
SHOWN_LINES = 20  # wrong lines in a message; a file has all of them

ADMINISTRATORS_UNBLOCK = "Only an Evo Voice administrator can take a number off the do-not-call list."
ADMINISTRATORS_IMPORT = "Only an Evo Voice administrator can import a do-not-call list."
ADMINISTRATORS_EXPORT = "Only an Evo Voice administrator can export the do-not-call list."
EMPTY = "The do-not-call list is empty."
FILE_TITLE = "Do-not-call list"

IMPORT_TITLE = "Import numbers"
IMPORT_SUBMIT = "Import"
IMPORT_INTRO = (
    "Choose a CSV file with a number and a reason on each line. Its numbers are added to the do-not-call "
    "list, so nobody can call them from EvoSlack. If any line is wrong, nothing is imported."
)
FILE_LABEL = "File"
REASON_LABEL = "Reason for lines without one"
REASON_HINT = "Leave this empty if every line should have its own."
NO_FILE = "Choose a file."
NOT_STARTED = "Nothing was imported."
WRONG_TITLE = "Lines to fix"

NOTE_ADDS = "Adds the number to the do-not-call list."  # what the result of a call does

_FILE_PROBLEMS = {
    FileProblem.EMPTY: "The file has no numbers.",
    FileProblem.NOT_TEXT: "That isn't a CSV file. In a spreadsheet, choose Save as, then CSV.",
    FileProblem.TOO_MANY: f"The file has more than {MOST_LINES:,} lines. Split it.",
}
_LINE_PROBLEMS = {
    LineProblem.NO_REASON: "The reason is missing.",
    LineProblem.LONG_REASON: f"The reason is longer than {LONGEST_REASON} characters.",
    LineProblem.TWO_REASONS: "Line {other} has another reason for this number. Keep one.",
    LineProblem.TWO_NUMBERS: "There are two numbers here. Give each a line of its own.",
    LineProblem.SHORTENED: "A spreadsheet shortened this number. Format the column as text, then save again.",
    LineProblem.UNREADABLE: "This line and the ones below can't be read. A quotation mark may be missing.",
}
_NUMBER_PROBLEMS = {  # where the words for someone who wants to call don't fit
    Problem.EMERGENCY: "EvoSlack never dials emergency numbers anyway. Remove this line.",
    Problem.SHORT_CODE: "EvoSlack never dials short numbers anyway. Remove this line.",
    Problem.SEVERAL: "There's more than one number here. Give each a line of its own.",
}


def usage(command: str, region: str) -> str:
    """How a number is blocked."""
    return f"Type a number and why: *{command} block {example(region)} asked by email*."


def unblock_usage(command: str, region: str) -> str:
    """How a number is unblocked."""
    return f"Type the number: *{command} unblock {example(region)}*."


def missing_reason(command: str, number: str, region: str) -> str:
    """For a number without a reason."""
    shown = pretty(number, region)
    return f"Nothing was blocked yet. Say why, too: *{command} block {shown} asked by email*."


def long_reason(length: int) -> str:
    """For a reason that is too long."""
    return (
        f"Nothing was blocked. That reason has {length:,} characters, and there's room for {LONGEST_REASON}."
    )


def blocked(entry: BlockedNumber, region: str) -> str:
    """The number was added."""
    return (
        f"*{_number(entry, region)}* is on the do-not-call list now: {escape(entry.reason)}\n"
        "Nobody can call it from EvoSlack. Only an Evo Voice administrator can take it off the list."
    )


def already(entry: BlockedNumber, region: str) -> str:
    """The number is on the list; its entry stays as it is."""
    return f"{_is_on_it(entry, region)}. Nothing was changed."


def unblocked(entry: BlockedNumber, region: str) -> str:
    """The number was taken off."""
    return (
        f"*{_number(entry, region)}* is off the do-not-call list, so people can call it again.\n"
        f"Its entry was: {escape(entry.reason)} · {_by(entry)}"
    )


def not_listed(number: str, region: str) -> str:
    """There is nothing to unblock."""
    return f"*{unbroken(pretty(number, region))}* isn't on the do-not-call list. Nothing was changed."


def heading(shown: int, total: int, command: str) -> str:
    """Above the list."""
    many = f"{_numbers(total)}" if shown == total else f"the newest {shown} of {total:,} numbers"
    export = (
        f"Administrators: *{command} blocked export* sends all of it, *{command} block import* adds a file."
    )
    return f"*Do-not-call list:* {many}. {export}"


def line(entry: BlockedNumber, region: str) -> str:
    """One entry: the number, why, who and when."""
    return f"*{_number(entry, region)}* · {one_line(entry.reason, LONGEST_SHOWN)}\n{_by(entry)}"


def after_note(entry: BlockedNumber, region: str, *, is_new: bool) -> str:
    """A note with that result was saved."""
    if not is_new:
        return f"Your note is saved. {_is_on_it(entry, region)}."
    return f"Your note is saved. {blocked(entry, region)}"


def still_blocked(entry: BlockedNumber, region: str, command: str) -> str:
    """A note was saved from which that result was taken back."""
    shown = pretty(entry.number, region)
    return (
        f"Your note is saved, but *{unbroken(shown)}* stays on the do-not-call list. "
        f"If that's wrong, ask an Evo Voice administrator to type *{command} unblock {shown}*."
    )


def exporting(total: int) -> str:
    """The answer to the command, while the file is being made."""
    return f"Exporting the do-not-call list: {_numbers(total)}. You'll get the file as a direct message."


def exported(total: int) -> str:
    """The message with the file."""
    return f"The do-not-call list: {_numbers(total)}."


def importing(file_name: str) -> str:
    """On the page that the form becomes."""
    return f"Checking {_file(file_name)}. You'll get the result as a direct message."


def imported(file_name: str, new: int, total: int, heading_line: str) -> str:
    """Every line was right; `heading_line` is the first line if it was taken for a heading."""
    known = total - new
    words = [f"{_file(file_name)} is imported."]
    if new:
        words.append(f"{_numbers(new)} {'was' if new == 1 else 'were'} added.")
    if known:
        which = f"{known:,}" if new else f"All {_numbers(known)}" if known > 1 else "Its number"
        kept = (
            "was already on the list and keeps its"
            if known == 1
            else "were already on the list and keep their"
        )
        words.append(f"{which} {kept} first entry.")
    if heading_line:
        words.append(f"The first line was taken for a heading: {one_line(heading_line, LONGEST_SHOWN)}")
    return " ".join(words)


def not_imported(file_name: str, wrong: list[WrongLine], region: str) -> str:
    """Some lines are wrong: the first of them."""
    one = len(wrong) == 1
    how_many = "1 line is wrong. Fix it" if one else f"{len(wrong):,} lines are wrong. Fix them"
    words = [f"*Nothing was imported* from {_file(file_name)}: {how_many}, then import the file again."]
    words += [f"• {_line(each, region)}" for each in wrong[:SHOWN_LINES]]
    if len(wrong) > SHOWN_LINES:
        words.append(f"These are the first {SHOWN_LINES}. The file has all of them.")
    return "\n".join(words)


def wrong_cells(wrong: WrongLine, region: str) -> tuple[str, str, str]:
    """The same line for a file: where, the number, and why (plain text)."""
    return str(wrong.line), wrong.number, _why(wrong, region)


def unusable(file_name: str, problem: FileProblem) -> str:
    """The file as a whole cannot be used."""
    return f"*Nothing was imported* from {_file(file_name)}. {_FILE_PROBLEMS[problem]}"


def too_large(file_name: str, most_bytes: int) -> str:
    """The file has too many bytes."""
    most = f"{most_bytes // 1_000_000} MB"
    return f"*Nothing was imported* from {_file(file_name)}. It's larger than {most}. Split it."


def not_let_in(file_name: str) -> str:
    """Slack gives the bot no file."""
    return (
        f"*Nothing was imported* from {_file(file_name)}. Slack doesn't let EvoSlack read files yet. "
        "It needs the scope files:read: update the app from manifest.yml and reinstall it."
    )


def not_downloaded(file_name: str, problem: str) -> str:
    """Slack did not answer, or not as it should."""
    why = f"Slack didn't send it ({escape(problem)})."
    return f"*Nothing was imported* from {_file(file_name)}. {why} Try again in a minute."


def _number(entry: BlockedNumber, region: str) -> str:
    return unbroken(pretty(entry.number, region))


def _is_on_it(entry: BlockedNumber, region: str) -> str:
    shown = _number(entry, region)
    return f"*{shown}* is already on the do-not-call list: {escape(entry.reason)}\n{_by(entry)}"


def _by(entry: BlockedNumber) -> str:
    how = ", as the result of a call" if entry.call_id else ""
    return f"Blocked by {mention(entry.by)}, {times.when(entry.at)}{how}"


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count:,} numbers"


def _file(name: str) -> str:
    return f"“{one_line(name, LONGEST_CELL)}”"


def _line(wrong: WrongLine, region: str) -> str:
    shown = one_line(wrong.number, LONGEST_CELL)
    where = f"Line {wrong.line:,} ({shown})" if shown else f"Line {wrong.line:,}"
    return f"{where}: {escape(_why(wrong, region))}"


def _why(wrong: WrongLine, region: str) -> str:
    if isinstance(wrong.problem, BadNumber):
        return _NUMBER_PROBLEMS.get(wrong.problem.problem) or refusal_message(wrong.problem, region).words
    return _LINE_PROBLEMS[wrong.problem].format(other=f"{wrong.other:,}")
