from __future__ import annotations

import csv
import io
import json
import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.optional import optional

from mlflow.exceptions import MlflowException
from mlflow.utils.tabular import Runs, Table, encoded

LARGEST = 1.7976931348623157e308
COLUMNS = {"text": "string", "count": "int64", "value": "double"}
ROWS = [
    ("a", 1, 0.5),
    ("a", -(1 << 63), math.nan),
    ('b,\n"c"', None, math.inf),
    (None, (1 << 63) - 1, -math.inf),
    ("", 0, None),
    ("größer", 7, 1e22),
    ("x", 8, -0.0),
]


def table(*batches):
    return Table(dict(COLUMNS), [[list(column) for column in zip(*rows)] for rows in batches])


def data(table_, format, **options) -> bytes:
    return b"".join(encoded(table_, format, **options))


def same(a, b) -> bool:
    return a == b or (a is not None and b is not None and a != a and b != b)


def test_csv():
    assert data(table(ROWS[:2], ROWS[2:]), "csv").decode() == (
        "text,count,value\r\n"
        "a,1,0.5\r\n"
        "a,-9223372036854775808,NaN\r\n"
        '"b,\n""c""",,inf\r\n'
        ",9223372036854775807,-inf\r\n"
        '"",0,\r\n'
        "größer,7,1e+22\r\n"
        "x,8,-0.0\r\n"
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(
    rows=st.lists(st.tuples(TEXTS, st.integers(-5, 1 << 60), st.floats()), min_size=1),
    names=st.lists(TEXTS, min_size=3, max_size=3, unique=True),
)
def test_csv_is_read_back_by_the_csv_module(rows, names):
    columns = dict(zip(names, COLUMNS.values()))
    text = data(Table(columns, [list(zip(*rows))]), "csv", verbatim=True).decode()
    header, *found = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == names
    for (a, b, c), (text, count, value) in zip(found, rows, strict=True):
        assert (a, int(b)) == (text, count)
        assert same(float(c), value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("\r=1", '"\'\r=1"'),
        ("-0.5", "-0.5"),
        ("+1e-3", "+1e-3"),
        ("-inf", "-inf"),
        ("a=1", "a=1"),
        ("", '""'),
    ],
)
def test_csv_holds_no_formulas(text, shown):
    rows = Table({"t": "string", "u": "string"}, [[[text], ["x"]]])
    assert data(rows, "csv").decode() == f"t,u\r\n{shown},x\r\n"
    plain = next(csv.reader(io.StringIO(data(rows, "csv", verbatim=True).decode(), newline="")))
    assert plain == ["t", "u"]
    repeated = Runs([text], [2])
    rows = Table({"t": "string", "u": "string"}, [[repeated, ["x", "y"]]])
    assert data(rows, "csv").decode() == f"t,u\r\n{shown},x\r\n{shown},y\r\n"


def test_lines_of_json():
    lines = data(table(ROWS), "jsonl").decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"text": "a", "count": 1, "value": 0.5},
        {"text": "a", "count": -(1 << 63), "value": None},
        {"text": 'b,\n"c"', "value": LARGEST},
        {"count": (1 << 63) - 1, "value": -LARGEST},
        {"text": "", "count": 0},
        {"text": "größer", "count": 7, "value": 1e22},
        {"text": "x", "count": 8, "value": 0.0},
    ]


@pytest.mark.parametrize("format", ["csv", "jsonl", "arrow", "parquet"])
def test_table_without_rows(format):
    if format in ("arrow", "parquet"):
        optional("pyarrow")
    found = data(Table(dict(COLUMNS), []), format)
    if format == "csv":
        assert found == b"text,count,value\r\n"
    elif format == "jsonl":
        assert found == b""
    else:
        assert read(format, found).num_rows == 0
        assert read(format, found).column_names == list(COLUMNS)


def read(format, content):
    pa = optional("pyarrow")
    if format == "arrow":
        return pa.ipc.open_stream(content).read_all()
    from pyarrow import parquet

    return parquet.read_table(io.BytesIO(content))


@pytest.mark.parametrize("format", ["arrow", "parquet"])
def test_arrow_and_parquet_keep_everything(format):
    optional("pyarrow")
    found = read(format, data(table(ROWS[:3], ROWS[3:]), format))
    assert [str(kind) for kind in found.schema.types] == ["string", "int64", "double"]
    rows = [tuple(row.values()) for row in found.to_pylist()]
    assert len(rows) == len(ROWS)
    for row, expected in zip(rows, ROWS):
        assert all(map(same, row, expected))


@pytest.mark.parametrize("format", ["csv", "arrow", "parquet"])
def test_columns_that_repeat(format):
    if format != "csv":
        optional("pyarrow")
    ids, counts = Runs(), array("q", range(6))
    ids.add("a", 4)
    ids.add("b", 0)
    ids.add("c", 2)
    assert (len(ids), list(ids), ids[4]) == (6, list("aaaacc"), "c")
    content = data(Table({"id": "string", "n": "int64"}, [[ids, counts]]), format)
    if format == "csv":
        assert content.decode().split() == ["id,n", "a,0", "a,1", "a,2", "a,3", "c,4", "c,5"]
    else:
        assert read(format, content).to_pydict() == {"id": list("aaaacc"), "n": list(range(6))}


def test_long_tables_are_written_piece_by_piece():
    """No piece holds more than a few thousand rows, and batches are asked for one by one."""
    asked = []

    def batches():
        for i in range(20):
            asked.append(i)
            yield [array("q", range(1000))]

    for format in ("csv", "jsonl"):
        asked.clear()
        sizes = []
        for piece in encoded(Table({"n": "int64"}, batches()), format):
            sizes.append(piece.count(b"\n"))
            assert len(asked) <= len(sizes)
        assert sum(sizes) == 20_000 + (format == "csv")
        assert max(sizes) <= 8192


def test_pandas_reads_csv():
    pd = optional("pandas")
    frame = pd.read_csv(io.BytesIO(data(table(ROWS), "csv")), dtype={"count": "Int64"})
    assert list(frame["value"][:2]) == [0.5, pytest.approx(math.nan, nan_ok=True)]
    assert list(frame["value"][2:4]) == [math.inf, -math.inf]
    assert frame["count"][1] == -(1 << 63)
    assert frame["text"][2] == 'b,\n"c"'


def test_polars_reads_csv_and_arrow():
    pl = optional("polars")
    frame = pl.read_csv(data(table([r for r in ROWS if r[1] is not None]), "csv"))
    assert frame.schema["value"] == pl.Float64
    assert frame.schema["count"] == pl.Int64
    frame = pl.read_ipc_stream(data(table(ROWS), "arrow"))
    assert frame["text"].to_list() == [row[0] for row in ROWS]


def test_other_formats_are_refused():
    with pytest.raises(MlflowException, match="'xml'; one of arrow, csv, jsonl, parquet") as e:
        encoded(table(ROWS), "xml")
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
