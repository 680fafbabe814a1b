"""Servers of other kinds than a bare `mlflow server`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.tracking.resolve import tracking_store


def get(url: str) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def test_server_of_artifacts_only_says_so_to_other_calls(make_server):
    server = make_server("--artifacts-only")
    status, error = get(f"{server.uri}/api/2.0/mlflow/experiments/get?experiment_id=0")
    assert (status, error["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "`--artifacts-only` mode" in error["message"]
    assert get(f"{server.uri}/api/2.0/mlflow-artifacts/artifacts") == (200, {})


def test_static_prefix(make_server):
    server = make_server("--static-prefix", "/under")
    store = tracking_store(f"{server.uri}/under")
    assert store.get_experiment("0").name == "Default"
    assert get(f"{server.uri}/api/2.0/mlflow/experiments/get?experiment_id=0")[0] == 404
    with urllib.request.urlopen(f"{server.uri}/under") as page:
        assert page.url == f"{server.uri}/under/"
        assert b"<!doctype html>" in page.read()


def test_client_may_not_send_the_server_to_a_host_of_its_choice(shared_server):
    store = tracking_store(shared_server.uri)
    for location in ("http://10.0.0.1/x", "hdfs://elsewhere/x", "ftp://elsewhere/x"):
        with pytest.raises(MlflowException, match="cannot use the") as e:
            store.create_experiment("elsewhere", location, [])
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert store.get_experiment_by_name("elsewhere") is None


def test_several_processes_on_postgresql(make_server, postgresql_uri):
    server = make_server("--backend-store-uri", postgresql_uri, "--workers", "2")
    store = tracking_store(server.uri)
    run_id = store.create_run("0", "u", 0, [], "shared").info.run_id
    for _ in range(20):
        assert store.get_run(run_id).info.run_name == "shared"


def test_server_stops_when_it_is_asked_to(make_server):
    server = make_server()
    assert tracking_store(server.uri).get_experiment("0").name == "Default"
    assert server.stop() in (0, -15, 143)
