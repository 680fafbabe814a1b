"""Metrics in files: a line a point.

timestamp value step                            of a run
timestamp value step dataset digest             of a run, measured on a dataset
timestamp value step run                        of a logged model
timestamp value step run dataset digest         of a logged model, measured on a dataset
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.store.db.points import Points
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.checks import check_run_is_active
from mlflow.store.tracking.base.metrics import Metrics
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import MODELS, FileCore, Place, is_model_id
from mlflow.utils.validation import _validate_metric, _validate_run_id


class Point(NamedTuple):
    """One line. Points are compared by what comes first."""

    timestamp: int
    step: int
    value: float
    dataset: tuple[str, str] | None = None
    """Name and digest."""

    def metric(self, key: str, run_id: str) -> Metric:
        name, digest = self.dataset or (None, None)
        return Metric(
            key,
            self.value,
            self.timestamp,
            self.step,
            dataset_name=name,
            dataset_digest=digest,
            run_id=run_id,
        )


class FileMetrics(FileCore, Metrics):
    def log_metric(self, run_id: str, metric: Metric) -> None:
        _validate_metric(metric.key, metric.value, metric.timestamp, metric.step)
        lines = self._lines([metric])
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            self._check_lines(place, lines)
            self._append_lines(place, lines)

    def get_metric_history(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> PagedList[Metric]:
        points, token = self._page(run_id, metric_key, max_results, page_token)
        return PagedList([point.metric(metric_key, run_id) for point in points], token)

    def metric_columns(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> tuple[Points, str | None]:
        found, token = self._page(run_id, metric_key, max_results, page_token)
        points = Points()
        points.append_rows([(p.step, p.timestamp, p.value) for p in found])
        return points, token

    def _page(
        self, run_id: str, key: str, max_results: int | None, page_token: str | None
    ) -> tuple[list[Point], str | None]:
        start = 0
        if page_token:
            (start,) = decode_token(page_token, 1)
            if type(start) is not int or start < 0:
                raise MlflowException.invalid_parameter_value(
                    f"Invalid page token '{page_token[:100]}': it is not one of a history."
                )
        found = self._history(run_id, key)
        if max_results is None:
            return found[start:], None
        end = start + max_results
        return found[start:end], encode_token([end]) if end < len(found) else None

    def _pages_of_history(self, run_id: str, key: str) -> Iterator[tuple[str, Points]]:
        """In one page: for each page the whole file would be read."""
        points, _ = self.metric_columns(run_id, key)
        if len(points):
            yield key, points

    def _history(self, run_id: str, key: str) -> list[Point]:
        """All points of a metric, each once, by (timestamp, step, value); none if there is no such
        run or metric."""
        _validate_run_id(run_id)
        try:
            place = self._run_place(run_id)
        except MlflowException as e:
            if e.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return []
        path = disk.path_of_key(place.folder("metrics"), key)
        content = disk.read(path) if path else None
        if path is None or content is None:
            return []
        known = {_by_time(point): point for point in reversed(self._points(content, path))}
        return [known[rank] for rank in sorted(known)]

    def _latest_metrics(self, place: Place) -> list[Metric]:
        """The last point of each metric of a run."""
        found = []
        for key, path in disk.keys_in(place.folder("metrics")):
            latest = self._latest(path)
            if latest is not None:
                found.append(latest.metric(key, place.id))
        return found

    def _latest_value(self, place: Place, key: str) -> float | None:
        """The value of the last point of a metric; None if there is none."""
        path = disk.path_of_key(place.folder("metrics"), key)
        latest = self._latest(path) if path else None
        return latest.value if latest else None

    def _latest(self, path: str) -> Point | None:
        return self._remembered.get(
            path, lambda content: max(self._points(content, path), key=_by_step, default=None)
        )

    def _points(self, content: bytes, path: str) -> list[Point]:
        """The points in a file. A last line without a line break is one that is still written, or
        never was; lines that say nothing are reported."""
        points = []
        lines = content.decode("utf-8", errors="replace").split("\n")
        for number, line in enumerate(lines[:-1], 1):
            point = _point(line)
            if point is not None:
                points.append(point)
            elif line.strip():
                self._report(
                    f"'{self._shown(path)}', line {number}: {line[:100]!r} is left out; "
                    "'timestamp value step' is needed."
                )
        return points

    # -- writing ----------------------------------------------------------------------------

    def _lines(self, metrics: Sequence[Metric]) -> _Lines:
        """What is written for metrics.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if lines cannot say it.
        """
        lines = _Lines({}, {})
        for m in metrics:
            disk.key_steps(m.key)
            point, dataset = _point_words(m), self._dataset_words(m)
            lines.of_run.setdefault(m.key, []).append(f"{point}{dataset}\n")
            if not m.model_id:
                continue
            if not is_model_id(m.model_id):
                raise MlflowException.invalid_parameter_value(
                    f"Metric '{m.key}' has the model id {m.model_id[:300]!r}; letters, digits, "
                    "'-' and '_' are needed."
                )
            of_model = lines.of_models.setdefault(m.model_id, {})
            of_model.setdefault(m.key, []).append(f"{point} {{run_id}}{dataset}\n")
        return lines

    def _dataset_words(self, m: Metric) -> str:
        """Which dataset a metric was measured on, as far as lines can say it."""
        words = (m.dataset_name, m.dataset_digest)
        if words == (None, None):
            return ""
        if None in words:
            raise MlflowException.invalid_parameter_value(
                "Both dataset_name and dataset_digest must be provided if one is provided"
            )
        if any(str(word).split() != [word] for word in words):
            self._report(
                f"A file store cannot keep that metrics were measured on dataset {words[0]!r} "
                f"with digest {words[1]!r}: words without spaces are needed. The metrics are kept."
            )
            return ""
        return f" {words[0]} {words[1]}"

    def _model_folder(self, place: Place, model_id: str) -> str:
        """Where metrics of a model go: to the model or, if there is none, where it would be in the
        run's experiment."""
        found = self._find_model(model_id)
        own = os.path.join(os.path.dirname(place.path), MODELS, model_id)
        return found.path if found else own

    def _check_lines(self, place: Place, lines: _Lines) -> None:
        """Refuse metrics that have no place beside those that are there."""
        disk.check_places(place.folder("metrics"), list(lines.of_run), "Metric")
        for model_id, of_model in lines.of_models.items():
            folder = os.path.join(self._model_folder(place, model_id), "metrics")
            disk.check_places(folder, list(of_model), "Metric")

    def _append_lines(self, place: Place, lines: _Lines) -> None:
        """Write lines, for a run that nobody else changes meanwhile."""
        _append(place.path, lines.of_run)
        for model_id, of_model in lines.of_models.items():
            folder = self._model_folder(place, model_id)
            if not disk.is_folder(folder):
                disk.make_folders(os.path.dirname(place.path), MODELS, model_id)
            with disk.locked(folder):
                _append(
                    folder,
                    {k: [line.format(run_id=place.id) for line in v] for k, v in of_model.items()},
                )

    def _append_to_model(self, place: Place, metrics: Sequence[Metric]) -> None:
        """Write metrics with their runs, for a logged model that nobody else changes meanwhile."""
        lines: dict[str, list[str]] = {}
        for m in metrics:
            words = f"{_point_words(m)} {m.run_id}{self._dataset_words(m)}\n"
            lines.setdefault(m.key, []).append(words)
        _append(place.path, lines)


