"""Running a run again: its code is laid out, its environment made, its command run."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.error_codes import CODES
from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.projects import git
from mlflow.reproducibility import capture, environment
from mlflow.reproducibility import code as codes
from mlflow.utils import env_manager as managers
from mlflow.utils import uv_utils, virtualenv
from mlflow.utils.archives import extract_tar
from mlflow.utils.headrace_wheel import FULFILLED, requirement

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

_logger = logging.getLogger(__name__)


@dataclass
class Reproduction:
    """What came of running a run again."""

    of: str
    """Id of the run that was run again."""
    folder: str
    """Where its code is."""
    run_id: str | None = None
    """Id of the new run; None if it was only laid out."""
    status: str | None = None
    """How the new run ended."""
    code_differs: list[str] = field(default_factory=list)
    """Files that are not as they were."""
    environment_differs: list[str] = field(default_factory=list)
    """What Python runs with otherwise than it did."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Files that were not kept, and why."""


def reproduce(
    run_id: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    env_manager: str | None = None,
    repository: str | None = None,
    experiment_name: str | None = None,
    run_name: str | None = None,
    only_lay_out: bool = False,
) -> Reproduction:
    """Run again what a run has run, into a new run that names it.

    Args:
        run_id: A run that was started with HEADRACE_REPRODUCIBLE=true.
        folder: Where the code goes: a new or empty folder; `reproduce-` and the beginning of the
            run's id by default.
        env_manager: What makes the environment: "uv", "virtualenv", or "local" for none; by default
            uv, if it is there, else virtualenv.
        repository: Where its commit is, if not where it was.
        experiment_name: Where the new run goes; the experiment of the first by default.
        run_name: Name of the new run; made up by default.
        only_lay_out: Run nothing, and make no environment.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if nothing was kept with the run;
            INVALID_PARAMETER_VALUE if the folder is not empty or an argument cannot be.
        ExecutionException: The code could not be got, or what ran has failed.
    """
    from mlflow.tracking.client import MlflowClient

    client = MlflowClient()
    if env_manager not in (None, managers.UV, managers.VIRTUALENV, managers.LOCAL):
        raise MlflowException.invalid_parameter_value(
            f"`env_manager` is '{env_manager}'; uv, virtualenv and local make environments that "
            "are what they were."
        )
    target = Path(folder or f"reproduce-{run_id[:8]}").absolute()
    with tempfile.TemporaryDirectory() as place:
        kept = _fetched(client, run_id, place)
        facts = _read(kept / "capture.json", run_id)
        command = None if only_lay_out else _checked(facts)
        lock = environment.checked((kept / "requirements.lock").read_text().splitlines())
        result = Reproduction(run_id, str(target), left_out=facts["code"]["left_out"])
        with _new(target):
            _logger.info("=== Laying out the code of run %s in %s ===", run_id, target)
            _lay_out(kept, facts, target, repository)
            result.code_differs = _differing(kept, target)
    for name, why in sorted(result.left_out.items()):
        _logger.warning("'%s' was not kept: %s", name, why)
    for name in result.code_differs:
        _logger.warning("'%s' is not as it was.", name)
    if only_lay_out:
        return result
    variables = _environment(facts, lock, target, env_manager, result)
    for line in result.environment_differs:
        _logger.warning("The environment is not as it was: %s", line)
    _run(client, facts, command, target, variables, result, experiment_name, run_name)
    return result


def _fetched(client: MlflowClient, run_id: str, place: str) -> Path:
    client.get_run(run_id)
    names = {file.path for file in client.list_artifacts(run_id, capture.FOLDER)}
    if f"{capture.FOLDER}/capture.json" not in names:
        raise MlflowException(
            f"Run '{run_id}' has nothing to run it again from. Runs have it that are started with "
            f"{capture.HEADRACE_REPRODUCIBLE.name}=true, or after "
            "mlflow.config.enable_reproducible_runs().",
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )
    return Path(client.download_artifacts(run_id, capture.FOLDER, place))


def _read(path: Path, run_id: str) -> dict[str, Any]:
    """What was kept with a run, if it is in the form that is known here."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        known = facts["version"] == 1 and isinstance(facts["code"]["left_out"], dict)
        known = known and facts["kind"] in ("script", "notebook", "prompt", "project")
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise MlflowException.invalid_parameter_value(
            f"What was kept with run '{run_id}' is damaged, or of a later Headrace: it cannot be "
            "read."
        )
    return facts


def _checked(facts: dict[str, Any]) -> list[str] | None:
    """The command with its placeholders; None for a project, which makes its own.

    Raises:
        ExecutionException: It cannot be run as it was.
    """
    if facts["kind"] == "prompt":
        raise ExecutionException(
            "The run was started at Python's prompt, of which no commands are kept. Its code can "
            "be laid out."
        )
    secret = list(facts.get("secret_arguments") or ())
    if facts["kind"] == "project":
        secret = [k for k, v in facts["project"]["parameters"].items() if v == "***"]
    if secret:
        raise ExecutionException(
            f"Arguments {secret} of the command looked like secrets and were not kept. Lay out the "
            "code only, and run the command by hand."
        )
    if facts["kind"] == "notebook":
        return [capture.PYTHON, f"{capture.CODE}/{capture.CELLS}.py"]
    return facts["command"]


@contextlib.contextmanager
def _new(folder: Path) -> Iterator[None]:
    """A folder that was not there or empty, and is so again if something fails."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MlflowException.invalid_parameter_value(
            f"'{folder}' is there already; a new or empty folder is needed."
        )
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:  # also when the user stops it
        shutil.rmtree(folder, ignore_errors=True)
        if was_there:
            folder.mkdir(exist_ok=True)
        raise


