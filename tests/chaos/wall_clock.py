"""A wall clock of one process that can be set from outside: a library of few lines, built when needed.

The bot's own code is as it is; only what the C library tells it of the time is shifted (`clock_shim.c`).
Monotonic clocks go on, as they do when the clock of a machine is set.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("clock_shim.c")
SECONDS = struct.Struct("=d")
NEEDS = "needs Linux and a C compiler (Debian: apt-get install gcc libc6-dev)"


def can_be_set() -> bool:
    """Whether this machine has what it takes."""
    return sys.platform == "linux" and shutil.which("gcc") is not None


def build_shim(folder: Path) -> Path:
    """Compile the library into the folder; raises `CalledProcessError`."""
    library = folder / "clock_shim.so"
    compile_it = ["gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(compile_it, check=True, capture_output=True)
    return library


class WallClock:
    """The clock of one bot; `settings` go into its environment."""

    def __init__(self, library: Path, folder: Path, name: str = "clock") -> None:
        self._path = folder / name
        self._path.write_bytes(SECONDS.pack(0.0))
        with self._path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), SECONDS.size)
        self.settings: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "CHAOS_CLOCK_FILE": str(self._path),
        }

    def step_to(self, seconds: float) -> None:
        """From now on the bot's wall clock is so far ahead of the machine's (negative: behind)."""
        self._memory[:] = SECONDS.pack(seconds)
