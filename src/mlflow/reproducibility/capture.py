"""Keeping with a run what it takes to run it again: code, command, parameters, environment.

    HEADRACE_REPRODUCIBLE=true python train.py

What is kept are files below `reproducibility` of the run's artifacts:

    capture.json        command, folder, commit, Python, platform
    files.json          hashes of all files of the code
    changes.patch       what differs from the commit
    extra.tar.gz        small files that no commit has
    commit.tar          the commit's files, if no remote has it
    requirements.lock   every installed distribution
    cells.py            what a notebook has executed
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.environment_variables import _BooleanEnvironmentVariable
from mlflow.reproducibility import code as codes
from mlflow.reproducibility import environment, secrets
from mlflow.version import HEADRACE_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow.entities import Run
    from mlflow.tracking.client import MlflowClient

HEADRACE_REPRODUCIBLE = _BooleanEnvironmentVariable(
    "HEADRACE_REPRODUCIBLE",
    False,
    "Whether runs keep their code, command and environment, so that they can be run again.",
)

FOLDER = "reproducibility"
CODE_HASH = "headrace.reproducibility.codeHash"
ENVIRONMENT_HASH = "headrace.reproducibility.environmentHash"
REPRODUCES = "headrace.reproducibility.reproduces"

# Placeholders of paths in commands
CODE, ENVIRONMENT, PYTHON = "{code}", "{environment}", "{python}"
CELLS = "headrace_cells"

_SHOWN = 10
"""So many files are named in a warning."""

_logger = logging.getLogger(__name__)

#: Runs of this process's notebook, whose cells are kept once more at their end.
_notebooks: set[str] = set()


def capture_started(client: MlflowClient, run: Run) -> None:
    """Keep the state of this process with a run that it has started, unless somebody has before.
    What goes wrong is a warning: the run itself matters more."""
    try:
        if not HEADRACE_REPRODUCIBLE.get() or CODE_HASH in run.data.tags or _is_worker():
            return
        _store(client, run.info.run_id, _this_process(run.info.run_id), [sys.executable])
    except Exception as error:
        _logger.warning("Run %s cannot be run again: %r", run.info.run_id, error)


def capture_ended(client: MlflowClient, run_id: str) -> None:
    """Keep the cells of a notebook that were executed since its run started, too."""
    if run_id in _notebooks:
        _notebooks.discard(run_id)
        try:
            client.log_text(run_id, _cells() or "", f"{FOLDER}/{CELLS}.py")
        except Exception as error:
            _logger.warning("The last cells of run %s are not kept: %r", run_id, error)


def capture_project(
    client: MlflowClient,
    run_id: str,
    work_dir: str,
    project: dict[str, Any],
    python: Sequence[str],
) -> None:
    """Keep the state of a project with its run; what goes wrong is a warning.

    Args:
        work_dir: The project's folder.
        project: `entry_point`, `parameters`, and `environment`, which made its environment.
        python: What runs Python there.
    """
    try:
        root = codes.root_of(work_dir)
        facts = {
            "kind": "project",
            "command": None,
            "folder": os.path.relpath(os.path.realpath(work_dir), root),
            "project": project,
        }
        for name in project["parameters"]:
            if secrets.NAME.search(name):
                facts["project"] = {**project, "parameters": {**project["parameters"], name: "***"}}
        _store(client, run_id, (root, facts), python)
    except Exception as error:
        _logger.warning("Run %s cannot be run again: %r", run_id, error)


def _is_worker() -> bool:
    util = sys.modules.get("multiprocessing.process")
    return util is not None and util.parent_process() is not None


def _this_process(run_id: str) -> tuple[Path, dict[str, Any]]:
    """Where the code of this process is, and what runs it."""
    if _cells() is not None:
        _notebooks.add(run_id)
        root = codes.root_of(os.getcwd())
        return root, {"kind": "notebook", "command": None, "folder": _below(os.getcwd(), root)}
    main = getattr(sys.modules["__main__"], "__file__", None)
    main = None if main is None or main.startswith("<") else main  # such as <stdin>
    folder = os.path.dirname(os.path.abspath(main)) if main else os.getcwd()
    if os.path.realpath(folder).startswith(os.path.realpath(sys.prefix) + os.sep):
        folder = os.getcwd()  # a tool that was installed, such as pytest
    root = codes.root_of(folder)
    words = list(sys.orig_argv[1:])
    command, gone = secrets.without(words)
    is_prompt = main is None and "-c" not in words  # also a program that came by standard input
    facts = {
        "kind": "prompt" if is_prompt else "script",
        "command": [PYTHON, *(_portable(word, root) for word in command)],
        "secret_arguments": [position + 1 for position in gone],
        "folder": _below(os.getcwd(), root),
    }
    return root, facts


def _python_path() -> list[str]:
    """Folders that this process was told to import from."""
    return [os.path.abspath(x) for x in os.environ.get("PYTHONPATH", "").split(os.pathsep) if x]


def _below(folder: str, root: Path) -> str | None:
    path = os.path.relpath(os.path.realpath(folder), root)
    return None if path.startswith("..") else path


def _portable(word: str, root: Path) -> str:
    """A word of a command with placeholders for paths of this machine."""
    absolute = os.path.abspath(word) if os.path.isabs(word) else word
    for path, placeholder in ((str(root), CODE), (sys.prefix, ENVIRONMENT)):
        if absolute == path or absolute.startswith(path + os.sep):
            return placeholder + absolute[len(path) :].replace(os.sep, "/")
    return word


def _cells() -> str | None:
    """What the notebook has executed so far; None where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return None
    cells = [str(cell) for cell in shell.user_ns.get("In", ())[1:]]
    return "\n\n".join(f"# %%\n{cell.rstrip()}" for cell in cells) + "\n"