# The code.


def _lay_out(kept: Path, facts: dict[str, Any], target: Path, repository: str | None) -> None:
    code = facts["code"]
    if (kept / "commit.tar").exists():
        extract_tar(str(kept / "commit.tar"), str(target))
        _commit(target)
    elif code["commit"]:
        _fetch(code, target, repository)
    patch = kept / "changes.patch"
    if patch.exists():
        git._git(str(target), "apply", "--binary", "--whitespace=nowarn", str(patch))
    if (kept / "extra.tar.gz").exists():
        extract_tar(str(kept / "extra.tar.gz"), str(target))
    cells = kept / f"{capture.CELLS}.py"
    if cells.exists():
        shutil.copyfile(cells, target / cells.name)


def _commit(target: Path) -> None:
    """Make a commit of what is there, so that changes are told from it again."""
    where = str(target)
    who = ["-c", "user.name=headrace", "-c", "user.email=headrace@localhost"]
    git._git(where, "init", "--quiet")
    git._git(where, "add", "--all", "--force")
    settings = [*who, "-c", "commit.gpgSign=false"]
    git._git(where, *settings, "commit", "--quiet", "--allow-empty", "--message", "as it was")


def _fetch(code: dict[str, Any], target: Path, repository: str | None) -> None:
    """Check the commit out, from where it is still to be had."""
    commit, tried = code["commit"], []
    places = [repository] if repository else [code["root"], code["repository"]]
    for place in filter(None, places):
        local = os.path.isdir(place)
        if not (local and git.is_repository(place)) and not git.is_address(place):
            tried.append(f"'{place}' is no git repository")
            continue
        try:
            git.fetch(os.path.abspath(place) if local else place, commit, str(target))
            if code["pushed"]:
                git._git(str(target), "update-ref", "refs/remotes/origin/reproduced", commit)
            return
        except ExecutionException as error:
            tried.append(error.message)
            shutil.rmtree(target / ".git", ignore_errors=True)
    raise ExecutionException(
        f"Commit {commit} of the run could not be got; name a repository that has it. "
        + "; ".join(tried)
    )


def _differing(kept: Path, target: Path) -> list[str]:
    wanted = json.loads((kept / "files.json").read_text(encoding="utf-8"))
    found = codes.Code(target, {})
    for name in wanted:
        if os.path.lexists(target / name):
            codes._add(found, name)
    return sorted(name for name, content in wanted.items() if found.files.get(name) != content)


# The environment.


def _environment(
    facts: dict[str, Any],
    lock: list[str],
    target: Path,
    manager: str | None,
    result: Reproduction,
) -> dict[str, str]:
    """Variables of a process in an environment like that of the run."""
    was = facts["environment"]
    if manager == managers.LOCAL:
        python, variables = sys.executable, {}
        if sys.prefix != sys.base_prefix:
            variables = virtualenv.variables_of(sys.prefix)
    else:
        manager = manager or (managers.UV if uv_utils.is_uv_available() else managers.VIRTUALENV)
        place = _made(was["python"], lock, target, manager)
        python, variables = virtualenv.python_of(place), virtualenv.variables_of(place)
    now = environment.environment_of([python])
    for key in ("python", "implementation", "platform", "machine"):
        if now[key] != was[key]:
            result.environment_differs.append(f"{key} is {now[key]}, it was {was[key]}")
    extra, missing = set(now["lock"]) - set(lock), set(lock) - set(now["lock"])
    result.environment_differs += [f"{line} is here, it was not" for line in sorted(extra)]
    result.environment_differs += [f"{line} is not here, it was" for line in sorted(missing)]
    known = {n: v for n, v in was.get("variables", {}).items() if n in environment.VARIABLES}
    paths = _python_path(facts, target, manager == managers.LOCAL, result)
    return {**known, **variables, "PYTHONPATH": os.pathsep.join(paths)}


def _python_path(
    facts: dict[str, Any], target: Path, local: bool, result: Reproduction
) -> list[str]:
    """Where imports are looked for first. Folders outside of the code would hide what an
    environment has."""
    found = []
    for path in facts.get("python_path") or ():
        if path == capture.CODE or path.startswith(f"{capture.CODE}/"):
            found.append(str(target) + path[len(capture.CODE) :])
        elif local and os.path.isabs(path):
            found.append(path)
        else:
            result.environment_differs.append(f"PYTHONPATH is without '{path}'")
    return found


