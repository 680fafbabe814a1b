"""Parts that a plain machine may lack: their tests skip there, with a reason, and fail where
everything is installed."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import NoReturn

import pytest

#: Set by `.ci/run`, which has installed everything.
EVERYTHING = os.environ.get("HEADRACE_TEST_ALL") == "1"


def missing(what: str, why: str) -> NoReturn:
    """Skip the test, or fail it where `what` should be there."""
    if EVERYTHING:
        pytest.fail(f"{what} should be here: {why}")
    pytest.skip(f"{what} is not here: {why}", allow_module_level=True)


def optional(name: str) -> ModuleType:
    """The module, or `missing`."""
    try:
        return importlib.import_module(name)
    except ImportError as e:
        missing(name, str(e))


def heavy(name: str) -> ModuleType:
    """The module, or a skip, in CI too: hundreds of megabytes are installed by hand, to run its
    tests by command."""
    try:
        return importlib.import_module(name)
    except ImportError:
        command = f"pip install {name.partition('.')[0]}"
        pytest.skip(f"by command only, since it is large: {command}", allow_module_level=True)
