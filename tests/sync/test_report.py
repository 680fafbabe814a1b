"""What is said of a copy."""

from __future__ import annotations

import pytest

from mlflow.sync.report import Counts, Report, size


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "Nothing new in no runs."),
        ({"runs": 1}, "Nothing new in 1 run."),
        ({"runs": 1234}, "Nothing new in 1,234 runs."),
        (
            {
                "runs": 12,
                "experiments_created": 1,
                "runs_created": 2,
                "points": 53_400,
                "params": 1,
            },
            "1 new experiment, 2 new runs (of 12 runs): 53,400 points, 1 param.",
        ),
        (
            {"runs": 2, "runs_changed": 1, "tags_removed": 2, "inputs": 1},
            "1 changed run (of 2 runs): 2 tags removed, 1 input or output.",
        ),
        ({"runs": 2, "files": 1, "bytes": 1200}, "Files (of 2 runs): 1 file (1.2 kB)."),
        ({"experiments_changed": 1}, "1 changed experiment: no data."),
    ],
)
def test_summary(counts, said):
    report = Report()
    report.add(**counts)
    assert report.summary() == said


def test_progress_shows_runs_points_and_bytes():
    report = Report()
    report.add(runs=1200, points=53_400, files=3, bytes=1_500_000)
    line = "Copying: 1,200 runs, 53,400 points, 3 files (1.5 MB), 12 s"
    assert report._progress.line(12.3) == line


def test_sizes():
    assert [size(n) for n in (0, 999, 1000, 2_345_678, 10**13)] == [
        *("0 B", "999 B", "1 kB", "2.35 MB"),
        "10 TB",
    ]


def test_problems_are_counted_and_the_first_ones_kept():
    said: list[str] = []
    report = Report(complain=said.append)
    for i in range(1500):
        report.problem(f"problem {i}")
    for _ in range(2):
        report.problem_once("key", "once")
    assert report.problem_count == len(said) == 1501
    assert len(report.problems) == 1000


def test_runs_need_not_be_told_of():
    said: list[str] = []
    report = Report(said.append, each_run=False)
    report.experiment("e")
    report.run("r")
    assert said == ["e"]


def test_looking_at_runs_is_no_change():
    assert not Counts(runs=5).any_change()
    assert Counts(runs=5, bytes=1).any_change()
