"""Environments for models and projects: made once for each definition, and used again.

What an environment is made of (the version of Python, the requirements with the files they name,
Headrace itself) is hashed, and the hash is its name below `MLFLOW_ENV_ROOT`. It is made under a
lock, and counts only when a file in it says that it is complete: one that was interrupted is
removed and made anew.

* `virtualenv`: `venv` of the chosen interpreter, and pip, with the settings that pip has here.
* `uv`: `uv venv` and `uv pip install`, with uv's settings.

The version of Python is the model's: this interpreter if it has that version, one of pyenv's, one
that uv has or can fetch, or one that differs only in the last number, with a warning. pyenv is
asked to build one only when nothing else is left.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.environment_variables import MLFLOW_ENV_ROOT
from mlflow.error_codes import CODES
from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.utils import env_manager as managers
from mlflow.utils.headrace_wheel import FULFILLED, requirement
from mlflow.utils.process import ShellCommandException, _exec_cmd
from mlflow.utils.requirements_utils import package_of
from mlflow.utils.uv_utils import _get_uv_binary

_logger = logging.getLogger(__name__)

_VIRTUALENV_ENVS_DIR = "virtualenv_envs"
_WHEELS_DIR = "headrace_wheels"

_COMPLETE = "headrace-complete.json"
_REQUIREMENTS = "headrace-requirements.txt"
_BUILD = "headrace-build-requirements.txt"

_PYTHON_ENV_FILE = "python_env.yaml"
_REQUIREMENTS_FILE = "requirements.txt"

#: Options in requirement files that name another file.
_FILE_OPTIONS = {"-r": "-r", "--requirement": "-r", "-c": "-c", "--constraint": "-c"}
_MOST_FILES = 100


@dataclass(frozen=True)
class Definition:
    """What an environment is made of."""

    python: str | None
    """Version, such as 3.11.7; None for that of this process."""
    build_dependencies: tuple[str, ...]
    """Installed first, on their own."""
    lines: tuple[str, ...]
    """Requirements and options of pip; no line names another file but by its full path."""
    folder: str
    """Where relative paths in requirements begin: the model's folder."""
    content: str
    """Hash of all files that the lines name."""
    complete: bool = False
    """Whether the lines are all that is to be installed, so that nothing is looked for besides."""

    def key(self, manager: str) -> str:
        """Its name among environments."""
        lines = tuple(map(self._relative, self.lines))
        facts = [manager, self.python or _this_python(), self.build_dependencies, lines]
        text = json.dumps([*facts, self.content, *(["complete"] if self.complete else [])])
        return f"mlflow-{hashlib.sha256(text.encode()).hexdigest()[:40]}"

    def _relative(self, line: str) -> str:
        """The line without the folder, where it names a file, whose content is hashed: what is
        fetched into a new folder each time has the same environment."""
        option, space, path = line.rpartition(" ")
        if option in ("", "-c") and path.startswith(self.folder + os.sep) and os.path.isfile(path):
            return f"{option}{space}{path[len(self.folder) + 1 :]}"
        return line


def define(
    model_folder: str | os.PathLike[str],
    *,
    override: Sequence[str] = (),
    root: str | os.PathLike[str] | None = None,
) -> Definition:
    """What the environment of a model is made of.

    `mlflow` in its requirements is fulfilled by this Headrace; see `headrace_wheel.py`.

    Args:
        model_folder: With `python_env.yaml`, or else `conda.yaml` or `requirements.txt`.
        override: Requirements that take the place of the model's of the same names.
        root: Where environments are kept.
    """
    folder = Path(model_folder).absolute()
    return _defined(folder, *_python_env(folder), override, root)


def define_project(
    file: str | os.PathLike[str] | None,
    folder: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
) -> Definition:
    """What the environment of a project is made of.

    It has this Headrace, with which the project logs; with what models need, too, if the project
    requires `mlflow`.

    Args:
        file: `python_env.yaml` or `conda.yaml`, under any name; None for nothing but Headrace.
        folder: The project's.
        root: Where environments are kept.
    """
    if file is None:
        return _defined(Path(folder).absolute(), None, [], [], (), root, plain=True)
    path = Path(file).absolute()
    from mlflow.utils import safe_yaml

    facts = safe_yaml.load_file(path) or {}
    if not isinstance(facts, dict):
        raise MlflowException.invalid_parameter_value(
            f"'{path}' must be a mapping of keys such as 'dependencies'; it is {_shown(facts)}."
        )
    has_conda_keys = "channels" in facts or any(
        isinstance(each, dict) for each in facts.get("dependencies") or ()
    )
    if path.name == "conda.yaml" or has_conda_keys:
        said = _from_conda(facts)
    else:
        said = _from_python_env(facts)
    return _defined(path.parent, *said, (), root, plain=True)


