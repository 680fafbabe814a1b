"""What the web UI shows of many runs, experiments and datasets at once, from a SQL database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.entities import LifecycleStage, RunStatus, ViewType
from mlflow.rpc.ui.datasets import DatasetOverview
from mlflow.rpc.ui.experiments import ExperimentOverview, MainMetric
from mlflow.rpc.ui.runs import MOST_ROWS, MOST_RUNS, RunKeys, SomeRuns
from mlflow.search import OrderBy
from mlflow.store.tracking.base.overview import Overview, all_pages, check_completed
from mlflow.store.tracking.overviews import (
    DAY_MS,
    DAYS,
    MOST_COUNTED,
    MOST_LOOKED_AT,
    RunCounts,
    by_activity,
    check_number,
    dataset_id,
    experiment_overview,
    first_day,
    higher_is_better,
    is_system_metric,
    named_metric,
)
from mlflow.store.tracking.run_keys import KeyCounts, most_frequent
from mlflow.store.tracking.sql.content import BATCH, Content, read_contents, unpack
from mlflow.store.tracking.sql.core import STATUS_NAMES, experiment_key, marks, now_ms
from mlflow.store.tracking.sql.finding import SqlFinding
from mlflow.store.tracking.sql.pages import SqlPages, membership_of
from mlflow.store.tracking.sql.run_rows import SqlRunRows
from mlflow.utils.collection import no_collection
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

#: Runs in a state, in the whole database, from which on it is worth asking which state most are in.
_MANY = 100_000
#: Runs that ended last, in the whole database, which may be the last activity of an experiment.
_ENDS = 1000

#: About how many objects come of one run.
_OBJECTS_OF_A_RUN = 20

_COMPLETED_COLUMNS = {"run_name": "name", "user_id": "user_id", "status": "status"}


class SqlOverview(SqlFinding, SqlRunRows, SqlPages, Overview):
    # -- experiments ------------------------------------------------------------------------------

    def overview_of_experiments(self, view_type: int) -> list[ExperimentOverview]:
        experiments = list(all_pages(self.search_experiments, view_type=view_type))
        with self.db.read() as tx:
            self.db.dialect.pin_plans(tx)
            counts = self._run_counts(tx, LifecycleStage.view_type_to_stages(view_type))
        none = RunCounts()
        return by_activity(
            experiment_overview(e, counts.get(int(e.experiment_id), none)) for e in experiments
        )

    def _run_counts(self, tx: Any, stages: Sequence[str]) -> dict[int, RunCounts]:
        """The numbers of the runs of each experiment in these stages."""
        of = (
            f"from {self.db.dialect.by_index('run', 'run_by_experiment')} "
            "where experiment_id = e.id and lifecycle_stage ="
        )
        rows = tx.execute(
            f"select e.id, (select count(*) {of} 'active'), (select count(*) {of} 'deleted'), "
            f"(select max(start_time) {of} 'active'), "
            f"(select max(end_time) {of} 'active' and start_time = "
            f"(select max(start_time) {of} 'active')) "
            f"from experiment e where e.lifecycle_stage in ({marks(stages)})",
            stages,
        ).fetchall()
        found: dict[int, RunCounts] = {}
        totals: dict[int, int] = {}
        for key, active, deleted, newest, its_end in rows:
            counts = found[key] = RunCounts(deleted=deleted)
            counts.active_at(newest, its_end)
            totals[key] = active
        self._count_states(tx, found, totals)
        self._add_last_ends(tx, found)
        self._count_days(tx, found, of)
        return found

    def _count_states(self, tx: Any, found: dict[int, RunCounts], totals: dict[int, int]) -> None:
        """Count the active runs in each state but the most frequent one, which has the rest."""
        rest = self._frequent_state(tx)
        others = [status for status in STATUS_NAMES if status != rest]
        for key, status, count in tx.execute(
            "select experiment_id, status, count(*) from "
            f"{self.db.dialect.by_index('run', 'run_by_status')} "
            f"where status in ({marks(others)}) and lifecycle_stage = 'active' "
            "group by experiment_id, status",
            others,
        ).fetchall():
            if key in found:
                found[key].states[STATUS_NAMES[status]] = count
        for key, counts in found.items():
            counts.states[STATUS_NAMES[rest]] = totals[key] - counts.states.total()

    def _frequent_state(self, tx: Any) -> int:
        """The state that most runs are in; FINISHED where no other one is frequent."""
        index = self.db.dialect.by_index("run", "run_by_status")
        limited = f"(select count(*) from (select 1 from {index} where status = ? limit {_MANY}) x)"
        others = [status for status in STATUS_NAMES if status != RunStatus.FINISHED]
        row = tx.execute(f"select {', '.join([limited] * len(others))}", others).fetchone()
        if max(row) < _MANY:
            return RunStatus.FINISHED
        whole = f"(select count(*) from {index} where status = ?)"
        states = list(STATUS_NAMES)
        row = tx.execute(f"select {', '.join([whole] * len(states))}", states).fetchone()
        return max(zip(row, states))[1]

    def _add_last_ends(self, tx: Any, found: dict[int, RunCounts]) -> None:
        last = self.db.dialect.by_index("run", "run_by_end")
        for key, end in tx.execute(
            "select experiment_id, max(end_time) from (select experiment_id, end_time, "
            f"lifecycle_stage from {last} where end_time is not null order by end_time desc, "
            f"id desc limit {_ENDS}) x where lifecycle_stage = 'active' group by experiment_id"
        ).fetchall():
            if key in found:
                found[key].active_at(end)

    def _count_days(self, tx: Any, found: dict[int, RunCounts], of: str) -> None:
        """Count day by day, which an index does much quicker than grouping."""
        start = first_day(now_ms())
        lately = [key for key, c in found.items() if (c.last_activity or 0) >= start]
        bounds = [start + day * DAY_MS for day in range(DAYS + 1)]
        a_day = f"(select count(*) {of} 'active' and start_time >= ? and start_time < ?)"
        days = ", ".join([a_day] * DAYS)
        limits = [limit for day in zip(bounds, bounds[1:]) for limit in day]
        for i in range(0, len(lately), BATCH):
            part = lately[i : i + BATCH]
            for key, *counted in tx.execute(
                f"select e.id, {days} from experiment e where e.id in ({marks(part)})",
                [*limits, *part],
            ).fetchall():
                found[key].days = counted

    def main_metric(self, experiment_id: str) -> MainMetric | None:
        experiment = self.get_experiment(experiment_id)
        membership = membership_of([experiment_id], ViewType.ACTIVE_ONLY)
        with self.db.read() as tx:
            newest = self._newest(
                tx, [experiment_id], None, None, ViewType.ACTIVE_ONLY, MOST_COUNTED
            )
            name = named_metric(experiment) or self._most_common_key(tx, newest[:MOST_LOOKED_AT])
            if name is None:
                return None
            key = self._key_id(tx, name)
            found = MainMetric(key=name, runs=0, higher_is_better=higher_is_better(experiment))
            for part in _parts(newest):
                found.runs += tx.execute(
                    f"select count(*) from series where run_id in ({marks(part)}) and key_id = ?",
                    [*part, -1 if key is None else key],
                ).fetchone()[0]
            for ascending in (True, False):
                order = OrderBy("metric", name, ascending)
                for _, rank, value, *_ in self._run_search(
                    tx, membership, None, None, [order]
                ).page(1):
                    if rank == 0:  # it is there, and not NaN
                        setattr(found, "min" if ascending else "max", value)
        return found

    def _most_common_key(self, tx: Any, runs: Sequence[int]) -> str | None:
        """The metric that most of these runs have."""
        counted: dict[int, tuple[int, int]] = {}
        for part in _parts(runs):
            for key, count, distinct in tx.execute(
                "select key_id, count(*), count(distinct value) "
                "+ max(case when value is null then 1 else 0 end) from series "
                f"where run_id in ({marks(part)}) group by key_id",
                part,
            ).fetchall():
                counted[key] = count, distinct
        names = self._names_of(tx, counted)
        of_training = [key for key in counted if not is_system_metric(names[key])]
        best = min(
            of_training,
            key=lambda key: (-counted[key][0], -counted[key][1], names[key]),
            default=None,
        )
        return None if best is None else names[best]

    # -- runs -------------------------------------------------------------------------------------

    def run_keys(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        text: str | None,
        run_view_type: int,
        run_ids: Sequence[str],
    ) -> RunKeys:
        check_number(run_ids, MOST_ROWS, "runs")
        counts = KeyCounts()
        with self.db.read() as tx:
            if run_ids:
                runs = list(self._ids_of(tx, run_ids).values())
            else:
                runs = self._newest(
                    tx, experiment_ids, filter_string, text, run_view_type, MOST_COUNTED
                )
            with no_collection(_OBJECTS_OF_A_RUN * len(runs)):
                for content in self._contents_of(tx, runs):
                    counts.add(
                        (content.metric_keys, content.metrics),
                        (content.param_keys, content.params),
                        (content.tag_keys, content.tags),
                    )
                    if counts.is_full:
                        break
            names = self._names_of(tx, counts.keys())
        return counts.answer(names.__getitem__)

    def _contents_of(self, tx: Any, runs: Sequence[int]) -> Iterator[Content]:
        """What each of the runs logged."""
        for part in _parts(runs):
            where = f"where run_id in ({marks(part)})"
            missing = set(part)
            for run, packed in tx.execute(
                f"select run_id, content from packed_run {where}", part
            ).fetchall():
                content = unpack(packed)
                if content is not None:
                    missing.remove(run)
                    yield content
            if missing:
                left = sorted(missing)
                yield from read_contents(tx, left).values()
                ended = [status for status in STATUS_NAMES if RunStatus.is_terminated(status)]
                rows = tx.execute(
                    f"select id from run where id in ({marks(left)}) "
                    f"and status in ({marks(ended)})",
                    [*left, *ended],
                ).fetchall()
                self._packer.later([run for (run,) in rows])

    def _ids_of(self, tx: Any, run_ids: Sequence[str]) -> dict[str, int]:
        """Of those that there are, in the order given."""
        distinct = list(dict.fromkeys(run_ids))
        if not distinct:
            return {}
        found = dict(
            tx.execute(
                f"select uuid, id from run where uuid in ({marks(distinct)})", distinct
            ).fetchall()
        )
        return {run_id: found[run_id] for run_id in distinct if run_id in found}

    def values_of_runs(
        self, experiment_ids: Sequence[str], kind: str, key: str, prefix: str
    ) -> list[str]:
        check_completed(kind, key)
        with self.db.read() as tx:
            newest = self._newest(
                tx, experiment_ids, None, None, ViewType.ACTIVE_ONLY, MOST_COUNTED
            )
            if kind == "attributes":
                values = self._attributes(tx, newest, _COMPLETED_COLUMNS[key])
            else:
                values = self._logged_values(tx, newest, kind.removesuffix("s"), key)
            return most_frequent(values, prefix)

    @staticmethod
    def _attributes(tx: Any, runs: Sequence[int], column: str) -> Iterator[str]:
        for part in _parts(runs):
            rows = tx.execute(f"select {column} from run where id in ({marks(part)})", part)
            for (value,) in rows.fetchall():
                if value is not None:
                    yield STATUS_NAMES[value] if column == "status" else value

    def _logged_values(self, tx: Any, runs: Sequence[int], table: str, key: str) -> Iterator[str]:
        number = self._key_id(tx, key)
        for part in _parts(runs) if number is not None else ():
            rows = tx.execute(
                f"select value from {table} where run_id in ({marks(part)}) and key_id = ?",
                [*part, number],
            )
            yield from (value for (value,) in rows.fetchall())

    def get_runs(self, run_ids: Sequence[str]) -> SomeRuns:
        check_number(run_ids, MOST_RUNS, "runs")
        with self.db.read() as tx:
            found = self._ids_of(tx, run_ids)
            pages = self._load(tx, list(found.values()))
            return SomeRuns(
                runs=[run for page in pages for run in page.messages()],
                missing=[run_id for run_id in dict.fromkeys(run_ids) if run_id not in found],
            )

    # -- datasets ---------------------------------------------------------------------------------

    def overview_of_datasets(self, experiment_ids: Sequence[str]) -> list[DatasetOverview]:
        experiments = list(dict.fromkeys(experiment_key(e) for e in experiment_ids))
        if not experiments:
            return []
        look_up = self.db.dialect.look_up
        uses = (
            f"from dataset d {look_up('run_dataset', 'u', 'u.dataset_id = d.id')} "
            f"{look_up('run', 'r', 'r.id = u.run_id')}"
        )
        within = f"d.experiment_id in ({marks(experiments)}) and r.lifecycle_stage = 'active'"
        with self.db.read() as tx:
            used = tx.execute(
                f"select d.id, count(*), max(r.start_time) {uses} where {within} group by d.id",
                experiments,
            ).fetchall()
            contexts: dict[int, list[str]] = {}
            for key, context in tx.execute(
                f"select distinct d.id, x.value {uses} "
                f"{look_up('run_dataset_tag', 'x', 'x.run_dataset_id = u.id')} "
                f"where {within} and x.name = ?",
                [*experiments, MLFLOW_DATASET_CONTEXT],
            ).fetchall():
                contexts.setdefault(key, []).append(context)
            found = [
                _dataset(row, count, last, sorted(contexts.get(row[0], [])))
                for row, count, last in self._with_rows(tx, used)
            ]
        return sorted(found, key=lambda d: (-d.last_used, d.name, d.digest))

    @staticmethod
    def _with_rows(tx: Any, used: Sequence[tuple[int, int, int]]) -> Iterator[tuple[Any, int, int]]:
        """The row of each dataset in place of its id."""
        for part in _parts(used):
            keys = [key for key, _, _ in part]
            rows = tx.execute(
                "select id, experiment_id, name, digest, source_type, source, schema_json, profile "
                f"from dataset where id in ({marks(keys)})",
                keys,
            ).fetchall()
            by_key = {row[0]: row for row in rows}
            yield from ((by_key[key], count, last) for key, count, last in part)


def _dataset(row: tuple[Any, ...], runs: int, last: int, contexts: list[str]) -> DatasetOverview:
    _, experiment, name, digest, source_type, source, schema, profile = row
    return DatasetOverview(
        dataset_id=dataset_id(str(experiment), name, digest),
        experiment_id=str(experiment),
        name=name,
        digest=digest,
        source_type=source_type,
        source=source,
        schema=schema,
        profile=profile,
        runs=runs,
        contexts=contexts,
        last_used=last or 0,
    )


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for i in range(0, len(values), BATCH):
        yield values[i : i + BATCH]
