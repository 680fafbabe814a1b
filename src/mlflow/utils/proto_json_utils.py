"""JSON as the scoring protocol has it: what values become, and what requests are read into."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.types.data_type import DataType
from mlflow.types.nested import Array, BaseType
from mlflow.types.schema import ColSpec, Schema, TensorSpec
from mlflow.utils.optional import require


class MlflowInvalidInputException(MlflowException):
    """Data that a model was sent cannot be read, or is not what its signature says."""

    def __init__(self, message: str):
        super().__init__(f"Invalid input. {message}", error_code=CODES["BAD_REQUEST"])


class MlflowFailedTypeConversion(MlflowInvalidInputException):
    """A column's values cannot be made of the type that the signature gives it."""

    def __init__(self, col_name: Any, col_type: Any, ex: Exception):
        super().__init__(
            "Data is not compatible with model signature. Failed to convert column "
            f"{col_name} to type '{col_type}'. Error: '{ex!r}'"
        )


class NumpyEncoder(json.JSONEncoder):
    """JSON for what numpy, pandas and pydantic hold: scalars, arrays as lists, times as ISO 8601,
    bytes in base64. Not a number stays `NaN`, which only some readers understand."""

    def default(self, o: Any) -> Any:
        plain, converted = self.try_convert(o)
        return plain if converted else super().default(o)

    def try_convert(self, o: Any) -> tuple[Any, bool]:
        """What JSON can hold of `o`, and whether that is so."""
        # numpy's kinds by their methods: who has such an object has loaded the library.
        if isinstance(o, (bytes, bytearray)):
            return base64.encodebytes(o).decode("ascii"), True
        if hasattr(o, "isoformat"):
            return o.isoformat(), True
        if hasattr(o, "dtype") and type(o).__module__.partition(".")[0] == "numpy":
            return (o, False) if o.dtype.kind == "c" else (o.tolist(), True)
        pydantic = sys.modules.get("pydantic")
        if pydantic is not None and isinstance(o, pydantic.BaseModel):
            return o.model_dump(), True
        return o, False