def flattened(lines: Sequence[str], folder: Path) -> tuple[list[str], str]:
    """Requirements without other files of requirements, every path in full; and a hash of all
    files that they name."""
    digest = hashlib.sha256()
    found = [_absolute(line, base, digest) for line, base in _expanded(lines, folder, digest)]
    return found, digest.hexdigest()


def _defined(
    folder: Path,
    python: str | None,
    build: list[str],
    dependencies: list[str],
    override: Sequence[str],
    root: str | os.PathLike[str] | None,
    plain: bool = False,
) -> Definition:
    lines, content = flattened(dependencies, folder)
    # A model is loaded by Headrace with all that models need; a project may be without.
    named = any(not x.startswith("-") and package_of(x) in FULFILLED for x in lines)
    wheel = requirement(_root(root) / _WHEELS_DIR, extras="models" if named or not plain else "")
    replaced = {package_of(each) for each in override}
    kept = []
    for line in lines:
        name = None if line.startswith("-") else package_of(line)
        if name in replaced:
            continue
        if name in FULFILLED and wheel is not None:
            continue
        kept.append(line)
    kept += override
    kept += [wheel] if wheel is not None else []
    return Definition(python, tuple(build), tuple(kept), str(folder), content)


def get_or_create(
    definition: Definition,
    manager: str = managers.VIRTUALENV,
    *,
    root: str | os.PathLike[str] | None = None,
    capture_output: bool = False,
    extra_env: Mapping[str, str] | None = None,
    create: bool = True,
) -> Path:
    """The folder of an environment that is complete.

    Args:
        manager: "virtualenv" or "uv".
        root: Where environments are kept; MLFLOW_ENV_ROOT by default.
        capture_output: Show nothing of what the installer says unless it fails.
        extra_env: Variables for the installer.
        create: Whether it may be made if it is not there.

    Raises:
        MlflowException: There is no such Python, or no uv; or no environment, if none may be made.
        ShellCommandException: The installer failed.
    """
    folder = _root(root) / _VIRTUALENV_ENVS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    name = definition.key(manager)
    place = folder / name
    if _is_complete(place):
        _logger.info("Environment '%s' is there already.", place)
        return place
    if not create:
        raise MlflowException(
            f"The environment '{place}' is not there, and MLFLOW_DISABLE_ENV_CREATION is "
            "set. `mlflow models prepare-env` makes it.",
            error_code=CODES["INVALID_STATE"],
        )
    with _locked(folder / f"{name}.lock"):
        if _is_complete(place):  # made by whoever had the lock
            return place
        shutil.rmtree(place, ignore_errors=True)  # what an interrupted process left
        began = time.monotonic()
        _logger.info(
            "Making environment '%s' (Python %s, %d requirements); this is done once.",
            place,
            definition.python or _this_python(),
            len(definition.lines),
        )
        try:
            _create(definition, manager, place, capture_output, extra_env)
        except BaseException:  # also when the user stops it
            shutil.rmtree(place, ignore_errors=True)
            raise
        _logger.info("The environment took %.0f s.", time.monotonic() - began)
    return place


def python_of(place: str | os.PathLike[str]) -> str:
    """The interpreter of an environment."""
    within = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")
    return str(Path(place) / within)


def variables_of(place: str | os.PathLike[str]) -> dict[str, str]:
    """Variables that programs in an environment should have besides those of this process."""
    scripts = str(Path(python_of(place)).parent)
    path = os.environ.get("PATH")
    return {
        "VIRTUAL_ENV": str(place),
        "PATH": f"{scripts}{os.pathsep}{path}" if path else scripts,
    }


def _root(root: str | os.PathLike[str] | None) -> Path:
    return Path(MLFLOW_ENV_ROOT.get() if root is None else root).expanduser().absolute()


def _this_python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


# What a model says.


def python_version(model_folder: str | os.PathLike[str]) -> str | None:
    """The version of Python that a model says it wants."""
    return _python_env(Path(model_folder))[0]


def _python_env(folder: Path) -> tuple[str | None, list[str], list[str]]:
    """Version of Python, what to install first, and lines of requirements."""
    from mlflow.utils import safe_yaml

    if (folder / _PYTHON_ENV_FILE).is_file():
        return _from_python_env(safe_yaml.load_file(folder / _PYTHON_ENV_FILE) or {})
    if (folder / "conda.yaml").is_file():
        return _from_conda(safe_yaml.load_file(folder / "conda.yaml"))
    if (folder / _REQUIREMENTS_FILE).is_file():
        return None, [], [f"-r {_REQUIREMENTS_FILE}"]
    raise MlflowException(
        f"'{folder}' has neither {_PYTHON_ENV_FILE} nor conda.yaml nor {_REQUIREMENTS_FILE}, so "
        "nothing says what its environment is made of.",
        error_code=CODES["INVALID_PARAMETER_VALUE"],
    )


