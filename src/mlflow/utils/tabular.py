"""Tables of any length on their way out: as CSV, lines of JSON, an Arrow stream or Parquet, piece
by piece."""

from __future__ import annotations

import io
import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any, Literal

from mlflow.exceptions import MlflowException

Kind = Literal["string", "int64", "double"]
Format = Literal["csv", "jsonl", "arrow", "parquet"]

#: Media type of each format. Its name is the ending of files, too.
FORMATS = {
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

#: Rows that are turned into text at a time.
_LINES = 8192
#: Rows of a group in a Parquet file.
_GROUP = 1 << 18
#: What a spreadsheet takes as the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Runs(Sequence[str]):
    """A column of texts, each of which repeats many times in a row."""

    def __init__(self, values: Iterable[str] = (), counts: Iterable[int] = ()) -> None:
        self.values = list(values)
        self.counts = list(counts)

    def add(self, value: str, count: int) -> None:
        self.values.append(value)
        self.counts.append(count)

    def __len__(self) -> int:
        return sum(self.counts)

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(map(repeat, self.values, self.counts))

    def __getitem__(self, i: Any) -> Any:
        return list(self)[i]


Column = Runs | Sequence[Any]
"""None where there is no value; a double may be NaN."""


@dataclass
class Table:
    """Rows, some thousands at a time, each batch a column beside the other."""

    columns: dict[str, Kind]
    batches: Iterable[Sequence[Column]]


def encoded(table: Table, format: Format, *, verbatim: bool = False) -> Iterator[bytes]:
    """The table in a format, piece by piece; the first piece is there even if it has no rows.

    Args:
        verbatim: Leave texts in CSV as they are. Else one that a spreadsheet would take for a
            formula, and that is no number, gets an apostrophe in front.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for another format; INVALID_STATE if it is Arrow or
            Parquet and pyarrow is not installed.
    """
    if format == "csv":
        return _csv(table, verbatim)
    if format == "jsonl":
        return _jsonl(table)
    if format not in FORMATS:
        raise MlflowException.invalid_parameter_value(
            f"Format '{format}'; one of {', '.join(sorted(FORMATS))} is needed."
        )
    from mlflow.utils.optional import require

    purpose = "Parquet and Arrow; CSV and JSON need nothing"
    require("pyarrow", extra="arrow", purpose=purpose)
    return _parquet(table) if format == "parquet" else _arrow(table)


# -- text ---------------------------------------------------------------------------------------


def _csv(table: Table, verbatim: bool) -> Iterator[bytes]:
    """As the csv module would write it, in half the time: most cells are numbers, and need no
    look at each of their characters."""
    yield _line(map(_quoted, table.columns)).encode()
    for batch in table.batches:
        columns = [
            _cells(column, kind, verbatim) for column, kind in zip(batch, table.columns.values())
        ]
        for rows in _in_parts(zip(*columns)):
            yield "".join(map(_line, rows)).encode("utf-8", "replace")


def _line(cells: Iterable[str]) -> str:
    return ",".join(cells) + "\r\n"


def _in_parts(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while part := list(islice(rows, _LINES)):
        yield part


def _cells(column: Column, kind: Kind, verbatim: bool) -> Iterable[str]:
    if kind == "string":
        spelled = _quoted if verbatim else _guarded
        if isinstance(column, Runs):
            return Runs(map(spelled, column.values), column.counts)
        return map(spelled, column)
    if kind == "double" and _are_finite(column):
        import msgspec

        text = msgspec.json.encode(list(column)).decode()
        if "e" not in text:  # it writes 1e22, which not every reader takes for a number
            return text[1:-1].split(",")
    # spelled so that every reader knows it, and that a column of numbers looks like one
    return ["" if v is None else "NaN" if v != v else str(v) for v in column]


def _are_finite(column: Iterable[Any]) -> bool:
    try:
        return math.isfinite(sum(column))
    except TypeError:  # None among them
        return False


def _quoted(text: str | None) -> str:
    if not text:
        return "" if text is None else '""'
    if "," in text or '"' in text or "\n" in text or "\r" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _guarded(text: str | None) -> str:
    return _quoted(_guard(text))


def _guard(text: str | None) -> str | None:
    if text and text.startswith(_FORMULA):
        try:
            float(text)
        except ValueError:
            return f"'{text}"
    return text


def _jsonl(table: Table) -> Iterator[bytes]:
    import msgspec

    encoder = msgspec.json.Encoder()
    names = list(table.columns)
    yield b""
    for batch in table.batches:
        columns = [
            _finite(column) if kind == "double" else column
            for column, kind in zip(batch, table.columns.values())
        ]
        for rows in _in_parts(zip(*columns)):
            yield encoder.encode_lines(
                [{name: v for name, v in zip(names, row) if v is not None} for row in rows]
            )


def _finite(values: Iterable[Any]) -> Iterable[Any]:
    """JSON has no infinities: they become the largest doubles, as in a database. NaN becomes
    null."""
    largest = sys.float_info.max
    return [v if v is None or not math.isinf(v) else math.copysign(largest, v) for v in values]


# -- columns ------------------------------------------------------------------------------------


class _Sink(io.RawIOBase):
    """A file that is written to, and emptied from time to time."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def drained(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def _arrow(table: Table) -> Iterator[bytes]:
    import pyarrow as pa

    schema, sink = _schema(pa, table), _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        yield sink.drained()
        for batch in table.batches:
            writer.write_batch(_record_batch(pa, schema, batch))
            yield sink.drained()
    yield sink.drained()


def _parquet(table: Table) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    schema, sink = _schema(pa, table), _Sink()
    waiting: list[Any] = []
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        yield sink.drained()
        for batch in table.batches:
            waiting.append(_record_batch(pa, schema, batch))
            if sum(part.num_rows for part in waiting) >= _GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting.clear()
                yield sink.drained()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))
    yield sink.drained()


def _schema(pa: Any, table: Table) -> Any:
    types = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64()}
    return pa.schema([(name, types[kind]) for name, kind in table.columns.items()])


def _record_batch(pa: Any, schema: Any, batch: Sequence[Column]) -> Any:
    columns = [_array(pa, field.type, column) for field, column in zip(schema, batch)]
    return pa.record_batch(columns, schema=schema)


def _array(pa: Any, kind: Any, column: Column) -> Any:
    if isinstance(column, Runs):
        numbers = array("i")
        for number, count in enumerate(column.counts):
            numbers.extend(array("i", [number]) * count)
        indices = _wrapped(pa, pa.int32(), numbers)
        values = pa.array(column.values, kind)
        return pa.DictionaryArray.from_arrays(indices, values).dictionary_decode()
    return _wrapped(pa, kind, column) if isinstance(column, array) else pa.array(column, kind)


def _wrapped(pa: Any, kind: Any, column: array) -> Any:
    return pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(column)])
