"""What the documents point to exists: files, links and make targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FOLDERS = ("evoslack", "sandbox", "tests", "docs", "deploy")
FILES = [
    str(path.relative_to(ROOT))
    for path in [ROOT / "bot.py", *(found for folder in FOLDERS for found in (ROOT / folder).rglob("*"))]
    if "__pycache__" not in path.parts
]


def is_there(quoted: str) -> bool:
    """Whether that file or folder exists; the front of its path may be left out."""
    quoted = quoted.removesuffix("/")
    return (ROOT / quoted).exists() or any(path.endswith(f"/{quoted}") for path in FILES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    quoted = set(re.findall(r"`([\w./-]+(?:\.py|\.yml|\.md|/))`", text)) - {"/"}

    assert sorted(name for name in quoted if not is_there(name)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)", document.read_text(encoding="utf-8"))
    local = [(target, heading) for target, heading in links if not target.startswith("http")]
    broken = [
        f"{target}#{heading}"
        for target, heading in local
        if not (document.parent / target).exists()
        or (heading and heading not in headings(document.parent / target))
    ]

    assert broken == []


def headings(document: Path) -> set[str]:
    """The anchors of a page's headings, as hosting sites make them."""
    found = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/guarantee.md"])
def test_every_make_target_that_a_document_names_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", (ROOT / name).read_text(encoding="utf-8")))

    assert named <= targets


def test_ci_calls_make_targets_and_installs_what_they_need() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    commands = re.findall(r"^ +- run: (.+)$", workflow, re.MULTILINE)

    assert {command for command in commands if "apt-get" not in command} == {
        *("make check", "make test", "make demo", "make test-page", "make chaos-short")
    }
