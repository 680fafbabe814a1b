"""`mlflow run`; statuses and messages were compared with the reference's."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "MLproject").write_text(
        "entry_points: {main: {parameters: {rate: {type: float, default: 0.01}}, "
        'command: "test {rate} = 0.001"}}'
    )


LOCAL = ["run", "project", "--env-manager", "local"]


def test_parameter_name_and_experiment(run, client):
    run(*LOCAL, "-P", "rate=0.001", "--run-name", "n", "--experiment-name", "new")
    experiment = client.get_experiment_by_name("new")
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.status, found.info.run_name) == ("FINISHED", "n")
    assert found.data.params == {"rate": "0.001"}


def test_failure(run, client, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    run(*LOCAL, status=1)
    (found,) = client.search_runs(["0"])
    assert found.info.status == "FAILED"
    assert f"=== Run (ID '{found.info.run_id}') failed ===" in caplog.text


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["-P", "rate"], 2, "Invalid format for -P parameter: 'rate'. Use -P name=value."),
        (["-P", "=1"], 2, "Invalid format for -P parameter"),
        (["-P", "a=1", "-P", "a=2"], 2, "Repeated parameter: 'a'"),
        (["-A", "t", "-A", "t"], 2, "Repeated parameter: 't'"),
        (["-b", "kubernetes"], 2, "Specify 'backend_config' when using kubernetes mode."),
        (["-c", "{"], 2, "Invalid backend config JSON. Parse error: "),
        (["-c", "absent.json"], 2, "'absent.json' cannot be read"),
        (["--experiment-name", "a", "--experiment-id", "0"], 2, "Specify only one of"),
        (["--env-manager", "x"], 1, "Invalid value for `env_manager`: x."),
    ],
)
def test_options_that_cannot_be(run, client, options, status, said):
    assert said in run(*LOCAL, *options, status=status).stderr
    assert client.search_runs(["0"]) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-e", "nope"], "Could not find nope among entry points ['main']"),
        (["-v", "1"], "Setting a version is only supported for Git project URIs"),
        (["-b", "nope"], "Got unsupported execution mode nope."),
        (["-b", "databricks", "-c", "{}"], "hosted product"),
    ],
)
def test_errors_are_one_line(run, caplog, monkeypatch, options, said):
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    run(*LOCAL, *options, status=1)
    assert said in caplog.text
