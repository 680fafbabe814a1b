"""Which files of the working directory a model's code imports."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Iterator
from typing import Any


def local_files_of(model: Any, code_file: str | None) -> dict[str, str]:
    """Files below the working directory that a model needs: relative name, with "/", to path.

    What is imported is read from the files; nothing is run.

    Args:
        model: Its object.
        code_file: The file that it was made by, which is not among the result.
    """
    root = os.path.realpath(os.getcwd())
    found: dict[str, str] = {}
    if code_file is not None:
        waiting = list(_imported_by(code_file, None))
    else:
        from mlflow.utils.requirements_utils import modules_of

        waiting = sorted(modules_of([model]))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _local_path(name, root)
        if path is None or path == code_file:
            continue
        found[os.path.relpath(path, root).replace(os.sep, "/")] = path
        waiting += _imported_by(path, name)
        # Importing a module imports the packages it is in.
        waiting += [name.rpartition(".")[0]] if "." in name else []
    return found


def _local_path(name: str, root: str) -> str | None:
    """The file of a module, if it is below the working directory and not installed there."""
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None)
    if module is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        path = spec.origin if spec is not None and spec.has_location else None
    if name == "__main__" or not path or not path.endswith(".py"):
        return None
    path = os.path.realpath(path)
    inside = path.startswith(root + os.sep) and "site-packages" not in path.split(os.sep)
    return path if inside and os.path.isfile(path) else None


def _imported_by(path: str, name: str | None) -> Iterator[str]:
    """Names of modules, and of what may be modules, that a file imports.

    Args:
        name: The file's own name as a module, which relative imports start from.
    """
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    package = name or ""
    if name and os.path.basename(path) != "__init__.py":
        package = name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".") if package else []
            above = above[: len(above) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
