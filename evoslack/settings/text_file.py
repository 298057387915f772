"""Reads a small text file that an operator wrote. Every way it can fail is a sentence."""

from __future__ import annotations

import codecs
from pathlib import Path

LARGEST = 64 * 1024  # bytes; the longest real one is a few thousand


class Unreadable(Exception):
    """The file cannot be used; the message says why and what to do, and repeats nothing of what is in it."""


class Missing(Unreadable):
    """There is no such file."""


def read_text_file(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises `Missing` or another `Unreadable`. A named pipe is read like a file: password managers offer their
    secrets in one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        if path.is_symlink():
            raise Unreadable(f"{path} is a link to a missing file.") from None
        raise Missing(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise Unreadable(f"{path} is a directory; a file is needed.") from None
    except PermissionError:
        raise Unreadable(f"{path} cannot be read by the user that runs EvoSlack.") from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}).") from None
    if len(content) > LARGEST:
        raise Unreadable(f"{path} is larger than {LARGEST // 1024} kB, so it is not the file you meant.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise Unreadable(f"{path} is not UTF-8 (it looks like UTF-16); save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{path} is not UTF-8 in line {line}; save it as UTF-8.") from None
