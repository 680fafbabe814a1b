"""Which thing of the destination is the same as one of the source.

A run is the same as another one if it has the same id. A store that gives ids of its own (a server
of the reference) keeps the id that a run has elsewhere in a tag, set when the run is created; that
is the run's identity from then on. Copied onwards, or back, the run gets its identity for its id
again.

Experiments have small numbers for ids, which every store gives anew: they are the same if both id
and creation time are. The tag has both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mlflow.entities import Experiment, Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.sync.report import Report

RUN_ORIGIN = "headrace.sync.source_run_id"
EXPERIMENT_ORIGIN = "headrace.sync.source_experiment_id"

#: In an order in which runs that are made meanwhile come last.
OLDEST_FIRST = ["attributes.start_time ASC", "attributes.run_id ASC"]
_PAGE = 500
#: Ids in one filter.
_IDS = 100


class ExperimentIdentity(NamedTuple):
    """What an experiment is known by, in every store."""

    experiment_id: str
    creation_time: int
    """Milliseconds since the Unix epoch; 0 where old stores did not note it."""

    @classmethod
    def of(cls, experiment: Experiment) -> ExperimentIdentity:
        origin, _, created = experiment.tags.get(EXPERIMENT_ORIGIN, "").rpartition("@")
        if origin and created.isdigit():
            return cls(origin, int(created))
        return cls(experiment.experiment_id, experiment.creation_time or 0)

    def __str__(self) -> str:
        return f"{self.experiment_id}@{self.creation_time}"


def experiment_with(store: AbstractStore, identity: ExperimentIdentity) -> Experiment | None:
    """The store's experiment that is this one; None if there is none."""
    copies = store.search_experiments(
        ViewType.ALL, filter_string=f"tags.`{EXPERIMENT_ORIGIN}` = '{identity}'"
    )
    if copies:
        return copies[0]
    try:
        found = store.get_experiment(identity.experiment_id)
    except MlflowException as e:
        if e.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return found if ExperimentIdentity.of(found) == identity else None


class RunIdentities:
    """Which run of the source is which one of the destination, where their ids differ."""

    def __init__(self) -> None:
        self._of_source: dict[str, str] = {}
        self._in_destination: dict[str, str] = {}

    def identity(self, run_id: str) -> str:
        """The identity of a run of the source."""
        return self._of_source.get(run_id, run_id)

    def in_destination(self, identity: str) -> str:
        """The id that a run has in the destination, or would have."""
        return self._in_destination.get(identity, identity)

    def has_copy(self, identity: str) -> bool:
        """Whether the destination has the run under another id."""
        return identity in self._in_destination

    def note_copy(self, identity: str, run_id: str) -> None:
        """The destination has given the run this id."""
        self._in_destination[identity] = run_id

    def learn_source(self, store: AbstractStore, experiment_id: str, report: Report) -> None:
        """Find out which runs of an experiment of the source are copies."""
        copies: dict[str, str] = {}
        for run in _copies(store, experiment_id):
            origin, run_id = run.data.tags[RUN_ORIGIN], run.info.run_id
            if origin in copies:
                report.problem(
                    f"Run {run_id}: it says that it is a copy of run {origin}, but so does run "
                    f"{copies[origin]}; it is taken for a run of its own."
                )
            else:
                copies[origin] = run_id
        for origin in [run.info.run_id for run in runs_with(store, [experiment_id], copies)]:
            report.problem(
                f"Run {copies[origin]}: it says that it is a copy of run {origin}, which is there, "
                "too; it is taken for a run of its own."
            )
            del copies[origin]
        self._of_source.update({run_id: origin for origin, run_id in copies.items()})

    def learn_destination(self, store: AbstractStore, experiment_id: str, report: Report) -> None:
        """Find out which runs of an experiment of the destination are copies."""
        for run in _copies(store, experiment_id):
            origin, run_id = run.data.tags[RUN_ORIGIN], run.info.run_id
            known = self._in_destination.setdefault(origin, run_id)
            if known != run_id:
                report.problem(
                    f"Run {origin}: the destination has two copies of it, {known} and {run_id}. "
                    "The first one is kept up to date."
                )


def _copies(store: AbstractStore, experiment_id: str) -> Iterator[Run]:
    return pages_of_runs(store, [experiment_id], f"tags.`{RUN_ORIGIN}` LIKE '%'")


def runs_with(
    store: AbstractStore, experiment_ids: list[str], run_ids: Iterable[str]
) -> Iterator[Run]:
    """Those of these runs that are in these experiments. The ids have no quotes in them."""
    ids = list(run_ids)
    for i in range(0, len(ids), _IDS):
        listed = ",".join(f"'{run_id}'" for run_id in ids[i : i + _IDS] if "'" not in run_id)
        if listed:
            yield from pages_of_runs(store, experiment_ids, f"attributes.run_id IN ({listed})")


def pages_of_runs(
    store: AbstractStore,
    experiment_ids: list[str],
    filter_string: str | None = None,
    view: int = ViewType.ALL,
) -> Iterator[Run]:
    """The runs that match, fetched page by page."""
    token = None
    while True:
        page = store.search_runs(
            experiment_ids,
            filter_string,
            view,
            max_results=_PAGE,
            order_by=OLDEST_FIRST,
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return
