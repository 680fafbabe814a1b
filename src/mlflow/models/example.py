"""Input examples: data that shows what a model takes, kept beside it as JSON.

A model's folder has two files of it: `input_example.json`, from which the data can be had again,
and `serving_input_example.json`, which is the body of a request to the scoring server.
"""

from __future__ import annotations

import base64
import datetime
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.environment_variables import MLFLOW_INPUT_EXAMPLE_INFERENCE_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.types.utils import TensorsNotSupportedException
from mlflow.utils.optional import require
from mlflow.utils.proto_json_utils import NumpyEncoder

if TYPE_CHECKING:
    from mlflow.models.signature import ModelSignature

_logger = logging.getLogger(__name__)

EXAMPLE_FILENAME = "input_example.json"
SERVING_INPUT_FILENAME = "serving_input_example.json"
INPUT_EXAMPLE_PATH = "artifact_path"
SERVING_INPUT_PATH = "serving_input_path"
EXAMPLE_DATA_KEY = "inputs"
EXAMPLE_PARAMS_KEY = "params"
SERVING_PARAMS_KEY = "params"
DF_SPLIT = "dataframe_split"
INPUTS = "inputs"

#: A dictionary with one of these is a request to a language model, and is sent as it is.
_REQUEST_KEYS = ("messages", "prompt", "input")

_EXPECTED = """Expected one of the following types:
- pandas.DataFrame
- numpy.ndarray
- dictionary of (name -> numpy.ndarray)
- scipy.sparse.csr_matrix
- scipy.sparse.csc_matrix
- dict
- list
- scalars
- datetime.datetime
- pydantic model instance
but got '{}'"""


@dataclass(frozen=True)
class Example:
    """An input example in all its forms."""

    data: Any
    """What `predict` is given."""
    params: dict[str, Any] | None
    """Parameters that `predict` is given besides."""
    content: Any
    """What is written to the file; JSON after the encoder."""
    info: dict[str, Any]
    """What the MLmodel file says about it."""
    body: Any
    """What the scoring server is sent."""

    @classmethod
    def of(cls, given: Any) -> Example:
        """From what a user gave: data, or a tuple of data and parameters.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it is nothing that JSON can hold.
        """
        data, params = given, None
        if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], dict):
            data, params = given
        info: dict[str, Any] = {INPUT_EXAMPLE_PATH: EXAMPLE_FILENAME}
        if params:
            info[EXAMPLE_PARAMS_KEY] = "true"
        content, kind, body = _forms(data)
        info |= kind
        if params:
            content = {EXAMPLE_DATA_KEY: content, EXAMPLE_PARAMS_KEY: params}
            body = {**body, SERVING_PARAMS_KEY: params}
        info[SERVING_INPUT_PATH] = SERVING_INPUT_FILENAME
        return cls(data, params, content, info, body)

    def serving_input(self) -> str:
        """The body of a request to the scoring server."""
        return json.dumps(self.body, cls=NumpyEncoder, indent=2)

    def save(self, folder: str) -> None:
        """Write both files."""
        texts = {
            EXAMPLE_FILENAME: json.dumps(self.content, cls=NumpyEncoder),
            SERVING_INPUT_FILENAME: self.serving_input(),
        }
        for name, text in texts.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)