def _get_jsonable_obj(data: Any, pandas_orient: str = "records") -> Any:
    """Arrays as lists, tables and series as pandas writes them in that form; all else as it is."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(data, numpy.ndarray):
        return data.tolist()
    if pandas is not None and isinstance(data, pandas.Series):
        data = data.to_frame()
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return data.to_dict(orient=pandas_orient)
    return data


def dataframe_from_raw_json(
    path_or_str: str, schema: Schema | None = None, pandas_orient: str = "split"
) -> Any:
    """The table in a JSON text, or in the file of that path.

    Args:
        schema: Columns that it names are converted to their types.
        pandas_orient: How the table is written: "split" or "records".

    Raises:
        MlflowInvalidInputException: If the JSON is no such table.
        json.JSONDecodeError: If it is no JSON.
    """
    if os.path.exists(path_or_str):
        with open(path_or_str, encoding="utf-8") as file:
            parsed = json.load(file)
    else:
        parsed = json.loads(path_or_str)
    return dataframe_from_parsed_json(parsed, pandas_orient, schema)


def dataframe_from_parsed_json(
    decoded_input: Any, pandas_orient: str, schema: Schema | None = None
) -> Any:
    """The table that parsed JSON describes.

    Args:
        decoded_input: For "split" a dictionary with `data` and perhaps `columns` and `index`;
            for "records" a list of rows.
        pandas_orient: "split" or "records".
        schema: Columns that it names are converted to their types.

    Raises:
        MlflowInvalidInputException: If it is no such table, or does not go with the schema.
    """
    pd = require("pandas", "models", "reading tables")
    if pandas_orient == "records":
        if not isinstance(decoded_input, list):
            raise MlflowInvalidInputException(
                f"Dataframe records format must be a list of records. Got {_kind(decoded_input)}."
            )
        make, arguments = pd.DataFrame, {"data": decoded_input}
    elif pandas_orient == "split":
        if not isinstance(decoded_input, dict):
            raise MlflowInvalidInputException(
                f"Dataframe split format must be a dictionary. Got {_kind(decoded_input)}."
            )
        keys = set(decoded_input)
        if "data" not in keys or not keys <= {"data", "columns", "index"}:
            raise MlflowInvalidInputException(
                "Dataframe split format must have 'data' field and optionally 'columns' and "
                f"'index' fields. Got {keys}.'"
            )
        make, arguments = pd.DataFrame, dict(decoded_input)
    else:
        raise MlflowException.invalid_parameter_value(
            f"A table in JSON is written as 'split' or 'records', not as {pandas_orient!r}."
        )
    try:
        table = make(**arguments)
    except Exception as error:
        raise MlflowInvalidInputException(
            f"Provided dataframe_{pandas_orient} field is not a valid dataframe representation in "
            f"'{pandas_orient}' format. Error: '{error}'"
        ) from error
    return table if schema is None else cast_df_types_according_to_schema(table, schema)


def _kind(value: Any) -> str:
    names = {dict: "dictionary", list: "list"}
    return names.get(type(value), f"type {type(value)}")


def cast_df_types_according_to_schema(pdf: Any, schema: Schema) -> Any:
    """The table with its columns converted to the types that a schema gives them.

    Columns are matched by name, or by position where the schema has no names or as many columns as
    the table. What the schema does not mention stays as it is. Bytes come in base64.

    Raises:
        MlflowFailedTypeConversion: If a column cannot be converted.
    """
    names = list(pdf.columns)
    if schema.is_tensor_spec() and len(schema.inputs) == 1 and not schema.has_input_names():
        pairs = [(name, schema.inputs[0].type) for name in names]
    elif schema.has_input_names():
        pairs = list(zip(schema.input_names(), schema.input_types()))
    else:
        pairs = list(zip(names, schema.input_types()))
    for name, dtype in pairs:
        if name in pdf.columns:
            try:
                pdf[name] = _cast_column(pdf[name], dtype)
            except Exception as error:
                shown = dtype.to_pandas() if isinstance(dtype, DataType) else dtype
                raise MlflowFailedTypeConversion(name, shown, error) from error
    return pdf


def _cast_column(column: Any, dtype: Any) -> Any:
    if isinstance(dtype, BaseType):
        return column.map(lambda value: _enforce(value, dtype))
    pd = require("pandas")
    if dtype is DataType.binary:
        return column.map(lambda text: base64.decodebytes(bytes(text, "utf8")))
    if dtype is DataType.datetime:
        return pd.to_datetime(column).dt.as_unit("ns")
    if dtype is DataType.string:
        return column.astype(object) if column.dtype.kind in "biuf" else column
    if isinstance(dtype, DataType):
        return column.astype(dtype.to_pandas(), errors="raise")
    # A tensor in a table: lists stay lists, numbers become its dtype.
    nested = column.dtype == object and len(column) and isinstance(column.iloc[0], list)
    return column if nested else column.astype(dtype, errors="raise")


def _enforce(value: Any, dtype: BaseType, required: bool = True) -> Any:
    """The value in the form that a composed type demands."""
    from mlflow.models.enforcement_values import value_rule

    return value_rule(dtype, required)(value)


def convert_data_type(data: Any, spec: ColSpec | TensorSpec | None) -> Any:
    """A value of JSON as a model takes it: numbers and lists as numpy scalars and arrays.

    Args:
        spec: The column or tensor that it is for; None for arrays of whatever type fits.

    Raises:
        MlflowInvalidInputException: If it cannot be converted.
    """
    np = require("numpy", "models", "reading arrays")
    try:
        if spec is None:
            return np.array(data)
        if isinstance(spec, TensorSpec):
            return np.array(data, dtype=spec.type)
        if isinstance(spec, ColSpec):
            return _convert_column(data, spec, np)
    except MlflowException as error:
        raise MlflowInvalidInputException(error.message) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise MlflowInvalidInputException(str(error)) from error
    raise MlflowInvalidInputException(
        f"Failed to convert data type for data `{data}` with spec `{spec}`."
    )


def _convert_column(data: Any, spec: ColSpec, np: Any) -> Any:
    if isinstance(spec.type, DataType):
        return np.array(data, spec.type.to_numpy())[()]  # a scalar, if it has no dimensions
    converted = _enforce(data, spec.type, spec.required)
    return np.array(converted) if isinstance(spec.type, Array) else converted


def parse_tf_serving_input(inp_dict: Mapping[str, Any], schema: Schema | None = None) -> Any:
    """The data of a request in TensorFlow Serving's format.

    Args:
        inp_dict: With `instances`, one item for each row, or `inputs`, all data at once.
        schema: Says what types the values are converted to.

    Returns:
        An array, a dictionary of arrays, or a list of dictionaries.

    Raises:
        MlflowInvalidInputException: If it has both or anything else, or if values do not go
            with the schema.
    """
    if "signature_name" in inp_dict:
        raise MlflowInvalidInputException('"signature_name" parameter is currently not supported')
    if list(inp_dict) not in (["instances"], ["inputs"]):
        raise MlflowInvalidInputException(
            'One of "instances" and "inputs" must be specified (not both or any other keys).'
            f"Received: {list(inp_dict)}"
        )
    if "instances" in inp_dict:
        return parse_instances_data(inp_dict, schema)
    # Not `parse_inputs_data`: who sends a request must not choose a file to be read.
    return _cast_schema_type(inp_dict["inputs"], schema)


def parse_instances_data(data: Mapping[str, Any], schema: Schema | None = None) -> Any:
    """The data below `instances`: rows of dictionaries become a dictionary of arrays.

    Raises:
        MlflowInvalidInputException: If `instances` is missing, if the required columns are not
            equally long, or if values do not go with the schema.
    """
    if "instances" not in data:
        raise MlflowInvalidInputException("Expecting data to have `instances` as key.")
    rows = data["instances"]
    if not (isinstance(rows, list) and rows and isinstance(rows[0], dict)):
        return _cast_schema_type(rows, schema)
    specs = _specs(schema)
    columns: dict[str, list[Any]] = {}
    for row in rows:
        if not isinstance(row, dict):
            raise MlflowInvalidInputException(
                f"All items of `instances` must be dictionaries, as the first is; got {row!r}"
            )
        for name, value in row.items():
            columns.setdefault(name, []).append(convert_data_type(value, specs.get(name)))
    optional = () if schema is None else schema.optional_input_names()
    if len({len(column) for name, column in columns.items() if name not in optional}) > 1:
        raise MlflowInvalidInputException(
            "The length of values for each input/column name are not the same"
        )
    return {name: convert_data_type(column, None) for name, column in columns.items()}


def parse_inputs_data(inputs_data_or_path: Any, schema: Schema | None = None) -> Any:
    """Data as it stands below `inputs`, or in the JSON file of that path, converted.

    Raises:
        MlflowInvalidInputException: If values do not go with the schema.
    """
    data = inputs_data_or_path
    if isinstance(data, str) and os.path.exists(data):
        with open(data, encoding="utf-8") as file:
            data = json.load(file)
    return _cast_schema_type(data, schema)


def _cast_schema_type(data: Any, schema: Schema | None) -> Any:
    """Values of JSON converted as a schema says: by name, row by row, or as a whole."""
    specs = _specs(schema)
    if isinstance(data, dict) and (schema is None or specs):
        return {name: convert_data_type(value, specs.get(name)) for name, value in data.items()}
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return [_cast_schema_type(row, schema if specs else None) for row in data]
    if schema is None:
        return convert_data_type(data, None)
    spec = schema.inputs[0]
    if isinstance(data, list):
        converted = convert_data_type(data, spec)
        return {spec.name: converted} if len(specs) == 1 else converted
    if data is None or isinstance(data, (str, bool, int, float)):
        try:
            if data is not None:
                return convert_data_type(data, spec)
        except MlflowInvalidInputException:
            pass
        raise MlflowInvalidInputException(
            f"Failed to convert data `{data}` to type `{spec}` defined in the model signature."
        )
    raise MlflowInvalidInputException(
        "Failed to parse input data. This model contains an un-named  model signature which "
        "expects a single n-dimensional array or a single value as input, however, an input of "
        f"type {type(data)} was found."
    )


def _specs(schema: Schema | None) -> dict[str, ColSpec | TensorSpec]:
    """By name; empty if there are no names."""
    return schema.input_dict() if schema is not None and schema.has_input_names() else {}


def dump_input_data(
    data: Any, inputs_key: str = "inputs", params: dict[str, Any] | None = None
) -> str:
    """The body of a request that has a model score `data`.

    Args:
        data: A table, array, list, or dictionary of arrays by name. A string is the body itself;
            of anything else the JSON is the body.
        inputs_key: "inputs" or "instances"; not used for tables.
        params: Parameters of the prediction.

    Raises:
        MlflowException: INTERNAL_ERROR if the parameters are no dictionary.
    """
    if params is not None and not isinstance(params, dict):
        raise MlflowException(f"Params must be a dictionary. Got type '{type(params).__name__}'.")
    if isinstance(data, str):
        return data
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        body = {"dataframe_split": _get_jsonable_obj(data, "split")}
    elif isinstance(data, dict):
        body = {inputs_key: {name: _plain(value) for name, value in data.items()}}
    elif isinstance(data, list) or _is_array(data):
        body = {inputs_key: _plain(data)}
    else:
        return json.dumps(data, cls=NumpyEncoder)
    return json.dumps(body if params is None else {**body, "params": params}, cls=NumpyEncoder)


def get_jsonable_input(name: str, data: Any) -> list[Any]:
    """An array as nested lists.

    Raises:
        MlflowException: INTERNAL_ERROR if it is no array.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(data, numpy.ndarray):
        raise MlflowException(f"Incompatible input type:{type(data)} for input {name}.")
    return data.tolist()


