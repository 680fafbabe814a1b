"""Answering requests with a model: what `mlflow models serve` and `mlflow models predict` share.

A request goes through three steps, each a function here: `parse` its body into what the model
takes, ask the model, `predictions_to_json`. `serving.py` does this for HTTP.

Formats of `POST /invocations`:

* `application/json`: an object with one of `dataframe_split`, `dataframe_records`, `instances` or
  `inputs`, and `params` beside it if the model takes some. For chat, completions and responses the
  object is the input itself, told by its `messages`, `prompt` or `input`.
* `text/csv` with a header line; `application/vnd.apache.parquet`; and
  `application/vnd.apache.arrow.stream` (`arrow.py`).
"""

from __future__ import annotations

import json
import logging
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, load_model
from mlflow.pyfunc.utils.serving_data_parser import is_unified_llm_input
from mlflow.types import ParamSchema, Schema
from mlflow.utils import reraise as reraise
from mlflow.utils.file_utils import path_to_local_file_uri
from mlflow.utils.proto_json_utils import (
    MlflowInvalidInputException,
    NumpyEncoder,
    _get_jsonable_obj,
    dataframe_from_parsed_json,
    parse_tf_serving_input,
)
from mlflow.version import VERSION as VERSION

if TYPE_CHECKING:
    import pandas

_logger = logging.getLogger(__name__)

_SERVER_MODEL_PATH = "__pyfunc_model_path__"
SERVING_MODEL_CONFIG = "SERVING_MODEL_CONFIG"

CONTENT_TYPE_CSV = "text/csv"
CONTENT_TYPE_JSON = "application/json"
CONTENT_TYPE_PARQUET = "application/vnd.apache.parquet"
CONTENT_TYPE_ARROW = "application/vnd.apache.arrow.stream"
CONTENT_TYPES = [CONTENT_TYPE_CSV, CONTENT_TYPE_JSON, CONTENT_TYPE_PARQUET]

DF_RECORDS = "dataframe_records"
DF_SPLIT = "dataframe_split"
INSTANCES = "instances"
INPUTS = "inputs"
SUPPORTED_FORMATS = {DF_RECORDS, DF_SPLIT, INSTANCES, INPUTS}
SERVING_PARAMS_KEY = "params"

BAD_REQUEST = CODES["BAD_REQUEST"]
INVALID_PARAMETER_VALUE = CODES["INVALID_PARAMETER_VALUE"]

REQUIRED_INPUT_FORMAT = (
    "The input must be a JSON dictionary with exactly one of the input fields "
    f"{{{', '.join(repr(name) for name in sorted(SUPPORTED_FORMATS))}}}"
)
SCORING_PROTOCOL_CHANGE_INFO = (
    "IMPORTANT: this is how models are asked since MLflow 2.0. Requests in the form of MLflow 1 "
    "have to name their format: put what was the body below 'dataframe_split' or "
    "'dataframe_records', or pin mlflow in the model's requirements to a version before 2."
)

#: How much of a body that cannot be read is shown to whoever sent it.
_SHOWN = 1000


class InvocationsResponse(NamedTuple):
    """What a request is answered."""

    response: str
    status: int
    mimetype: str


class ParsedJsonInput(NamedTuple):
    """What a model is asked."""

    data: Any
    params: dict[str, Any] | None
    is_unified_llm_input: bool
    """Whether the body itself was the input, as for chat: then so is the prediction the answer."""


class Refused(MlflowException):
    """A request of a kind that is not taken, with the HTTP status that says so best."""

    def __init__(self, message: str, status: int):
        super().__init__(message, error_code=BAD_REQUEST)
        self.status = status

    def get_http_status_code(self) -> int:
        return self.status


# Asking.


def load_model_with_mlflow_config(model_uri: str) -> PyFuncModel:
    """The model, with the configuration that the environment has for it, if there is one."""
    import os

    config = os.environ.get(SERVING_MODEL_CONFIG)
    return load_model(model_uri, model_config=json.loads(config) if config else None)


