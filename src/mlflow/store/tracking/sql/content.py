"""What runs logged, read together for many of them: from `packed_run`, where a finished run has it
in one value, or else from the rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)
from mlflow.rpc import nouns as wire
from mlflow.rpc.wire import double
from mlflow.store.tracking.base.columns import RunColumns
from mlflow.store.tracking.sql.core import STATUS_NAMES, RunRow, marks

#: First byte of a packed value: how the rest is laid out.
_FORMAT = b"\x01"
#: Runs that are read by one statement.
BATCH = 500

_OUTPUT = 1


class Content(msgspec.Struct, array_like=True):
    """All that one run logged; columns, with the ids of the keys in place of their names."""

    param_keys: list[int] = []
    params: list[str] = []
    tag_keys: list[int] = []
    tags: list[str] = []
    metric_keys: list[int] = []
    metrics: list[float] = []
    """The latest values."""
    steps: list[int] = []
    timestamps: list[int] = []
    datasets: list[tuple[int, list[tuple[str, str]]]] = []
    """Ids, each with the tags of this use."""
    models_read: list[str] = []
    models_made: list[tuple[str, int]] = []
    """Ids, each with a step."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Content)


def pack(content: Content) -> bytes:
    """The value that `packed_run` keeps."""
    return _FORMAT + _encoder.encode(content)


def unpack(value: bytes) -> Content | None:
    """What `pack` was given; None if the value is of another format, or damaged."""
    if value[:1] != _FORMAT:
        return None
    try:
        return _decoder.decode(value[1:])
    except msgspec.DecodeError:
        return None


def read_contents(tx: Any, runs: Sequence[int]) -> dict[int, Content]:
    """What each of at most `BATCH` runs logged, from the rows."""
    found = {run: Content() for run in runs}
    where = f"where run_id in ({marks(runs)})"
    for run, key, value in tx.execute(f"select run_id, key_id, value from param {where}", runs):
        found[run].param_keys.append(key)
        found[run].params.append(value)
    for run, key, value in tx.execute(f"select run_id, key_id, value from tag {where}", runs):
        found[run].tag_keys.append(key)
        found[run].tags.append(value)
    for run, key, value, step, timestamp in tx.execute(
        f"select run_id, key_id, value, step, timestamp from series {where}", runs
    ):
        content = found[run]
        content.metric_keys.append(key)
        content.metrics.append(math.nan if value is None else value)
        content.steps.append(step)
        content.timestamps.append(timestamp)
    _read_datasets(tx, runs, found)
    for run, model, direction, step in tx.execute(
        f"select run_id, model_id, is_output, step from run_model {where}", runs
    ):
        if direction == _OUTPUT:
            found[run].models_made.append((model, step))
        else:
            found[run].models_read.append(model)
    return found


def _read_datasets(tx: Any, runs: Sequence[int], found: dict[int, Content]) -> None:
    uses = tx.execute(
        f"select id, run_id, dataset_id from run_dataset where run_id in ({marks(runs)}) "
        "order by id",
        runs,
    ).fetchall()
    tags: dict[int, list[tuple[str, str]]] = {use: [] for use, _, _ in uses}
    for part in _parts(list(tags)):
        for use, name, value in tx.execute(
            "select run_dataset_id, name, value from run_dataset_tag "
            f"where run_dataset_id in ({marks(part)})",
            part,
        ):
            tags[use].append((name, value))
    for use, run, dataset in uses:
        found[run].datasets.append((dataset, tags[use]))


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for i in range(0, len(values), BATCH):
        yield values[i : i + BATCH]


_NO_INPUTS, _NO_OUTPUTS = wire.RunInputs(), wire.RunOutputs()


class Page:
    """At most `BATCH` runs with all that they logged, to be had in several forms.

    Args:
        names: The name of each key.
        datasets: The datasets that they used, by id: the fields of `Dataset`.
    """

    def __init__(
        self,
        rows: Sequence[RunRow],
        contents: Sequence[Content],
        names: dict[int, str],
        datasets: dict[int, tuple[Any, ...]],
    ):
        self._runs = list(zip(rows, contents))
        self._names = names
        self._datasets = datasets

    def runs(self) -> list[Run]:
        """As entities."""
        return [
            Run(info_of(row), self._data(content), *self._uses(content))
            for row, content in self._runs
        ]

    def messages(self) -> list[wire.Run]:
        """As the wire has them."""
        return [self._message(row, content) for row, content in self._runs]

    def add_to(self, columns: RunColumns) -> None:
        """As rows of a table."""
        named = self._named
        for row, c in self._runs:
            columns.add(
                (
                    row.uuid,
                    str(row.experiment_id),
                    STATUS_NAMES[row.status],
                    row.artifact_uri,
                    row.start_time or 0,
                    row.end_time,
                ),
                (named(c.metric_keys), c.metrics),
                (named(c.param_keys), c.params),
                (named(c.tag_keys), c.tags),
            )

    def _named(self, keys: Sequence[int]) -> list[str]:
        return list(map(self._names.__getitem__, keys))

    # -- entities ---------------------------------------------------------------------------------

    def _data(self, c: Content) -> RunData:
        return RunData._of(
            list(map(Metric, self._named(c.metric_keys), c.metrics, c.timestamps, c.steps)),
            dict(zip(self._named(c.param_keys), c.params)),
            dict(zip(self._named(c.tag_keys), c.tags)),
        )

    def _uses(self, c: Content) -> tuple[RunInputs, RunOutputs]:
        return (
            RunInputs(
                [
                    DatasetInput(Dataset(*self._datasets[key]), [InputTag(*tag) for tag in tags])
                    for key, tags in c.datasets
                ],
                [LoggedModelInput(model) for model in c.models_read],
            ),
            RunOutputs([LoggedModelOutput(*made) for made in c.models_made]),
        )

    # -- the wire ---------------------------------------------------------------------------------

    def _message(self, row: RunRow, c: Content) -> wire.Run:
        inputs, outputs = _NO_INPUTS, _NO_OUTPUTS
        if c.datasets or c.models_read or c.models_made:
            read, made = self._uses(c)
            inputs, outputs = wire.RunInputs.of(read), wire.RunOutputs.of(made)
        named = self._named
        return wire.Run(
            wire.RunInfo(
                run_uuid=row.uuid,
                experiment_id=str(row.experiment_id),
                run_name=row.name,
                user_id=row.user_id or "",
                status=STATUS_NAMES[row.status],
                start_time=row.start_time or 0,
                end_time=row.end_time,
                artifact_uri=row.artifact_uri,
                lifecycle_stage=row.lifecycle_stage,
                run_id=row.uuid,
            ),
            wire.RunData(
                [
                    wire.Metric(key=key, value=double(value), timestamp=timestamp, step=step)
                    for key, value, timestamp, step in zip(
                        named(c.metric_keys), c.metrics, c.timestamps, c.steps
                    )
                ],
                list(map(wire.Tag, named(c.param_keys), c.params)),
                list(map(wire.Tag, named(c.tag_keys), c.tags)),
            ),
            inputs,
            outputs,
        )


def info_of(row: RunRow) -> RunInfo:
    return RunInfo(
        run_id=row.uuid,
        experiment_id=str(row.experiment_id),
        user_id=row.user_id or "",
        status=STATUS_NAMES[row.status],
        start_time=row.start_time or 0,
        end_time=row.end_time,
        lifecycle_stage=row.lifecycle_stage,
        artifact_uri=row.artifact_uri,
        run_name=row.name,
    )