def _is_array(data: Any) -> bool:
    numpy, sparse = sys.modules.get("numpy"), sys.modules.get("scipy.sparse")
    return (numpy is not None and isinstance(data, numpy.ndarray)) or (
        sparse is not None and isinstance(data, (sparse.csr_matrix, sparse.csc_matrix))
    )


def _plain(data: Any) -> Any:
    """An array, also a sparse one, as lists; all else as it is."""
    if not _is_array(data):
        return data
    return (data.toarray() if hasattr(data, "toarray") else data).tolist()


def milliseconds_to_proto_timestamp(milliseconds: int) -> str:
    """A moment as protobuf writes it in JSON, such as "2020-01-02T03:04:05.120Z"."""
    seconds, rest = divmod(milliseconds, 1000)
    moment = _EPOCH + datetime.timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{f'.{rest:03d}' if rest else ''}Z"


def proto_timestamp_to_milliseconds(timestamp: str) -> int:
    """Milliseconds since the epoch of a moment as protobuf writes it; what is finer is cut off.

    Raises:
        ValueError: If it is no such moment, or has no time zone.
    """
    found = re.fullmatch(r"(.+?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", timestamp)
    if found is None:
        raise ValueError(f"Failed to parse timestamp: missing valid timezone offset: {timestamp!r}")
    moment, fraction, zone = found.groups()
    zone = "+00:00" if zone == "Z" else zone
    since = datetime.datetime.fromisoformat(moment + zone) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + int(f"{fraction or 0:0<3}"[:3])


def milliseconds_to_proto_duration(milliseconds: int) -> str:
    """A span of time as protobuf writes it in JSON, such as "1.500s"."""
    seconds, rest = divmod(abs(milliseconds), 1000)
    return f"{'-' if milliseconds < 0 else ''}{seconds}{f'.{rest:03d}' if rest else ''}s"


def proto_duration_to_milliseconds(duration: str) -> int:
    """Milliseconds of a span of time as protobuf writes it; what is finer is cut off.

    Raises:
        ValueError: If it is no such span.
    """
    if not duration.endswith("s"):
        raise ValueError(f'Duration must end with letter "s": {duration}.')
    found = re.fullmatch(r"(-?)(\d+)(?:\.(\d{1,9}))?s", duration)
    if found is None:
        raise ValueError(f"Could not parse duration: {duration}.")
    sign, seconds, fraction = found.groups()
    milliseconds = int(seconds) * 1000 + int(f"{fraction or 0:0<3}"[:3])
    return -milliseconds if sign else milliseconds


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
