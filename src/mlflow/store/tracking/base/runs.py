"""Contract: runs, their params and tags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from mlflow.entities import Metric, Param, Run, RunInfo, RunTag
from mlflow.rpc import nouns as wire
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT
from mlflow.store.tracking.base.columns import RunColumns


class Runs(ABC):
    """Runs. Whatever changes a run refuses a deleted one with INVALID_PARAMETER_VALUE and an absent
    one with RESOURCE_DOES_NOT_EXIST."""

    @abstractmethod
    def create_run(
        self,
        experiment_id: str,
        user_id: str | None,
        start_time: int | None,
        tags: Sequence[RunTag] | None,
        run_name: str | None,
    ) -> Run:
        """A new run, in state RUNNING, in an active experiment.

        Args:
            user_id: Who started it.
            start_time: Milliseconds since the Unix epoch; None counts as 0.
            tags: Set at once; `mlflow.runName` is added.
            run_name: None for the name in the tags, or else a random one.
        """

    @abstractmethod
    def get_run(self, run_id: str) -> Run:
        """The run with all it logged, deleted or not."""

    @abstractmethod
    def update_run_info(
        self,
        run_id: str,
        run_status: int | None,
        end_time: int | None,
        run_name: str | None,
    ) -> RunInfo:
        """Change what is not None; the run as it is then."""

    @abstractmethod
    def delete_run(self, run_id: str) -> None:
        """Delete a run; it can be restored. A run that is deleted already stays so."""

    @abstractmethod
    def restore_run(self, run_id: str) -> None:
        """Bring back a deleted run. A run that is active already stays so."""

    def log_param(self, run_id: str, param: Param) -> None:
        """Set a param once and for all; the same value again is fine.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it has another value; the message names
                both.
        """
        self.log_batch(run_id, metrics=[], params=[param], tags=[])

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        """Set a tag, in place of the value it had."""
        self.log_batch(run_id, metrics=[], params=[], tags=[tag])

    @abstractmethod
    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""

    @abstractmethod
    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> None:
        """Log all of it or, when something in it is refused, nothing.

        Args:
            metrics: At most 1000.
            params: At most 100.
            tags: At most 100; all three together at most 1000.
        """

    def log_batch_once(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
        *,
        writer: str,
        after: int,
        sequence: int,
    ) -> int:
        """Log a batch that may come again, since nobody knows what became of it the first time.

        Each record has a place in its writer's sequence. A store that keeps, for each writer and
        run, up to where it has stored them, passes over what it has. One that does not keep this
        stores the batch once more.

        Args:
            writer: Id of the writer, 1 to 64 characters.
            after: Where the first record of the batch begins in the sequence.
            sequence: Where the last one ends.

        Returns:
            Up to where the writer's records of this run are stored now: `sequence` or more. Less,
            if a part of the batch was stored before: then this call has stored nothing, and what
            comes behind that place must be sent by itself.
        """
        self.log_batch(run_id, metrics, params, tags)
        return sequence

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """One page of the runs that match, newest first unless `order_by` says otherwise.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter, order, token or `max_results` (1
                to 50 000) that is not valid.
        """
        runs, token = self._search_runs(
            experiment_ids, filter_string, run_view_type, max_results, order_by, page_token
        )
        return PagedList(runs, token)

    def _search_run_messages(self, *search: Any) -> tuple[list[wire.Run], str | None]:
        """What `search_runs(*search)` gives, as messages, and its token: what a server answers."""
        page = self.search_runs(*search)
        return [wire.Run.of(run) for run in page], page.token

    def _search_run_columns(self, columns: RunColumns, *search: Any) -> str | None:
        """Add what `search_runs(*search)` gives to a table; the token of the next page."""
        page = self.search_runs(*search)
        columns.add_runs(page)
        return page.token

    @abstractmethod
    def _search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> tuple[list[Run], str | None]:
        """The page and its token: what a store plug-in implements."""
