"""What the parts of one copy share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException, RestException
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.sync.artifacts import ArtifactMode
from mlflow.sync.identity import RunIdentities
from mlflow.sync.report import Report

if TYPE_CHECKING:
    from mlflow.sync.writers import Writer


class Side(NamedTuple):
    """A store, and the URI it was found at."""

    store: AbstractStore
    uri: str


class Pair(NamedTuple):
    """An experiment and its counterpart."""

    source: Experiment
    destination: Experiment
    """As it is before its runs are copied."""
    is_same: bool
    """It is a copy of the source's experiment; or else it only has the same name."""
    is_new: bool


@dataclass(frozen=True)
class Selection:
    """Which part of the source is copied. An experiment comes with all of its runs, unless it comes
    only because of some of them."""

    experiment_ids: tuple[str, ...] = ()
    experiment_names: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.experiment_ids or self.experiment_names or self.run_ids)

    def runs_of(self, experiment: Experiment) -> tuple[str, ...] | None:
        """The runs of this experiment, which may not be its own; None for all."""
        whole = experiment.experiment_id in self.experiment_ids
        if not self or whole or experiment.name in self.experiment_names:
            return None
        return self.run_ids


@dataclass
class Job:
    """One copy."""

    source: Side
    destination: Side
    selection: Selection
    artifacts: ArtifactMode
    keep_tags: bool
    dry_run: bool
    report: Report
    identities: RunIdentities = field(default_factory=RunIdentities)
    #: Runs whose parent was not there yet: id there, identity of the parent.
    waiting: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        from mlflow.sync.writers import writer_for

        self.writer: Writer = writer_for(self)

    @contextmanager
    def refusals(self, what: str) -> Iterator[None]:
        """Whatever is refused for reasons of its own goes into the report, and the copy goes on."""
        try:
            yield
        except MlflowException as e:
            if not is_refusal(e):
                raise
            self.report.problem(f"{what}: {e.message}")


#: What a store says of one thing that it will not take. Everything else may be said of the next
#: one, too: it cannot be reached, its disk is full, or the caller may not do this.
_REFUSALS = frozenset(
    {
        "BAD_REQUEST",
        "DATA_LOSS",
        "INVALID_PARAMETER_VALUE",
        "INVALID_STATE",
        "NOT_IMPLEMENTED",
        "RESOURCE_ALREADY_EXISTS",
        "RESOURCE_DOES_NOT_EXIST",
        "RESOURCE_LIMIT_EXCEEDED",
    }
)


def is_refusal(e: MlflowException) -> bool:
    """Whether it is about what was asked for, and not about the store as a whole."""
    if isinstance(e, RestException) and e.error_code == "INTERNAL_ERROR":
        return True  # it was reached, and failed on this request
    return e.error_code in _REFUSALS
