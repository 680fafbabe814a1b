"""YAML from elsewhere."""

from __future__ import annotations

import os
from typing import Any

from mlflow.exceptions import MlflowException

_DEEPEST = 100


def load(content: str | bytes) -> Any:
    """What a YAML document says, in Python's own types.

    Raises:
        ValueError: If it is no YAML, or so deeply nested that the parser, which is recursive and
            written in C, would take the process with it.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if not _is_shallow(content):
            depth = 0
            for event in yaml.parse(content, loader):
                depth += isinstance(event, yaml.CollectionStartEvent)
                depth -= isinstance(event, yaml.CollectionEndEvent)
                if depth > _DEEPEST:
                    raise ValueError(f"It is nested more than {_DEEPEST} levels deep.")
        return yaml.load(content, loader)  # noqa: S506  (both loaders are safe)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def load_file(path: str | os.PathLike[str]) -> Any:
    """What a file says.

    Raises:
        OSError: It cannot be read.
        MlflowException: INVALID_PARAMETER_VALUE if it is no YAML, or too deeply nested.
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        return load(content)
    except ValueError as error:
        raise MlflowException.invalid_parameter_value(
            f"'{os.fspath(path)}' is not YAML that can be read: {error}"
        ) from error


def _is_shallow(content: str | bytes) -> bool:
    """Whether so short a document, with so few of what opens a level, can't be nested deeply: a
    level of a mapping without brackets needs a line that is indented more."""
    openers = ("[", "{", "- ", "? ")
    if isinstance(content, bytes):
        return len(content) < 4096 and sum(content.count(o.encode()) for o in openers) < 50
    return len(content) < 4096 and sum(content.count(o) for o in openers) < 50
