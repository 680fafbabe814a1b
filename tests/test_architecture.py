"""The house stands: imports go down only, and importing it costs nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow.version
from mlflow._face import FACE

PACKAGE = Path(mlflow.version.__file__).parent

#: `docs/architecture.md` has the same table in words.
FLOORS = {
    1: "_later entities environment_variables error_codes exceptions protos search types utils "
    "version",
    2: "rpc",
    3: "store",
    4: "artifacts client config data projects reproducibility system_metrics tracing tracking",
    5: "anthropic demo langchain models openai pyfunc server sklearn sync webhooks",
    6: "cli",
    7: "__init__ __main__ _face",
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names.split()}


def imported_at_the_top(body: list[ast.stmt]) -> Iterator[str]:
    """Our modules that importing this one imports, too."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            yield from imported_at_the_top(node.body)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlflow":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from [a.name.split(".")[1] for a in node.names if a.name.startswith("mlflow.")]


def test_imports_go_down_only():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        here = FLOOR_OF[place.parts[0].removesuffix(".py")]
        for name in imported_at_the_top(ast.parse(path.read_text()).body):
            if FLOOR_OF[name] > here:
                wrong.append(f"{place} imports mlflow.{name}")
    assert wrong == []


def test_importing_mlflow_loads_next_to_nothing():
    code = "import sys, json; before = set(sys.modules); import mlflow; mlflow.start_run; "
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    heavy = {
        "numpy",
        "pandas",
        "sqlite3",
        "urllib3",
        "msgspec",
        "click",
        "starlette",
        "yaml",
        "psutil",
    }
    assert heavy & set(loaded) == set()
    assert len(loaded) < 150


def test_stub_for_editors_has_what_the_face_has():
    """`scripts/face` writes it."""
    imported = {}
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                is_module = node.module == "mlflow"
                place = f"mlflow.{alias.name}:" if is_module else f"{node.module}:{alias.name}"
                imported[alias.asname] = place
    assert imported == {k: v for k, v in FACE.items() if k != "__version__"}
