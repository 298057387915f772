"""Where the settings come from: the environment, on top of the file `.env` in the working directory."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values

FILE_NAME = ".env"


def environment() -> dict[str, str]:
    """The real environment on top of `.env` in the working directory, in which `${…}` is not expanded."""
    values = dotenv_values(Path.cwd() / FILE_NAME, interpolate=False)
    from_file = {name: value or "" for name, value in values.items()}
    return {**from_file, **os.environ}