def _from_python_env(facts: dict[str, Any]) -> tuple[str | None, list[str], list[str]]:
    python = facts.get("python")
    return (
        None if python is None else str(python),
        _texts("build_dependencies", facts.get("build_dependencies")),
        _texts("dependencies", facts.get("dependencies")),
    )


def _texts(what: str, found: Any) -> list[str]:
    """The lines of such a list; read letter by letter, a text would install what is not meant."""
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise MlflowException.invalid_parameter_value(
            f"'{what}' of an environment must be a list of texts, such as [numpy==2.1.0]; it is "
            f"{_shown(found)}."
        )
    return found


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _from_conda(facts: Any) -> tuple[str | None, list[str], list[str]]:
    python, lines = None, []
    dependencies = (facts or {}).get("dependencies")
    if dependencies is not None and not isinstance(dependencies, list):
        _texts("dependencies", dependencies)
    for each in dependencies or ():
        if isinstance(each, dict):
            lines += _texts("pip", each["pip"] if list(each) == ["pip"] else each)
            continue
        found = re.fullmatch(r"(?:\S+::)?([\w.-]+)\s*(?:([<>=!]+)\s*([\w.*]+))?.*", str(each))
        name, version = (found[1], found[3]) if found else (str(each), None)
        if name == "python":
            python = version
        elif name not in ("pip", "setuptools", "wheel"):
            _logger.warning(
                "'%s' in conda.yaml is installed by conda only, and left out here.", each
            )
    return python, [], lines


def _expanded(lines: Sequence[str], base: Path, digest: Any) -> Iterator[tuple[str, Path]]:
    """Each line with the folder it speaks of; instead of `-r file`, the lines of the file."""
    waiting = [(line, base) for line in reversed(lines)]
    files = 0
    while waiting:
        line, folder = waiting.pop()
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not line:
            continue
        option, _, rest = line.replace("=", " ", 1).partition(" ")
        if _FILE_OPTIONS.get(option) != "-r":
            yield line, folder
            continue
        files += 1
        path = (folder / rest.strip()).absolute()
        if files > _MOST_FILES or not path.is_file():
            raise MlflowException.invalid_parameter_value(
                f"The requirements name the file '{path}', which "
                + ("is one too many." if path.is_file() else "is not there.")
            )
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        waiting += [(each, path.parent) for each in reversed(text.splitlines())]


def _absolute(line: str, base: Path, digest: Any) -> str:
    """The line with full paths instead of relative ones; what they hold goes into the digest."""
    option, _, rest = line.replace("=", " ", 1).partition(" ")
    if _FILE_OPTIONS.get(option) == "-c":
        path = (base / rest.strip()).absolute()
        digest.update(path.read_bytes() if path.is_file() else b"")
        return f"-c {path}"
    path = base / line
    if not line.startswith("-") and "://" not in line and (os.sep in line or line.endswith(".whl")):
        if path.is_file():
            digest.update(path.read_bytes())
        if path.exists():
            return str(path.absolute())
    return line


# Making it.


def _create(
    definition: Definition,
    manager: str,
    place: Path,
    capture_output: bool,
    extra_env: Mapping[str, str] | None,
) -> None:
    def run(*command: str) -> None:
        environment = {**os.environ, **(extra_env or {})}
        # pip must not look at what this process has.
        for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX"):
            environment.pop(name, None)
        _exec_cmd(
            command,
            capture_output=capture_output,
            stream_output=not capture_output,
            env=environment,
            cwd=definition.folder,
        )

    if manager == managers.UV:
        uv = _get_uv_binary()
        if uv is None:
            raise MlflowException(
                "uv is not installed. Install it with: pip install uv",
                error_code=CODES["INVALID_STATE"],
            )
        run(uv, "venv", "--python", find_python(definition.python), str(place))
        install = [uv, "pip", "install", "--python", python_of(place)]
    elif manager == managers.VIRTUALENV:
        run(find_python(definition.python), "-m", "venv", str(place))
        install = [python_of(place), "-m", "pip", "install", "--disable-pip-version-check"]
    else:
        raise MlflowException.invalid_parameter_value(
            f"'{manager}' makes no environments of this kind; virtualenv and uv do."
        )
    # By files: as arguments, lines could be options that no file of requirements may have.
    if definition.build_dependencies:
        run(*install, "-r", _written(place / _BUILD, definition.build_dependencies))
    lines = _written(place / _REQUIREMENTS, definition.lines)
    run(*install, *(["--no-deps"] if definition.complete else []), "-r", lines)
    _mark_complete(place, definition)


