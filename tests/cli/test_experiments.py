"""`mlflow experiments`; the outputs were compared with the reference's."""

from __future__ import annotations

import csv
import io
import json


def test_create_and_search(run, tmp_path):
    created = run("experiments", "create", "-n", "exp1")
    assert created.stdout == "Created experiment 'exp1' with id 1\n"
    run("experiments", "create", "--experiment-name", "b", "-l", str(tmp_path / "arts"))
    root = str(tmp_path / "mlruns")
    width = max(len(root) + 2, 19)
    assert run("experiments", "search").stdout.splitlines() == [
        f"Experiment Id    Name     {'Artifact Location'.ljust(width)}",
        f"---------------  -------  {'-' * width}",
        f"0                Default  {(root + '/0').ljust(width)}",
        f"1                exp1     {(root + '/1').ljust(width)}",
        f"2                b        {str(tmp_path / 'arts').ljust(width)}",
    ]


def test_name_that_is_taken(run):
    run("experiments", "create", "-n", "exp1")
    result = run("experiments", "create", "-n", "exp1", status=1)
    assert "already exists" in result.stderr
    assert "Traceback" not in result.output


def test_search_by_view_and_number(run):
    for name in "abc":
        run("experiments", "create", "-n", name)
    run("experiments", "delete", "-x", "1")

    def ids(*options):
        lines = run("experiments", "search", *options).stdout.splitlines()[2:]
        return [line.split()[0] for line in lines]

    assert ids() == ["0", "2", "3"]
    assert ids("-v", "deleted_only") == ["1"]
    assert ids("--view", "all") == ["0", "1", "2", "3"]
    # The youngest first; of those made within one millisecond, the lowest id.
    assert len(ids("--max-results", "1")) == 1
    bad = run("experiments", "search", "-v", "bogus", status=1)
    assert "view type corresponding to string bogus" in bad.stderr


def test_get_as_table_and_as_json(run, client):
    run("experiments", "create", "-n", "exp1")
    client.set_experiment_tag("1", "b", "x y")
    client.set_experiment_tag("1", "a", "1")
    experiment = client.get_experiment("1")
    lines = run("experiments", "get", "-x", "1").stdout.splitlines()
    assert lines[:6] == [
        "Experiment ID      : 1",
        "Name               : exp1",
        f"Artifact Location  : {experiment.artifact_location}",
        "Lifecycle Stage    : active",
        f"Creation Time      : {experiment.creation_time}",
        f"Last Update Time   : {experiment.last_update_time}",
    ]
    assert sorted(lines[6].removeprefix("Tags               : ").split(", ")) == ["a=1", "b=x y"]
    assert json.loads(run("experiments", "get", "-n", "exp1", "--output", "json").stdout) == {
        "artifact_location": experiment.artifact_location,
        "creation_time": experiment.creation_time,
        "effective_trace_archival_retention": None,
        "experiment_id": "1",
        "last_update_time": experiment.last_update_time,
        "lifecycle_stage": "active",
        "name": "exp1",
        "tags": {"a": "1", "b": "x y"},
        "trace_location": None,
        "workspace": "default",
    }


def test_get_takes_one_of_id_and_name(run):
    wanted = "Must specify exactly one of --experiment-id or --experiment-name."
    assert wanted in run("experiments", "get", status=2).stderr
    assert wanted in run("experiments", "get", "-x", "0", "-n", "Default", status=2).stderr
    missing = run("experiments", "get", "-n", "nope", status=1)
    assert "Experiment with name 'nope' does not exist." in missing.stderr


def test_delete_restore_rename(run, client):
    run("experiments", "create", "-n", "exp1")
    deleted = run("experiments", "delete", "-x", "1")
    assert deleted.stdout == "Experiment with ID 1 has been deleted.\n"
    assert client.get_experiment("1").lifecycle_stage == "deleted"
    assert (
        "No Experiment with id=1 exists" in run("experiments", "delete", "-x", "1", status=1).stderr
    )
    restored = run("experiments", "restore", "-x", "1")
    assert restored.stdout == "Experiment with id 1 has been restored.\n"
    renamed = run("experiments", "rename", "-x", "1", "--new-name", "new")
    assert renamed.stdout == "Experiment with id 1 has been renamed to 'new'.\n"
    assert client.get_experiment("1").name == "new"


def test_settings_of_traces_are_refused(run, client):
    assert "Must specify at least one update option." in run(
        "experiments", "update", "-x", "0", status=2
    ).stderr  # fmt: skip
    for words in (
        ["update", "-x", "0", "--trace-archival-retention", "30d"],
        ["update", "-x", "0", "--clear-trace-archive-now"],
        ["create", "-n", "new", "--trace-archival-retention", "30d"],
    ):
        assert "is not supported by Headrace yet" in run("experiments", *words, status=2).stderr
    assert client.get_experiment_by_name("new") is None


def test_csv(run, client, tmp_path):
    first = client.create_run("0", start_time=1_000, run_name='x, "q"').info.run_id
    client.log_param(first, "p", "a,b")
    client.log_metric(first, "m", 1e-20)
    client.log_metric(first, "n", float("nan"))
    client.set_terminated(first, end_time=2_345)
    second = client.create_run("0", start_time=3_000, run_name="second").info.run_id
    client.log_metric(second, "m", 3)
    text = run("experiments", "csv", "-x", "0").stdout
    rows = list(csv.DictReader(io.StringIO(text.rstrip("\n") + "\n")))
    assert list(rows[0]) == [
        "run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time",
        "metrics.m", "metrics.n", "params.p", "tags.mlflow.runName",
    ]  # fmt: skip
    assert [row["run_id"] for row in rows] == [second, first]
    assert rows[0]["metrics.m"] == "3.0"
    assert (rows[0]["end_time"], rows[0]["metrics.n"], rows[0]["params.p"]) == ("", "", "")
    assert rows[1]["start_time"] == "1970-01-01 00:00:01.000+00:00"
    assert rows[1]["end_time"] == "1970-01-01 00:00:02.345+00:00"
    assert rows[1]["metrics.m"] == "1e-20"
    assert rows[1]["metrics.n"] == "nan"
    assert rows[1]["params.p"] == "a,b"
    assert rows[1]["tags.mlflow.runName"] == 'x, "q"'
    written = run("experiments", "csv", "-x", "0", "-o", "out.csv").stdout
    assert written == "Experiment with ID 0 has been exported as a CSV to file: out.csv.\n"
    assert (tmp_path / "out.csv").read_text() + "\n" == text


def test_csv_of_many_runs_has_all_of_them(run, store):
    for n in range(1005):
        store.create_run("0", "ada", n, [], f"run{n}")
    assert len(run("experiments", "csv", "-x", "0").stdout.split()) > 1005
