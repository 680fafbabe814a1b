"""Arrays and dictionaries of arrays, checked against a schema of tensors."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from mlflow.exceptions import MlflowException
from mlflow.types.schema import Schema, TensorSpec
from mlflow.types.utils import clean_tensor_type


def enforce_tensors(data: Any, schema: Schema) -> Any:
    """The array, sparse matrix or dictionary of arrays that a schema of tensors asks for.

    Arrays must have the dtype and shape of the schema; values of pandas tables are converted to
    the dtype.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the data is something else.
    """
    if schema.has_input_names():
        return _enforce_named(data, schema)
    [spec] = schema.inputs
    if _is_pandas(data, "DataFrame"):
        return _from_table(data, spec)
    if isinstance(data, np.ndarray) or is_sparse(data):
        return _check(data, spec)
    raise _misfit(
        "This model contains a tensor-based model signature with no input names, which suggests "
        "a numpy array input or a pandas dataframe input with proper column values, but an input "
        f"of type {type(data)} was found."
    )


def _enforce_named(data: Any, schema: Schema) -> dict[str, Any]:
    specs = schema.inputs
    if isinstance(data, np.ndarray) and len(specs) == 1:
        data = {specs[0].name: data}
    table = _is_pandas(data, "DataFrame")
    given = list(data) if table or isinstance(data, dict) else []
    if missing := [spec.name for spec in specs if spec.name not in given]:
        raise missing_inputs(missing, [name for name in given if name not in schema.input_dict()])
    if table:
        return {
            spec.name: _check(_from_column(data[spec.name], spec, spec.name), spec)
            for spec in specs
        }
    for spec in specs:
        if not isinstance(data[spec.name], np.ndarray):
            raise _misfit(
                "This model contains a tensor-based model signature with input names, which "
                "suggests a dictionary input mapping input name to a numpy array, but a dict "
                f"with value type {type(data[spec.name])} was found."
            )
    return {spec.name: _check(data[spec.name], spec) for spec in specs}


def missing_inputs(missing: list[Any], extra: list[Any]) -> MlflowException:
    """The error for data that lacks inputs."""
    message = f"Model is missing inputs {missing}."
    if extra:
        message += f" Note that there were extra inputs: {extra}."
    return _misfit(message)


def _check(data: Any, spec: TensorSpec) -> Any:
    """The array or matrix, if it has the dtype and shape."""
    if spec.type == np.dtype(object):
        return data
    given = clean_tensor_type(data.dtype)
    if given != spec.type:
        raise _misfit(f"dtype of input {given} does not match expected dtype {spec.type}")
    shape = data.shape
    fits = len(shape) == len(spec.shape) and all(
        wanted in (-1, size) for size, wanted in zip(shape, spec.shape, strict=True)
    )
    if not fits:
        raise _misfit(f"Shape of input {shape} does not match expected shape {spec.shape}.")
    return data


def _from_table(table: Any, spec: TensorSpec) -> np.ndarray:
    columns = table.shape[1]
    if columns == 1:
        return _check(_from_column(table.iloc[:, 0], spec, table.columns[0]), spec)
    if tuple(spec.shape) != (-1, columns):
        raise _misfit(
            "This model contains a model signature with an unnamed input. Since the input data is "
            "a pandas DataFrame containing multiple columns, the input shape must be of the "
            "structure (-1, number_of_dataframe_columns). Instead, the input DataFrame has "
            f"{columns} columns and the shape is {tuple(spec.shape)}."
        )
    return _check(table.to_numpy(), spec)


def _from_column(column: Any, spec: TensorSpec, name: Any) -> np.ndarray:
    """A column of scalars as an array; of lists or arrays, stacked."""
    shape = tuple(spec.shape)
    if column.ndim > 1:
        raise _misfit(f"More than one column is called '{name}'; names must be unique.")
    first = column.iloc[0] if len(column) else None
    if isinstance(first, (list, np.ndarray)):
        if shape[:1] != (-1,) or -1 in shape[1:]:
            raise _misfit(
                "For pandas dataframe input, the first dimension of shape must be a variable "
                "dimension and other dimensions must be fixed, but in model signature the shape of "
                f"{'the unnamed input' if spec.name is None else f'input {spec.name}'} is {shape}."
            )
        make = lambda: np.array(column.tolist(), dtype=spec.type).reshape(shape)  # noqa: E731
    elif shape in ((-1,), (-1, 1)):
        make = lambda: column.to_numpy(dtype=spec.type).reshape(shape)  # noqa: E731
    else:
        raise _misfit(
            f"The input pandas dataframe column '{name}' contains scalar values, which requires "
            f"the shape to be (-1,) or (-1, 1), but got tensor spec shape of {shape}."
        )
    try:
        made = make()
        if len(made) != len(column):
            raise ValueError(f"{len(column)} rows would become {len(made)}")
        return made
    except (ValueError, TypeError, OverflowError) as error:
        raise _misfit(
            f"Column '{name}' can not be made a tensor of {spec.type}, shape {shape}: {error}"
        ) from error


def is_sparse(data: Any) -> bool:
    """True for scipy's csr_matrix and csc_matrix."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and isinstance(data, (sparse.csr_matrix, sparse.csc_matrix))


def _is_pandas(data: Any, kind: str) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, getattr(pandas, kind))


def _misfit(message: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(message)
