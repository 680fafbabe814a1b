"""The same programs, here and on the reference, leave the same traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tracing import scenarios

GOLDEN = json.loads((Path(__file__).parent.parent / "data" / "tracing-golden.json").read_text())


@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda s: s.__name__)
def test_scenario_leaves_the_traces_of_the_reference(scenario, tmp_path, capsys):
    found = scenarios.run(scenario, str(tmp_path))
    expected = GOLDEN[scenario.__name__]
    assert [_names(t) for t in found] == [_names(t) for t in expected]
    for mine, theirs in zip(found, expected, strict=True):
        # As text, since NaN is not equal to itself
        assert json.dumps(mine, sort_keys=True, indent=1) == json.dumps(
            theirs, sort_keys=True, indent=1
        )


def _names(trace):
    return trace["tags"].get("mlflow.traceName"), [span["name"] for span in trace["spans"]]


def test_every_scenario_is_recorded():
    assert sorted(GOLDEN) == sorted(s.__name__ for s in scenarios.SCENARIOS)
