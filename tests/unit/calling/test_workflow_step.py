"""The inputs of a workflow step are read strictly: nothing is guessed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from evoslack.calling.workflow_step import StepInputs

GIVEN: dict[str, Any] = {
    "person": {"id": "U123", "secret": "s3cret"},
    "flow": "flow2",
    "number": "814 404 3093",
    "caller_id": "+12025550100",
}


def test_the_inputs_are_read_and_the_secret_is_not_kept() -> None:
    inputs = StepInputs.of(GIVEN)

    assert inputs == StepInputs("U123", "flow2", "814 404 3093", "+12025550100")
    assert "s3cret" not in str(asdict(inputs))


@pytest.mark.parametrize("caller_id", [None, ""])
def test_a_missing_caller_id_means_the_default(caller_id: Any) -> None:
    inputs = StepInputs.of(GIVEN | {"caller_id": caller_id})

    assert inputs is not None
    assert inputs.caller_id == ""


@pytest.mark.parametrize(("given", "expected"), [(None, False), (False, False), (True, True)])
def test_only_a_yes_calls_anyway(given: bool | None, expected: bool) -> None:
    inputs = StepInputs.of(GIVEN | {"call_anyway": given})

    assert inputs is not None
    assert inputs.call_anyway is expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"person": "U123"},
        {"person": {}},
        {"person": {"id": ""}},
        {"person": {"id": "u123"}},
        {"person": {"id": "U123\n"}},
        {"person": {"id": "U" * 40}},
        {"flow": None},
        {"flow": 2},
        {"number": ["814"]},
        {"number": "8" * 301},
        {"caller_id": 1},
        {"caller_id": []},
        {"caller_id": False},
        {"caller_id": {"value": "+12025550100"}},
        {"call_anyway": "true"},
        {"call_anyway": 1},
    ],
)
def test_anything_else_cannot_be_read(wrong: dict[str, Any]) -> None:
    assert StepInputs.of(GIVEN | wrong) is None


@pytest.mark.parametrize("given", [None, "flow2", [], 1, {}])
def test_anything_but_a_set_of_inputs_cannot_be_read(given: Any) -> None:
    assert StepInputs.of(given) is None
