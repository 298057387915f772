"""`make pictures`: takes all pictures, or those that are named, and lists them with what they show."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.chaos.wall_clock import NEEDS, build_shim, can_be_set
from tests.pictures.film import write_film, write_still
from tests.pictures.scenes import SCENES
from tests.pictures.sources import FOLDER, LIST, Picture, read_list, sha256_of, write_list
from tests.pictures.theater import open_stage
from tests.pictures.visitor import open_browser


def main(names: list[str]) -> int:
    """Take these pictures (all, if none is named)."""
    if not can_be_set():
        raise SystemExit(f"This {NEEDS}.")
    known = {picture.file: picture for picture in (read_list() if LIST.exists() else [])}
    with (
        tempfile.TemporaryDirectory(prefix="evoslack-pictures-") as folder,
        sync_playwright() as playwright,
        open_browser(playwright) as browser,
    ):
        library = build_shim(Path(folder))
        for scene in SCENES:
            if names and scene.name not in names:
                continue
            with open_stage(browser, library, Path(folder), scene.at) as stage:
                frames = scene.play(stage)
            taken = sha256_of(scene.shows)
            path = FOLDER / f"{scene.name}.webp"
            written = [path]
            if len(frames) > 1:
                write_film(path, frames)
                written.append(FOLDER / f"{scene.name}-still.webp")
            write_still(written[-1], frames[scene.still][0])
            for each in written:
                known[each.name] = Picture(each.name, scene.alt, scene.shows, taken)
                print(f"{each.name}: {each.stat().st_size / 1000:.0f} kB", flush=True)
    order = [f"{scene.name}{end}.webp" for scene in SCENES for end in ("", "-still")]
    write_list(known[name] for name in order if name in known)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
