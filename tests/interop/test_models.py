"""Models saved here load in the reference, and the other way round, with the same answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REFERENCE, needs_reference

PROGRAM = Path(__file__).parent / "model_recipes.py"

pytestmark = needs_reference

#: Saved by the reference, these need what is not here yet: their pickles hold its tracing.
NEED_TRACING = {"responses-agent"}


def run(interpreter: str, verb: str, folder: Path) -> dict[str, object]:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")}
    done = subprocess.run(
        [interpreter, str(PROGRAM), verb, str(folder)],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Models saved here, and models saved by the reference."""
    made = []
    for interpreter in (sys.executable, REFERENCE):
        folder = tmp_path_factory.mktemp("models")
        saved = run(interpreter, "save", folder)
        assert {name: said for name, said in saved.items() if said is not None} == {}
        made.append(folder)
    return made[0], made[1]


@pytest.fixture(scope="module")
def there(folders: tuple[Path, Path]) -> dict[str, object]:
    """What the reference's own models answer there."""
    answers = run(REFERENCE, "ask", folders[1])
    assert len(answers) > 20
    assert not [name for name, answer in answers.items() if str(answer).startswith("failed")]
    return answers


def test_models_saved_here_answer_the_same_in_the_reference(folders, there):
    assert run(REFERENCE, "ask", folders[0]) == there


def test_models_of_the_reference_answer_the_same_here(folders, there):
    answers = run(sys.executable, "ask", folders[1])
    for name in NEED_TRACING:
        assert "mlflow.tracing" in str(answers.pop(name))
    assert answers == {name: said for name, said in there.items() if name not in NEED_TRACING}


def test_models_saved_here_answer_the_same_here(folders, there):
    assert run(sys.executable, "ask", folders[0]) == there


def test_descriptions_are_the_same(folders):
    """But for ids, times, paths on this machine, sizes of pickles, and our digests."""
    import yaml

    own = {"model_uuid", "utc_time_created", "model_size_bytes", "sha256"}
    for path in sorted(folders[1].glob("*/MLmodel")):
        if path.parent.name.startswith("sklearn-"):
            continue  # signatures differ there, on purpose
        mine, theirs = (
            yaml.safe_load((folder / path.parent.name / "MLmodel").read_text())
            for folder in folders
        )
        for form in (mine, theirs):
            for name in own:
                form.pop(name, None)
            conf = form["flavors"].get("python_function", {})
            if "model_code_path" in conf:
                conf["model_code_path"] = os.path.basename(conf["model_code_path"])
            for entry in conf.get("artifacts", {}).values():
                entry["uri"] = os.path.basename(entry["uri"])
        assert mine == theirs, path.parent.name
