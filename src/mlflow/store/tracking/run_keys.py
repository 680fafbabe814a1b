"""Which keys runs have, and how much the values differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from math import isfinite
from operator import itemgetter
from typing import Any, TypeVar

from mlflow.rpc.ui.runs import MetricKey, RunKeys, TextKey
from mlflow.rpc.wire import double
from mlflow.search.evaluate import number_in
from mlflow.store.tracking.overviews import MOST_COUNTED

K = TypeVar("K")

#: So many values are looked at.
_MOST_VALUES = 2_000_000
#: So many values of a param are listed.
_LISTED = 12


class KeyCounts:
    """What runs have, kept so that little is done for each run: most runs have the keys of others.

    Keys may be names, or anything that stands for them.
    """

    def __init__(self) -> None:
        self.runs = 0
        self.values = 0
        self._metrics = _Rows()
        self._params = _Rows()
        self._tags = _Rows()

    def add(
        self,
        metrics: tuple[Sequence[Any], Sequence[float]],
        params: tuple[Sequence[Any], Sequence[str]],
        tags: tuple[Sequence[Any], Sequence[str]],
    ) -> None:
        """Add a run; keys, and the values under them."""
        self.runs += 1
        self.values += len(metrics[0]) + len(params[0]) + len(tags[0])
        self._metrics.add(*metrics)
        self._params.add(*params)
        self._tags.add(*tags)

    @property
    def is_full(self) -> bool:
        return self.runs >= MOST_COUNTED or self.values >= _MOST_VALUES

    def keys(self) -> set[Any]:
        """All keys."""
        rows = (self._metrics, self._params, self._tags)
        return {key for part in rows for keys in part.by_keys for key in keys}

    def answer(self, name_of: Callable[[Any], str] = str) -> RunKeys:
        """What they are like.

        Args:
            name_of: The name of a key.
        """
        return RunKeys(
            runs=self.runs,
            metrics=[_metric(*c) for c in _columns(self._metrics, name_of)],
            params=[_text(*c) for c in _columns(self._params, name_of)],
            tags=[_text(*c) for c in _columns(self._tags, name_of) if not is_own(c[0])],
        )


class _Rows:
    """The values of runs, those together that have the same keys."""

    def __init__(self) -> None:
        self.by_keys: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
        self._last_keys: Sequence[Any] | None = None
        self._last: list[Sequence[Any]] = []

    def add(self, keys: Sequence[Any], values: Sequence[Any]) -> None:
        if keys != self._last_keys:
            self._last_keys = keys
            self._last = self.by_keys.setdefault(tuple(keys), [])
        self._last.append(values)


def is_own(tag: str) -> bool:
    """Whether a tag is one of MLflow's own."""
    return tag.startswith("mlflow.")


def _columns(rows: _Rows, name_of: Callable[[Any], str]) -> list[tuple[str, Sequence[Any]]]:
    """The name of each key and its values, sorted."""
    parts: dict[Any, list[Sequence[Any]]] = {}
    for keys, values in rows.by_keys.items():
        for key, column in zip(keys, zip(*values)):
            parts.setdefault(key, []).append(column)
    named = {name_of(key): column for key, column in parts.items()}
    return [
        (key, column[0] if len(column) == 1 else list(chain.from_iterable(column)))
        for key, column in sorted(named.items(), key=itemgetter(0))
    ]


def _metric(key: str, column: Sequence[float]) -> MetricKey:
    numbers = set(column)
    nans = {value for value in numbers if value != value}
    numbers -= nans
    found = MetricKey(key=key, runs=len(column), distinct=len(numbers) + bool(nans))
    if numbers:
        found.min, found.max = double(min(numbers)), double(max(numbers))
    return found


def _text(key: str, column: Sequence[str]) -> TextKey:
    texts = set(column)
    numeric = _are_numbers(texts)
    values = None
    if len(texts) <= _LISTED:
        values = sorted(texts)
        if numeric:
            values.sort(key=float)
    return TextKey(key=key, runs=len(column), distinct=len(texts), values=values, numeric=numeric)


def _are_numbers(texts: Collection[str]) -> bool:
    """Whether `number_in` reads all of them."""
    if any(number_in(text) is None for text in islice(texts, 1)):
        return False
    whole = "\n".join(texts)
    if whole.encode("utf-8", "replace").translate(None, _IN_NUMBERS) or _LARGE.search(whole):
        return all(number_in(text) is not None for text in texts)
    try:
        return isfinite(max(map(abs, map(float, texts)), default=0.0))
    except ValueError:
        return False


#: Of texts with nothing else in them, Python reads as numbers what `number_in` does,
_IN_NUMBERS = b"0123456789+-.eE\n"
#: but for exponents like this.
_LARGE = re.compile("[eE][+-]?[0-9]{4}")


def entries(logged: Mapping[K, Any]) -> tuple[list[K], list[Any]]:
    """A run's metrics, params or tags as `add` takes them."""
    keys = sorted(logged)  # type: ignore[type-var]
    return keys, [logged[key] for key in keys]


def most_frequent(values: Iterable[str], prefix: str, limit: int = 50) -> list[str]:
    """The values that begin so, most frequent first."""
    counts: dict[str, int] = {}
    for value in values:
        if value.startswith(prefix):
            counts[value] = counts.get(value, 0) + 1
    return sorted(counts, key=lambda value: (-counts[value], value))[:limit]
