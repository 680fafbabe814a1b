"""`mlflow db` and `mlflow doctor`."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

from mlflow.tracking.client import MlflowClient


def test_upgrade(run, tmp_path):
    made = run("db", "upgrade", "sqlite:///new.db").stdout
    assert made.startswith("Created the schema")
    assert MlflowClient("sqlite:///new.db").get_experiment("0").name == "Default"
    again = run("db", "upgrade", "sqlite:///new.db").stdout
    assert again.startswith("The schema is up to date")


def test_upgrade_of_a_database_of_mlflow(run, tmp_path, monkeypatch):
    old = Path(__file__).parent.parent / "data" / "mlflow-databases" / "1.30" / "sqlite.gz"
    (tmp_path / "old.db").write_bytes(gzip.decompress(old.read_bytes()))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///old.db")
    refused = run("experiments", "search", status=1)
    assert "old.db` does that" in refused.stderr and "`mlflow db upgrade " in refused.stderr
    done = run("db", "upgrade", "sqlite:///old.db")
    assert done.stdout.startswith("Brought over from MLflow") and "14 runs" in done.stdout
    assert "This may take about" in done.stderr
    assert len(MlflowClient("sqlite:///old.db").search_experiments()) == 4


def test_upgrade_of_a_database_of_another_program(run, tmp_path):
    connection = sqlite3.connect(tmp_path / "other.db")
    with connection:
        connection.execute("create table experiments (experiment_id integer)")
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('abc')")
    before = list(connection.iterdump())
    result = run("db", "upgrade", "sqlite:///other.db", status=1)
    assert "no tracking store of MLflow" in result.stderr
    assert list(connection.iterdump()) == before
    connection.close()


def test_doctor(run, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret-token")
    client.create_run("0")
    text = run("doctor").stdout
    assert "MLflow version: 3.17.2" in text
    assert "Headrace version: " in text
    assert "Python version: " in text
    assert f"Tracking URI: {client.tracking_uri}\n" in text
    assert "  MLFLOW_HTTP_REQUEST_TIMEOUT: 7\n" in text
    assert "  MLFLOW_TRACKING_TOKEN: ***\n" in text
    assert "secret-token" not in text
    assert "  read the store: ok, 1 experiments" in text
    assert "  write to the store: ok" in text
    assert "mlflow.doctor" not in client.get_experiment("0").tags


def test_doctor_masks_all_variables_when_asked(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    assert "  MLFLOW_HTTP_REQUEST_TIMEOUT: ***\n" in run("doctor", "--mask-envs").stdout


def test_doctor_shows_no_password_of_a_uri(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:hunter2@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    text = run("doctor", status=1).stdout
    assert "Tracking URI: http://ada:***@127.0.0.1:9\n" in text
    assert "hunter2" not in text
    assert "  read the store: FAILED: " in text
    assert "write to the store" not in text


def test_doctor_makes_no_database(run, tmp_path):
    assert "does not exist and is made with the first run" in run("doctor").stdout
    assert list(tmp_path.iterdir()) == []