def invocations(
    data: Any, content_type: str | None, model: PyFuncModel, input_schema: Schema | None
) -> InvocationsResponse:
    """The answer to one request. What the client did not do right, but for the content type, is
    raised.

    Args:
        data: The body.
        input_schema: What the model takes; None if it does not say.

    Raises:
        MlflowException: What is wrong with the request, or went wrong in the model.
    """
    try:
        mime_type = check_content_type(content_type)
    except Refused as error:
        return InvocationsResponse(error.message, error.status, "text/plain")
    asked = parse(data, mime_type, input_schema, model.metadata)
    answer = encode_answer(ask(model, asked), asked.is_unified_llm_input)
    return InvocationsResponse(answer.decode(), 200, CONTENT_TYPE_JSON)


def check_content_type(content_type: str | None) -> str:
    """The type without its parameters.

    Raises:
        Refused: With status 415.
    """
    mime_type, _, rest = (content_type or "").partition(";")
    mime_type = mime_type.strip()
    parameters = [part.strip().partition("=") for part in rest.split(";") if part.strip()]
    if unknown := [name for name, _, _ in parameters if name.strip().lower() != "charset"]:
        raise Refused(
            f"Unrecognized content type parameters: {', '.join(unknown)}. "
            f"{SCORING_PROTOCOL_CHANGE_INFO}",
            415,
        )
    if any(value.strip().strip('"').lower() != "utf-8" for _, _, value in parameters):
        raise Refused("The scoring server only supports UTF-8", 415)
    if mime_type not in CONTENT_TYPES:
        raise Refused(
            "This predictor only supports the following content types: Types: "
            f"{[*CONTENT_TYPES, CONTENT_TYPE_ARROW]}. Got '{mime_type}'.",
            415,
        )
    return mime_type


def parse(body: Any, mime_type: str, schema: Schema | None, metadata: Any) -> ParsedJsonInput:
    """What a body asks the model.

    Args:
        body: Bytes or text.
        mime_type: One of `CONTENT_TYPES`.
        schema: What the model takes; None if it does not say.
        metadata: The `Model`.

    Raises:
        MlflowException: The body is not of the type, or not what the model takes.
    """
    import io

    if mime_type == CONTENT_TYPE_JSON:
        return _parse_json_data(body, metadata, schema)
    if mime_type == CONTENT_TYPE_CSV:
        text = body if isinstance(body, str) else _utf8(body)
        return ParsedJsonInput(parse_csv_input(io.StringIO(text), schema), None, False)
    return ParsedJsonInput(parse_parquet_input(io.BytesIO(body)), None, False)


def ask(model: PyFuncModel, asked: ParsedJsonInput) -> Any:
    """The prediction.

    Raises:
        MlflowException: Also for what else the model raises, which goes to the log.
    """
    try:
        return model.predict(asked.data, params=asked.params)
    except MlflowException:
        raise
    except Exception as error:
        raise model_failed(error) from error


def model_failed(error: Exception) -> MlflowException:
    """What a client is told of an error in the model's own code; the log has the rest."""
    _logger.error("The model failed.", exc_info=error)
    return MlflowException(
        "Encountered an unexpected error while evaluating the model. Verify that the "
        "serialized input Dataframe is compatible with the model for inference.",
        error_code=BAD_REQUEST,
    )


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MlflowInvalidInputException(f"The body is not UTF-8: {error}.") from None


# Parsing.


def _parse_json_data(data: Any, metadata: Any, input_schema: Schema | None) -> ParsedJsonInput:
    return from_object(_decode_json_input(data), metadata, input_schema)


def from_object(
    decoded: dict[str, Any], metadata: Any, input_schema: Schema | None
) -> ParsedJsonInput:
    """What a JSON object asks the model; see `parse`."""
    signature = metadata.signature if metadata is not None else None
    if is_unified_llm_input(decoded):
        params_schema = signature.params if signature is not None else None
        rest, params = _split_data_and_params_for_llm_input(decoded, params_schema)
        return ParsedJsonInput(rest, params, True)
    rest, params = _split_data_and_params(decoded)
    if signature is not None and signature._is_signature_from_type_hint:
        if INPUTS not in rest:
            raise MlflowException.invalid_parameter_value(
                f"Request payload must be a dictionary with '{INPUTS}' key when the model contains "
                f"a valid type hint. Found keys in payload: {list(rest)}."
            )
        return ParsedJsonInput(rest[INPUTS], params, False)
    return ParsedJsonInput(infer_and_parse_data(rest, input_schema), params, False)


