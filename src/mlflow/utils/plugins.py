"""Plug-ins: what other distributions registered under our entry-point groups."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from typing import Any


def get_entry_points(group: str) -> list[EntryPoint]:
    """The entry points of one group, of all distributions that can be imported.

    For the groups of this project the answer is nearly free when no plug-in is installed: the
    general machinery of `importlib.metadata` costs tens of milliseconds, so it is asked only when
    one look at the metadata files has found the group.

    Args:
        group: Such as `mlflow.run_context_provider`.
    """
    if group.startswith("mlflow.") and f"[{group}]" not in _declared(tuple(sys.path)):
        return []
    from importlib.metadata import entry_points

    return list(entry_points(group=group))


def load_plugin(group: str, name: str) -> Any:
    """What the first plug-in of this name in a group stands for; None if there is none."""
    for entry in get_entry_points(group):
        if entry.name == name:
            return entry.load()
    return None


class ProviderRegistry:
    """Instances of provider classes, in the order in which they were registered."""

    group: str
    """Entry-point group of the plug-ins."""
    kind: str
    """What a provider is called in warnings."""

    def __init__(self) -> None:
        self._registry: list = []
        self._lock = threading.Lock()
        self._loaded = False

    def register_entrypoints(self) -> None:
        """Add the providers of all plug-ins; one that fails is left out with a warning."""
        for entry_point in get_entry_points(self.group):
            try:
                self.register(entry_point.load())
            except Exception as error:  # any code of a stranger may run here
                import warnings

                warnings.warn(
                    f'Failure attempting to register {self.kind} "{entry_point.name}": {error}',
                    stacklevel=2,
                )

    def with_plugins(self) -> ProviderRegistry:
        """This registry, after the plug-ins were added; they are looked for once."""
        with self._lock:
            if not self._loaded:
                self._loaded = True
                self.register_entrypoints()
        return self

    def register(self, provider: type) -> None:
        """Add an instance of `provider`."""
        self._registry.append(provider())

    def __iter__(self) -> Iterator:
        return iter(self._registry)


_declared_on: dict[tuple[str, ...], str] = {}


def _declared(path: tuple[str, ...]) -> str:
    """All `entry_points.txt` on `path` that speak of our groups, in one string."""
    found = _declared_on.get(path)
    if found is None:
        found = "".join(_metadata_texts(path)) if _is_plain(path) else _general_texts()
        _declared_on.clear()  # a plug-in that was just put on the path must be seen
        _declared_on[path] = found
    return found


def _is_plain(path: tuple[str, ...]) -> bool:
    """True when distributions can only be in folders: no archives, no finders of others."""
    own = ("_frozen_importlib_external", "importlib_metadata")
    for finder in sys.meta_path:
        if hasattr(finder, "find_distributions"):
            module = getattr(finder, "__module__", type(finder).__module__)
            if module.partition(".")[0] not in own:
                return False
    return not any(os.path.isfile(entry) for entry in path)


def _metadata_texts(path: tuple[str, ...]) -> Iterator[str]:
    for folder in path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield _text(os.path.join(folder, name, "entry_points.txt"))
            elif name.endswith(".egg"):
                yield _text(os.path.join(folder, name, "EGG-INFO", "entry_points.txt"))


def _text(file: str) -> str:
    try:
        with open(file, "rb") as stream:
            content = stream.read()
    except OSError:
        return ""
    return content.decode("utf-8", "replace") if b"[mlflow." in content else ""


def _general_texts() -> str:
    """The same by the general machinery."""
    from importlib.metadata import distributions

    return "".join(one.read_text("entry_points.txt") or "" for one in distributions())
