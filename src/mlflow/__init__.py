"""Headrace: experiment tracking, projects, models and tracing behind the MLflow interface.

This is a face: names are found when first asked for, in the table `_face.FACE`, so that `import
mlflow` costs next to nothing.
"""

from __future__ import annotations

from mlflow._face import FACE as _FACE
from mlflow._face import MODULES_IN_ALL as _MODULES_IN_ALL
from mlflow._face import NOT_IN_ALL as _NOT_IN_ALL
from mlflow.version import VERSION

__version__ = VERSION
__all__ = [
    name
    for name in _FACE
    if name not in _NOT_IN_ALL and (name in _MODULES_IN_ALL or not _FACE[name].endswith(":"))
]


def __getattr__(name: str):
    place = _FACE.get(name)
    if place is None:
        from mlflow._later import LATER, NotAvailableYet

        if name in LATER:
            raise NotAvailableYet(f"mlflow.{name}")
        raise AttributeError(f"module 'mlflow' has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = place.partition(":")
    value = import_module(module)
    if attribute:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FACE})
