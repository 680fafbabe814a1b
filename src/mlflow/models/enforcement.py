"""Input data and parameters, brought to the form that a model's signature promises to the model.

`Enforcer` is made once for each schema, for a model that is asked row by row spends most of its
time here.
"""

from __future__ import annotations

import datetime
import logging
import sys
from collections.abc import Callable
from typing import Any

from mlflow.environment_variables import MLFLOW_DISABLE_SCHEMA_DETAILS
from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import Array, Map, Object
from mlflow.types.schema import ParamSchema, ParamSpec, Schema
from mlflow.utils.optional import require

# The name users know from messages and filters.
_logger = logging.getLogger("mlflow.models.utils")


class Enforcer:
    """Enforces one schema.

    Args:
        schema: Of columns or of tensors; it must not change afterwards.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._named = schema.has_input_names()
        if schema.is_tensor_spec():
            self._columns: list[_Column] = []
            return
        # Nothing below is needed for tensors, so these do without pandas.
        require("pandas", "models", "models whose signature has columns")
        self._columns = [
            _Column(spec.name if self._named else i, spec.type, spec.required)
            for i, spec in enumerate(schema.inputs)
        ]
        self._names = [column.name for column in self._columns]
        self._known = set(self._names)
        self._whole = any(isinstance(column.dtype, (Array, Object)) for column in self._columns)
        self._maps = [column.name for column in self._columns if isinstance(column.dtype, Map)]

    def __call__(self, data: Any) -> Any:
        """The data as the model is to get it.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it is not what the schema says.
        """
        try:
            return self._enforce(data)
        except Exception as error:
            if MLFLOW_DISABLE_SCHEMA_DETAILS.get():
                message = (
                    "Failed to enforce model input schema. Please check your input data.\n"
                    "Details are hidden because MLFLOW_DISABLE_SCHEMA_DETAILS is set."
                )
                raise MlflowException.invalid_parameter_value(message) from None
            reason = getattr(error, "message", None) or str(error)
            raise MlflowException.invalid_parameter_value(
                f"Failed to enforce schema of data '{_short(data)}' with schema '{self.schema}'. "
                f"Error: {reason}"
            ) from error

    def _enforce(self, data: Any) -> Any:
        if not self._columns:
            from mlflow.models.enforcement_tensors import enforce_tensors

            pandas = sys.modules.get("pandas")
            if pandas is not None and isinstance(data, pandas.Series):
                data = data.to_frame()
            return enforce_tensors(data, self.schema)
        table = data if type(data) is _data_frame() else self._as_table(data)
        return self._enforce_named(table) if self._named else self._enforce_unnamed(table)

    def _enforce_named(self, table: Any) -> Any:
        given = table.columns.tolist()
        if given == self._names:
            return _with_types(table, self._columns)
        columns = self._find(given)
        positions = [given.index(column.name) for column in columns]
        return _with_types(table.take(positions, axis=1), columns)

    def _find(self, given: list[Any]) -> list[_Column]:
        """The columns of the schema that the data has; the others may be absent."""
        from mlflow.models.enforcement_tensors import missing_inputs

        extra = [name for name in given if name not in self._known]
        missing = [one.name for one in self._columns if one.required and one.name not in given]
        if missing:
            raise missing_inputs(missing, extra)
        if extra:
            _logger.warning(
                "Found extra inputs in the model input that are not defined in the model "
                "signature: `%s`. These inputs will be ignored.",
                extra,
            )
        columns = [one for one in self._columns if one.name in given]
        if twice := [one.name for one in columns if given.count(one.name) > 1]:
            raise MlflowException.invalid_parameter_value(
                f"More than one column is called {twice}; names must be unique."
            )
        return columns

    def _enforce_unnamed(self, table: Any) -> Any:
        wanted, found = len(self._columns), table.shape[1]
        if found < wanted:
            raise MlflowException.invalid_parameter_value(
                f"Model inference is missing inputs. The model signature declares {wanted} inputs "
                f"but the provided value only has {found} inputs. Note: the inputs were not named "
                "in the signature so we can only verify their count."
            )
        return _with_types(table.iloc[:, :wanted], self._columns)

    def _as_table(self, data: Any) -> Any:
        """The data as a pandas table."""
        import numpy as np
        import pandas as pd

        if isinstance(data, pd.DataFrame):
            return data
        if isinstance(data, pd.Series):
            return data.to_frame()
        if isinstance(data, dict):
            return self._dict_as_table(data)
        if isinstance(data, list):
            return pd.DataFrame(data)
        if isinstance(data, (str, bytes, bool, int, float, np.generic)):
            return pd.DataFrame([data])
        if isinstance(data, np.ndarray):
            return pd.DataFrame(data)
        raise MlflowException.invalid_parameter_value(
            f"Expected input to be DataFrame. Found: {type(data).__name__}"
        )

    def _dict_as_table(self, data: dict[Any, Any]) -> Any:
        import numpy as np
        import pandas as pd

        if self._whole or any(isinstance(data.get(name), dict) for name in self._maps):
            return pd.DataFrame([data])  # lists and dictionaries are values of one row
        if data and all(map(_is_single, data.values())):
            return pd.DataFrame([data])
        columns = {
            name: value.tolist() if isinstance(value, np.ndarray) and value.ndim > 1 else value
            for name, value in data.items()
        }
        try:
            return pd.DataFrame(columns)
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(
                "This model contains a column-based signature, which suggests a DataFrame input. "
                f"There was an error casting the input data to a DataFrame: {error}"
            ) from error


def _short(data: Any) -> str:
    """The data as text, of which messages show no more than the beginning."""
    text = str(data)
    return text if len(text) <= 2000 else text[:2000] + "…"


class _Column:
    """One column of a schema.

    Attributes:
        target: The dtype that a column of this type has in the end, if that is known.
        enforce: Brings a `pandas.Series` to the type, or raises.
    """

    def __init__(self, name: Any, dtype: Any, required: bool) -> None:
        from mlflow.models.enforcement_values import column_rule

        self.name, self.dtype, self.required = name, dtype, required
        scalar = dtype.to_pandas() if isinstance(dtype, DataType) else None
        self.target = None if scalar is object else scalar
        self._is_free = scalar is object
        self.enforce: Callable[[Any], Any] = column_rule(dtype, name, required)

    def fits(self, given: Any) -> bool:
        """Whether nothing needs to be done with a column of that dtype."""
        if self.target is not None:
            return given == self.target
        return self._is_free and given.name in ("object", "str", "string")


def _with_types(table: Any, columns: list[_Column]) -> Any:
    """The table with each column brought to its type; what the model does to it is not seen in the
    caller's."""
    if not columns:
        return _data_frame()()
    given = table.dtypes.tolist()
    wrong = [not column.fits(dtype) for column, dtype in zip(columns, given, strict=True)]
    if not any(wrong):
        return table.copy(deep=False)
    quick = _all_at_once(table, columns, given)
    if quick is not None:
        return quick
    made: dict[int, Any] = {}
    for i, column in enumerate(columns):
        values = table.iloc[:, i]
        values = column.enforce(values) if wrong[i] else values
        # Arrays are quicker than series, but pandas guesses what is in arrays of objects.
        made[i] = values if values.dtype == object else values.array
    result = _data_frame()(made, index=table.index)
    result.columns = table.columns
    return result


