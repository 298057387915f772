"""The twelve breaks of the product can be made: what they replace is still there."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.breaks.__main__ import unmade
from tests.chaos.breaks.catalog import BREAKS
from tests.chaos.side_by_side import GROUPS

ROOT = Path(__file__).parents[2]


def test_every_break_finds_what_it_replaces() -> None:
    assert unmade(ROOT) == []
    assert len({one.promise for one in BREAKS}) == 12


def test_every_break_names_an_experiment_and_tests_that_exist() -> None:
    experiments = {name for group, _width in GROUPS for name in group}

    assert {one.experiment for one in BREAKS} <= experiments
    assert [test for one in BREAKS for test in one.tests if not (ROOT / test).is_file()] == []


def test_a_break_whose_text_is_gone_is_told(tmp_path: Path) -> None:
    assert len(unmade(tmp_path)) == 12
