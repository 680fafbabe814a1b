"""Contract: taking things over from another store as they are there, and comparing the two."""

from __future__ import annotations

import math
import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from mlflow.entities import Experiment, LoggedModel, Param, Run, RunInfo
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.store.db.points import Points
from mlflow.store.tracking.base.checks import check_stage
from mlflow.utils.validation import (
    _validate_dataset_inputs,
    _validate_logged_model_name,
    _validate_metric,
    _validate_param,
    _validate_run_id,
)

#: Most points in one `adopt_run`.
MAX_POINTS = 10_000

Point = tuple[int, int, float]
"""(timestamp, step, value)."""

_MODEL_ID = re.compile(r"m-[0-9A-Za-z]{1,200}")
_LARGEST = sys.float_info.max
_NEGATIVE_ZERO = array("d", [-0.0]).tobytes()


class Transfer:
    """What copying between two stores needs beyond the other topics."""

    @property
    def can_adopt(self) -> bool:
        """Whether there are `adopt_experiment` and `adopt_run`. Without them, whoever copies has to
        create things with new ids."""
        return False

    if TYPE_CHECKING:  # of another topic
        metric_histories: Callable[..., Iterator[tuple[str, Points]]]

    def adopt_experiment(self, experiment: Experiment, *, keep_location: bool = False) -> str:
        """The id of this store's counterpart of an experiment of another store.

        * Where there is one with its id and its creation time, it is the same: it gets the name,
          stage, tags (exactly these) and time of the last update. Its runs are left as they are.
        * Or else, where there is one with its name, it is that one, and nothing is changed.
        * Or else it is created as it is given, in any stage; with its id, or with another one if
          that is taken.

        Args:
            experiment: As it is there.
            keep_location: A new one gets the given artifact location. Or else it gets a place of
                this store's own; a server insists on that.

        Raises:
            MlflowException: NOT_IMPLEMENTED if the store cannot do it; RESOURCE_ALREADY_EXISTS if
                it is the same experiment, but another one has taken its new name.
        """
        raise _cannot(self)

    def adopt_run(self, run: Run, *, keep_location: bool = False) -> RunInfo:
        """Make the run with this id what `run` says, in any stage, and create it if there is none;
        as it is then. All of it is done, or nothing.

        * Of `info` all is taken over but the artifact location, unless `keep_location` says so.
        * The tags become exactly these; their names may be any that `create_run` takes.
        * Params that it has not are added. Params that it has besides stay.
        * The points in `run.data._metric_objs`, at most MAX_POINTS, are appended.
        * Inputs and outputs are noted.

        Raises:
            MlflowException: NOT_IMPLEMENTED if the store cannot do it; RESOURCE_DOES_NOT_EXIST if
                there is no such experiment; RESOURCE_ALREADY_EXISTS if the run is in another one;
                INVALID_PARAMETER_VALUE if a param has another value, or something else is refused.
        """
        raise _cannot(self)

    def adopt_logged_model(self, model: LoggedModel, *, keep_location: bool = False) -> LoggedModel:
        """Make the logged model with this id what `model` says, and create it if there is none; as
        it is then. All of it is done, or nothing.

        * All is taken over but the artifact location, unless `keep_location` says so.
        * The tags become exactly these.
        * Params that it has not are added. Params that it has besides stay.
        * Metrics that it has not are noted, as far as their runs are there. The runs themselves get
          nothing.

        Raises:
            MlflowException: NOT_IMPLEMENTED if the store cannot do it; RESOURCE_DOES_NOT_EXIST if
                there is no such experiment; RESOURCE_ALREADY_EXISTS if the model is in another one;
                BAD_REQUEST if a param has another value.
        """
        raise _cannot(self)

    def whole_runs(self, runs: Sequence[Run]) -> Sequence[Run]:
        """These runs, as `search_runs` gave them, with all that they have."""
        return runs

    def metric_digests(self, wanted: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str, str]]:
        """(run id, metric, `digest` of the points that it has now) for each of these metrics of
        these runs, in any order; of what there is not, the digest of no points."""
        for run_id, keys in wanted.items():
            left = set(keys)
            pieces = self.metric_histories(run_id, list(left))
            for key, of_key in groupby(pieces, itemgetter(0)):
                left.discard(key)
                yield run_id, key, digest(points for _, points in of_key)
            for key in left:
                yield run_id, key, digest(())


def _cannot(store: object) -> MlflowNotImplementedException:
    return MlflowNotImplementedException(
        f"A {type(store).__name__} gives ids of its own to what it is given."
    )


def rows(pieces: Iterable[Points]) -> Iterator[Point]:
    """The points of a history that comes in pieces."""
    for points in pieces:
        yield from zip(points.timestamps, points.steps, points.values)


def canonical(value: float) -> float | None:
    """A value as every store can keep and compare it: NaN as None, an infinity as the largest
    double, no negative zero."""
    if value != value:
        return None
    if value - value != 0:
        return _LARGEST if value > 0 else -_LARGEST
    return value + 0.0


def digest(pieces: Iterable[Points]) -> str:
    """A text that is the same for two histories when they have the same distinct points, and only
    then.

    Args:
        pieces: The history, ordered by (timestamp, step, value), cut anywhere.
    """
    import hashlib  # seldom needed, and slow to load

    columns = [hashlib.blake2b(digest_size=16) for _ in range(3)]
    for points in pieces:
        points = _canonical(points)
        for hashed, column in zip(columns, (points.timestamps, points.steps, points.values)):
            hashed.update(column)
    whole = b"".join(hashed.digest() for hashed in columns)
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def _canonical(points: Points) -> Points:
    """The distinct points with canonical values, in order."""
    values = points.values
    if math.inf in values or -math.inf in values or _NEGATIVE_ZERO in values.tobytes():
        kept = [math.nan if v != v else canonical(v) for v in values]
        points = Points(points.steps, points.timestamps, array("d", kept))
    return points.in_order()


def params_of_adopted(run: Run) -> list[Param]:
    """The params of a run to be taken over, as they are stored, after a look at all of it but its
    tags, which stores keep in ways of their own.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for what no run can have, or for too many points.
    """
    _validate_run_id(run.info.run_id)
    check_stage(run.info.lifecycle_stage)
    metrics = run.data._metric_objs
    if len(metrics) > MAX_POINTS:
        raise MlflowException.invalid_parameter_value(
            f"{len(metrics)} points for run {run.info.run_id}; at most {MAX_POINTS} can be taken "
            "over at a time."
        )
    for m in metrics:
        _validate_metric(m.key, m.value, m.timestamp, m.step)
    _validate_dataset_inputs(run.inputs.dataset_inputs)
    return [_validate_param(key, value) for key, value in run.data.params.items()]


def checked_model(model: LoggedModel) -> LoggedModel:
    """A logged model to be taken over, after a look at it.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for what no logged model can have.
    """
    if not _MODEL_ID.fullmatch(model.model_id):
        raise MlflowException.invalid_parameter_value(
            f"Invalid id {model.model_id[:300]!r} of a logged model; `m-` and letters and digits "
            "are needed."
        )
    _validate_logged_model_name(model.name)
    for m in model.metrics or ():
        _validate_metric(m.key, m.value, m.timestamp, m.step)
    return model
