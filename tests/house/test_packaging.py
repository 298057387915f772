"""The package: what it needs is declared, locked with hashes, and packed; and the wheel runs by itself."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import evoslack

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements.txt",
    "requirements-sandbox.txt",
    "requirements-dev.txt",
    "requirements-build.txt",
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = {
    "python-dotenv": "dotenv",
    "python-json-logger": "pythonjsonlogger",
}  # not named like their packages
DECLARED = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]


def locked(name: str) -> dict[str, str]:
    """The version of each package in a requirements file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {
        canonicalize_name(package): version
        for package, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    }


def entries(name: str) -> list[str]:
    """The lines of a requirements file, continued ones joined, without comments."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_hashes_and_nothing_says_where_it_is_from(name: str) -> None:
    wrong = [
        entry
        for entry in entries(name)
        if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}\b", entry)
    ]

    assert entries(name)
    assert wrong == []


def test_the_lock_has_what_the_package_declares_in_a_version_it_allows() -> None:
    pinned = locked("requirements.txt")
    wrong = [
        str(wanted)
        for wanted in DECLARED
        if pinned.get(canonicalize_name(wanted.name), "none") not in wanted.specifier
    ]

    assert wrong == []
    assert "psycopg-binary" in pinned  # what psycopg[binary] stands for


def test_the_sandbox_and_the_tests_run_with_the_versions_that_are_released() -> None:
    assert locked("requirements.txt").items() <= locked("requirements-sandbox.txt").items()
    assert locked("requirements-sandbox.txt").items() <= locked("requirements-dev.txt").items()


def test_the_build_needs_exactly_what_is_locked_for_it() -> None:
    needed = [Requirement(line) for line in PYPROJECT["build-system"]["requires"]]

    assert locked("requirements-build.txt") == {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in needed
    }


def test_the_product_imports_nothing_that_it_does_not_declare() -> None:
    names = {canonicalize_name(wanted.name) for wanted in DECLARED}
    declared = {MODULES.get(name, name.replace("-", "_")) for name in names}
    imported = {name for path in (ROOT / "evoslack").rglob("*.py") for name in imports_of(path)}

    assert imported - declared - sys.stdlib_module_names == {"evoslack"}


def imports_of(path: Path) -> set[str]:
    """The first part of each module's name that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without the internet."""
    folder = tmp_path_factory.mktemp("dist")
    code = f"from flit_core import buildapi; print(buildapi.build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return zipfile.ZipFile(folder / done.stdout.strip())


def test_the_wheel_is_the_product_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    product = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "evoslack").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert packed == product
    assert any("/migrations/versions/0001" in name for name in packed)


def test_the_wheel_says_the_version_and_the_command(wheel: zipfile.ZipFile) -> None:
    folder = f"evoslack-{evoslack.__version__}.dist-info"

    assert f"\nVersion: {evoslack.__version__}\n" in wheel.read(f"{folder}/METADATA").decode()
    assert "\nevoslack=evoslack.__main__:entry" in wheel.read(f"{folder}/entry_points.txt").decode()


BY_ITSELF = """
from evoslack import cli
from evoslack.ledger.store import Store

print(cli.__file__)
print(cli.main(["--check"]))
store = Store("sqlite:///new.db")
store.open()
print(store.answers())
store.close()
cli.main(["--version"])
"""


def test_the_wheel_runs_by_itself(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Not from this checkout: the wheel's content alone, in a folder that has nothing else."""
    site, empty = tmp_path / "site", tmp_path / "empty"
    wheel.extractall(site)
    empty.mkdir()
    env = {"PATH": os.defpath, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", BY_ITSELF]
    done = subprocess.run(command, check=False, cwd=empty, env=env, capture_output=True, text=True)

    assert done.stdout.splitlines() == [
        str(site / "evoslack" / "cli.py"),
        "2",
        "True",
        f"EvoSlack {evoslack.__version__}",
    ], done.stderr
    assert "SLACK_BOT_TOKEN is missing" in done.stderr
