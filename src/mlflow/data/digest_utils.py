"""Digests of data.

They must come out the same here and in the reference, so that a dataset is recognised whoever
logged it. What goes into them was found by experiments; `tests/data/dataset-golden.json` has the
results for many inputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

#: Only the content of that many leading rows, or items of an array, counts.
MAX_ROWS = 10000


def compute_pandas_digest(df: Any) -> str:
    """The digest of a pandas.DataFrame, 8 hex digits.

    Counted are: the columns that are numeric and those whose values are all strings, in the
    order in which pandas sorts their names; the index; the number of rows; all column names in
    their order.
    """
    pd = require("pandas", extra="pandas")
    np = require("numpy", extra="pandas")
    numeric = df.select_dtypes(include=[np.number]).columns
    hashed = df.head(MAX_ROWS)[_string_columns(df).union(numeric)]
    return get_normalized_md5_digest(
        [
            pd.util.hash_pandas_object(hashed).to_numpy(),
            np.int64(len(df)),
            *(str(name).encode() for name in df.columns),
        ]
    )


def _string_columns(df: Any) -> Any:
    """Names of the columns whose values are all `str`; without rows, that is every column."""
    return df.columns[[_holds_strings(df.iloc[:, place]) for place in range(df.shape[1])]]


def _holds_strings(column: Any) -> bool:
    if column.dtype.kind in "biufcmM" and len(column):
        return False  # the values need not be looked at
    return set(map(type, column)) <= {str}


def compute_numpy_digest(features: Any, targets: Any = None) -> str:
    """The digest of arrays, 8 hex digits.

    Args:
        features: An array, or several by name; names do not count, but arrays are taken in the
            order of the names.
        targets: Likewise; None for none.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no array, or it is something else.
    """
    elements = [
        element
        for part in (features, targets)
        for array in _arrays(part)
        for element in _array_elements(array)
    ]
    return get_normalized_md5_digest(elements)


def _arrays(part: Any) -> list[Any]:
    if isinstance(part, dict):
        return [part[name] for name in sorted(part)]
    return [] if part is None else [part]


def _array_elements(array: Any) -> Iterable[Any]:
    """Hashes of the leading items, or how many there are when they cannot be hashed; the shape."""
    pd = require("pandas", extra="pandas")
    np = require("numpy", extra="pandas")
    if not isinstance(array, np.ndarray):
        raise MlflowException.invalid_parameter_value(
            f"Expected a numpy.ndarray, or a dictionary of them, got {type(array)}"
        )
    items = array.flatten()[:MAX_ROWS]
    try:
        yield pd.util.hash_array(items)
    except (TypeError, ValueError):  # lists among the items, or long doubles
        yield np.int64(items.size)
    for size in array.shape:
        yield np.int64(size)


def get_normalized_md5_digest(elements: list[Any]) -> str:
    """The first 8 hex digits of the MD5 digest of all elements, one after the other.

    Args:
        elements: Bytes, or what has a buffer of bytes.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there are none.
    """
    if not elements:
        raise MlflowException.invalid_parameter_value(
            "No hashable elements were provided for md5 digest creation"
        )
    # Not for security; the flag lets it work where MD5 is forbidden for that.
    md5 = hashlib.md5(usedforsecurity=False)
    for element in elements:
        md5.update(element)
    return md5.hexdigest()[:8]
