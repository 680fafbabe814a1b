"""Doing something as soon as a library is imported, also when it is imported already."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_logger = logging.getLogger("mlflow.utils.autologging_utils")

Callback = Callable[[ModuleType], None]


def when_imported(name: str, callback: Callback) -> Callable[[], None]:
    """Call `callback(module)` for the module `name` and each one below it, once it has run: now for
    those imported already, later for the others. What it raises is logged.

    Returns:
        What ends this.
    """
    _finder.add(name, callback)
    for module_name, module in list(sys.modules.items()):
        # One that is being imported at the moment, in another thread, is told of when it is done
        half = getattr(getattr(module, "__spec__", None), "_initializing", False)
        if _is_below(module_name, name) and isinstance(module, ModuleType) and not half:
            _tell(callback, module)
    return lambda: _finder.remove(name, callback)


def _is_below(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def _tell(callback: Callback, module: ModuleType) -> None:
    try:
        callback(module)
    except Exception as error:  # an import of the user's must not fail of it
        _logger.warning("Autologging could not be set up for %s: %s", module.__name__, error)


class _Finder(MetaPathFinder):
    """Finds nothing itself, but adds the callbacks to what the others find."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[str, Callback]] = []

    def add(self, name: str, callback: Callback) -> None:
        self._callbacks.append((name, callback))
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self, name: str, callback: Callback) -> None:
        if (name, callback) in self._callbacks:
            self._callbacks.remove((name, callback))
        if not self._callbacks and self in sys.meta_path:
            sys.meta_path.remove(self)

    def wanted(self, module: str) -> list[Callback]:
        return [callback for name, callback in self._callbacks if _is_below(module, name)]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not self.wanted(fullname):
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _TellingLoader(spec.loader)
                return spec
        return None


class _TellingLoader(Loader):
    """Steps aside as soon as the module runs, so that it looks as ever."""

    def __init__(self, loader: Any):
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        for callback in _finder.wanted(module.__name__):
            _tell(callback, module)


_finder = _Finder()
