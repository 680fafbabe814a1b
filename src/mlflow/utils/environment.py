"""Environments of models: the files that say what a model requires, and running commands in one.

requirements.txt   what pip installs, mlflow first
constraints.txt    if the requirements have constraints
conda.yaml         the same for conda
python_env.yaml    Python's version, and what must be there before the requirements
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.utils.env_manager import CONDA, LOCAL, UV, VIRTUALENV
from mlflow.utils.model_utils import PYTHON_VERSION
from mlflow.utils.requirements_utils import (
    MLFLOW,
    package_of,
    required_by,
    warn_dependency_requirement_mismatches,
)

_logger = logging.getLogger(__name__)

_CONDA_ENV_FILE_NAME = "conda.yaml"
_PYTHON_ENV_FILE_NAME = "python_env.yaml"
_REQUIREMENTS_FILE_NAME = "requirements.txt"
_CONSTRAINTS_FILE_NAME = "constraints.txt"

_SATISFY_MLFLOW = {"mlflow", "mlflow-skinny", "mlflow-tracing", "headrace"}


class _EnvManager:
    """Names of what can make an environment."""

    LOCAL = LOCAL
    CONDA = CONDA
    VIRTUALENV = VIRTUALENV
    UV = UV


# Files of a model.


def write_environment(
    folder: str,
    requirements: Iterable[str] = (),
    modules: Iterable[str] = (),
    *,
    conda_env: Any = None,
    pip_requirements: Any = None,
    extra_pip_requirements: Any = None,
) -> None:
    """Write what a model requires into its folder.

    Args:
        requirements: Of its flavor, pinned.
        modules: That it needs and its files do not name.
        conda_env: A conda environment, or the path of its file.
        pip_requirements: All requirements, or the path of a file with them.
        extra_pip_requirements: Requirements besides those that the files show.

    Raises:
        ValueError: If more than one of the last three is given.
        TypeError: If one is of a wrong type.
    """
    check_one_way(conda_env, pip_requirements, extra_pip_requirements)
    if conda_env is not None:
        conda, lines, constraints = _from_conda(conda_env)
    else:
        if pip_requirements is not None:
            lines, constraints = _parsed(pip_requirements, "pip_requirements")
        else:
            extra, constraints = _parsed(extra_pip_requirements or [], "extra_pip_requirements")
            lines = _merged([*_inferred(folder, requirements, modules), *extra])
        lines = _with_mlflow(lines)
        lines += [f"-c {_CONSTRAINTS_FILE_NAME}"] if constraints else []
        conda = _conda_form(lines)
    warn_dependency_requirement_mismatches(lines)
    _write(folder, _REQUIREMENTS_FILE_NAME, "\n".join(lines))
    if constraints:
        _write(folder, _CONSTRAINTS_FILE_NAME, "\n".join(constraints))
    _write(folder, _CONDA_ENV_FILE_NAME, _yaml(conda))
    _write(folder, _PYTHON_ENV_FILE_NAME, _yaml(_python_env(), sort_keys=False))


def check_one_way(conda_env: Any, pip_requirements: Any, extra_pip_requirements: Any) -> None:
    """Raise if requirements are given in more than one way."""
    given = (conda_env, pip_requirements, extra_pip_requirements)
    if sum(each is not None for each in given) > 1:
        raise ValueError(
            "Only one of `conda_env`, `pip_requirements`, and "
            "`extra_pip_requirements` can be specified"
        )


def _inferred(folder: str, requirements: Iterable[str], modules: Iterable[str]) -> list[str]:
    from mlflow.environment_variables import MLFLOW_REQUIREMENTS_INFERENCE_RAISE_ERRORS

    requirements = list(requirements)
    try:
        found = required_by(folder, modules)
    except Exception as error:
        if MLFLOW_REQUIREMENTS_INFERENCE_RAISE_ERRORS.get():
            raise MlflowException("What the model requires cannot be inferred.") from error
        _logger.warning("What the model's files require cannot be inferred: %r", error)
        return requirements
    known = {package_of(one) for one in requirements}
    return sorted([*requirements, *(one for one in found if package_of(one) not in known)])


def infer_pip_requirements(
    model_uri: str,
    flavor: str,
    fallback: list[str] | None = None,
    timeout: int | None = None,
    extra_env_vars: dict[str, str] | None = None,
    uv_project_dir: str | None = None,
    uv_groups: list[str] | None = None,
    uv_extras: list[str] | None = None,
) -> list[str]:
    """What a saved model requires, pinned to what is installed here. It is not loaded for it.

    Args:
        model_uri: Path or URI of its folder.
        flavor: The flavor that it is meant to be loaded with.
        fallback: What to answer when it cannot be inferred; None to raise.
        timeout: Not needed: nothing is run.
        extra_env_vars: Not needed either.
        uv_project_dir: A uv project whose lock file says what is required.
        uv_groups: Dependency groups of that project.
        uv_extras: Extras of that project.
    """
    from mlflow.models.model import Model
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri

    try:
        if uv_project_dir is not None:
            locked = _uv_export(uv_project_dir, uv_groups or [], uv_extras or [])
            if locked:
                return locked
        folder = _download_artifact_from_uri(model_uri)
        Model.load(folder)
        module = {"python_function": "cloudpickle"}.get(flavor, flavor)
        return required_by(folder, [module])
    except Exception as error:
        if fallback is None:
            raise
        _logger.warning(
            "What the model at %s requires cannot be inferred; %s is used. %r",
            model_uri,
            fallback,
            error,
        )
        return fallback


def _uv_export(project: str, groups: list[str], extras: list[str]) -> list[str] | None:
    """What the lock file of a uv project pins; None, after a warning, if uv cannot tell."""
    from mlflow.utils.uv_utils import export_uv_requirements

    return export_uv_requirements(project, groups=groups, extras=extras)


# Requirements that users give.


def _parsed(given: Any, name: str) -> tuple[list[str], list[str]]:
    """Requirements and constraints from a list, or from a requirements file."""
    if isinstance(given, (str, os.PathLike)):
        path = os.fspath(given)
        with open(path, encoding="utf-8") as file:
            return _lines(file.read().splitlines(), os.path.dirname(path))
    if isinstance(given, Iterable) and not isinstance(given, Mapping):
        given = list(given)
        if all(isinstance(one, str) for one in given):
            return _lines(given, "")
    raise TypeError(
        f"`{name}` must be either a string path to a pip requirements file on the local "
        f"filesystem or an iterable of pip requirement strings, but got `{type(given)}`"
    )


def _lines(given: Iterable[str], base: str) -> tuple[list[str], list[str]]:
    """Requirements and constraints in the lines of a requirements file.

    Args:
        base: Folder from which the files are named that it includes.
    """
    requirements: list[str] = []
    constraints: list[str] = []
    for line in "\n".join(given).replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s+)#.*$", "", line).strip()
        included = re.match(r"(-r|--requirement|-c|--constraint)[\s=]\s*(\S+)", line)
        if included is None:
            requirements += [line] if line else []
            continue
        path = os.path.join(base, included[2])
        with open(path, encoding="utf-8") as file:
            inner, limits = _lines(file.read().splitlines(), os.path.dirname(path))
        if included[1].startswith(("-c", "--c")):
            constraints += [*inner, *limits]
        else:
            requirements += inner
            constraints += limits
    return requirements, constraints


def _merged(lines: Iterable[str]) -> list[str]:
    """Requirements, those for one package joined into one."""
    found: dict[str, str] = {}
    for line in lines:
        name = package_of(line)
        key = name or line
        found[key] = _joined(found[key], line) if name and key in found else line
    return list(found.values())


_PARTS = re.compile(r"(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^]]*)\])?\s*(?P<limits>[^;@]*)$")


def _joined(one: str, other: str) -> str:
    first, second = _PARTS.match(one), _PARTS.match(other)
    if first is None or second is None:  # a URL or a marker: what was said last holds
        return other
    both = (first, second)
    extras = sorted({e.strip() for m in both for e in (m["extras"] or "").split(",") if e.strip()})
    limits = sorted({v.strip() for m in both for v in m["limits"].split(",") if v.strip()})
    return first["name"] + (f"[{','.join(extras)}]" if extras else "") + ",".join(limits)


def _with_mlflow(lines: list[str]) -> list[str]:
    return lines if _has_mlflow(lines) else [MLFLOW, *lines]


def _has_mlflow(lines: Iterable[str]) -> bool:
    return any(package_of(line) in _SATISFY_MLFLOW for line in lines)


# The forms of the files.


def _conda_form(lines: list[str]) -> dict[str, Any]:
    pip = _installed("pip")
    return {
        "channels": ["conda-forge"],
        "dependencies": [
            f"python={PYTHON_VERSION}",
            f"pip<={pip}" if pip else "pip",
            {"pip": lines},
        ],
        "name": "mlflow-env",
    }


def _from_conda(conda_env: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    """A user's conda environment with mlflow among its pip packages; these; constraints."""
    if isinstance(conda_env, (str, os.PathLike)):
        from mlflow.utils import safe_yaml

        conda_env = safe_yaml.load_file(conda_env)
    if not isinstance(conda_env, dict):
        raise TypeError(
            "Expected a string path to a conda env yaml file or a `dict` representing a conda env, "
            f"but got `{type(conda_env).__name__}`"
        )
    dependencies = list(conda_env.get("dependencies") or [])
    at = next((i for i, d in enumerate(dependencies) if isinstance(d, dict) and "pip" in d), None)
    given = [] if at is None else [str(one) for one in dependencies[at]["pip"]]
    lines, constraints = _lines(given, "")
    if not any(isinstance(d, str) and package_of(d) in _SATISFY_MLFLOW for d in dependencies):
        lines = _with_mlflow(lines)
    lines += [f"-c {_CONSTRAINTS_FILE_NAME}"] if constraints else []
    if at is None:
        dependencies += [{"pip": lines}] if lines else []
    else:
        dependencies[at] = {"pip": lines}
    return {**conda_env, "dependencies": dependencies}, lines, constraints


