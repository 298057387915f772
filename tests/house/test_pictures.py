"""The pictures in the documents: none is older than what it shows, too large, or without words."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from tests.pictures.sources import FOLDER, ROOT, Picture, read_list, sha256_of

PICTURES = read_list()
MOVING = "call.webp"
LARGEST = {MOVING: 1_500_000}
LARGEST_STILL = 200_000
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EACH = pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.file)


def pictures_in(document: Path) -> list[tuple[Path, str]]:
    """Each picture that a document shows, with its alternative text."""
    text = document.read_text(encoding="utf-8")
    shown = [(path, alt) for alt, path in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text)]
    for tag in re.findall(r"<img\b[^>]*>", text):
        alt, path = (re.search(rf'\b{name}="([^"]*)"', tag) for name in ("alt", "src"))
        shown.append((path[1] if path else "", unescape(alt[1]) if alt else ""))
    return [((document.parent / path).resolve(), alt) for path, alt in shown]


@EACH
def test_no_picture_is_older_than_what_it_shows(picture: Picture) -> None:
    assert sha256_of(picture.shows) == picture.sources_sha256, (
        f"{picture.file} shows something that has changed: run make pictures, and look at it"
    )


@EACH
def test_pictures_are_small(picture: Picture) -> None:
    assert (FOLDER / picture.file).stat().st_size <= LARGEST.get(picture.file, LARGEST_STILL)


def test_every_picture_is_listed() -> None:
    assert {path.name for path in FOLDER.glob("*.webp")} == {picture.file for picture in PICTURES}


def test_every_picture_is_in_a_document_or_linked_from_one() -> None:
    text = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)

    assert [each.file for each in PICTURES if f"pictures/{each.file}" not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_picture_has_the_alternative_text_that_was_written_for_it(document: Path) -> None:
    written = {FOLDER / picture.file: picture.alt for picture in PICTURES}

    assert [alt for path, alt in pictures_in(document) if alt != written.get(path) or len(alt) < 40] == []


def test_the_moving_picture_has_a_still_beside_it_for_those_who_want_no_motion() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    still = MOVING.replace(".webp", "-still.webp")

    assert f'media="(prefers-reduced-motion: reduce)" srcset="docs/pictures/{still}"' in readme
