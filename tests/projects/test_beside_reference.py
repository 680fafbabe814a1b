"""The same projects, run by the reference and by us: what is said, the exit code, and the run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REFERENCE, needs_reference

pytestmark = needs_reference

DUMP = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
for run in mlflow.search_runs(search_all_experiments=True, output_format="list"):
    tags = {k: v for k, v in run.data.tags.items() if k != "mlflow.runName"}
    print(json.dumps([run.info.status, run.data.params, tags, run.data.metrics], sort_keys=True))
"""


def observed(python: str, folder: Path, project: Path, words: list[str]) -> tuple:
    """Exit code, what the log says but for what differs each time, and the runs."""
    folder.mkdir()
    uri = f"sqlite:///{folder}/mlflow.db"
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": uri, "PYTHONWARNINGS": "ignore"}
    if python == REFERENCE:
        env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, "-m", "mlflow", "run", str(project), "--env-manager", "local", *words],
        env=env, cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    said = re.findall(
        r"(?:INFO|ERROR) mlflow\.(?:projects|cli)\S*: (=== (?!Created).*)", done.stderr
    )
    said = [re.sub(r"[0-9a-f]{32}", "ID", line).strip() for line in said]
    runs = subprocess.run([python, "-c", DUMP, uri], env=env, capture_output=True, text=True)
    return done.returncode, said, [json.loads(line) for line in runs.stdout.splitlines()]


@pytest.mark.parametrize(
    "words",
    [
        ["-P", "learning_rate=0.001"],
        ["-P", "extra=x", "-P", "epochs=2"],
        ["-e", "fail"],
        ["-e", "nope"],
        ["-e", "show"],
        ["-v", "x"],
    ],
)
@pytest.mark.parametrize("in_git", [False, True])
def test_as_the_reference(project, tmp_path, git, words, in_git):
    if in_git:
        git(project, "init", "-q")
        git(project, "add", "-A")
        git(project, "commit", "-qm", "one")
        git(project, "remote", "add", "origin", "https://ann:" + "pw@example.org/x.git")
        if words[0] == "-v":
            pytest.skip("the reference would check it out right there")
    theirs = observed(REFERENCE, tmp_path / "theirs", project, words)
    ours = observed(sys.executable, tmp_path / "ours", project, words)
    assert theirs[1]  # both said something
    assert ours == theirs
