"""The functions that make datasets: `mlflow.data.from_pandas` and the like."""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mlflow.data.dataset import Dataset
from mlflow.exceptions import MlflowException

#: Modules of our own, and the constructor in each. They import no library before it is used.
CONSTRUCTORS = {
    "from_pandas": "mlflow.data.pandas_dataset",
    "from_numpy": "mlflow.data.numpy_dataset",
    "from_huggingface": "mlflow.data.huggingface_dataset",
    "from_tensorflow": "mlflow.data.tensorflow_dataset",
    "load_delta": "mlflow.data.spark_dataset",
    "from_spark": "mlflow.data.spark_dataset",
    "from_polars": "mlflow.data.polars_dataset",
}


class DatasetRegistry:
    """Constructors of datasets by name."""

    def __init__(self) -> None:
        self.constructors: dict[str, Callable[[str | None, str | None], Dataset]] = {}

    def register_constructor(
        self,
        constructor_fn: Callable[[str | None, str | None], Dataset],
        constructor_name: str | None = None,
    ) -> str:
        """Add a constructor, which takes the optional arguments `name` and `digest`.

        Args:
            constructor_fn: A function whose return annotation is a subclass of `Dataset`.
            constructor_name: Beginning with "from_" or "load_"; None for the function's name.

        Returns:
            The name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if name or signature are not as they must be.
        """
        name = constructor_name or constructor_fn.__name__
        _check_constructor(constructor_fn, name)
        self.constructors[name] = constructor_fn
        return name

    def register_entrypoints(self) -> None:
        """Add what plug-ins declare in the group `mlflow.dataset_constructor`.

        A plug-in that cannot be loaded is left out, with a warning.
        """
        from mlflow.utils.plugins import get_entry_points

        for entry_point in get_entry_points("mlflow.dataset_constructor"):
            try:
                self.register_constructor(entry_point.load(), entry_point.name)
            except Exception as error:  # any code of a stranger may run here
                warnings.warn(
                    "Failure attempting to register dataset constructor "
                    f'"{entry_point.name}": {error}.',
                    stacklevel=2,
                )


def _check_constructor(function: Callable[..., Any], name: str) -> None:
    if not name.startswith(("load_", "from_")):
        raise MlflowException.invalid_parameter_value(
            f"Invalid dataset constructor name: {name}. "
            "Constructor name must start with 'load_' or 'from_'."
        )
    signature = inspect.signature(function)
    for parameter in ("name", "digest"):
        if parameter not in signature.parameters:
            raise MlflowException.invalid_parameter_value(
                f"Invalid dataset constructor function: {function.__name__}. "
                f"Function must define an optional parameter named '{parameter}'."
            )
    returned = _resolved(signature.return_annotation, function)
    if not (isinstance(returned, type) and issubclass(returned, Dataset)):
        raise MlflowException.invalid_parameter_value(
            f"Invalid dataset constructor function: {function.__name__}. Function must have a "
            "return type annotation that is a subclass of "
            ":py:class:`mlflow.data.dataset.Dataset`."
        )


def _resolved(annotation: Any, function: Callable[..., Any]) -> Any:
    """What an annotation names, when it is written or kept as a string."""
    if not isinstance(annotation, str):
        return annotation
    first, *rest = annotation.strip("'\"").split(".")
    found = getattr(function, "__globals__", {}).get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found


_known = DatasetRegistry()
_lock = threading.RLock()  # a plug-in may register more constructors while it is loaded
_filled = False


def _registry() -> DatasetRegistry:
    """The registry of this process, filled at first use."""
    global _filled
    with _lock:
        if not _filled:
            _filled = True
            for name in CONSTRUCTORS:
                _known.constructors.setdefault(name, _own(name))
            # Last, so that a plug-in may replace a constructor.
            _known.register_entrypoints()
    return _known


def _own(name: str) -> Callable[..., Dataset]:
    return getattr(import_module(CONSTRUCTORS[name]), name)


def find_constructor(name: str) -> Callable[..., Dataset] | None:
    """The constructor of that name, or None. Looks for plug-ins only when it is not ours."""
    if name in _known.constructors:
        return _known.constructors[name]
    return _own(name) if name in CONSTRUCTORS else _registry().constructors.get(name)


def register_constructor(
    constructor_fn: Callable[[str | None, str | None], Dataset],
    constructor_name: str | None = None,
) -> str:
    """Make a constructor known as `mlflow.data.<name>`.

    See `DatasetRegistry.register_constructor`.
    """
    return _registry().register_constructor(constructor_fn, constructor_name)


def get_registered_constructors() -> dict[str, Callable[[str | None, str | None], Dataset]]:
    """All known constructors by name."""
    return _registry().constructors
