"""What a project says of itself: its file `MLproject`, its entry points and their parameters."""

from __future__ import annotations

import logging
import os
import shlex
from typing import Any

from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.projects import command as commands
from mlflow.projects import env_type
from mlflow.projects.command import Command
from mlflow.utils import safe_yaml
from mlflow.utils.uri import get_uri_scheme

MLPROJECT_FILE_NAME = "mlproject"
DEFAULT_PYTHON_ENV_FILE_NAME = "python_env.yaml"
DEFAULT_CONDA_FILE_NAME = "conda.yaml"
_SCRIPTS = [".py", ".sh"]

_logger = logging.getLogger(__name__)


def load_project(work_dir: str) -> Project:
    """The project in a folder, which need not have an `MLproject` file.

    Raises:
        ExecutionException: Its `MLproject` is not as it must be.
        OSError: There is no such folder.
    """
    folder = os.fspath(work_dir)
    found = sorted(n for n in os.listdir(folder) if n.lower() == MLPROJECT_FILE_NAME)
    path = os.path.join(folder, found[0]) if found else None
    facts = safe_yaml.load_file(path) if path else {}
    if not isinstance(facts, dict):
        raise _invalid("it must be a mapping of keys such as 'name' and 'entry_points'", facts)
    name = facts.get("name")
    if name is not None and not isinstance(name, (str, int, float)):
        raise _invalid("'name' must be text", name)
    name = None if name is None else str(name)
    entry_points = _entry_points(facts.get("entry_points"), folder)
    if (job := facts.get("databricks_spark_job")) is not None:
        return Project(None, None, entry_points, None, name, job)
    kind, environment, docker = _environment(facts, folder)
    return Project(kind, environment, entry_points, docker, name)


def _invalid(why: str, value: Any = None) -> ExecutionException:
    shown = "" if value is None else f"; it is {value!r}"
    return ExecutionException(f"Project configuration (MLproject file) was invalid: {why}{shown}.")


def _entry_points(facts: Any, folder: str) -> dict[str, EntryPoint]:
    if facts is None:
        return {}
    if not isinstance(facts, dict):
        raise _invalid("'entry_points' must be a mapping of names", facts)
    found = {}
    for name, each in facts.items():
        if not isinstance(each, dict):
            raise _invalid(f"entry point '{name}' must be a mapping with 'command'", each)
        parameters = each.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise _invalid(f"'parameters' of '{name}' must be a mapping of names", parameters)
        for parameter, said in parameters.items():
            if not isinstance(said, (str, dict)):
                raise _invalid(
                    f"parameter '{parameter}' of '{name}' must be a type, or a mapping with 'type' "
                    "and 'default'",
                    "null" if said is None else said,
                )
        command = each.get("command")
        if command is not None and not isinstance(command, (str, int, float)):
            raise _invalid(f"'command' of '{name}' must be text", command)
        command = None if command is None else str(command)
        found[str(name)] = EntryPoint(str(name), parameters, command, folder)
    return found


def _environment(facts: dict[str, Any], folder: str) -> tuple[str, str | None, Any]:
    """Kind of the environment, path of the file that defines it, and what is said of Docker."""
    given = {kind for kind in env_type.ALL if facts.get(kind)}
    if len(given) > 1:
        raise ExecutionException(
            f"Project cannot contain multiple environment fields: {sorted(given)}"
        )
    if env_type.DOCKER in given:
        _check_docker(facts[env_type.DOCKER])
        return env_type.DOCKER, None, facts[env_type.DOCKER]
    wanted = {env_type.PYTHON: "python_env", env_type.CONDA: "conda environment"}
    for kind, what in wanted.items():
        if kind not in given:
            continue
        if not isinstance(facts[kind], str):
            raise _invalid(f"'{kind}' must be the path of a file", facts[kind])
        path = os.path.join(folder, facts[kind])
        if not os.path.isfile(path):
            raise ExecutionException(
                f"Project specified {what} file {path}, but no such file was found."
            )
        return kind, path, None
    defaults = {
        env_type.PYTHON: DEFAULT_PYTHON_ENV_FILE_NAME,
        env_type.CONDA: DEFAULT_CONDA_FILE_NAME,
    }
    for kind, name in defaults.items():
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return kind, path, None
    return env_type.PYTHON, None, None


