"""Writes stills, and a film of stills, as WebP: the same bytes for the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

EFFORT = {"lossless": True, "quality": 70, "method": 4}  # more takes minutes, and saves little


def write_still(path: Path, picture: Image.Image) -> None:
    """One picture, without loss."""
    picture.save(path, "WEBP", **EFFORT)


def write_film(path: Path, frames: Sequence[tuple[Image.Image, int]]) -> None:
    """Frames and how long each is shown, in milliseconds; it repeats forever."""
    pictures, durations = zip(*frames, strict=True)
    pictures[0].save(
        path,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=list(durations),
        loop=0,
        **EFFORT,
    )