class _Lines(NamedTuple):
    """Lines to write, with their line breaks."""

    of_run: dict[str, list[str]]
    """By metric."""
    of_models: dict[str, dict[str, list[str]]]
    """By logged model and metric; the run's id is still to be filled in."""


def _append(folder: str, lines: dict[str, list[str]]) -> None:
    for key, of_key in lines.items():
        *above, name = disk.key_steps(key)
        path = os.path.join(disk.make_folders(folder, "metrics", *above), name)
        disk.append(path, "".join(of_key).encode(), folder)


def _point_words(m: Metric) -> str:
    try:
        return f"{int(m.timestamp)} {float(m.value)!r} {int(m.step)}"
    except OverflowError:
        raise MlflowException.invalid_parameter_value(
            f"Metric '{m.key}' has a value that is larger than a double can be."
        ) from None


def _point(line: str) -> Point | None:
    """The point in a line; None if there is none."""
    words = line.split()
    if len(words) not in (2, 3, 5):
        return None
    try:
        return Point(
            integer(words[0]),
            integer(words[2]) if len(words) > 2 else 0,
            float(words[1]),
            (words[3], words[4]) if len(words) == 5 else None,
        )
    except (ValueError, OverflowError):
        return None


def integer(word: str) -> int:
    try:
        number = int(word)
    except ValueError:
        number = int(float(word))  # the original takes such times and writes them
    if -(1 << 63) <= number < 1 << 63:
        return number
    raise ValueError(word)


def _by_time(point: Point) -> tuple[int, int, bool, float]:
    """In a history; NaN comes first among equals."""
    is_number = point.value == point.value
    return point.timestamp, point.step, is_number, point.value if is_number else 0.0


def _by_step(point: Point) -> tuple[int, int, bool, float]:
    """The greatest is the last point; NaN is below all numbers."""
    timestamp, step, is_number, value = _by_time(point)
    return step, timestamp, is_number, value