def _python_env() -> dict[str, Any]:
    tools = ((name, _installed(name)) for name in ("pip", "setuptools", "wheel"))
    return {
        "python": PYTHON_VERSION,
        "build_dependencies": [f"{name}=={has}" if has else name for name, has in tools],
        "dependencies": [f"-r {_REQUIREMENTS_FILE_NAME}"],
    }


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _mlflow_conda_env(
    path: str | None = None,
    additional_conda_deps: list[str] | None = None,
    additional_pip_deps: list[str] | None = None,
    additional_conda_channels: list[str] | None = None,
    install_mlflow: bool = True,
) -> dict[str, Any] | None:
    """A conda environment for a model; None after writing it to a file.

    Args:
        path: The file to write.
        additional_conda_deps: Packages that conda installs.
        additional_pip_deps: Packages that pip installs.
        additional_conda_channels: Where conda looks first.
        install_mlflow: Whether mlflow is among the latter.
    """
    lines = list(additional_pip_deps or [])
    conda = _conda_form(_with_mlflow(lines) if install_mlflow else lines)
    conda["channels"] += additional_conda_channels or []
    python, pip, rest = conda["dependencies"]
    conda["dependencies"] = [python, *(additional_conda_deps or []), pip, rest]
    if path is None:
        return conda
    with open(path, "w", encoding="utf-8") as file:
        file.write(_yaml(conda))
    return None


