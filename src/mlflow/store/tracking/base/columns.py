"""Runs as columns: what a data frame is made of."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.entities import Run

INFOS = ("run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time")

#: Distinct keys, and what a run has there.
Entries = tuple[Sequence[str], Sequence[Any]]


class RunColumns:
    """A table of runs that grows row by row, kept by column."""

    def __init__(self) -> None:
        self.size = 0
        self.infos: tuple[list[Any], ...] = tuple([] for _ in INFOS)
        """In the order of `INFOS`; times in milliseconds, None where there is none."""
        self._metrics = _Columns(math.nan)
        self._params = _Columns(None)
        self._tags = _Columns(None)

    def add(self, infos: tuple[Any, ...], metrics: Entries, params: Entries, tags: Entries) -> None:
        """Add one run."""
        for column, info in zip(self.infos, infos):
            column.append(info)
        self._metrics.add(self.size, *metrics)
        self._params.add(self.size, *params)
        self._tags.add(self.size, *tags)
        self.size += 1

    def add_runs(self, runs: Iterable[Run]) -> None:
        """Add runs that are there as entities."""
        for run in runs:
            info, data = run.info, run.data
            self.add(
                tuple(getattr(info, name) for name in INFOS),
                *(
                    (list(part), list(part.values()))
                    for part in (data.metrics, data.params, data.tags)
                ),
            )

    def metrics(self) -> dict[str, list[float]]:
        """The column of each metric, NaN where a run has none; sorted by key."""
        return self._metrics.whole(self.size)

    def params(self) -> dict[str, list[str | None]]:
        """The column of each param, None where a run has none; sorted by key."""
        return self._params.whole(self.size)

    def tags(self) -> dict[str, list[str | None]]:
        """The column of each tag, None where a run has none; sorted by key."""
        return self._tags.whole(self.size)


class _Columns:
    """The columns of one kind of thing. A column ends with its last value, until it is asked
    for."""

    def __init__(self, missing: Any):
        self._missing = missing
        self._columns: dict[str, list[Any]] = {}
        self._last_keys: Sequence[str] = ()
        self._last_columns: list[list[Any]] = []

    def add(self, row: int, keys: Sequence[str], values: Sequence[Any]) -> None:
        if keys != self._last_keys:  # most runs have the keys of the one before
            self._last_columns = [self._until(row, key) for key in keys]
            self._last_keys = keys
        deque(map(list.append, self._last_columns, values), maxlen=0)

    def _until(self, row: int, key: str) -> list[Any]:
        column = self._columns.setdefault(key, [])
        column += [self._missing] * (row - len(column))
        return column

    def whole(self, size: int) -> dict[str, list[Any]]:
        return {key: self._until(size, key) for key in sorted(self._columns)}
