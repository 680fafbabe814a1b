"""Tables in Arrow's and Parquet's formats: quicker than JSON, and types arrive as they left.

`Content-Type: application/vnd.apache.arrow.stream` with an IPC stream in the body asks the model;
`params`, if there are some, are a JSON object in the schema's metadata. With the same type in
`Accept` the predictions come so, too: a table's own columns, or one called `predictions`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import CONTENT_TYPE_ARROW as CONTENT_TYPE_ARROW
from mlflow.pyfunc.scoring_server import ParsedJsonInput
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pandas


#: Of a table in memory. Compressed files of a few kilobytes may claim any size.
_MOST_BYTES = 1 << 30
#: Before this version a file could bring code along (CVE-2023-47248).
_SAFE = (14, 0, 1)


def from_arrow(body: bytes) -> ParsedJsonInput:
    """What an IPC stream asks the model.

    Raises:
        MlflowException: BAD_REQUEST if it is none, or too much.
    """
    pa = _pyarrow("reading Arrow streams")
    try:
        with pa.ipc.open_stream(body) as reader:
            batches, size = [], 0
            for batch in reader:
                batches.append(batch)
                size += _check_size(batch.nbytes, batch.num_rows * max(1, batch.num_columns))
                _check_size(size, 0)
            table = pa.Table.from_batches(batches, reader.schema)
        table.validate(full=True)
        params = (reader.schema.metadata or {}).get(b"params")
        return ParsedJsonInput(table.to_pandas(), json.loads(params) if params else None, False)
    except MlflowException:
        raise
    except Exception as error:  # whatever pyarrow says of a body that is no such stream
        raise MlflowException(
            f"The body is not an Arrow IPC stream: {error}", error_code=CODES["BAD_REQUEST"]
        ) from None


def to_arrow(predictions: Any) -> bytes:
    """Predictions as an IPC stream.

    Raises:
        MlflowException: BAD_REQUEST if they have no such form.
    """
    pa = _pyarrow("answering with Arrow streams")
    try:
        if type(predictions).__name__ == "DataFrame":
            table = pa.Table.from_pandas(predictions, preserve_index=False)
        elif getattr(predictions, "ndim", 1) > 1:
            table = pa.table({"predictions": predictions.tolist()})
        else:
            table = pa.table({"predictions": pa.array(predictions)})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue().to_pybytes()
    except (pa.ArrowException, ValueError, TypeError, AttributeError) as error:
        raise MlflowException(
            f"The model answered {type(predictions).__name__}, which has no form as an Arrow "
            f"table: {error}. Ask for application/json.",
            error_code=CODES["BAD_REQUEST"],
        ) from None


def read_parquet(file: Any) -> pandas.DataFrame:
    """The table in a Parquet file: a path, or an open file."""
    _pyarrow("reading Parquet")
    from pyarrow import parquet

    source = parquet.ParquetFile(file)
    facts = source.metadata
    groups = [facts.row_group(i) for i in range(facts.num_row_groups)]
    _check_size(
        sum(group.total_byte_size for group in groups), facts.num_rows * max(1, facts.num_columns)
    )
    return source.read().to_pandas()


def _check_size(size: int, values: int) -> int:
    if max(size, values * 8) > _MOST_BYTES:
        raise MlflowException(
            f"The table takes more than {_MOST_BYTES >> 30} GiB in memory; split it up.",
            error_code=CODES["BAD_REQUEST"],
        )
    return size


def _pyarrow(purpose: str) -> Any:
    pa = require("pyarrow", "arrow", purpose)
    require("pandas", "models", purpose)
    version = tuple(int(part) for part in pa.__version__.split(".")[:3] if part.isdigit())
    if version < _SAFE:
        raise MlflowException(
            f"pyarrow {pa.__version__} may run code that a file brings along; "
            f"{'.'.join(map(str, _SAFE))} or later is needed.",
            error_code=CODES["INVALID_STATE"],
        )
    return pa