def _check_docker(facts: Any) -> None:
    if not isinstance(facts, dict):
        raise _invalid("'docker_env' must be a mapping with 'image'", facts)
    if not facts.get("image"):
        raise _invalid("Docker environment specified but no image attribute found")
    volumes = facts.get("volumes") or []
    if not isinstance(volumes, list) or not all(isinstance(each, str) for each in volumes):
        raise _invalid(
            'Docker volumes must be a list of strings, e.g.: ["/path1/:/path1", "/path2/:/path2"]',
            volumes,
        )
    variables = facts.get("environment") or []
    if not isinstance(variables, list) or not all(map(_is_variable, variables)):
        raise _invalid(
            "environment must be a list of names of variables to copy from this machine, and of "
            'pairs that set one, e.g.: [["NEW_VAR", "new_value"], "VAR_TO_COPY_FROM_HOST"]',
            variables,
        )


def _is_variable(said: Any) -> bool:
    if isinstance(said, list):
        return len(said) == 2 and all(isinstance(part, str) for part in said)
    return isinstance(said, str)


class Project:
    """A folder with code that can be run, and what is known of it."""

    def __init__(
        self,
        env_type: str | None,
        env_config_path: str | None,
        entry_points: dict[str, EntryPoint],
        docker_env: dict[str, Any] | None,
        name: str | None,
        databricks_spark_job_spec: Any = None,
    ):
        self.env_type = env_type
        self.env_config_path = env_config_path
        self._entry_points = entry_points
        self.docker_env = docker_env
        self.name = name
        self.databricks_spark_job_spec = databricks_spark_job_spec

    def get_entry_point(self, entry_point: str) -> EntryPoint:
        """The entry point of this name, or the one that runs the `.py` or `.sh` file.

        Raises:
            ExecutionException: There is neither.
        """
        if entry_point in self._entry_points:
            return self._entry_points[entry_point]
        extension = os.path.splitext(entry_point)[1]
        if "\0" not in entry_point and extension in _SCRIPTS:
            shell = shlex.quote(os.environ.get("SHELL", "bash"))
            interpreter = "python" if extension == ".py" else shell
            return EntryPoint(entry_point, {}, commands.script(interpreter, entry_point))
        raise ExecutionException(
            f"Could not find {entry_point} among entry points {list(self._entry_points)} or "
            f"interpret {entry_point} as a runnable script. Supported script file extensions: "
            f"{_SCRIPTS}"
        )


