"""Runs as a pandas data frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlflow.store.tracking.base.columns import INFOS, RunColumns
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pandas


def frame_of_runs(runs: RunColumns) -> pandas.DataFrame:
    """One row a run, in their order. Columns: `run_id`, `experiment_id`, `status`, `artifact_uri`,
    `start_time` and `end_time` (in UTC), then `metrics.<key>` (float, NaN where there is none),
    `params.<key>` and `tags.<key>` (text, None where there is none), sorted by key. A column of
    times that has none, or no rows, has the type that pandas gives it, as in the reference."""
    pandas = require("pandas", extra="pandas")
    columns: dict[str, Any] = dict(zip(INFOS, runs.infos))
    for name in ("start_time", "end_time"):
        columns[name] = _moments(columns[name])
    columns.update((f"metrics.{key}", column) for key, column in runs.metrics().items())
    columns.update((f"params.{key}", column) for key, column in runs.params().items())
    columns.update((f"tags.{key}", column) for key, column in runs.tags().items())
    return pandas.DataFrame(columns)


def _moments(milliseconds: Sequence[int | None]) -> Any:
    pandas = require("pandas", extra="pandas")
    if all(moment is None for moment in milliseconds):
        return [pandas.NaT] * len(milliseconds)
    numbers = pandas.Series(milliseconds, dtype="Int64")
    moments = pandas.to_datetime(numbers, unit="ms", utc=True)
    # Microseconds are what pandas 3 makes of Python's own times, nanoseconds what older ones do.
    unit = "us" if int(pandas.__version__.partition(".")[0]) >= 3 else "ns"
    return moments.astype(f"datetime64[{unit}, UTC]")
