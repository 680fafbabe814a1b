"""`mlflow registry`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlflow.cli import cli
from mlflow.environment_variables import MLFLOW_TRACKING_USERNAME
from mlflow.tracking.client import MlflowClient


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")

    def run(*arguments: str, user: str = "ann", status: int = 0) -> str:
        monkeypatch.setenv(MLFLOW_TRACKING_USERNAME.name, user)
        done = CliRunner().invoke(cli, ["registry", *arguments])
        assert done.exit_code == status, done.output
        return done.output

    client = MlflowClient()
    client.create_registered_model("iris")
    for number in range(1, 4):
        client.create_model_version("iris", f"s3://bucket/{number}")
    return run


def test_from_a_request_to_a_rollback(run):
    assert "is in Production" in run("transition", "iris", "1", "production")
    run("policy", "iris", "--stage", "Production", "--reviewers", "1")
    assert "needs the approval of another user" in run(
        "transition", "iris", "2", "Production", status=1
    )
    said = run("request", "iris", "2", "Production", "--archive-existing", "-m", "it is better")
    assert said == "Request 1 waits for approval.\n"
    assert "nobody may approve a request of their own" in run("approve", "1", status=1)
    assert "approved" in run("approve", "1", "-m", "so it is", user="ben")
    assert "+ben" in run("requests", "iris")
    assert "Version 1 of model 'iris' is in Production again." in run(
        "rollback", "iris", "-m", "it was not"
    )
    trail = [json.loads(line) for line in run("history", "iris", "--as-json").splitlines()]
    assert [(c["user"], c["action"], c["comment"]) for c in trail[-5:]] == [
        ("ben", "approve", "so it is"),
        ("ben", "transition", "it is better"),
        ("ben", "transition", "it is better"),
        ("ann", "transition", "it was not"),
        ("ann", "rollback", "it was not"),
    ]
    table = run("history", "iris", "--version", "2")
    assert "transition stage: None -> Production" in table
    assert "it is better" in table


def test_what_was_where(run):
    run("transition", "iris", "2", "Staging")
    rows = run("at", "iris", "2100-01-01T00:00Z").splitlines()
    assert [row.split() for row in rows[2:]] == [
        ["None", "3", "s3://bucket/3"],
        ["Staging", "2", "s3://bucket/2"],
    ]
    assert len(run("at", "iris", "2000-01-01").splitlines()) == 2
    assert "'soon' is no time" in run("at", "iris", "soon", status=1)


def test_policies(run):
    run("policy", "iris", "--stage", "staging", "--requirement", "metrics.acc >= 0.9")
    assert "metrics.acc >= 0.9" in run("policy", "iris")
    assert "metrics" not in run("policy", "iris", "--stage", "Staging", "--remove")
    run("policy", "iris", "--reviewers", "1", status=2)


def test_rejecting(run):
    run("policy", "iris", "--stage", "Production", "--reviewers", "2")
    run("request", "iris", "3", "Production")
    assert "rejected" in run("reject", "1", "-m", "not today", user="cleo")
    assert "-cleo" in run("requests", "iris")