def _forms(data: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """What is written, what is said about it, and what the scoring server is sent."""
    if _is_frame(data):
        content, orient = _split(data)
        return content, {"type": "dataframe", "pandas_orient": orient}, {DF_SPLIT: content}
    if _is_array(data):
        content = _listed(data)
        return content, {"type": "ndarray"}, {INPUTS: content}
    if layout := _sparse_layout(data):
        parts = ("data", "indices", "indptr", "shape")
        content = {part: list(getattr(data, part)) for part in parts}
        return content, {"type": f"sparse_matrix_{layout}"}, {INPUTS: data.toarray()}
    if isinstance(data, dict) and any(map(_is_array, data.values())):
        if not all(map(_is_array, data.values())):
            raise MlflowException.invalid_parameter_value(
                "Mixed types in dictionary are not supported as input examples. "
                "Found numpy arrays and other types."
            )
        content = {name: _listed(array) for name, array in data.items()}
        return content, {"type": "ndarray"}, {INPUTS: content}
    content = _plain(data)
    is_request = isinstance(content, dict) and any(key in content for key in _REQUEST_KEYS)
    return content, {"type": "json_object"}, content if is_request else {INPUTS: content}


def _plain(data: Any) -> Any:
    """Data of the kinds that JSON has, after those that can be made such."""
    if isinstance(data, list) and any(map(_is_array, data)):
        raise TensorsNotSupportedException(
            "Numpy arrays in list are not supported as input examples."
        )
    if isinstance(data, (bytes, bytearray)):
        return base64.encodebytes(data).decode("ascii")
    if hasattr(data, "model_dump") and not isinstance(data, type):
        return data.model_dump()
    if isinstance(data, list) and data and all(hasattr(item, "model_dump") for item in data):
        return [item.model_dump() for item in data]
    numpy = sys.modules.get("numpy")
    scalars = (bool, int, float, str, datetime.datetime, *((numpy.generic,) if numpy else ()))
    if isinstance(data, (dict, list, *scalars)):
        return data
    raise MlflowException.invalid_parameter_value(_EXPECTED.format(type(data)))


def _split(frame: Any) -> tuple[dict[str, Any], str]:
    """A table as columns and rows; without columns if those are only numbered."""
    rows = {"data": [list(row) for row in frame.astype(object).itertuples(index=False, name=None)]}
    pandas = sys.modules["pandas"]
    if isinstance(frame.columns, pandas.RangeIndex):
        return rows, "values"
    return {"columns": list(frame.columns), **rows}, "split"


def _listed(array: Any) -> Any:
    """An array as lists; what is not a number is null."""
    numpy = sys.modules["numpy"]
    if array.dtype.kind == "f" and numpy.isnan(array).any():
        return numpy.where(numpy.isnan(array), None, array.astype(object)).tolist()
    return array.tolist()


def load_example(folder: str, model: Any, *, params: bool = False) -> Any:
    """The input example of a model, or its parameters; None if it has none.

    Args:
        folder: The model's folder.
        model: Its `Model`.
        params: Whether the parameters are wanted in place of the data.
    """
    from mlflow.utils.model_utils import path_inside

    info = model.saved_input_example_info
    if info is None:
        return None
    path = path_inside(folder, info[INPUT_EXAMPLE_PATH])
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    if EXAMPLE_PARAMS_KEY in info:
        if params:
            return content[EXAMPLE_PARAMS_KEY]
        content = content[EXAMPLE_DATA_KEY]
    return None if params else _restored(content, info, model.get_input_schema())


def _restored(content: Any, info: dict[str, Any], schema: Any) -> Any:
    kind = info["type"]
    if kind == "dataframe":
        from mlflow.utils.proto_json_utils import dataframe_from_parsed_json

        if info.get("pandas_orient") == "values":
            return require("pandas", "models", "tables").DataFrame(**content)
        return dataframe_from_parsed_json(content, pandas_orient="split", schema=schema)
    if kind == "ndarray":
        numpy = require("numpy", "models", "arrays")
        dtypes = _dtypes(schema)
        if isinstance(content, dict):
            return {k: numpy.array(each, dtypes.get(k)) for k, each in content.items()}
        return numpy.array(content, dtypes.get(None))
    if kind in ("sparse_matrix_csr", "sparse_matrix_csc"):
        sparse = require("scipy.sparse", purpose="sparse matrices")
        parts = content["data"], content["indices"], content["indptr"]
        matrix = getattr(sparse, f"{kind[-3:]}_matrix")
        return matrix(parts, shape=tuple(content["shape"]))
    if kind == "json_object":
        return content
    raise MlflowException(f"Malformed input example metadata. The 'type' field is {kind!r}.")


def _dtypes(schema: Any) -> dict[str | None, Any]:
    if schema is None or not schema.is_tensor_spec():
        return {}
    return {spec.name: spec.type for spec in schema}


def load_serving_input(folder: str, model: Any) -> str | None:
    """The text of `serving_input_example.json`; None if the model has none."""
    from mlflow.utils.model_utils import path_inside

    name = (model.saved_input_example_info or {}).get(SERVING_INPUT_PATH)
    if name is None:
        return None
    with open(path_inside(folder, name), encoding="utf-8") as file:
        return file.read()


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _is_array(data: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(data, numpy.ndarray)


def _sparse_layout(data: Any) -> str | None:
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None:
        for layout in ("csr", "csc"):
            if isinstance(data, getattr(sparse, f"{layout}_matrix")):
                return layout
    return None


@dataclass(frozen=True)
class Asked:
    """What came of asking a model with its input example."""

    signature: ModelSignature
    env_vars: list[str]
    """Names of variables that the model read and that have to be set where it is served."""


def ask(example: Example, predict: Callable[[Any, dict[str, Any] | None], Any]) -> Asked | None:
    """Ask a model with its input example; None, after a warning, when it fails.

    Args:
        predict: Takes the data, in the form that the schema promises, and the parameters.
    """
    from mlflow.models.enforcement import enforce_schema
    from mlflow.models.signature import infer_signature
    from mlflow.utils.model_utils import env_var_tracker, is_recorded

    try:
        with time_limit(MLFLOW_INPUT_EXAMPLE_INFERENCE_TIMEOUT.get()), env_var_tracker() as read:
            schema = infer_signature(example.data).inputs
            data = enforce_schema(example.data, schema)
            output = _as_column(predict(data, example.params), data)
        signature = infer_signature(example.data, output, example.params)
    except Exception as error:
        _logger.warning(
            "The model cannot be asked with its input example, so no signature is inferred from "
            "it: %r. Set the log level to DEBUG to see where.",
            error,
        )
        _logger.debug("Where:", exc_info=True)
        return None
    return Asked(signature, sorted(filter(is_recorded, read)))


def _as_column(output: Any, data: Any) -> Any:
    """What a model gives for a table is a column of it."""
    if _is_frame(data) and _is_array(output) and output.ndim == 1:
        return sys.modules["pandas"].Series(output)
    return output


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the block when it takes longer; only the main thread can be stopped."""
    stoppable = hasattr(signal, "SIGALRM") and (
        threading.current_thread() is threading.main_thread()
    )
    if not stoppable or seconds <= 0:
        yield
        return

    def stop(*_: Any) -> None:
        raise TimeoutError(f"The model took longer than {seconds} seconds.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
