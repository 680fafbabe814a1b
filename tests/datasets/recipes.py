"""How to make the datasets whose record is in `tests/data/dataset-golden.json`.

To record again, run this file with an interpreter whose `mlflow` is the reference:
`python recipes.py > dataset-golden.json`. It uses public names only.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

SOURCE = "https://example.org/data.bin"


def tables() -> dict[str, Any]:
    """pandas tables by name."""
    import numpy as np
    import pandas as pd

    table = pd.DataFrame
    text = pd.Series(["p", "q", "r"], dtype=object)
    return {
        "numbers": table({"a": [1, 2, 3], "b": [1.0, 2.5, np.nan]}),
        "other column names": table({"x": [1, 2, 3], "y": [1.0, 2.5, np.nan]}),
        "columns not sorted": table({"b": [1, 2, 3], "a": [1.0, 2.5, np.nan]}),
        "other index": table({"a": [1, 2, 3]}, index=[5, 6, 7]),
        "text index": table({"a": [1, 2, 3]}, index=list("xyz")),
        "text": table({"a": text, "n": [1, 2, 3]}),
        "text and missing": table({"a": pd.Series(["p", None, "r"], dtype=object)}),
        "text and numbers mixed": table({"a": pd.Series(["p", 1, 2.5], dtype=object)}),
        "numbers as column names": table([[1, 2], [3, 4]]),
        "column names of several kinds": table([[1, "x", 2.0]], columns=[3, 1, "z"]),
        "column names that are tuples": table([[1, 2]], columns=[("a", "b"), ("a", "c")]),
        "same column name twice": table([[1, 2.0]], columns=["z", "z"]),
        "booleans": table({"a": [True, False]}),
        "times": table({"a": np.array(["2020-01-01", "2021-01-01"], dtype="M8[ns]")}),
        "bytes": table({"a": pd.Series([b"x", b"y"], dtype=object)}),
        "categories": table({"a": pd.Categorical(["x", "y", "x"])}),
        "lists": table({"a": [[1, 2], [3]]}),
        "dictionaries": table({"a": [{"k": 1}, {"k": 2, "l": "x"}]}),
        "arrays": table({"a": [np.array([1, 2]), np.array([3])]}),
        "no rows": table({"a": [1.0, 2.0], "b": [True, False]}).iloc[:0],
        "no columns": table(index=[1, 2]),
        "nothing": table(),
        "ten thousand rows": table({"a": np.arange(10_000)}),
        "a row more": table({"a": np.arange(10_001)}),
        "another last row": table({"a": [*range(10_000), 77]}),
        "text until row ten thousand": table(
            {"a": pd.Series(["x"] * 10_000 + [5], dtype=object), "b": np.arange(10_001)}
        ),
        "small integers": table({"a": np.array([-1, 2], dtype="i1")}),
        "unsigned integers": table({"a": np.array([1, 2], dtype="u4")}),
        "large unsigned integers": table({"a": np.array([1, 2], dtype="u8")}),
        "single precision": table({"a": np.array([1.5, 2.5], dtype="f4")}),
        "complex numbers": table({"a": np.array([1 + 2j])}),
        "integers and missing": table({"a": pd.array([1, None], dtype="Int64")}),
        "durations": table({"a": np.array([1, 2], dtype="m8[ns]")}),
        "missing only": table({"a": pd.Series([None, None], dtype=object)}),
        "non-ASCII": table({"naïve": pd.Series(["é", "日本"], dtype=object)}),
    }


def arrays() -> dict[str, Any]:
    """numpy arrays, or dictionaries of them, by name."""
    import numpy as np

    grid = np.arange(6).reshape(2, 3)
    lists = np.empty(2, dtype=object)
    lists[:] = [[1], [2, 3]]
    return {
        "grid": grid,
        "floats": grid / 4,
        "transposed": grid.T,
        "backwards": grid[::-1],
        "column order": np.asfortranarray(grid),
        "scalar": np.array(5),
        "empty": np.array([]),
        "long": np.arange(20_000),
        "long, other end": np.concatenate([np.arange(10_000), np.zeros(10_000, dtype=int)]),
        "text": np.array(["a", "bb"]),
        "bytes": np.array([b"a", b"bb"]),
        "booleans": np.array([True, False]),
        "days": np.array(["2020-01-01"], dtype="M8[D]"),
        "half precision": np.array([1, 2], dtype="f2"),
        "complex numbers": np.array([1 + 2j]),
        "objects": np.array(["a", None, 1], dtype=object),
        "lists": lists,
        "by name": {"b": grid, "a": np.array([1.0, 2.0])},
        "by other names": {"x": grid, "a": np.array([1.0, 2.0])},
    }


def polars_tables() -> dict[str, Any]:
    """polars tables by name."""
    import polars as pl

    table = pl.DataFrame
    day = datetime.date(2020, 1, 1)
    small = {"a": pl.Int8, "b": pl.UInt16, "c": pl.UInt32, "d": pl.Float32, "e": pl.Int32}
    return {
        "numbers": table({"a": [1, 2], "b": [1.5, None]}),
        "text": table({"a": ["x", None], "b": [b"x", b"y"], "c": [True, False]}),
        "dates": table({"a": [day], "b": [datetime.datetime(2020, 1, 1)]}),
        "nested": table({"a": [[[1]], [[2, 3]]], "b": [{"x": {"y": ["z"]}}, None]}),
        "small numbers": table({name: [1] for name in small}, schema=small),
        "categories": table({"a": pl.Series(["x"], dtype=pl.Categorical)}),
        "no rows": table({"a": [1]}).clear(),
        "nothing": table(),
        "no type for it": table({"a": [datetime.time(1)]}),
    }


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name of each case and what makes its dataset."""
    import mlflow.data

    for name, table in tables().items():
        yield f"pandas: {name}", lambda table=table: mlflow.data.from_pandas(table, SOURCE)
    for name, array in arrays().items():
        yield f"numpy: {name}", lambda array=array: mlflow.data.from_numpy(array, SOURCE)
    grid = arrays()["grid"]
    yield "numpy with targets", lambda: mlflow.data.from_numpy(grid, SOURCE, targets=grid[:, 0])
    yield (
        "numpy with targets by name",
        lambda: mlflow.data.from_numpy({"a": grid}, SOURCE, targets={"t": grid, "s": grid / 2}),
    )
    numbers = tables()["numbers"]
    yield (
        "pandas with roles and name",
        lambda: mlflow.data.from_pandas(numbers, SOURCE, targets="a", predictions="b", name="n"),
    )
    yield "pandas with digest", lambda: mlflow.data.from_pandas(numbers, SOURCE, digest="d")
    yield (
        "pandas without such targets",
        lambda: mlflow.data.from_pandas(numbers, SOURCE, targets="zz"),
    )
    yield (
        "pandas without such predictions",
        lambda: mlflow.data.from_pandas(numbers, SOURCE, predictions="zz"),
    )
    yield from _meta_cases()


