"""Requirements of models: what their files need, as pinned names of packages.

Nothing is loaded or run for it. What a pickle refers to is read off its opcodes, what code imports
off its syntax tree, and the versions are those installed here.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata as metadata
import json
import logging
import os
import pickletools
import re
import sys
import types
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from mlflow.utils.model_utils import walk
from mlflow.version import VERSION

_logger = logging.getLogger(__name__)

MLFLOW_MODULES_TO_PACKAGES = {"mlflow.gateway": ["mlflow[gateway]"]}
DATABRICKS_MODULES_TO_PACKAGES = {
    "databricks.automl": ["databricks-automl-runtime"],
    "databricks.automl_runtime": ["databricks-automl-runtime"],
    "databricks.model_monitoring": ["databricks-model-monitoring"],
}

MLFLOW = f"mlflow=={VERSION}"
_OURS = {"headrace", "mlflow", "mlflow-skinny", "mlflow-tracing"}
#: Every environment has these, or needs them only to be made.
_NEVER = {*_OURS, "pip", "setuptools", "wheel", "uv", "pkg-resources"}
#: What models hold is made by these, so their versions matter even where another package brings
#: them.
_ALWAYS_PINNED = ("numpy", "pandas", "scipy")

_PICKLES = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".cpkl")
_MODULE_IMPORTER = ("cloudpickle.cloudpickle", "subimport")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def required_by(folder: str, modules: Iterable[str] = ()) -> list[str]:
    """Pinned requirements of a model, sorted, without mlflow.

    Args:
        folder: The model's folder.
        modules: Modules that it needs and its files do not name.
    """
    named = {*modules, *modules_in(folder)}
    return pinned(packages_of(named))


def modules_in(folder: str) -> set[str]:
    """Modules that the files of a model name: its pickles, its code, its skops files."""
    found: set[str] = set()
    for name in walk(folder):
        path = os.path.join(folder, *name.split("/"))
        if name.endswith(".py"):
            found |= _in_code(path)
        elif name.endswith(_PICKLES):
            found |= _in_pickle(path)
        elif name.endswith(".skops"):
            found |= _in_skops(path)
    return found


def modules_of(objects: Iterable[Any]) -> set[str]:
    """Modules that Python objects need, and what they hold: where their classes come from, and, of
    code that is pickled by value, what it uses and imports."""
    found: set[str] = set()
    seen: dict[int, Any] = {}
    waiting = list(objects)
    while waiting and len(seen) < _MOST_OBJECTS:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if isinstance(one, type(sys)):
            found.add(one.__name__)
            continue
        module = getattr(one if isinstance(one, _NAMED) else type(one), "__module__", None)
        found.add(str(module))
        with suppress(Exception):  # objects may answer anything when they are looked at
            waiting += _held_by(one, module in _BY_VALUE)
        if isinstance(one, types.FunctionType) and module in _BY_VALUE:
            names, imports = _used_by(one.__code__)
            found |= imports
            waiting += [one.__globals__[name] for name in names if name in one.__globals__]
    return found - {*_BY_VALUE, "None", "builtins"}


_BY_VALUE = ("__main__", "__mp_main__")
_NAMED = (type, types.FunctionType)
_MOST_OBJECTS = 10_000
_FEW = 100


def _held_by(one: Any, by_value: bool) -> list[Any]:
    """Objects to look at because of this one."""
    if isinstance(one, (str, bytes, int, float)):
        return []
    if isinstance(one, dict):
        return [*one.values()][:_FEW]
    if isinstance(one, (list, tuple, set, frozenset)):
        return [*one][:_FEW]
    if isinstance(one, (staticmethod, classmethod)):
        return [one.__func__]
    if isinstance(one, property):
        return [one.fget, one.fset]
    if isinstance(one, type):
        return [*one.__mro__[1:], *vars(one).values()] if by_value else []
    if isinstance(one, types.FunctionType):
        cells = (cell.cell_contents for cell in one.__closure__ or () if _is_filled(cell))
        return [*cells, *vars(one).values()] if by_value else []
    return [type(one), *[*getattr(one, "__dict__", {}).values()][:_FEW]]


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # it is not filled yet
        return False


def _used_by(code: Any) -> tuple[set[str], set[str]]:
    """Global names that a function uses, and modules that it imports, with those inside it."""
    import dis

    imports = {
        str(step.argval) for step in dis.get_instructions(code) if step.opname == "IMPORT_NAME"
    }
    names = set(code.co_names)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            inner_names, inner_imports = _used_by(constant)
            names |= inner_names
            imports |= inner_imports
    return names, imports


# What files name.


def _in_code(path: str) -> set[str]:
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (SyntaxError, ValueError):
        return set()
    return set(_imports(tree.body))


def _imports(body: Iterable[ast.AST]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _imports(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                yield node.module
        else:
            yield from _imports(ast.iter_child_nodes(node))


def _in_pickle(path: str) -> set[str]:
    with open(path, "rb") as file:
        if not file.read(1):
            return set()
        file.seek(0)
        found: set[str] = set()
        try:
            for module in _globals_in(file):
                found.add(module)
        except (ValueError, EOFError):
            # joblib puts arrays between the opcodes, and may compress the whole.
            file.seek(0)
            found |= _dotted_names(file.read())
    return found


def _globals_in(file: Any) -> Iterator[str]:
    """The modules that a pickle imports. It is not loaded."""
    # A model of the unpickler's stack that knows only texts and what was imported: the two texts
    # before STACK_GLOBAL say what is imported, and either may come from the memo.
    last: list[str | tuple[str, str] | None] = []
    memo: dict[int, str | tuple[str, str] | None] = {}
    for opcode, argument, _ in pickletools.genops(file):
        name = opcode.name
        if name == "MEMOIZE":
            memo[len(memo)] = last[-1] if last else None
            continue
        if name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = last[-1] if last else None
            continue
        item: str | tuple[str, str] | None = None
        if name in ("GLOBAL", "INST"):
            module, _, attribute = str(argument).partition(" ")
            item = (module, attribute)
        elif name == "STACK_GLOBAL" and [type(text) for text in last] == [str, str]:
            item = tuple(last)  # type: ignore[assignment]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            item = memo.get(argument)
        elif "UNICODE" in name:
            item = argument
        if isinstance(item, tuple):
            yield item[0]
        elif isinstance(item, str) and last and last[-1] == _MODULE_IMPORTER:
            yield item
        last = [*last[-1:], item]


def _dotted_names(content: bytes) -> set[str]:
    """Short texts of a pickle that are names of modules which are loaded here."""
    texts = re.findall(rb"\x8c(.)([A-Za-z_][\w.]{1,200})", content, re.DOTALL)
    names = (text[: length[0]].decode("ascii", "ignore") for length, text in texts)
    lines = (m.decode("ascii", "ignore") for m in re.findall(rb"c([A-Za-z_][\w.]+)\n", content))
    return {name for name in (*names, *lines) if name in sys.modules}


def _in_skops(path: str) -> set[str]:
    found: set[str] = set()
    try:
        with zipfile.ZipFile(path) as file:
            schema = json.loads(file.read("schema.json"))
    except (zipfile.BadZipFile, KeyError, ValueError):
        return found
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("__module__"), str):
                found.add(one["__module__"])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


# From modules to packages.


@functools.cache
def _distributions() -> dict[str, list[str]]:
    """Of each top-level module, the packages it is in."""
    return dict(metadata.packages_distributions())


def packages_of(modules: Iterable[str]) -> set[str]:
    """Names of the packages that a model with these modules requires: without those that another
    of them brings, with those whose versions matter anyway."""
    found: set[str] = set()
    for module in modules:
        special = {**MLFLOW_MODULES_TO_PACKAGES, **DATABRICKS_MODULES_TO_PACKAGES}
        top = module.partition(".")[0]
        found.update(special.get(module) or _distributions().get(top, ()))
    found = {normalized(name) for name in found} - _NEVER
    brought = set().union(*(_requires_all(name) - {name} for name in found))
    # Of these, a library that uses one works with the others as well when they are there.
    data = set(_ALWAYS_PINNED) if brought & set(_ALWAYS_PINNED) else set()
    loaded = {name for name in data if name in sys.modules}
    return (found - brought) | (found & set(_ALWAYS_PINNED)) | loaded


@functools.cache
def _requires_all(name: str) -> frozenset[str]:
    """Packages that a package requires, and those that these require."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for required in _requires(waiting.pop()):
            if required not in found:
                found.add(required)
                waiting.append(required)
    return frozenset(found)