def _written(path: Path, lines: Sequence[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def _mark_complete(place: Path, definition: Definition) -> None:
    unfinished = place / f"{_COMPLETE}.unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump({"python": definition.python, "requirements": definition.lines}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, place / _COMPLETE)


def _is_complete(place: Path) -> bool:
    return (place / _COMPLETE).is_file() and os.path.exists(python_of(place))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among all processes; waits as long as another is at it."""
    with open(path, "a+b") as file:
        if not _try_lock(file):
            _logger.info("Another process makes this environment; waiting for it.")
            while not _try_lock(file):
                time.sleep(0.2)
        yield  # closing the file, or the end of the process, gives the lock back


def _try_lock(file: Any) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# Which Python.


def find_python(version: str | None) -> str:
    """An interpreter of that version.

    Raises:
        MlflowException: There is none, and none could be got.
    """
    if version is None:
        return sys.executable
    if not re.fullmatch(r"\d+(\.\d+){0,2}", version):
        raise MlflowException.invalid_parameter_value(
            f"'{version}' is no version of Python, such as 3.11 or 3.11.7."
        )
    near = None
    for path in _interpreters(version):
        found = _version_of(path)
        if _fits(found, version):
            return path
        if near is None and found.rpartition(".")[0] == ".".join(version.split(".")[:2]):
            near = path
    if (got := _from_uv(version)) is not None:
        return got
    if near is not None:
        _logger.warning(
            "Python %s is asked for, which is not here; the environment gets %s. "
            "To have the very version, install it with uv or pyenv.",
            version,
            _version_of(near),
        )
        return near
    if (got := _from_pyenv(version)) is not None:
        return got
    raise MlflowException(
        f"The environment needs Python {version}, which is not here. Install it, or install uv or "
        "pyenv, which can fetch it.",
        error_code=CODES["INVALID_STATE"],
    )


def _interpreters(version: str) -> Iterator[str]:
    """Interpreters that may have the version, those that are nearest first."""
    yield sys.executable
    minor = ".".join(version.split(".")[:2])
    installed = _pyenv_root() / "versions"
    if installed.is_dir():
        folders = [installed / version, *sorted(installed.glob(f"{minor}.*"), reverse=True)]
        yield from (str(path) for each in folders if (path := each / "bin" / "python").exists())
    for name in (f"python{minor}", f"python{version}"):
        if path := shutil.which(name):
            yield path


def _version_of(python: str) -> str:
    if python == sys.executable:
        return _this_python()
    program = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    try:
        return _exec_cmd([python, "-I", "-c", program], timeout=30).stdout.strip()
    except (ShellCommandException, OSError, subprocess.TimeoutExpired, TypeError):
        return ""  # a shim of a version that is not there


def _fits(found: str, wanted: str) -> bool:
    return found == wanted or found.startswith(f"{wanted}.")


def _from_uv(version: str) -> str | None:
    """An interpreter that uv has, or could fetch."""
    if (uv := _get_uv_binary()) is None:
        return None
    for command in ([uv, "python", "find", version], [uv, "python", "install", version]):
        with contextlib.suppress(ShellCommandException, OSError):
            _exec_cmd(command)
            found = _exec_cmd([uv, "python", "find", version]).stdout.strip()
            if found and _fits(_version_of(found), version):
                return found
    return None


def _from_pyenv(version: str) -> str | None:
    """An interpreter that pyenv built, which takes minutes."""
    pyenv = shutil.which("pyenv") or shutil.which("pyenv", path=str(_pyenv_root() / "bin"))
    if pyenv is None:
        return None
    if version.count(".") < 2:
        listed = _exec_cmd([pyenv, "install", "--list"]).stdout.split()
        fitting = [each for each in listed if re.fullmatch(re.escape(version) + r"\.\d+", each)]
        if not fitting:
            return None
        version = max(fitting, key=lambda each: int(each.rpartition(".")[2]))
    _logger.info("pyenv builds Python %s; this may take minutes.", version)
    try:
        _exec_cmd(
            [pyenv, "install", "--skip-existing", version], capture_output=False, stream_output=True
        )
    except ShellCommandException as error:
        raise ExecutionException(f"pyenv could not build Python {version}: {error}") from error
    found = _pyenv_root() / "versions" / version / "bin" / "python"
    return str(found) if found.exists() else None


def _pyenv_root() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
