"""Rows of numbers for scikit-learn models, without a DataFrame in between.

Most requests bring one row of a few numbers. To make a DataFrame of it, check and cast each column
and take it apart again costs many times what the prediction costs. Where the signature's columns
are numbers and the model itself looks at nothing but numbers, the row goes to it as an array.
Whatever is the least bit unusual takes the usual way, which also words all errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from mlflow.pyfunc import PyFuncModel

_OTHER_FORMATS = {"instances", "inputs", "messages", "prompt", "input"}

#: Parts of scikit-learn that look at the names of columns, or hand the input to code of others.
_NOT_PLAIN = ("sklearn.compose", "sklearn.preprocessing._function_transformer")


class QuickRows:
    """How to turn requests into arrays for one model.

    Args:
        names: Of the columns, in the model's order.
        dtype: Of all columns.
        estimator: The scikit-learn model.
        method: What it is asked by, such as "predict".
    """

    def __init__(self, names: Sequence[str], dtype: Any, estimator: Any, method: str):
        self._names = list(names)
        self._places = {name: i for i, name in enumerate(names)}
        self._dtype = dtype
        self._types = {int} if dtype.kind == "i" else {int, float}
        self._ask = getattr(estimator, method)

    @classmethod
    def of(cls, model: PyFuncModel) -> QuickRows | None:
        """None for a model that needs the usual way."""
        import numpy as np

        metadata = model.metadata
        conf = (metadata.flavors or {}).get("python_function", {})
        signature = metadata.signature
        if conf.get("loader_module") != "mlflow.sklearn" or signature is None:
            return None
        schema = signature.inputs
        if (
            signature.params
            or not schema
            or schema.is_tensor_spec()
            or not schema.has_input_names()
        ):
            return None
        dtypes = {_dtype(spec, np) for spec in schema}
        estimator = model.get_raw_model()
        names = schema.input_names()
        method = conf.get("predict_fn", "predict")
        if len(dtypes) != 1 or None in dtypes or not _is_plain(estimator, 0):
            return None
        fitted = getattr(estimator, "feature_names_in_", None)
        if fitted is not None and list(fitted) != names:
            return None
        if method not in ("predict", "predict_proba", "predict_log_proba", "score_samples"):
            return None
        return cls(names, dtypes.pop(), estimator, method) if hasattr(estimator, method) else None

    def rows(self, request: dict[str, Any]) -> np.ndarray | None:
        """The request's rows; None if it has to take the usual way."""
        if request.get("params") or not _OTHER_FORMATS.isdisjoint(request):
            return None
        if "dataframe_records" in request:
            if "dataframe_split" in request:
                return None
            values = self._from_records(request["dataframe_records"])
        elif "dataframe_split" in request:
            values = self._from_split(request["dataframe_split"])
        else:
            return None
        if not values:
            return None
        import numpy as np

        try:
            return np.array(values, self._dtype)
        except (OverflowError, ValueError):  # a number that no double can hold
            return None

    def predict(self, rows: np.ndarray) -> Any:
        """What the model says of them."""
        return self._ask(rows)

    def _from_records(self, records: Any) -> list[list[Any]] | None:
        names, types = self._names, self._types
        if type(records) is not list:
            return None
        values = []
        for record in records:
            if type(record) is not dict:
                return None
            try:
                row = [record[name] for name in names]
            except KeyError:
                return None
            if not types.issuperset(map(type, row)):
                return None
            values.append(row)
        return values

    def _from_split(self, split: Any) -> list[list[Any]] | None:
        if type(split) is not dict or not split.keys() <= {"columns", "data"}:
            return None
        columns, data = split.get("columns"), split.get("data")
        if type(columns) is not list or type(data) is not list:
            return None
        if columns != self._names:
            return None  # another order, or more than the model takes
        width, types = len(columns), self._types
        for row in data:
            if type(row) is not list or len(row) != width or not types.issuperset(map(type, row)):
                return None
        return data


def _dtype(spec: Any, np: Any) -> Any:
    """The column's type if it is a number and has to be there."""
    name = getattr(spec.type, "name", None)
    if not spec.required or name not in ("double", "long"):
        return None
    return np.dtype("float64" if name == "double" else "int64")


def _is_plain(part: Any, depth: int) -> bool:
    """Whether an estimator, and all that it is made of, comes from scikit-learn and takes arrays
    as well as tables."""
    kind = type(part)
    module = kind.__module__
    if not module.startswith("sklearn.") or module.startswith(_NOT_PLAIN) or depth > 5:
        return False
    config = getattr(part, "_sklearn_output_config", None)
    if config:  # its steps hand on tables
        return False
    for value in vars(part).values():
        values = value if isinstance(value, (list, tuple)) else [value]
        for one in values:
            if isinstance(one, tuple):  # the steps of a pipeline: (name, step)
                if not all(_is_value(each) or _is_plain(each, depth + 1) for each in one):
                    return False
            elif hasattr(one, "get_params") and not _is_plain(one, depth + 1):
                return False
    return True


def _is_value(part: Any) -> bool:
    return not hasattr(part, "get_params") and not callable(part)