def _requires(name: str) -> list[str]:
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    names = (package_of(line) for line in lines if "extra ==" not in line)
    return [name for name in names if name]


def pinned(packages: Iterable[str]) -> list[str]:
    """Requirements for the versions that are installed, sorted; packages that are not, without."""
    return sorted(_pinned(name) for name in packages)


def _pinned(name: str) -> str:
    bare = name.partition("[")[0]
    if bare in _OURS:
        return f"{name}=={VERSION}"
    try:
        # What follows "+" names a build that package indexes don't have.
        return f"{name}=={metadata.version(bare).partition('+')[0]}"
    except metadata.PackageNotFoundError:
        return name


def normalized(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def package_of(requirement: str) -> str | None:
    """The normalized name in a requirement; None for options, paths and URLs."""
    match = _NAME.match(requirement.strip())
    if match is None or re.match(r"\s*[A-Za-z+]+://|\s*\w+\+", requirement):
        return None
    return normalized(match[0].rstrip("._-"))


def warn_dependency_requirement_mismatches(model_requirements: list[str]) -> None:
    """Warn when packages installed here are not what a model requires.

    Without the `packaging` library nothing is compared.
    """
    try:
        mismatches = [found for one in model_requirements if (found := _mismatch(one))]
    except ImportError:
        return
    if mismatches:
        _logger.warning(
            "Installed packages differ from what the model requires:\n%s\n"
            "`mlflow.pyfunc.get_model_dependencies(model_uri)` gives a file to install from.",
            "\n".join(f" - {line}" for line in mismatches),
        )


def _mismatch(requirement: str) -> str | None:
    from packaging.requirements import InvalidRequirement, Requirement

    name = package_of(requirement)
    if name is None or requirement.lstrip().startswith("-"):
        return None
    try:
        wanted = Requirement(requirement.partition("#")[0].strip())
    except InvalidRequirement:
        return None
    if wanted.marker is not None and not wanted.marker.evaluate():
        return None
    try:
        current = VERSION if name in _OURS else metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} (current: uninstalled, required: {requirement})"
    if wanted.specifier.contains(current.partition("+")[0], prereleases=True):
        return None
    return f"{name} (current: {current}, required: {requirement})"
