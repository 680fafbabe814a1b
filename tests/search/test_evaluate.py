"""What filters find and how orders sort, in memory, beyond what is recorded."""

from __future__ import annotations

import pytest

from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunTag,
)
from mlflow.search import EXPERIMENTS, RUNS, parse_filter, parse_order_by
from mlflow.search.evaluate import experiment_values, matcher, number_in, run_values, sort
from mlflow.search.like import like


def run(metrics=None, params=None, tags=None, datasets=(), **info):
    known = {"run_id": "r", "start_time": 0, "end_time": None, "user_id": "u", "status": "RUNNING"}
    return Run(
        RunInfo(experiment_id="1", lifecycle_stage="active", **{**known, **info}),
        RunData(
            [Metric(key, value, 0, 0) for key, value in (metrics or {}).items()],
            [Param(key, value) for key, value in (params or {}).items()],
            [RunTag(key, value) for key, value in (tags or {}).items()],
        ),
        RunInputs(
            [
                DatasetInput(
                    Dataset(name, f"digest of {name}", "local", "{}"),
                    [InputTag("mlflow.data.context", context)],
                )
                for name, context in datasets
            ]
        ),
    )


def fits(text, item):
    return matcher(parse_filter(text, RUNS), run_values)(item)


@pytest.mark.parametrize(
    "text, found",
    [
        ("metrics.nan != 1", True),
        ("metrics.nan = 1", False),
        ("metrics.nan > 0", False),
        ("NOT metrics.nan > 0", True),
        ("metrics.inf > 1e300", True),
        ("metrics.absent != 1", False),
        ("NOT metrics.absent != 1", True),
        ("NOT metrics.absent = 1", True),
        ("end_time != 5", False),
        ("NOT end_time > 5", True),
        ("run_name = ''", False),
        ("params.empty IS NULL", False),
        ("params.absent IS NULL OR metrics.absent > 1", True),
    ],
)
def test_absent_values_and_nan(text, found):
    item = run(metrics={"nan": float("nan"), "inf": float("inf")}, params={"empty": ""})
    assert fits(text, item) is found


@pytest.mark.parametrize(
    "text, found",
    [
        ("datasets.name != 'A'", True),
        ("NOT datasets.name = 'A'", False),
        ("datasets.name = 'A' AND datasets.context = 'eval'", True),
        ("datasets.name NOT IN ('A', 'B')", False),
        ("datasets.digest LIKE '%B'", True),
    ],
)
def test_any_dataset_of_the_run_counts(text, found):
    assert fits(text, run(datasets=[("A", "training"), ("B", "eval")])) is found


def test_run_without_inputs_has_no_datasets():
    bare = run()
    assert not fits("datasets.name != 'A'", Run(bare.info, bare.data))


@pytest.mark.parametrize(
    "value, found",
    [
        ("0.2", True),
        ("2e-1", True),
        ("1E400", False),
        ("0.05", False),
        ("high", False),
        ("", False),
    ],
)
def test_number_against_param_looks_at_numbers_only(value, found):
    assert fits("params.lr > 0.1", run(params={"lr": value})) is found
    assert fits("params.lr != 0.05", run(params={"lr": value})) is found


@pytest.mark.parametrize(
    "text, number",
    [
        ("1", 1),
        ("-1.5", -1.5),
        ("+.5", 0.5),
        ("1.", 1),
        ("1e-05", 1e-5),
        ("9" * 400, None),
        ("1e999", None),
        ("1e9999", None),
        *((text, None) for text in ("", " 1", "1 ", "1\n", "1_0", "0x1", "nan", "inf", "-", ".")),
        *((text, None) for text in ("1e", "١", "1,5", "1.2.3", "True")),
    ],
)
def test_number_in(text, number):
    assert number_in(text) == number


@pytest.mark.parametrize(
    "pattern, text, found",
    [
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("abc", "Abc", False),
        ("a%", "a", True),
        ("%c", "abc", True),
        ("a%c", "abcbc", True),
        ("a%c", "abcb", False),
        ("ab%ba", "aba", False),
        ("%b%d%", "abcd", True),
        ("%d%b%", "abcd", False),
        ("a_c", "a\nc", True),
        ("a_c", "ac", False),
        ("%_", "", False),
        ("%_b_%", "abc", True),
        ("%_b_%", "bab", False),
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("%%%", "abc", True),
        (".*", "abc", False),
        ("[ab]_", "[ab]c", True),
        (r"100\%", "100%", False),
    ],
)
def test_like(pattern, text, found):
    assert like(pattern)(text) is found


def test_ilike_ignores_case():
    assert like("ÄB%_D", ignore_case=True)("äbcd")
    assert not like("ÄB%_D", ignore_case=True)("äbd")


def test_order_of_runs():
    runs = {
        name: run(metrics=metrics, run_id=name, start_time=start)
        for name, metrics, start in [
            ("low", {"m": -1.0}, 1),
            ("old", {"m": 2.0}, 2),
            ("new", {"m": 2.0}, 3),
            ("nan", {"m": float("nan")}, 4),
            ("inf", {"m": float("inf")}, 5),
            ("without b", {}, 6),
            ("without a", {}, 6),
        ]
    }

    def names(*items):
        ordered = sort(runs.values(), parse_order_by(items, RUNS), RUNS, run_values)
        return [item.info.run_id for item in ordered]

    last = ["nan", "without a", "without b"]
    assert names("metrics.m") == ["low", "new", "old", "inf", *last]
    assert names("metrics.m DESC") == ["inf", "new", "old", "low", *last]
    assert names("metrics.m", "start_time") == ["low", "old", "new", "inf", *last]
    assert names() == ["without a", "without b", "inf", "nan", "new", "old", "low"]


def test_order_of_experiments():
    made = [("9", "b", 5), ("10", "a", 5), ("2", "c", 7)]
    experiments = [
        Experiment(number, name, "", "active", creation_time=created, last_update_time=1)
        for number, name, created in made
    ]

    def ids(*items):
        order = parse_order_by(items, EXPERIMENTS)
        ordered = sort(experiments, order, EXPERIMENTS, experiment_values)
        return [experiment.experiment_id for experiment in ordered]

    # Seen in the reference: among equals the older first by default, else the newer.
    assert ids() == ["2", "9", "10"]
    assert ids("last_update_time") == ["10", "9", "2"]
    assert ids("creation_time DESC") == ["2", "10", "9"]
    assert ids("experiment_id") == ["2", "9", "10"]
    assert ids("name") == ["10", "9", "2"]


def test_param_named_like_an_id_sorts_as_text():
    runs = [run(params={"experiment_id": value}, run_id=value) for value in ("9", "10")]
    order = parse_order_by(["params.experiment_id"], RUNS)
    assert [r.info.run_id for r in sort(runs, order, RUNS, run_values)] == ["10", "9"]
