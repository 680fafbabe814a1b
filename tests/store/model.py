"""A tracking store in a few dicts: what all the others must answer.

Runs are numbered in order of creation, and start at that number's millisecond, so no two of them
tie. An operation that is refused raises Refused with the error code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

ACTIVE, DELETED = "active", "deleted"
FINISHED = ("FINISHED", "FAILED", "KILLED")


class Refused(Exception):
    """The operation is not allowed; `code` is the error's."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass
class Run:
    number: int
    experiment: int
    name: str
    status: str = "RUNNING"
    end_time: int | None = None
    stage: str = ACTIVE
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: dict[str, list[tuple[int, int, float]]] = field(default_factory=dict)
    """By metric: (step, timestamp, value), in order of arrival."""

    def latest(self) -> dict[str, tuple[int, int, float]]:
        """Each metric's last point by (step, timestamp, value); NaN is below all values."""
        return {
            key: max(points, key=lambda p: (p[0], p[1], not math.isnan(p[2]), p[2]))
            for key, points in self.points.items()
        }

    def history(self, key: str) -> list[tuple[int, int, float]]:
        """Distinct points as (timestamp, step, value)."""
        seen = {(t, s, repr(v)): (t, s, v) for s, t, v in self.points.get(key, [])}
        return sorted(seen.values(), key=lambda p: (p[0], p[1], not math.isnan(p[2]), p[2]))


@dataclass
class Experiment:
    name: str
    stage: str = ACTIVE
    tags: dict[str, str] = field(default_factory=dict)


class Model:
    """The operations that the test draws, with the store's rules."""

    def __init__(self) -> None:
        self.experiments: list[Experiment] = []
        self.runs: list[Run] = []

    # -- experiments ------------------------------------------------------------------------

    def create_experiment(self, name: str) -> None:
        if any(e.name == name for e in self.experiments):
            raise Refused("RESOURCE_ALREADY_EXISTS")
        self.experiments.append(Experiment(name))

    def rename_experiment(self, number: int, name: str) -> None:
        experiment = self.experiments[number]
        if experiment.stage == DELETED:
            raise Refused("INVALID_STATE")
        if any(e.name == name for e in self.experiments if e is not experiment):
            raise Refused("BAD_REQUEST")
        experiment.name = name

    def delete_experiment(self, number: int) -> None:
        self._move(number, ACTIVE, DELETED)

    def restore_experiment(self, number: int) -> None:
        self._move(number, DELETED, ACTIVE)

    def _move(self, number: int, before: str, after: str) -> None:
        if self.experiments[number].stage != before:
            raise Refused("RESOURCE_DOES_NOT_EXIST")
        self.experiments[number].stage = after
        for run in self.runs:
            if run.experiment == number:
                run.stage = after

    def set_experiment_tag(self, number: int, key: str, value: str) -> None:
        self._active_experiment(number).tags[key] = value

    def delete_experiment_tag(self, number: int, key: str) -> None:
        tags = self._active_experiment(number).tags
        if key not in tags:
            raise Refused("RESOURCE_DOES_NOT_EXIST")
        del tags[key]

    def _active_experiment(self, number: int) -> Experiment:
        if self.experiments[number].stage == DELETED:
            raise Refused("INVALID_PARAMETER_VALUE")
        return self.experiments[number]

    # -- runs -------------------------------------------------------------------------------

    def create_run(self, experiment: int, name: str, tags: dict[str, str]) -> None:
        self._active_experiment(experiment)
        tags = {**tags, "mlflow.runName": name}
        self.runs.append(Run(len(self.runs), experiment, name, tags=tags))

    def update_run(
        self, number: int, status: str | None, end_time: int | None, name: str | None
    ) -> None:
        run = self._active_run(number)
        if status is not None:
            run.status = status
        if end_time is not None:
            run.end_time = end_time
        if name is not None:
            run.name = run.tags["mlflow.runName"] = name

    def delete_run(self, number: int) -> None:
        self.runs[number].stage = DELETED

    def restore_run(self, number: int) -> None:
        self.runs[number].stage = ACTIVE

    def log_batch(
        self,
        number: int,
        metrics: list[tuple[str, int, int, float]],
        params: dict[str, str],
        tags: dict[str, str],
    ) -> None:
        run = self._active_run(number)
        if any(run.params.get(key, value) != value for key, value in params.items()):
            raise Refused("INVALID_PARAMETER_VALUE")
        run.params.update(params)
        run.tags.update(tags)
        run.name = run.tags["mlflow.runName"]
        for key, step, timestamp, value in metrics:
            run.points.setdefault(key, []).append((step, timestamp, value))

    def delete_tag(self, number: int, key: str) -> None:
        run = self._active_run(number)
        if key not in run.tags:
            raise Refused("RESOURCE_DOES_NOT_EXIST")
        del run.tags[key]

    def _active_run(self, number: int) -> Run:
        if self.runs[number].stage == DELETED:
            raise Refused("INVALID_PARAMETER_VALUE")
        return self.runs[number]

    # -- searching --------------------------------------------------------------------------

    def search(
        self,
        experiments: list[int],
        stages: tuple[str, ...],
        keep: str | None,
        bound: float | str | None,
        order: str | None,
        descending: bool,
    ) -> list[int]:
        """Numbers of the runs that fit, in order.

        Args:
            keep: "metric:KEY", "param:KEY", "tag:KEY" or "status"; None for all.
            bound: A metric must be greater; anything else equal.
            order: "metric:KEY", "param:KEY" or None; then the newest first.
        """

        def fits(run: Run) -> bool:
            if run.experiment not in experiments or run.stage not in stages:
                return False
            kind, _, key = (keep or "").partition(":")
            if kind == "metric":
                latest = run.latest().get(key)
                return latest is not None and latest[2] > bound
            if kind == "param":
                return run.params.get(key) == bound
            if kind == "tag":
                return run.tags.get(key) == bound
            return kind != "status" or run.status == bound

        def rank(run: Run) -> tuple:
            kind, _, key = (order or "").partition(":")
            if kind == "metric":
                latest = run.latest().get(key)
                if latest is None:
                    return (2, 0.0)
                if math.isnan(latest[2]):
                    return (1, 0.0)
                return (0, -latest[2] if descending else latest[2])
            if kind == "param":
                value = run.params.get(key)
                if value is None:
                    return (1, ())
                points = tuple(map(ord, value))
                return (0, tuple(-c for c in points) if descending else points)
            return ()

        found = [run for run in self.runs if fits(run)]
        return [run.number for run in sorted(found, key=lambda r: (rank(r), -r.number))]
