"""The list of pictures, and from which sources each was taken: `docs/pictures/pictures.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
LIST = FOLDER / "pictures.json"


@dataclass(frozen=True)
class Picture:
    """A picture as it was taken. `shows`: patterns of source files, relative to the repository."""

    file: str
    alt: str
    shows: tuple[str, ...]
    sources_sha256: str


def sha256_of(shows: Iterable[str]) -> str:
    """One hash of all these files, names and contents. Raises LookupError for a pattern without a file."""
    digest = hashlib.sha256()
    for pattern in sorted(shows):
        found = sorted(path for path in ROOT.glob(pattern) if path.is_file())
        if not found:
            raise LookupError(f"no file is called {pattern}")
        for path in found:
            digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_list() -> list[Picture]:
    """The pictures, in the order of the list."""
    rows = json.loads(LIST.read_text(encoding="utf-8"))
    return [Picture(**row | {"shows": tuple(row["shows"])}) for row in rows]


def write_list(pictures: Iterable[Picture]) -> None:
    """Write the list."""
    rows = [asdict(picture) for picture in pictures]
    LIST.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
