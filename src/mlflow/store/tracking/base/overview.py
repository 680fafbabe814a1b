"""Contract: what the web UI shows of many runs, experiments and datasets at once.

The defaults say it in terms of the other methods, so that every store has it. A store that can do
better has methods of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mlflow.entities import Experiment, LifecycleStage, Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.rpc import nouns as wire
from mlflow.rpc.ui.datasets import DatasetOverview
from mlflow.rpc.ui.experiments import ExperimentOverview, MainMetric
from mlflow.rpc.ui.runs import (
    MOST_FOUND,
    MOST_ROWS,
    MOST_RUNS,
    Cell,
    FoundRuns,
    RowId,
    RunFacts,
    RunKeys,
    RunRows,
    SomeRuns,
)
from mlflow.rpc.wire import double
from mlflow.search import RUNS, parse_filter, parse_order_by
from mlflow.search.evaluate import run_values, sort
from mlflow.search.words import has_words, words_of
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.nesting import nested
from mlflow.store.tracking.overviews import (
    DAY_MS,
    MOST_COUNTED,
    MOST_LOOKED_AT,
    Column,
    RunCounts,
    by_activity,
    check_number,
    columns_of,
    dataset_id,
    experiment_overview,
    first_day,
    higher_is_better,
    is_system_metric,
    models_in_history,
    named_metric,
)
from mlflow.store.tracking.paging import page
from mlflow.store.tracking.run_keys import KeyCounts, entries, most_frequent
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_LOGGED_MODELS,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_USER,
)
from mlflow.utils.time import get_current_time_millis

_PAGE = 1000
#: Attributes whose values are completed.
COMPLETED = ("run_name", "user_id", "status")


class Overview:
    """What the web UI asks. Its answers are messages: nobody else asks this."""

    # What the defaults are made of; see the other classes of the contract.
    get_run: Callable[[str], Run]
    get_experiment: Callable[[str], Experiment]
    search_runs: Callable[..., PagedList[Run]]
    search_experiments: Callable[..., PagedList[Experiment]]
    metric_columns: Callable[..., Any]

    def overview_of_experiments(self, view_type: int) -> list[ExperimentOverview]:
        """All experiments in the view, most recently active first."""
        start = first_day(get_current_time_millis())
        found = []
        for experiment in all_pages(self.search_experiments, view_type=view_type):
            counts = RunCounts()
            for run in self._runs_to_find([experiment.experiment_id], None, ViewType.ALL):
                info = run.info
                if info.lifecycle_stage != LifecycleStage.ACTIVE:
                    counts.deleted += 1
                    continue
                counts.states[info.status] += 1
                counts.active_at(info.start_time, info.end_time)
                day = ((info.start_time or 0) - start) // DAY_MS
                if 0 <= day < len(counts.days):
                    counts.days[day] += 1
            found.append(experiment_overview(experiment, counts))
        return by_activity(found)

    def main_metric(self, experiment_id: str) -> MainMetric | None:
        """The metric that says the most about an experiment's runs; None if they have none.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such experiment.
        """
        experiment = self.get_experiment(experiment_id)
        runs = self._runs_to_find([experiment_id], None, ViewType.ACTIVE_ONLY)
        newest = sort(runs, [], RUNS, run_values)
        key = named_metric(experiment) or self._most_common(newest[:MOST_LOOKED_AT])
        if key is None:
            return None
        values = [run.data.metrics.get(key) for run in newest]
        numbers = [value for value in values if value is not None and value == value]
        return MainMetric(
            key=key,
            runs=sum(value is not None for value in values[:MOST_COUNTED]),
            min=double(min(numbers)) if numbers else None,
            max=double(max(numbers)) if numbers else None,
            higher_is_better=higher_is_better(experiment),
        )

    def _most_common(self, runs: Sequence[Any]) -> str | None:
        """The metric that most of these runs have; of several, that with the most values."""
        counts = KeyCounts()
        for run in self._whole(runs):
            counts.add(entries(run.data.metrics), ((), ()), ((), ()))
        found = [m for m in counts.answer().metrics if not is_system_metric(m.key)]
        best = min(found, key=lambda m: (-m.runs, -m.distinct, m.key), default=None)
        return best and best.key

    # -- runs -------------------------------------------------------------------------------------

    def find_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        text: str | None,
        run_view_type: int,
        order_by: Sequence[str] | None = None,
        tree: bool = False,
        max_results: int = MOST_FOUND,
        page_token: str | None = None,
    ) -> FoundRuns:
        """The rows of a table of the runs that match, in order.

        Args:
            text: Plain words, as `search.words.has_words` takes them; None for none.
            tree: Put each run below its parent, if that is in these experiments and in the view;
                ancestors that do not match are rows, too. Each page is a tree of its own.
            max_results: Runs that match, on the page.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter, order or token that is not valid.
        """
        orders = parse_order_by(order_by, RUNS)
        matching = self._matching(experiment_ids, filter_string, text, run_view_type)
        found, token = page(matching, orders, RUNS, run_values, max_results, page_token)
        ids = [run.info.run_id for run in found]
        answer = FoundRuns(total=len(matching), rows=ids, next_page_token=token)
        if tree:
            parents = self._parents(found, experiment_ids, run_view_type)
            answer.rows, answer.depth, answer.context = nested(ids, parents)
        return answer

    def _parents(
        self, found: Sequence[Any], experiment_ids: Sequence[str], run_view_type: int
    ) -> dict[str, str]:
        """Of these runs and their ancestors, as far as they are in the experiments and the view."""
        experiments = set(experiment_ids)
        stages = LifecycleStage.view_type_to_stages(run_view_type)
        known = {run.info.run_id: run for run in found}
        parents: dict[str, str] = {}
        waiting = list(found)
        while waiting:
            run = waiting.pop()
            parent_id = run.data.tags.get(MLFLOW_PARENT_RUN_ID)
            if not parent_id:
                continue
            if parent_id not in known:
                known[parent_id] = parent = self._run_to_read(parent_id)
                if parent is not None:
                    waiting.append(parent)
            info = known[parent_id] and known[parent_id].info
            if info and info.experiment_id in experiments and info.lifecycle_stage in stages:
                parents[run.info.run_id] = parent_id
        return parents

    def run_rows(
        self, rows: Sequence[RowId], run_ids: Sequence[str], columns: Sequence[str]
    ) -> RunRows:
        """What rows of a table of runs say, by column.

        Args:
            rows: What `find_runs` said, at most 500; unknown ones have no values.
            run_ids: In place of rows, at most 500.
            columns: As `overviews.columns_of` takes them.
        """
        asked = list(rows) or list(run_ids)
        check_number(asked, MOST_ROWS, "runs")
        wanted = columns_of(columns)
        known = {key: self._run_to_read(str(key)) for key in dict.fromkeys(asked)}
        runs = [known[key] for key in asked]
        children: Counter[str] = Counter()
        if any(column.kind == "children" for column in wanted):
            experiments = {run.info.experiment_id for run in runs if run}
            filter_string = f"tags.`{MLFLOW_PARENT_RUN_ID}` IS NOT NULL"
            found = self._runs_to_find(sorted(experiments), filter_string, ViewType.ACTIVE_ONLY)
            children.update(run.data.tags.get(MLFLOW_PARENT_RUN_ID) for run in found)
        return RunRows(
            runs=_facts(runs),
            columns={
                column.name: [run and self._cell(run, column, children) for run in runs]
                for column in wanted
            },
        )

    def _cell(self, run: Any, column: Column, children: Counter[str]) -> Cell:
        kind, key = column.kind, column.key
        if kind in ("params", "tags"):
            return getattr(run.data, kind).get(key)
        if kind == "children":
            return children[run.info.run_id]
        if kind == "datasets":
            return [f"{use.dataset.name}@{use.dataset.digest}" for use in run.inputs.dataset_inputs]
        if kind == "models":
            made = {output.model_id for output in run.outputs.model_outputs}
            return len(made) or models_in_history(run.data.tags.get(MLFLOW_LOGGED_MODELS))
        last = run.data.metrics.get(key)
        if last is None:
            return None
        if kind == "metrics":
            return double(last)
        points, _ = self.metric_columns(run.info.run_id, key)
        if kind == "step":
            return max(points.steps, default=None)
        numbers = [value for value in points.values if value == value]
        return double((min if kind == "min" else max)(numbers)) if numbers else None

    def run_keys(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        text: str | None,
        run_view_type: int,
        run_ids: Sequence[str],
    ) -> RunKeys:
        """Which metrics, params and tags runs have, and how much they differ.

        Args:
            run_ids: Look at these, at most 500, and not at those that match.
        """
        check_number(run_ids, MOST_ROWS, "runs")
        if run_ids:
            known = (self._run_to_read(run_id) for run_id in dict.fromkeys(run_ids))
            found = [run for run in known if run]
        else:
            matching = self._matching(experiment_ids, filter_string, text, run_view_type)
            found = sort(matching, [], RUNS, run_values)[:MOST_COUNTED]
        counts = KeyCounts()
        for run in self._whole(found):
            data = run.data
            counts.add(entries(data.metrics), entries(data.params), entries(data.tags))
            if counts.is_full:
                break
        return counts.answer()

    def values_of_runs(
        self, experiment_ids: Sequence[str], kind: str, key: str, prefix: str
    ) -> list[str]:
        """The values that active runs have under a key and that begin so, most frequent first; at
        most 50, and of the newest 10,000 runs.

        Args:
            kind: `params`, `tags` or `attributes`.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for an attribute that is not in `COMPLETED`.
        """
        check_completed(kind, key)
        runs = self._runs_to_find(experiment_ids, None, ViewType.ACTIVE_ONLY)
        entity = kind.removesuffix("s")
        newest = sort(runs, [], RUNS, run_values)[:MOST_COUNTED]
        return most_frequent(
            (value for run in newest for value in run_values(run, entity, key)), prefix
        )

    def get_runs(self, run_ids: Sequence[str]) -> SomeRuns:
        """Runs with all they logged, as messages, and the ids that no run has.

        Args:
            run_ids: At most 100.
        """
        check_number(run_ids, MOST_RUNS, "runs")
        answer = SomeRuns(runs=[], missing=[])
        for run_id in dict.fromkeys(run_ids):
            try:
                answer.runs.append(wire.Run.of(self.get_run(run_id)))
            except MlflowException as e:
                if not _is_missing(e):
                    raise
                answer.missing.append(run_id)
        return answer

    # -- datasets ---------------------------------------------------------------------------------

    def overview_of_datasets(self, experiment_ids: Sequence[str]) -> list[DatasetOverview]:
        """The datasets that active runs of these experiments used, last used first."""
        found: dict[str, DatasetOverview] = {}
        for run in self._runs_to_find(experiment_ids, None, ViewType.ACTIVE_ONLY):
            for use in run.inputs.dataset_inputs:
                d, experiment_id = use.dataset, run.info.experiment_id
                key = dataset_id(experiment_id, d.name, d.digest)
                overview = found.get(key)
                if overview is None:
                    overview = found[key] = DatasetOverview(
                        dataset_id=key,
                        experiment_id=experiment_id,
                        name=d.name,
                        digest=d.digest,
                        source_type=d.source_type,
                        source=d.source,
                        schema=d.schema,
                        profile=d.profile,
                        runs=0,
                        contexts=[],
                        last_used=0,
                    )
                overview.runs += 1
                overview.last_used = max(overview.last_used, run.info.start_time or 0)
                contexts = {tag.value for tag in use.tags if tag.key == MLFLOW_DATASET_CONTEXT}
                overview.contexts = sorted(contexts.union(overview.contexts))
        return sorted(found.values(), key=lambda d: (-d.last_used, d.name, d.digest))

    # -- what the defaults read -------------------------------------------------------------------

    def _runs_to_find(
        self, experiment_ids: Sequence[str], filter_string: str | None, run_view_type: int
    ) -> list[Any]:
        """The runs that match, in no order: as `Run`s, or as something like them whose params,
        tags and metrics are read when `get` asks for them, and not to be listed."""
        if not experiment_ids:
            parse_filter(filter_string, RUNS)
            return []
        return list(
            all_pages(
                self.search_runs,
                experiment_ids=list(dict.fromkeys(experiment_ids)),
                filter_string=filter_string,
                run_view_type=run_view_type,
            )
        )

    def _run_to_read(self, run_id: str) -> Any:
        """One run, in the same form; None if there is none."""
        try:
            return self.get_run(run_id)
        except MlflowException as e:
            if _is_missing(e):
                return None
            raise

    def _whole(self, runs: Sequence[Any]) -> Iterator[Run]:
        """Runs in that form with all that they logged."""
        return iter(runs)

    def _matching(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        text: str | None,
        run_view_type: int,
    ) -> list[Any]:
        words = words_of(text)
        found = self._runs_to_find(experiment_ids, filter_string, run_view_type)
        return [run for run in self._whole(found) if has_words(run, words)] if words else found


def check_completed(kind: str, key: str) -> None:
    """Refuse to complete what is no text."""
    if kind == "attributes" and key not in COMPLETED:
        raise MlflowException.invalid_parameter_value(
            f"Invalid attribute '{key[:300]}'; {', '.join(COMPLETED)} can be completed."
        )


def all_pages(search: Callable[..., PagedList[Any]], **arguments: Any) -> Iterator[Any]:
    """What a search finds, on all its pages."""
    token = None
    while True:
        found = search(max_results=_PAGE, page_token=token, **arguments)
        yield from found
        token = found.token
        if not token:
            return


def _is_missing(error: MlflowException) -> bool:
    """Whether it says that there is no such run, or that this cannot be the id of one."""
    return error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def _facts(runs: Sequence[Any]) -> RunFacts:
    infos = [run and run.info for run in runs]

    def each(name: str) -> list[Any]:
        return [info and getattr(info, name) for info in infos]

    return RunFacts(
        run_id=each("run_id"),
        experiment_id=each("experiment_id"),
        name=each("run_name"),
        status=each("status"),
        start_time=each("start_time"),
        end_time=each("end_time"),
        lifecycle_stage=each("lifecycle_stage"),
        user=[run and (run.info.user_id or run.data.tags.get(MLFLOW_USER)) for run in runs],
        parent=[run and run.data.tags.get(MLFLOW_PARENT_RUN_ID) for run in runs],
    )
