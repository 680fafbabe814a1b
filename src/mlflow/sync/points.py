"""Which points of a metric the destination lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.base.transfer import Point, canonical, rows


class _NotOrdered(Exception):
    """A store gives a history in an order of its own: a server of the reference on a file store
    does."""


def history(store: AbstractStore, run_id: str, key: str) -> Iterator[Point]:
    """The points of a metric, ordered by timestamp and step. Little of it is in memory at once."""
    return rows(points for _, points in store.metric_histories(run_id, [key]))


def missing_points(
    here: AbstractStore, there: AbstractStore, run_id: str, run_id_there: str, key: str
) -> Iterator[Point]:
    """The points of a metric that are in a run of `here` but not in that of `there`, each once.

    Both histories are read side by side, so it does not matter how long they are.
    """
    try:
        yield from _merge(history(here, run_id, key), history(there, run_id_there, key))
    except _NotOrdered:
        # What came so far may come again; a point that is there twice counts once.
        known = {(t, s, canonical(v)) for t, s, v in history(there, run_id_there, key)}
        for timestamp, step, value in history(here, run_id, key):
            if (timestamp, step, canonical(value)) not in known:
                yield timestamp, step, value


def _merge(here: Iterable[Point], there: Iterable[Point]) -> Iterator[Point]:
    groups = _groups(there)
    at, known = next(groups, _END)
    for moment, points in _groups(here):
        while at is not None and at < moment:
            at, known = next(groups, _END)
        for value, point in points.items():
            if at != moment or value not in known:
                yield point


_Moment = tuple[int, int]
_END: tuple[None, dict[float | None, Point]] = (None, {})


def _groups(points: Iterable[Point]) -> Iterator[tuple[_Moment, dict[float | None, Point]]]:
    """The points of each (timestamp, step), by value."""
    last: _Moment | None = None
    group: dict[float | None, Point] = {}
    for point in points:
        moment = point[:2]
        if moment != last:
            if last is not None:
                if moment < last:
                    raise _NotOrdered
                yield last, group
            last, group = moment, {}
        group[canonical(point[2])] = point
    if last is not None:
        yield last, group
