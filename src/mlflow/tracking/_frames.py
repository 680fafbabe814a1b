"""Runs as a pandas data frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities import Run
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pandas


def frame_of_runs(runs: Sequence[Run]) -> pandas.DataFrame:
    """One row a run, in their order. Columns: `run_id`, `experiment_id`, `status`, `artifact_uri`,
    `start_time` and `end_time` (in UTC), then `metrics.<key>` (float, NaN where there is none),
    `params.<key>` and `tags.<key>` (text, None where there is none), sorted by key."""
    pandas = require("pandas", extra="pandas")
    infos = [run.info for run in runs]
    columns: dict[str, Any] = {
        name: [getattr(info, name) for info in infos]
        for name in ("run_id", "experiment_id", "status", "artifact_uri")
    }
    for name in ("start_time", "end_time"):
        columns[name] = _moments(getattr(info, name) for info in infos)
    nan = float("nan")
    data = [run.data for run in runs]
    columns.update(_columns("metrics", data, lambda of: of.metrics, nan))
    columns.update(_columns("params", data, lambda of: of.params, None))
    columns.update(_columns("tags", data, lambda of: of.tags, None))
    return pandas.DataFrame(columns)


def _columns(
    prefix: str,
    data: Sequence[Any],
    part: Callable[[Any], Mapping[str, Any]],
    missing: Any,
) -> dict[str, list[Any]]:
    rows = len(data)
    columns: dict[str, list[Any]] = {}
    for row, one in enumerate(data):
        for key, value in part(one).items():
            column = columns.get(key)
            if column is None:
                column = columns[key] = [missing] * rows
            column[row] = value
    return {f"{prefix}.{key}": columns[key] for key in sorted(columns)}


def _moments(milliseconds: Iterable[int | None]) -> pandas.Series:
    pandas = require("pandas", extra="pandas")
    numbers = pandas.Series(list(milliseconds), dtype="Int64")
    moments = pandas.to_datetime(numbers, unit="ms", utc=True)
    # Microseconds are what pandas 3 makes of Python's own times, nanoseconds what older ones do.
    unit = "us" if int(pandas.__version__.partition(".")[0]) >= 3 else "ns"
    return moments.astype(f"datetime64[{unit}, UTC]")