def _store(
    client: MlflowClient, run_id: str, subject: tuple[Path, dict[str, Any]], python: Sequence[str]
) -> None:
    from mlflow.entities import RunTag

    root, facts = subject
    code = codes.state_of(root)
    found = environment.environment_of(python)
    lock = found.pop("lock")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if code.commit is not None and not code.pushed:
            content = codes.committed(code)
            if content is None:
                code.left_out["(the commit)"] = "no remote has it, and it is large"
            else:
                (folder / "commit.tar").write_bytes(content)
        if code.patch:
            (folder / "changes.patch").write_bytes(code.patch)
        if code.extra:
            (folder / "extra.tar.gz").write_bytes(codes.packed(code.root, code.extra))
        if facts["kind"] == "notebook":
            (folder / f"{CELLS}.py").write_text(_cells() or "", encoding="utf-8")
        (folder / "requirements.lock").write_text("".join(f"{x}\n" for x in lock))
        _write(folder / "files.json", code.files)
        variables = {n: os.environ[n] for n in environment.VARIABLES if n in os.environ}
        hash_ = environment.hash_of(lock)
        _write(
            folder / "capture.json",
            {
                "version": 1,
                "headrace": HEADRACE_VERSION,
                **facts,
                "code": {
                    "hash": code.hash,
                    "commit": code.commit,
                    "branch": code.branch,
                    "repository": code.repository,
                    "pushed": code.pushed,
                    "root": str(code.root),
                    "left_out": code.left_out,
                },
                "environment": {**found, "hash": hash_, "variables": variables},
                "python_path": [_portable(x, code.root) for x in _python_path()],
            },
        )
        client.log_artifacts(run_id, place, FOLDER)
    tags = [RunTag(CODE_HASH, code.hash), RunTag(ENVIRONMENT_HASH, hash_)]
    client.log_batch(run_id, tags=tags, synchronous=True)
    if code.left_out:
        lines = list(codes.lines_of(code))
        more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        shown = ", ".join(lines[:_SHOWN]) + more
        _logger.warning("Run %s is kept without %s", run_id, shown)


def _write(path: Path, facts: Any) -> None:
    text = json.dumps(facts, indent=1, sort_keys=True)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
