"""Modules that are imported when they are used."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class LazyLoader(ModuleType):
    """Stands for a module until something in it is asked for.

    Args:
        local_name: What it is called in the module that uses it.
        parent_module_globals: The globals of that module; they get the real one.
        name: The module.
    """

    def __init__(self, local_name: str, parent_module_globals: dict[str, Any], name: str):
        super().__init__(str(name))
        self._local_name = local_name
        self._parent_module_globals = parent_module_globals
        self._module: ModuleType | None = None

    def _load(self) -> ModuleType:
        if self._module is None:
            self._module = importlib.import_module(self.__name__)
            self._parent_module_globals[self._local_name] = self._module
        return self._module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._load(), name)

    def __dir__(self) -> list[str]:
        return dir(self._load())

    def __repr__(self) -> str:
        if self._module is None:
            return f"<module '{self.__name__} (Not loaded yet)'>"
        return repr(self._module)
