"""The reference's own client traces on our server. By command: HEADRACE_REFERENCE=/path/to/python
pytest tests/interop/test_traces_with_reference.py"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.conftest import REFERENCE, needs_reference

SESSION = Path(__file__).with_name("traces_session.py")


@needs_reference
def test_reference_traces_on_our_server(make_server, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["MLFLOW_TRACKING_URI"] = make_server().uri
    done = subprocess.run(
        [REFERENCE, str(SESSION)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "states": ["ERROR", "OK"],
        "spans": [
            ["ask", "UNKNOWN", "done"],
            ["model", "CHAT_MODEL", {"answer": 3}],
            ["add", "TOOL", 3],
        ],
        "tags": ["test", "v", "ask"],
        "assessments": [["good", "0.5"], ["want", "{'sum': 3}"]],
        "found": [1, 1, 1, 1, 1, 1],
        "frame": ["ERROR", "OK"],
        "previews": ['{"question": "one"}', '"done"'],
        "deleted": 1,
        "left": 1,
    }
