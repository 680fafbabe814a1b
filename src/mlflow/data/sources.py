"""All known classes of dataset sources, by name."""

from __future__ import annotations

from typing import Any


def _by_name() -> dict[str, Any]:
    from mlflow.data.dataset_source_registry import get_registered_sources

    return {source.__name__: source for source in get_registered_sources()}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted(_by_name())
    found = None if name.startswith("_") else _by_name().get(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found


def __dir__() -> list[str]:
    return sorted(_by_name())
