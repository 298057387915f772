"""The repository itself: sizes, names, and the documents that belong to it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import evoslack

ROOT = Path(__file__).parents[2]
PRODUCT = list((ROOT / "evoslack").rglob("*.py"))


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE", ".env.example", "manifest.yml"])
def test_the_documents_are_there(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_a_paragraph_and_has_one_job(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith('"""')
    assert len(text.splitlines()) <= 280
    assert path.stem not in {"base", "utils", "helpers", "common", "manager", "core"}


def test_the_changelog_knows_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)

    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(evoslack.__version__)}\] - \d{{4}}-\d\d-\d\d", headings[1])


def test_every_section_of_the_changelog_has_a_standard_name() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    kinds = set(re.findall(r"^### (.+)$", changelog, re.MULTILINE))

    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_every_folder_with_tests_is_run_by_make_test_or_by_a_target_of_its_own() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run = [ROOT / path for path in pyproject["tool"]["pytest"]["ini_options"]["testpaths"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    run += [ROOT / path for path in re.findall(r"pytest .*\b(tests/\w+)$", makefile, re.MULTILINE)]
    forgotten = [path for path in (ROOT / "tests").rglob("test_*.py") if not set(path.parents) & set(run)]

    assert forgotten == []
    assert all(path.is_dir() for path in run)


def test_no_secret_file_is_tracked() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ".env" not in listed.stdout.splitlines()
