"""Runs and histories as tables. They are read in pages, so memory is bounded however many there
are; what changes meanwhile may be in or not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from mlflow.entities import Run, ViewType
from mlflow.store.db.points import Points
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.tabular import Column, Kind, Runs, Table

_INFO: dict[str, Kind] = {
    "run_id": "string",
    "experiment_id": "string",
    "run_name": "string",
    "user_id": "string",
    "status": "string",
    "start_time": "int64",
    "end_time": "int64",
    "lifecycle_stage": "string",
    "artifact_uri": "string",
}
_HISTORY: dict[str, Kind] = {
    "run_id": "string",
    "key": "string",
    "step": "int64",
    "timestamp": "int64",
    "value": "double",
}

#: Runs on a page, and rows and cells of a batch.
_PAGE = 200
_ROWS = 1 << 16
_CELLS = 1 << 18
#: Bytes of runs that are kept in memory; more go to a temporary file.
_IN_MEMORY = 16 << 20


def find_runs(
    store: AbstractStore,
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    run_view_type: int = ViewType.ACTIVE_ONLY,
    run_ids: Sequence[str] = (),
) -> Iterator[Run]:
    """All runs that match, newest first; those of `run_ids` before them, in their order.

    Args:
        experiment_ids: None for all experiments that are not deleted; or for none, if there are
            `run_ids`.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if one of `run_ids` does not exist;
            INVALID_PARAMETER_VALUE for a filter that is not valid.
    """
    for run_id in dict.fromkeys(run_ids):
        yield store.get_run(run_id)
    if experiment_ids is None:
        experiment_ids = [] if run_ids else list(_all_experiments(store))
    token = None
    while experiment_ids:
        page = store.search_runs(
            experiment_ids, filter_string, run_view_type, _PAGE, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _all_experiments(store: AbstractStore) -> Iterator[str]:
    token = None
    while True:
        page = store.search_experiments(max_results=_PAGE, page_token=token)
        yield from (x.experiment_id for x in page)
        token = page.token
        if not token:
            return


def history_table(
    store: AbstractStore, run_ids: Iterable[str], metric_keys: Sequence[str] | None = None
) -> Table:
    """A row for each point: run_id, key, step, timestamp (milliseconds since the Unix epoch) and
    value; ordered by run as given, key, timestamp, step and value.

    Args:
        metric_keys: Only these metrics; None for all.
    """
    return Table(_HISTORY, _history_batches(store, run_ids, metric_keys))


def _history_batches(
    store: AbstractStore, run_ids: Iterable[str], metric_keys: Sequence[str] | None
) -> Iterator[list[Column]]:
    ids, keys, points = Runs(), Runs(), Points()
    for run_id in run_ids:
        for key, part in store.metric_histories(run_id, metric_keys):
            ids.add(run_id, len(part))
            keys.add(key, len(part))
            points.extend(part)
            if len(points) >= _ROWS:
                yield [ids, keys, points.steps, points.timestamps, points.values]
                ids, keys, points = Runs(), Runs(), Points()
    if len(points):
        yield [ids, keys, points.steps, points.timestamps, points.values]


def run_table(runs: Iterable[Run]) -> Table:
    """A row for each run: what `RunInfo` says of it, then `metrics.*` (their last values),
    `params.*` and `tags.*`, each in order of names; times are milliseconds since the Unix epoch.
    What a run does not have is absent.

    The columns are those of all the runs, so all are read before there is a first row; they wait in
    a temporary file.
    """
    names: tuple[dict[str, None], ...] = ({}, {}, {})
    encoder, count = msgspec.msgpack.Encoder(), 0
    # runs as MessagePack, each after its length; closed by whoever reads the last batch
    waiting = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    try:
        for run in runs:
            groups = (run.data.metrics, run.data.params, run.data.tags)
            for known, group in zip(names, groups):
                known.update(dict.fromkeys(group))
            data = encoder.encode([[getattr(run.info, name) for name in _INFO], *groups])
            waiting.write(len(data).to_bytes(4, "little") + data)
            count += 1
    except BaseException:
        waiting.close()
        raise
    columns = dict(_INFO)
    for kind, prefix, known in zip(("double", "string", "string"), _PREFIXES, names):
        columns.update({f"{prefix}.{name}": kind for name in sorted(known)})  # type: ignore[misc]
    waiting.seek(0)
    return Table(columns, _run_batches(waiting, count, [sorted(known) for known in names]))


_PREFIXES = ("metrics", "params", "tags")


def _run_batches(waiting: Any, count: int, names: list[list[str]]) -> Iterator[list[Column]]:
    decoder = msgspec.msgpack.Decoder()
    size = max(1, _CELLS // (len(_INFO) + sum(map(len, names))))
    with waiting:
        for first in range(0, count, size):
            rows = []
            for _ in range(min(size, count - first)):
                length = int.from_bytes(waiting.read(4), "little")
                info, *groups = decoder.decode(waiting.read(length))
                for group, known in zip(groups, names):
                    info += map(group.get, known)
                rows.append(info)
            yield [list(column) for column in zip(*rows)]
