"""What trainings log, compared with what the reference logged for the same code.

`tests/data/sklearn-autolog.json` is what `python scenarios.py` printed there.
"""

import importlib.util
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from tests.conftest import REFERENCE, needs_reference
from tests.optional import optional

for library in ("sklearn", "skops", "cloudpickle", "pandas", "matplotlib"):
    optional(library)

HERE = Path(__file__).parent
RECORDED = json.loads((HERE.parent / "data" / "sklearn-autolog.json").read_text("utf-8"))
SAME_VERSION = optional("sklearn").__version__ == RECORDED["scikit-learn"]

_spec = importlib.util.spec_from_file_location("sklearn_scenarios", HERE / "scenarios.py")
scenarios = importlib.util.module_from_spec(_spec)
sys.modules["sklearn_scenarios"] = scenarios
_spec.loader.exec_module(scenarios)


def differences(ours, theirs, where=""):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*ours, *theirs}):
            if key not in ours or key not in theirs:
                yield f"{where}.{key}: only {'theirs' if key in theirs else 'ours'}"
            else:
                yield from differences(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        for i, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(mine, other, f"{where}[{i}]")
    elif isinstance(theirs, float) and isinstance(ours, (int, float)):
        if not math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-9):
            yield f"{where}: {ours} instead of {theirs}"
    elif ours != theirs:
        yield f"{where}: {ours!r} instead of {theirs!r}"


def comparable(found):
    """Without what depends on the version of scikit-learn, if that is another one."""
    for model in found["models"]:
        model["flavors"].get("python_function", {}).pop("python_version", None)
        model["flavors"]["sklearn"].pop("sklearn_version")
    if not SAME_VERSION:
        for each in (*found["runs"], *found["models"]):
            each["params"] = each.get("inputs") and sorted(each["params"])
            each["metrics"] = sorted(each["metrics"])
            for key in ("params", "on", "inputs", "signature", "calls"):
                each.pop(key, None)
    return found


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_the_same_is_logged(name, uri):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scenarios.SCENARIOS[name]()
    # There the scenarios were `__main__`.
    ours = json.loads(json.dumps(scenarios.logged()).replace("sklearn_scenarios.", "__main__."))
    theirs = json.loads(json.dumps(RECORDED[name]))
    assert list(differences(comparable(ours), comparable(theirs))) == []


@needs_reference
def test_the_reference_still_logs_what_was_recorded(tmp_path):
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [REFERENCE, str(HERE / "scenarios.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(differences(json.loads(done.stdout), RECORDED)) == []
