"""64 writers on one server, and on three replicas of which one is killed.

HEADRACE_LOAD_SECONDS=600 pytest tests/server/test_load.py    # the long form
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlflow.entities import ViewType
from mlflow.store.tracking.resolve import tracking_store

SECONDS = float(os.environ.get("HEADRACE_LOAD_SECONDS", "5"))
PROCESSES, WRITERS = 4, 16


class Load:
    """The writers, at work from now on; `shared` is the run that all of them log to."""

    def __init__(self, uris: list[str]):
        self.store = tracking_store(uris[0])
        self.experiment = self.store.create_experiment(f"load-{os.urandom(8).hex()}", None, [])
        self.shared = self.store.create_run(self.experiment, "u", 0, [], "shared").info.run_id
        self.processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    *("-X", "faulthandler", "-m", "tests.server.load"),
                    f"{WRITERS * i}:{WRITERS}",
                    str(SECONDS),
                    self.shared,
                    *uris,
                ],
                cwd=Path(__file__).parents[2],
                # it goes to the next server instead of waiting for this one to come back
                env={**os.environ, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for i in range(PROCESSES)
        ]

    def results(self) -> list[list]:
        found = []
        for process in self.processes:
            out, err = process.communicate(timeout=SECONDS + 120)
            assert process.returncode == 0, err
            found += json.loads(out)
        assert len(found) == PROCESSES * WRITERS
        return found

    def check(self, results: list[list], store) -> None:
        """Nothing went wrong, everything acknowledged is there, and nothing twice."""
        assert [errors for *_, errors, _ in results if errors] == []
        wanted = {step for _, acknowledged, *_ in results for step in acknowledged}
        assert wanted
        points = store.get_metric_history(self.shared, "all")
        steps = [m.step for m in points]
        assert wanted <= set(steps)
        assert len(steps) == len(set(steps))
        # a writer that was cut off in its last call may have logged one point more
        assert len(steps) - len(wanted) <= len(results)
        runs = store.search_runs([self.experiment], "", ViewType.ALL, 50_000)
        assert len(runs) >= len(results) + 1  # a retried creation may have made one more
        for run_id, acknowledged, batches, _, _ in results:
            run = store.get_run(run_id)
            assert len(store.get_metric_history(run_id, "loss")) >= len(acknowledged)
            assert len(store.get_metric_history(run_id, "batch")) == batches * 50
            assert len(run.data.params) == batches


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_64_writers_on_one_server(kind, make_server, request):
    options = []
    if kind != "sqlite":
        options = ["--backend-store-uri", request.getfixturevalue(f"{kind}_uri")]
    server = make_server(*options, "--workers", "1")
    load = Load([server.uri])
    load.check(load.results(), tracking_store(server.uri))
    assert "locked" not in server.log.read_text()


def test_replicas_of_which_one_is_killed(make_server, postgresql_uri, tmp_path):
    options = ("--backend-store-uri", postgresql_uri, "--workers", "1")
    options += ("--artifacts-destination", str(tmp_path / "artifacts"))
    replicas = [make_server(*options) for _ in range(3)]
    load = Load([replica.uri for replica in replicas])
    killer = threading.Timer(SECONDS / 2, replicas[1].kill)
    killer.start()
    try:
        results = load.results()
    finally:
        killer.join()
    load.check(results, tracking_store(replicas[2].uri))
    assert sum(moves for *_, moves in results) > 0, "nobody noticed that a replica was gone"


def test_replicas_share_artifacts(make_server, postgresql_uri, tmp_path):
    options = ("--backend-store-uri", postgresql_uri, "--workers", "1")
    options += ("--artifacts-destination", str(tmp_path / "artifacts"))
    from mlflow.tracking.client import MlflowClient

    first, second = (MlflowClient(make_server(*options).uri) for _ in range(2))
    experiment = first.create_experiment(f"artifacts-{os.urandom(8).hex()}")
    run_id = first.create_run(experiment).info.run_id
    first.log_text(run_id, "from the first", "a/text.txt")
    assert [f.path for f in second.list_artifacts(run_id, "a")] == ["a/text.txt"]
    path = second.download_artifacts(run_id, "a/text.txt", str(tmp_path))
    assert Path(path).read_text() == "from the first"
