"""What orchestrators and Prometheus ask."""

from __future__ import annotations

import http.client
import re
import sqlite3
import urllib.request

import pytest

from mlflow.tracking.client import MlflowClient


def get(uri: str, path: str, host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(uri.removeprefix("http://"), timeout=30)
    connection.request("GET", path, headers={"Host": host} if host else {})
    response = connection.getresponse()
    found = response.status, response.read().decode()
    connection.close()
    return found


@pytest.mark.parametrize("path", ["/health", "/livez"])
def test_it_lives(shared_server, path):
    assert get(shared_server.uri, path) == (200, "OK")
    assert get(shared_server.uri, path, host="pod-17.example") == (200, "OK")


def test_it_is_ready_until_its_store_is_gone(make_server):
    server = make_server()
    assert get(server.uri, "/readyz") == (200, '{"status":"ready"}')
    with sqlite3.connect(server.folder / "mlflow.db") as connection:
        connection.execute("alter table experiment rename to lost")
    connection.close()
    status, body = get(server.uri, "/readyz")
    assert (status, body) == (503, '{"status":"the store does not answer"}')
    assert get(server.uri, "/livez") == (200, "OK")


def test_requests_are_counted_by_what_they_ask(make_server):
    server = make_server()
    client = MlflowClient(server.uri)
    run_id = client.create_run("0").info.run_id
    for step in range(3):
        client.log_metric(run_id, "loss", 1.0, step=step)
    get(server.uri, "/nothing/of/this/name")
    status, text = get(server.uri, "/metrics")
    assert status == 200
    counts = dict(re.findall(r"^(headrace_\w+\{[^}]*\}) (\S+)$", text, re.M))
    total = 'headrace_requests_total{method="POST",request="%s",status="200"}'
    assert counts[total % "LogMetric"] == "3.0"
    assert counts[total % "CreateRun"] == "1.0"
    pages = 'headrace_requests_total{method="GET",request="pages",status="404"}'
    assert counts[pages] == "1.0"
    assert counts['headrace_request_seconds_count{request="LogMetric"}'] == "3.0"
    assert "process_resident_memory_bytes" in text
    assert run_id not in text and "nothing" not in text


def test_several_processes_count_together(make_server, postgresql_uri, tmp_path):
    folder = tmp_path / "counts"
    server = make_server(
        "--backend-store-uri", postgresql_uri, "--workers", "2", "--expose-prometheus", str(folder)
    )
    for _ in range(20):  # each connection may come to the other process
        with urllib.request.urlopen(f"{server.uri}/version") as answer:
            assert answer.status == 200
    text = get(server.uri, "/metrics")[1]
    (count,) = re.findall(
        r'^headrace_requests_total\{method="GET",request="version",status="200"\} (\S+)$',
        text,
        re.M,
    )
    assert float(count) == 20
    assert list(folder.iterdir())


def test_counts_of_several_processes_go_with_the_server(
    make_server, postgresql_uri, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    server = make_server("--backend-store-uri", postgresql_uri, "--workers", "2")
    assert get(server.uri, "/metrics")[0] == 200
    assert list(tmp_path.glob("headrace-metrics-*"))
    server.stop()
    assert not list(tmp_path.glob("headrace-metrics-*"))
