"""What the web UI's requests have in common in every store: what they may ask for, and the answers'
small parts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.rpc.nouns import Tag
from mlflow.rpc.ui.experiments import ExperimentOverview
from mlflow.utils.mlflow_tags import (
    MLFLOW_EXPERIMENT_PRIMARY_METRIC_GREATER_IS_BETTER,
    MLFLOW_EXPERIMENT_PRIMARY_METRIC_NAME,
    MLFLOW_RUN_NOTE,
)

#: Runs that are looked at where all would be too many.
MOST_COUNTED = 10_000
#: The same where what most of them have is asked for.
MOST_LOOKED_AT = 500
DAYS = 28
DAY_MS = 86_400_000
_MOST_COLUMNS = 500

OF_METRIC = ("metrics", "min", "max", "step")
"""Kinds of columns whose key is that of a metric."""
_KEYED = (*OF_METRIC, "params", "tags")
_PLAIN = ("children", "datasets", "models")


class Column(NamedTuple):
    """A column of a table of runs."""

    name: str
    kind: str
    key: str
    """Of the metric, param or tag; "" where there is none."""


def columns_of(names: Sequence[str]) -> list[Column]:
    """What columns are asked for, each once.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for one that there is not, or too many.
    """
    if len(names) > _MOST_COLUMNS:
        raise MlflowException.invalid_parameter_value(
            f"{len(names)} columns are too many; at most {_MOST_COLUMNS} can be asked for."
        )
    return [_column(name) for name in dict.fromkeys(names)]


def _column(name: str) -> Column:
    if name in _PLAIN:
        return Column(name, name, "")
    kind, _, key = name.partition(".")
    if kind not in _KEYED or not key:
        raise MlflowException.invalid_parameter_value(
            f"Invalid column '{name[:300]}'; {', '.join(f'{k}.KEY' for k in _KEYED)}, "
            f"{' or '.join(_PLAIN)} is needed."
        )
    return Column(name, kind, key)


def check_number(given: Collection[Any], most: int, what: str) -> None:
    """Refuse a list that is too long.

    Args:
        what: The name of the field.
    """
    if len(given) > most:
        raise MlflowException.invalid_parameter_value(
            f"{len(given)} {what} are too many; at most {most} can be asked for at once."
        )


def models_in_history(tag: str | None) -> int:
    """How many models the tag speaks of in which runs of old clients keep what they made."""
    try:
        history = json.loads(tag) if tag else []
    except (ValueError, RecursionError):
        return 0
    return len(history) if isinstance(history, list) else 0


def dataset_id(experiment_id: str, name: str, digest: str) -> str:
    """The same in every store."""
    text = json.dumps([experiment_id, name, digest])
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


# -- experiments ----------------------------------------------------------------------------------


@dataclass
class RunCounts:
    """The numbers of an experiment's runs."""

    states: Counter[str] = field(default_factory=Counter)
    """Active runs by the name of their status."""
    deleted: int = 0
    last_activity: int | None = None
    days: list[int] = field(default_factory=lambda: [0] * DAYS)

    def active_at(self, *times: int | None) -> None:
        """Note that something happened then."""
        known = [t for t in (*times, self.last_activity) if t]
        self.last_activity = max(known, default=None)


def first_day(now: int) -> int:
    """When the first of the days begins that are counted; both in milliseconds since the Unix
    epoch."""
    return (now // DAY_MS - DAYS + 1) * DAY_MS


def experiment_overview(experiment: Experiment, counts: RunCounts) -> ExperimentOverview:
    tags, states = experiment.tags, counts.states
    return ExperimentOverview(
        experiment_id=experiment.experiment_id,
        name=experiment.name,
        lifecycle_stage=experiment.lifecycle_stage,
        artifact_location=experiment.artifact_location or "",
        creation_time=experiment.creation_time,
        last_update_time=experiment.last_update_time,
        last_activity=counts.last_activity,
        runs=states.total(),
        running=states["RUNNING"],
        failed=states["FAILED"],
        killed=states["KILLED"],
        scheduled=states["SCHEDULED"],
        finished=states["FINISHED"],
        deleted=counts.deleted,
        note=_first_line(tags.get(MLFLOW_RUN_NOTE)),
        tags=[Tag(key, value) for key, value in sorted(tags.items())],
        days=counts.days,
    )


def by_activity(overviews: Iterable[ExperimentOverview]) -> list[ExperimentOverview]:
    """Most recently active first; those without runs by when they were made."""
    return sorted(
        overviews, key=lambda o: (o.last_activity or o.creation_time or 0, o.name), reverse=True
    )


def _first_line(note: str | None) -> str | None:
    return next((line.strip() for line in (note or "").splitlines() if line.strip()), None)


def named_metric(experiment: Experiment) -> str | None:
    """The main metric that an experiment's tags name."""
    return experiment.tags.get(MLFLOW_EXPERIMENT_PRIMARY_METRIC_NAME) or None


def higher_is_better(experiment: Experiment) -> bool | None:
    """What its tags say of the main metric; None if they say nothing."""
    said = experiment.tags.get(MLFLOW_EXPERIMENT_PRIMARY_METRIC_GREATER_IS_BETTER) or ""
    return {"true": True, "1": True, "false": False, "0": False}.get(said.lower())


def is_system_metric(key: str) -> bool:
    """Whether a metric is one of the machine, and not of the training."""
    return key.startswith("system/")