def _decode_json_input(json_input: Any) -> dict[str, Any]:
    """The object that a JSON text is."""
    import msgspec

    try:
        try:
            decoded = msgspec.json.decode(json_input)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # which knows NaN, numbers beyond a double's range, other encodings, and better words
            decoded = json.loads(json_input)
    except (ValueError, RecursionError) as error:
        shown = json_input[:_SHOWN]
        raise MlflowInvalidInputException(
            "Ensure that input is a valid JSON formatted string. "
            f"Error: '{error!r}'\nInput: \n{shown!r}\n"
        ) from None
    if isinstance(decoded, dict):
        return decoded
    what = "a list" if isinstance(decoded, list) else f"unexpected input type '{type(decoded)}'"
    raise MlflowInvalidInputException(f"{REQUIRED_INPUT_FORMAT}. Received {what}.")


def _split_data_and_params(
    json_input: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    data = {name: value for name, value in json_input.items() if name != SERVING_PARAMS_KEY}
    return data, json_input.get(SERVING_PARAMS_KEY)


def _split_data_and_params_for_llm_input(
    json_input: dict[str, Any], param_schema: ParamSchema | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Params are the fields of these names; they have no place of their own."""
    names = {spec.name for spec in param_schema} if param_schema else set()
    data = {name: value for name, value in json_input.items() if name not in names}
    return data, {name: value for name, value in json_input.items() if name in names}


def infer_and_parse_data(data: dict[str, Any], schema: Schema | None = None) -> Any:
    """The model's input: a DataFrame, an array, or a dict of arrays.

    Args:
        data: An object with one of `SUPPORTED_FORMATS`.
        schema: What values are cast to.

    Raises:
        MlflowException: BAD_REQUEST if it has none or several of them, or they hold something else.
    """
    formats = [name for name in data if name in SUPPORTED_FORMATS]
    if len(formats) != 1:
        raise MlflowException(
            f"{REQUIRED_INPUT_FORMAT}. Received dictionary with input fields: {formats}. "
            f"{SCORING_PROTOCOL_CHANGE_INFO}",
            error_code=BAD_REQUEST,
        )
    (name,) = formats
    try:
        if name in (INSTANCES, INPUTS):
            return parse_tf_serving_input({name: data[name]}, schema=schema)
        orient = "split" if name == DF_SPLIT else "records"
        return dataframe_from_parsed_json(data[name], pandas_orient=orient, schema=schema)
    except RecursionError:
        raise MlflowInvalidInputException(f"'{name}' is nested too deeply.") from None


def parse_csv_input(csv_input: Any, schema: Schema | None = None) -> pandas.DataFrame:
    """The table in a CSV file with a header line, its columns cast to what the schema says.

    Args:
        csv_input: A path, or an open file.
    """
    from mlflow.utils.optional import require

    pd = require("pandas", "models", "reading CSV")
    try:
        if schema is None:
            return pd.read_csv(csv_input)
        types = dict(zip(schema.input_names(), schema.pandas_types()))
        return pd.read_csv(csv_input, dtype=types)
    except Exception as error:  # whatever pandas says of a body that is no such file
        raise MlflowException(_not_a_table("CSV", "csv", error), error_code=BAD_REQUEST) from None


def parse_parquet_input(parquet_input: Any) -> pandas.DataFrame:
    """The table in a Parquet file.

    Args:
        parquet_input: A path, or an open file.
    """
    from mlflow.pyfunc.scoring_server.arrow import read_parquet

    try:
        return read_parquet(parquet_input)
    except Exception as error:  # whatever pyarrow says of a body that is no such file
        message = _not_a_table("Parquet", "parquet", error)
        raise MlflowException(message, error_code=BAD_REQUEST) from None


def _not_a_table(kind: str, method: str, error: Exception) -> str:
    return (
        "Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid "
        f"{kind} file, such as `pandas.DataFrame.to_{method}()` writes. Error: '{error}'"
    )


# Answering.


def predictions_to_json(
    raw_predictions: Any, output: Any, metadata: dict[str, Any] | None = None
) -> None:
    """Write predictions as JSON, below `predictions`.

    Args:
        output: An open text file.
        metadata: Further fields of the same object.
    """
    if metadata and "predictions" in metadata:
        raise MlflowException("metadata cannot contain 'predictions' key")
    answer = {"predictions": _get_jsonable_obj(raw_predictions, pandas_orient="records")}
    json.dump({**answer, **(metadata or {})}, output, cls=NumpyEncoder)


def unwrapped_predictions_to_json(raw_predictions: Any, output: Any) -> None:
    """Write predictions as the JSON value that they are.

    Args:
        output: An open text file.
    """
    json.dump(_get_jsonable_obj(raw_predictions), output, cls=NumpyEncoder)


def encode_answer(predictions: Any, unwrapped: bool) -> bytes:
    """What the two functions above write, quicker for arrays of numbers.

    Raises:
        MlflowException: INTERNAL_ERROR if the model gave something that JSON cannot hold.
    """
    dtype = getattr(predictions, "dtype", None)
    if not unwrapped and type(predictions).__name__ == "ndarray" and dtype.kind in "iub":
        return _encode_plain(predictions.tolist())
    if not unwrapped and type(predictions).__name__ == "ndarray" and dtype.kind == "f":
        import numpy as np

        if dtype.itemsize <= 8 and np.isfinite(predictions).all():
            return _encode_plain(predictions.tolist())
    try:
        plain = _get_jsonable_obj(predictions, pandas_orient="records")
        answer = plain if unwrapped else {"predictions": plain}
        return json.dumps(answer, cls=NumpyEncoder).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MlflowException(
            f"The model answered {type(predictions).__name__}, which JSON cannot hold: {error}"
        ) from None


def _encode_plain(values: Any) -> bytes:
    import msgspec

    return b'{"predictions": %b}' % msgspec.json.encode(values)


# Serving.


def init(model: PyFuncModel) -> Any:
    """The ASGI app that answers with a model; a Starlette app with more speed at `/invocations`."""
    from mlflow.pyfunc.scoring_server.serving import ScoringApp

    return ScoringApp(model)


def get_cmd(
    model_uri: str,
    port: int | None = None,
    host: str | None = None,
    timeout: int | None = None,
    nworkers: int | None = None,
) -> tuple[str, dict[str, str]]:
    """The command line that serves a model, and its environment.

    Args:
        model_uri: Path or URI of the model's folder.
        timeout: Seconds that a request may take.
        nworkers: Number of processes.
    """
    import os

    words = ["uvicorn"]
    for option, value in (("--host", host), ("--port", port), ("--workers", nworkers)):
        if value is not None:
            words += [option, str(value)]
    seconds = MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get() if timeout is None else timeout
    environment = {
        **os.environ,
        _SERVER_MODEL_PATH: path_to_local_file_uri(model_uri),
        MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.name: str(seconds),
    }
    return shlex.join([*words, "mlflow.pyfunc.scoring_server.app:app"]), environment


def _predict(
    model_uri: str, input_path: str | None, output_path: str | None, content_type: str
) -> None:
    """Ask a model what a file has, for `mlflow models predict`.

    Args:
        input_path: None for standard input.
        output_path: None for standard output.
        content_type: "json" or "csv".
    """
    import sys

    model = load_model_with_mlflow_config(model_uri)
    if input_path is None:
        body = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read()
    else:
        with open(input_path, "rb") as file:
            body = file.read()
    types = {"json": CONTENT_TYPE_JSON, "csv": CONTENT_TYPE_CSV}
    if content_type not in types:
        raise MlflowException(f"Unknown content type '{content_type}'")
    asked = parse(body, types[content_type], model.metadata.get_input_schema(), model.metadata)
    prediction = model.predict(asked.data, params=asked.params)
    answer = encode_answer(prediction, asked.is_unified_llm_input).decode()
    if output_path is None:
        sys.stdout.write(answer)
        sys.stdout.flush()
    else:
        with open(output_path, "w", encoding="utf-8") as file:
            file.write(answer)
