"""Some rows of a Parquet file, without reading the rest of it."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.serving import StoredFile
from mlflow.utils.optional import require

MOST_COLUMNS = 500
"""More are left out."""
MOST_CHARACTERS = 2000
"""Of a cell."""
_MOST_CELLS = 4 << 20
"""Characters of all cells of an answer, about."""
_BATCH = 8 << 20
"""Bytes, about, that are decoded at a time."""
_BUFFER = 256 << 10
_SAFE_INTEGER = 1 << 53
_MOST_STRING = 64 << 20
_MOST_IN_FOOTER = 1_000_000


def rows_of(file: StoredFile, rows: int, offset: int) -> dict[str, Any]:
    """A table as JSON: `columns` with name and type, `rows`, `total`; `columns_total` and `note` if
    something is left out.

    Numbers that JSON or JavaScript cannot hold are texts; what is nested is JSON in a text.

    Args:
        rows: At most so many rows; fewer if they are very long.
        offset: The first row, from 0.

    Raises:
        MlflowException: INVALID_STATE without pyarrow; INVALID_PARAMETER_VALUE if the file is no
            Parquet file.
    """
    require("pyarrow", extra="arrow", purpose="looking into Parquet files")
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(
            pa.PythonFile(_Seekable(file), mode="r"),
            buffer_size=_BUFFER,
            pre_buffer=False,
            thrift_string_size_limit=_MOST_STRING,
            thrift_container_size_limit=_MOST_IN_FOOTER,
        )
        return _rows_of(table, rows, offset)
    except (pa.ArrowException, OSError, ValueError) as e:
        if isinstance(e, OSError) and e.errno is not None:
            raise
        reason = str(e).partition("\n")[0][:300]
        raise MlflowException.invalid_parameter_value(
            f"'{file.name}' cannot be read as a Parquet file: {reason}"
        ) from e


def _rows_of(table: Any, rows: int, offset: int) -> dict[str, Any]:
    schema = table.schema_arrow
    shown = list(schema)[:MOST_COLUMNS]
    answer: dict[str, Any] = {
        "columns": [{"name": f.name, "type": str(f.type)[:MOST_CHARACTERS]} for f in shown],
        "rows": [],
        "total": table.metadata.num_rows,
    }
    notes = []
    if len(schema) > len(shown):
        answer["columns_total"] = len(schema)
        notes.append(f"Only the first {len(shown)} of {len(schema)} columns are shown.")
    found, size = answer["rows"], 0
    for row in _rows(table, [f.name for f in shown], rows, offset):
        found.append(row)
        size += sum(len(cell) if isinstance(cell, str) else 8 for cell in row)
        if size > _MOST_CELLS and len(found) < rows:
            notes.append(f"Only {len(found)} rows at a time are shown: they are very long.")
            break
    if notes:
        answer["note"] = " ".join(notes)
    return answer


def _rows(table: Any, names: list[str], rows: int, offset: int) -> Iterator[list[Any]]:
    """Rows as lists of cells, from `offset` on."""
    metadata, at, end = table.metadata, 0, offset + rows
    for group in range(metadata.num_row_groups):
        found = metadata.row_group(group)
        first, at = at, at + found.num_rows
        if at <= offset or not found.num_rows:
            continue
        if first >= end:
            return
        each = max(1, found.total_byte_size // found.num_rows)
        batches = table.iter_batches(
            batch_size=max(1, min(rows, _BATCH // each)),
            row_groups=[group],
            columns=names,
            use_threads=False,
        )
        row = first
        for batch in batches:
            here, row = row, row + batch.num_rows
            if row <= offset:
                continue
            part = batch.slice(max(0, offset - here), min(row, end) - max(here, offset))
            yield from map(list, zip(*map(_cells, part.columns))) if names else ()
            if row >= end:
                return


def _cells(column: Any) -> list[Any]:
    """A column as JSON has it."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_temporal(kind):  # Python's own types have no nanoseconds
        try:
            column = column.cast(pa.string())
        except pa.ArrowException:
            return [
                None if one is None else str(one) for one in column.cast(pa.int64()).to_pylist()
            ]
    try:
        return [_cell(value) for value in column.to_pylist()]
    except (ValueError, OverflowError, pa.ArrowException):
        return [_shortened(str(scalar)) if scalar.is_valid else None for scalar in column]


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else str(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str):
        return _shortened(value)
    if isinstance(value, bytes):
        return _shortened(value[:MOST_CHARACTERS].hex())
    if isinstance(value, (list, dict, tuple)):
        return _shortened(json.dumps(value, default=_text, ensure_ascii=False))
    return _shortened(str(value))


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


class _Seekable(io.RawIOBase):
    """A stored file as a stream that can be read anywhere."""

    def __init__(self, file: StoredFile):
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._file.size if size < 0 else min(self._at + size, self._file.size)
        data = b"".join(self._file.read(self._at, end)) if self._at < end else b""
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