def _yaml(form: Any, sort_keys: bool = True) -> str:
    import yaml

    return yaml.safe_dump(form, default_flow_style=False, sort_keys=sort_keys)


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


# Running commands.


class Environment:
    """Where commands are run: after another command, with variables set.

    Args:
        activate_cmd: A list of commands that come first, or one.
        extra_env: Variables besides those of this process.
    """

    def __init__(self, activate_cmd: str | list[str], extra_env: dict[str, str] | None = None):
        self._activate_cmd = [activate_cmd] if isinstance(activate_cmd, str) else activate_cmd
        self._extra_env = extra_env or {}

    def get_activate_command(self) -> str | list[str]:
        """What comes before each command."""
        return self._activate_cmd

    def execute(
        self,
        command: str | list[str],
        command_env: dict[str, str] | None = None,
        preexec_fn: Any = None,
        capture_output: bool = False,
        stdout: Any = None,
        stderr: Any = None,
        stdin: Any = None,
        synchronous: bool = True,
    ) -> Any:
        """Run a command of the shell, after those that activate the environment.

        Args:
            command: The command, or its parts, which are joined with spaces.
            command_env: Variables; None for those of this process.
            preexec_fn: Called in the new process before the command.
            capture_output: Whether the output is wanted in place of being shown.
            stdout: Where output goes.
            stderr: Where errors go.
            stdin: Where input comes from.
            synchronous: Whether to wait until it ends.

        Returns:
            The process.
        """
        from mlflow.utils.process import _exec_cmd, _join_commands

        command_env = {**(os.environ if command_env is None else command_env), **self._extra_env}
        text = command if isinstance(command, str) else " ".join(command)
        streams = {} if capture_output else {"stdout": stdout, "stderr": stderr}
        _logger.info("=== Running command '%s'", text)
        return _exec_cmd(
            _join_commands(*self._activate_cmd, text),
            env=command_env,
            capture_output=capture_output,
            synchronous=synchronous,
            preexec_fn=preexec_fn,
            stdin=stdin,
            **streams,
        )
