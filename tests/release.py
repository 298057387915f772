"""`make release`: builds wheel and sdist into `dist/`, tries the wheel, and lists what it made.

The wheel is built from the sdist, so what the sdist lacks is noticed. It is tried in an empty environment
with exactly the packages of `requirements.txt`; the SBOM (CycloneDX) says what is in there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import evoslack

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
VERSION = evoslack.__version__
MIGRATE = """
from evoslack.ledger.store import Store
store = Store("sqlite:///new.db")
store.open()
print(store.answers())
store.close()
"""


def main() -> int:
    """Build, check, list. Returns the exit code."""
    shutil.rmtree(DIST, ignore_errors=True)
    output_of([sys.executable, "-m", "build", "--no-isolation", "--outdir", DIST, ROOT], env=reproducible())
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    with TemporaryDirectory() as name:
        folder = Path(name)
        python = environment_with(wheel, folder / "venv")
        sbom = DIST / f"evoslack-{VERSION}.cdx.json"
        described = ["--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "--output-file", sbom]
        output_of([sys.executable, "-m", "cyclonedx_py", "environment", *described, python])
        say_the_version(sbom)
        problems = [
            *problems_of_the_version(wheel, sdist),
            *problems_of_the_content(wheel, sdist),
            *problems_of_the_command(python.parent, folder),
        ]
        print(f"Installed with its dependencies, without pip: {megabytes(folder / 'venv')} MB")
    made = sorted(DIST.iterdir())
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in made]
    (DIST / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")
    for path, line in zip(made, sums, strict=True):
        print(f"{path.stat().st_size:>9} bytes  {line}")
    if output_of(["git", "-C", ROOT, "status", "--porcelain"]):
        print("Not for others: there are changes that are not committed.")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    return 1 if problems else 0


def reproducible() -> dict[str, str]:
    """The environment in which the same commit gives the same bytes."""
    committed = output_of(["git", "-C", ROOT, "log", "-1", "--format=%ct"]).strip()
    return {**os.environ, "SOURCE_DATE_EPOCH": committed}


def environment_with(wheel: Path, folder: Path) -> Path:
    """A new environment with the locked packages and the wheel; returns its interpreter."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "--python",
        python,
        "install",
    ]
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", ROOT / "requirements.txt"]
    output_of([*install, *locked])
    output_of([*install, "--no-deps", "--no-index", wheel])
    output_of([sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "check"])
    return python


def say_the_version(sbom: Path) -> None:
    """Add our own version to the SBOM: its maker reads pyproject.toml, which leaves that to the code."""
    content = json.loads(sbom.read_text(encoding="utf-8"))
    content["metadata"]["component"]["version"] = VERSION
    sbom.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def problems_of_the_version(wheel: Path, sdist: Path) -> list[str]:
    """The files and the newest dated heading of the changelog name the version of the code."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[([0-9.]+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    said = {"wheel": wheel.name.split("-")[1], "sdist": sdist.name.removesuffix(".tar.gz").split("-")[1]}
    said["CHANGELOG.md"] = newest[1] if newest else "none with a date"
    return [
        f"{where} says {version}, the code {VERSION}" for where, version in said.items() if version != VERSION
    ]


def problems_of_the_content(wheel: Path, sdist: Path) -> list[str]:
    """The wheel has all files of the product and no others; the sdist has all files of the repository."""
    tracked = set(output_of(["git", "-C", ROOT, "ls-files"]).splitlines())
    product = {name for name in tracked if name.startswith("evoslack/")}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    with tarfile.open(sdist) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    # Who develops gets these from the repository.
    hidden = {name for name in tracked if name.startswith((".ci/", ".git", ".editorconfig", ".pre-commit"))}
    return [
        *(f"the wheel lacks {name}" for name in sorted(product - packed)),
        *(f"the wheel should not have {name}" for name in sorted(packed - product)),
        *(f"the sdist lacks {name}" for name in sorted(tracked - hidden - source)),
        *(f"the sdist should not have {name}" for name in sorted(source - tracked - {"PKG-INFO"})),
    ]


def problems_of_the_command(programs: Path, folder: Path) -> list[str]:
    """The command runs in an empty folder, explains what to set, and makes its tables."""

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        bare = {"PATH": os.defpath}
        return subprocess.run(command, check=False, cwd=folder, env=bare, capture_output=True, text=True)

    version, check = run(programs / "evoslack", "--version"), run(programs / "evoslack", "--check")
    tables = run(programs / "python", "-c", MIGRATE)
    problems = []
    if version.stdout != f"EvoSlack {VERSION}\n":
        problems.append(f"evoslack --version says {version.stdout + version.stderr}")
    if check.returncode != 2 or "SLACK_BOT_TOKEN is missing" not in check.stderr:
        problems.append(f"evoslack --check without settings ends with {check.returncode}: {check.stderr}")
    if tables.stdout != "True\n":
        problems.append(f"the tables can't be made: {tables.stderr}")
    return problems


def output_of(command: Sequence[str | Path], env: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed. Raises SystemExit with what it said."""
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def megabytes(folder: Path) -> int:
    """The size of all files in it."""
    return round(sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


if __name__ == "__main__":
    sys.exit(main())