def _meta_cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, Schema

    source, schema = HTTPDatasetSource(SOURCE), Schema([ColSpec("long", "a")])
    yield "meta", lambda: MetaDataset(source)
    yield "meta with name", lambda: MetaDataset(source, name="n")
    yield "meta with schema", lambda: MetaDataset(source, schema=schema)
    yield "meta with all", lambda: MetaDataset(source, "n", "d", schema)


def polars_cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same for polars, whose hashes may change from one release to the next."""
    import mlflow.data

    for name, table in polars_tables().items():
        yield f"polars: {name}", lambda table=table: mlflow.data.from_polars(table, SOURCE)


def evaluation_cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name of each case and what makes its evaluation dataset."""
    import numpy as np
    import pandas as pd

    from mlflow.data.evaluation_dataset import EvaluationDataset

    odd = pd.Series([[1, "a"], {"k": [1], "l": {"m": None}}, {1, 2}, np.ones((1, 2)), None, "x"])
    many = pd.DataFrame({"a": np.arange(25.0), "b": np.arange(25) % 3})
    for name, table in tables().items():
        yield f"pandas: {name}", lambda table=table: EvaluationDataset(table)
    yield "odd cells", lambda: EvaluationDataset(pd.DataFrame({"a": odd}))
    yield "many rows", lambda: EvaluationDataset(many)
    yield "roles", lambda: EvaluationDataset(many, targets="a", predictions="b")
    yield "chosen features", lambda: EvaluationDataset(many, targets="a", feature_names=["b"])
    for rows in (4, 5, 9, 10, 11):
        yield f"{rows} rows", lambda rows=rows: EvaluationDataset(many.head(rows))
        array = many.head(rows).to_numpy()
        yield f"array of {rows} rows", lambda array=array: EvaluationDataset(array)
    yield "array and labels", lambda: EvaluationDataset(many.to_numpy(), targets=list(range(25)))
    yield "wide array", lambda: EvaluationDataset(np.zeros((1, 11)))
    yield "list of rows", lambda: EvaluationDataset([[1, 2], [3, 4]], targets=[0, 1])


#: pandas tables that pandas itself hashes differently from one release to the next.
HASH_OF_THE_RELEASE = {"pandas: integers and missing"}

#: What a source can be given as.
RAW_SOURCES = [
    "/data/train.csv",
    "train.csv",
    "",
    "a b",
    "file:///data/train.csv",
    "http://example.org/a.csv",
    "HTTPS://example.org/a.csv?x=1",
    "s3://bucket/key",
    "S3://bucket/key",
    "r2://bucket/key",
    "b2://bucket/key",
    "gs://bucket/key",
    "wasbs://container@account.blob.core.windows.net/key",
    "abfss://container@account.dfs.core.windows.net/key",
    "ftp://host/file",
    "sftp://host/file",
    "hdfs://host/file",
    "viewfs://host/file",
    "s3a://bucket/key",
    "dbfs:/file",
    "runs:/0123/model",
    "models:/name/1",
    "mlflow-artifacts:/1/a",
    "hf://datasets/name",
    5,
    ["a"],
]


def outcome(make: Callable[[], Any], show: Callable[[Any], Any]) -> Any:
    """What `show` says of the result, or the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return show(make())
        except Exception as error:
            code = getattr(error, "error_code", None)
            return {"raises": type(error).__name__, "code": code, "message": str(error)}


def resolved(raw: Any) -> dict[str, Any]:
    """Kind and JSON of the source that `raw` stands for."""
    from mlflow.data.dataset_source_registry import resolve_dataset_source

    return outcome(
        lambda: resolve_dataset_source(raw),
        lambda source: {"type": source._get_source_type(), "json": source.to_json()},
    )


def record() -> dict[str, Any]:
    """All outcomes."""
    import pandas
    import polars

    return {
        "pandas version": pandas.__version__,
        "datasets": {n: outcome(make, lambda one: one.to_dict()) for n, make in cases()},
        "polars version": polars.__version__,
        "polars": {n: outcome(make, lambda one: one.to_dict()) for n, make in polars_cases()},
        "evaluation hashes": {
            n: outcome(make, lambda one: one.hash) for n, make in evaluation_cases()
        },
        "sources": {str(raw): resolved(raw) for raw in RAW_SOURCES},
    }


if __name__ == "__main__":
    with contextlib.redirect_stderr(io.StringIO()):
        json.dump(record(), sys.stdout, indent=1, ensure_ascii=True)
    sys.stdout.write("\n")