def _made(version: str, lock: list[str], target: Path, manager: str) -> Path:
    """An environment with the distributions of a lock, and no others."""
    wheel = requirement(virtualenv._root(None) / virtualenv._WHEELS_DIR, extras="")
    lines = [x for x in lock if wheel is None or environment.names_of([x]).isdisjoint(FULFILLED)]
    lines += [wheel] if wheel is not None else []
    definition = virtualenv.Definition(version, (), tuple(lines), str(target), "", complete=True)
    place = virtualenv.get_or_create(definition, manager)
    if manager == managers.VIRTUALENV:  # venv may have brought what was not there
        python = virtualenv.python_of(place)
        now = environment.names_of(environment.environment_of([python])["lock"])
        surplus = sorted(now - environment.names_of(lock) - FULFILLED)
        if surplus:
            virtualenv._exec_cmd([python, "-m", "pip", "uninstall", "--yes", "--quiet", *surplus])
    return place


# The command.


def _run(
    client: MlflowClient,
    facts: dict[str, Any],
    command: list[str] | None,
    target: Path,
    variables: dict[str, str],
    result: Reproduction,
    experiment_name: str | None,
    run_name: str | None,
) -> None:
    from mlflow import projects
    from mlflow.entities import RunStatus, RunTag
    from mlflow.projects import utils
    from mlflow.projects.submitted_run import LocalSubmittedRun, end_run

    first = client.get_run(result.of)
    experiment_id = first.info.experiment_id
    if experiment_name is not None:
        experiment_id = projects._experiment_id(experiment_name, None)
    project = facts.get("project")
    work_dir = target / (facts["folder"] or ".")
    if not work_dir.resolve().is_relative_to(target.resolve()):
        raise ExecutionException(f"The run was in '{facts['folder']}', which is outside.")
    work_dir.mkdir(parents=True, exist_ok=True)  # it may have had no files
    if project is not None:
        entry, given, place = project["entry_point"], project["parameters"], str(work_dir)
        run = utils.get_or_create_run(None, place, experiment_id, place, None, entry, given)
    else:
        run = client.create_run(experiment_id)
    run_id = result.run_id = run.info.run_id
    try:
        tags = [RunTag(key, value) for key, value in _tags(first).items()]
        client.log_batch(run_id, tags=tags, synchronous=True)
        if run_name is not None:
            client.update_run(run_id, name=run_name)
        if project is not None:
            argv, more, shown = _of_project(client, run_id, project, work_dir, variables)
        else:
            argv, more = _placed(command or [], target, variables), {}
            shown = shlex.join(argv)
        _logger.info("=== Running command '%s' in run with ID '%s' ===", shown, run_id)
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONHOME"}
        more = {**more, **utils.get_run_env_vars(run_id, experiment_id)}
        more[capture.HEADRACE_REPRODUCIBLE.name] = "true"
        process = subprocess.Popen(argv, cwd=work_dir, env={**inherited, **variables, **more})
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        end_run(run_id, RunStatus.KILLED if stopped else RunStatus.FAILED)
        raise
    projects._wait_for(LocalSubmittedRun(run_id, process))
    result.status = client.get_run(run_id).info.status


def _of_project(
    client: MlflowClient,
    run_id: str,
    project: dict[str, Any],
    work_dir: Path,
    variables: dict[str, str],
) -> tuple[list[str], dict[str, str], str]:
    """What runs a project, variables for it, and the same for people. Its state is kept again."""
    from mlflow.projects import utils

    spec = utils.load_project(str(work_dir))
    command = utils.fill_entry_point(spec, project["entry_point"], project["parameters"], None)
    python = [shutil.which("python", path=variables.get("PATH")) or sys.executable]
    capture.capture_project(client, run_id, str(work_dir), project, python)
    return *command.program(), command.shown


def _tags(first: Any) -> dict[str, str]:
    """Tags that the new run has from the first: where the code is from is what it was."""
    from mlflow.tracking.context.default_context import _get_user
    from mlflow.utils import mlflow_tags

    same = ("SOURCE_NAME", "SOURCE_TYPE", "GIT_COMMIT", "GIT_BRANCH", "GIT_REPO_URL")
    keys = [getattr(mlflow_tags, f"MLFLOW_{name}") for name in same]
    tags = {key: first.data.tags[key] for key in keys if key in first.data.tags}
    return {**tags, mlflow_tags.MLFLOW_USER: _get_user(), capture.REPRODUCES: first.info.run_id}


def _placed(command: list[str], target: Path, variables: dict[str, str]) -> list[str]:
    """The command with paths of this machine for its placeholders."""
    prefix = variables.get("VIRTUAL_ENV", sys.prefix)
    python = virtualenv.python_of(prefix) if "VIRTUAL_ENV" in variables else sys.executable
    paths = {capture.CODE: str(target), capture.ENVIRONMENT: prefix}
    placed = []
    for word in command:
        for placeholder, path in paths.items():
            if word == placeholder or word.startswith(f"{placeholder}/"):
                word = path + word[len(placeholder) :]
        placed.append(python if word == capture.PYTHON else word)
    return placed