def _all_at_once(table: Any, columns: list[_Column], given: list[Any]) -> Any:
    """The whole table converted, where all its columns are numbers of one type and are to be of
    another; None where they are not."""
    target = columns[0].target
    if target is None or target.kind not in "if":
        return None
    if any(dtype != given[0] for dtype in given) or any(c.target != target for c in columns):
        return None
    from mlflow.models.enforcement_values import goes_into

    return table.astype(target) if goes_into(table, given[0], columns[0].dtype) else None


def _data_frame() -> type:
    return sys.modules["pandas"].DataFrame


def _is_single(value: Any) -> bool:
    """True for a value that is one cell of a table: a scalar, or a list of strings."""
    import numpy as np

    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return value is None or isinstance(
        value, (str, bytes, bool, int, float, np.generic, datetime.date)
    )


def enforce_schema(data: Any, schema: Schema) -> Any:
    """The data as a model with that input schema gets it.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not what the schema says.
    """
    return Enforcer(schema)(data)


def enforce_params(params: Any, schema: ParamSchema | None) -> dict[str, Any]:
    """All parameters of a prediction: those given, checked, and the defaults of the others.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE naming every one that is of a wrong type.
    """
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise MlflowException.invalid_parameter_value(
            f"Parameters must be a dictionary. Got type '{type(params).__name__}'."
        )
    if schema is None:
        if params:
            _logger.warning(
                "`params` can only be specified at inference time if the model signature defines "
                "a params schema. This model does not define a params schema. Ignoring provided "
                "params: %s",
                list(params),
            )
        return {}
    if not all(isinstance(name, str) for name in params):
        _logger.warning("Names of parameters should be strings; others are converted to strings.")
        params = {str(name): value for name, value in params.items()}
    specs = {spec.name: spec for spec in schema}
    if unknown := [name for name in params if name not in specs]:
        _logger.warning(
            "Unrecognized params %s are ignored for inference. Supported params are: %s. "
            "To enable them, please add corresponding schema in ModelSignature.",
            unknown,
            sorted(specs),
        )
    made, wrong = {}, []
    for name in [name for name in params if name in specs]:
        try:
            made[name] = ParamSpec.validate_param_spec(params[name], specs[name])
        except MlflowException as error:
            wrong.append((name, error.message))
    if wrong:
        raise MlflowException.invalid_parameter_value(f"Invalid parameters found: {wrong}")
    for name, spec in specs.items():
        if name not in made:
            made[name] = _own(spec.default)
    return made


def _own(default: Any) -> Any:
    """A copy, so that a model that changes its parameters does not change the defaults."""
    return default.copy() if isinstance(default, (list, dict)) else default
