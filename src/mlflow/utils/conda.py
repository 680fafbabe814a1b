"""conda environments for models and projects, named by the hash of their definition."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.environment_variables import MLFLOW_CONDA_CREATE_ENV_CMD, MLFLOW_CONDA_HOME
from mlflow.exceptions import ExecutionException
from mlflow.utils.headrace_wheel import FULFILLED, requirement
from mlflow.utils.process import ShellCommandException, _exec_cmd
from mlflow.utils.requirements_utils import package_of
from mlflow.utils.virtualenv import _locked, _root, flattened

_logger = logging.getLogger(__name__)

_CONDA_EXE = "CONDA_EXE"
_DEFINITIONS = "conda_envs"
_WHEELS = "headrace_wheels"
#: Key of the hash of what the requirements name, in a definition.
CONTENT = "files"


def get_conda_bin_executable(executable_name: str) -> str:
    """The path of a program of conda's.

    `MLFLOW_CONDA_HOME` says where it is, else `CONDA_EXE`, which conda sets; else it is looked for
    in the PATH.
    """
    if home := MLFLOW_CONDA_HOME.get():
        return os.path.join(home, "bin", executable_name)
    if exe := os.environ.get(_CONDA_EXE):
        return os.path.join(os.path.dirname(exe), executable_name)
    return executable_name


def definition(
    conda_yaml: str | os.PathLike[str],
    *,
    override: Sequence[str] = (),
    root: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """What `conda.yaml` says, with `mlflow` fulfilled by this Headrace; see `headrace_wheel.py`."""
    from mlflow.utils import safe_yaml

    facts = dict(safe_yaml.load_file(conda_yaml) or {})
    wheel = requirement(_root(root) / _WHEELS)
    replaced = {package_of(each) for each in override} | (FULFILLED if wheel else set())
    others, lines = [], []
    folder = Path(conda_yaml).absolute().parent
    for each in facts.get("dependencies") or ():
        if isinstance(each, dict):
            pip, content = flattened([str(line) for line in each.get("pip") or ()], folder)
            lines += [x for x in pip if x.startswith("-") or package_of(x) not in replaced]
            facts[CONTENT] = content
        elif wheel is None or _name(str(each)) not in FULFILLED:
            others.append(each)
    lines += [*override, *([wheel] if wheel else ())]
    if not any(_name(str(each)) == "pip" for each in others):
        others.append("pip")
    facts["dependencies"] = [*others, {"pip": lines}]
    return facts


def get_or_create(
    conda_yaml: str | os.PathLike[str],
    *,
    override: Sequence[str] = (),
    root: str | os.PathLike[str] | None = None,
    capture_output: bool = False,
    extra_env: Mapping[str, str] | None = None,
) -> str:
    """The name of an environment that is made of what a model's `conda.yaml` says.

    Args:
        override: Requirements that take the place of the model's of the same names.
        root: Where definitions are kept.
        capture_output: Show nothing of what conda says unless it fails.
        extra_env: Variables for conda.

    Raises:
        ExecutionException: conda is not there.
        ShellCommandException: conda failed.
    """
    import yaml

    conda = get_conda_bin_executable("conda")
    if shutil.which(conda) is None:
        raise ExecutionException(
            f"conda is needed for --env-manager conda, but '{conda}' is not there. Install it, set "
            f"{MLFLOW_CONDA_HOME.name}, or use another environment manager: virtualenv, uv, local."
        )
    facts = definition(conda_yaml, override=override, root=root)
    text = json.dumps({k: v for k, v in facts.items() if k != "name"}, sort_keys=True)
    facts.pop(CONTENT, None)
    name = f"mlflow-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
    folder = _root(root) / _DEFINITIONS
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f"{name}.lock"):
        listed = json.loads(_exec_cmd([conda, "env", "list", "--json"], extra_env=extra_env).stdout)
        if name in {os.path.basename(path) for path in listed.get("envs", ())}:
            _logger.info("The conda environment '%s' is there already.", name)
            return name
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump({**facts, "name": name}), encoding="utf-8")
        _logger.info("Making the conda environment '%s'; this is done once.", name)
        create = get_conda_bin_executable(MLFLOW_CONDA_CREATE_ENV_CMD.get())
        try:
            _exec_cmd(
                [create, "env", "create", "-n", name, "--file", str(file), "--quiet"],
                capture_output=capture_output,
                stream_output=not capture_output,
                extra_env=extra_env,
                cwd=Path(conda_yaml).absolute().parent,
            )
        except BaseException:  # also when the user stops it: nothing half-made may stay
            try:
                _exec_cmd([conda, "env", "remove", "-n", name, "--yes"], extra_env=extra_env)
            except (ShellCommandException, OSError) as error:
                _logger.warning("'%s' could not be removed: %s", name, error)
            raise
    return name


def command_in(name: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs a program in an environment, its output going straight through."""
    conda = get_conda_bin_executable("conda")
    return [conda, "run", "--name", name, "--no-capture-output", *argv]


def _name(dependency: str) -> str:
    found = re.match(r"(?:\S+::)?([\w.-]+)", dependency)
    return found[1].lower() if found else dependency