class EntryPoint:
    """A command of a project, with the parameters that it takes.

    Args:
        parameters: By name, as `MLproject` has them: a type, or a mapping with `type` and
            `default`.
        command: A template, or a command that is made already.
        folder: The project's; defaults of paths may lie there.
    """

    def __init__(
        self,
        name: str,
        parameters: dict[str, Any],
        command: str | Command | None,
        folder: str | None = None,
    ):
        self.name = name
        self.parameters = {str(k): Parameter(str(k), v, folder) for k, v in parameters.items()}
        self._template = command

    @property
    def command(self) -> str | None:
        """The template as `MLproject` has it."""
        return self._template.text if isinstance(self._template, Command) else self._template

    def _validate_parameters(self, user_parameters: dict[str, Any]) -> None:
        missing = [
            name
            for name, parameter in self.parameters.items()
            if name not in user_parameters and parameter.default is None
        ]
        if missing:
            names = ", ".join(f"'{name}'" for name in missing)
            raise ExecutionException(f"No value given for missing parameters: {names}")
        for name, value in user_parameters.items():
            if "\0" in str(value) or "\0" in str(name):
                raise MlflowException.invalid_parameter_value(
                    f"Parameter {name!r} has the value {str(value)!r}; a command cannot be given "
                    "the character NUL."
                )

    def values(
        self, user_parameters: dict[str, Any] | None, storage_dir: str | None
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Values of the declared parameters, and of those besides, as the command gets them.

        Args:
            storage_dir: Where files go that parameters of type `path` name at other places; None
                leaves them where they are.

        Raises:
            ExecutionException: A parameter has no value, or one that does not fit its type.
            MlflowException: INVALID_PARAMETER_VALUE if a value has the character NUL.
        """
        given = dict(user_parameters or {})
        self._validate_parameters(given)
        declared = {}
        for position, (name, parameter) in enumerate(self.parameters.items()):
            value = given.pop(name, parameter.default)
            declared[name] = parameter.compute_value(value, storage_dir, position)
        return declared, {str(name): str(value) for name, value in given.items()}

    def logged_values(self, user_parameters: dict[str, Any] | None) -> dict[str, str]:
        """All parameters as a run logs them: the values given, else the defaults."""
        defaults = {n: p.default for n, p in self.parameters.items() if p.default is not None}
        return {str(k): str(v) for k, v in {**defaults, **(user_parameters or {})}.items()}

    def compute_parameters(
        self, user_parameters: dict[str, Any] | None, storage_dir: str | None
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The same as `values`, quoted for a shell."""
        declared, extra = self.values(user_parameters, storage_dir)
        return (
            {name: shlex.quote(value) for name, value in declared.items()},
            {shlex.quote(name): shlex.quote(value) for name, value in extra.items()},
        )

    def fill(self, user_parameters: dict[str, Any] | None, storage_dir: str | None) -> Command:
        """The command with values for its parameters; see `values`."""
        declared, extra = self.values(user_parameters, storage_dir)
        if isinstance(self._template, Command):
            return commands.add_options(self._template, extra)
        if self._template is None:
            raise ExecutionException(f"Entry point '{self.name}' has no 'command'.")
        return commands.fill(self._template, declared, extra)

    def compute_command(
        self, user_parameters: dict[str, Any] | None, storage_dir: str | None
    ) -> str:
        """The command as text for a shell, its values quoted."""
        return self.fill(user_parameters, storage_dir).text


class Parameter:
    """A parameter of an entry point: its name, type and default."""

    def __init__(self, name: str, said: str | dict[str, Any], folder: str | None = None):
        self.name = name
        if isinstance(said, str):
            self.type, self.default = said, None
        else:
            self.type, self.default = said.get("type", "string"), said.get("default")
        self._folder = folder

    def compute_value(self, param_value: Any, storage_dir: str | None, key_position: int) -> str:
        """The value as the command gets it: of a `path` the absolute path of what is there.

        Args:
            storage_dir: Where files go that lie elsewhere; None leaves them there.
            key_position: Number of the parameter, which names the folder for its files.

        Raises:
            ExecutionException: It is no path or URI of something, though its type says so.
        """
        if storage_dir is not None and self.type == "path":
            return self._compute_path_value(str(param_value), storage_dir, key_position)
        if self.type == "uri":
            return self._compute_uri_value(str(param_value))
        if self.type == "float" and not commands.is_number(str(param_value)):
            _logger.warning(
                "Parameter '%s' is declared as float; its value '%s' is no number.",
                self.name,
                param_value,
            )
        return str(param_value)

    def _compute_path_value(self, value: str, storage_dir: str, key_position: int) -> str:
        from mlflow.utils.file_utils import local_file_uri_to_path
        from mlflow.utils.uri import is_local_uri

        if is_local_uri(value, is_tracking_or_registry_uri=False):
            path = local_file_uri_to_path(value)
            if not os.path.exists(path) and self._folder and value == str(self.default):
                path = os.path.join(self._folder, path)
            if not value or not os.path.exists(path):
                raise ExecutionException(
                    f"Got value {value} for parameter {self.name}, but no such file or directory "
                    "was found."
                )
            return os.path.abspath(path)
        from mlflow.artifacts import download_artifacts

        target = os.path.join(storage_dir, f"param_{key_position}")
        os.makedirs(target, exist_ok=True)
        _logger.info("=== Downloading '%s' into %s ===", value, target)
        return os.path.abspath(download_artifacts(artifact_uri=value, dst_path=target))

    def _compute_uri_value(self, value: str) -> str:
        if not get_uri_scheme(value):
            raise ExecutionException(f"Expected URI for parameter {self.name} but got {value}")
        return value
