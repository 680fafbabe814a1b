"""The reference's `migrate-filestore` and ours make the same of a folder that the reference wrote,
by command:

    HEADRACE_REFERENCE=/path/to/environment/bin/python pytest tests/interop
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import REFERENCE, needs_reference
from tests.dump import dump

from mlflow.store.tracking.resolve import tracking_store

pytestmark = needs_reference

WRITER = """
import mlflow
from mlflow.entities import Metric, Param, RunTag

mlflow.set_tracking_uri("file:mlruns")
client = mlflow.MlflowClient()
for name in ("one", "two/ünï", "gone"):
    experiment = client.create_experiment(name, tags={"team": "core"})
    parent = client.create_run(experiment, start_time=5, run_name="parent").info.run_id
    tags = {"mlflow.parentRunId": parent}
    child = client.create_run(experiment, start_time=6, run_name="child", tags=tags).info.run_id
    values = (1.0, float("nan"), -2.5, float("inf"))
    points = [Metric("val/m", v, 10 + i, i) for i, v in enumerate(values)]
    client.log_batch(child, points, [Param("p", "1")], [RunTag("t", "line\\nbreak")])
    client.set_terminated(child, "FAILED", 77)
    client.delete_run(client.create_run(experiment, start_time=7, run_name="deleted").info.run_id)
client.delete_experiment(experiment)
"""


def run(folder: Path, *command: str) -> None:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env["MLFLOW_ALLOW_FILE_STORE"] = "true"
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr.splitlines()[-1:]


def test_both_make_the_same_of_a_folder(tmp_path, make_reference_server):
    run(tmp_path, REFERENCE, "-c", WRITER)
    words = ["migrate-filestore", "--source", str(tmp_path), "--target"]
    theirs = f"sqlite:///{tmp_path}/theirs.db"
    run(tmp_path, str(Path(REFERENCE).parent / "mlflow"), *words, theirs)
    ours = f"sqlite:///{tmp_path}/ours.db"
    run(tmp_path, sys.executable, "-m", "mlflow", *words, ours)
    there = tracking_store(make_reference_server("--backend-store-uri", theirs))
    here = tracking_store(ours)
    assert dump(here, artifacts=False) == dump(there, artifacts=False)
    for x in there.search_experiments(3):
        assert dict(here.get_experiment(x.experiment_id)) == dict(x)
        for r in there.search_runs([x.experiment_id], None, 3):
            assert here.get_run(r.info.run_id).info.artifact_uri == r.info.artifact_uri
