"""Fill a database with runs, or with points of metrics, as fast as its bulk statements go.

    python benchmarks/generate.py sqlite:///big.db --runs 1000000
    python benchmarks/generate.py postgresql://postgres@127.0.0.1/big --runs 100000
    python benchmarks/generate.py sqlite:///points.db --series 100 --points 1000000

Runs go to experiments `skewed-0`, `skewed-1`, ... of which each has half as many as the one before;
the last one has a thousandth of all. They share their keys:

* params: `model` (5 values), `optimizer` (3), `batch_size` (6), `lr` and `seed` (nearly unique),
  `data` (long, with a common beginning), `note` (on one run in a thousand)
* metrics: `accuracy` and `loss` (unique, 1 % of the losses NaN), `auc` (on half of the runs),
  `epoch` (50 values), `drift` (on one run in ten thousand)
* tags: those of MLflow, `team` (8 values), `golden` (on one run in ten thousand)

1 % of the runs are deleted, 5 % are nested, a few are still running. The same `--seed` gives the
same content. A database that has runs already gets more.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from mlflow.entities import RunStatus
from mlflow.store.db.tables import statements
from mlflow.store.tracking.sql.content import Content, pack
from mlflow.store.tracking.sql.store import SqlStore

_BATCH = 5000
_START = 1_600_000_000_000
#: Milliseconds from the start of one run to that of the next.
_PACE = 30_000
#: Tables that are filled, with their columns.
_COLUMNS = {
    "run": "id, uuid, experiment_id, name, user_id, status, start_time, end_time, "
    "lifecycle_stage, deleted_time, artifact_uri",
    "param": "run_id, key_id, value",
    "tag": "run_id, key_id, value",
    "series": "run_id, key_id, value, step, timestamp, points, sealed",
    "tail": "run_id, key_id, seq, step, timestamp, value",
    "packed_run": "run_id, content",
}
_PARAMS = ("model", "optimizer", "batch_size", "lr", "seed", "data", "note")
_METRICS = ("accuracy", "loss", "auc", "epoch", "drift")
_TAGS = (
    "mlflow.runName",
    "mlflow.user",
    "mlflow.source.name",
    "mlflow.source.type",
    "mlflow.source.git.commit",
    "mlflow.parentRunId",
    "team",
    "golden",
)
_MODELS = ("forest", "linear", "boosting", "mlp", "transformer")
_USERS = [f"user{i:02}" for i in range(40)]

Rows = dict[str, list[tuple]]


class Bulk:
    """The quick way into each database."""

    def __init__(self, store: SqlStore):
        self.store = store
        self.dialect = store.db.dialect.name

    def insert(self, rows: Rows) -> None:
        """All of them in one transaction."""
        self.store.db.write(lambda tx: [self._insert(tx, table, rows[table]) for table in rows])

    def _insert(self, tx: Any, table: str, rows: Sequence[tuple]) -> None:
        columns = _COLUMNS[table]
        if not rows:
            return
        if self.dialect == "postgresql":
            statement = f"copy {table} ({columns}) from stdin"
            with tx.raw.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(rows[0]))
        tx.executemany(f"insert into {table} ({columns}) values ({marks})", rows)

    def without_indexes(self, work: Callable[[], None]) -> None:
        """Do `work`, and build the indexes for finding after it, which is several times quicker."""
        made = [
            s
            for s in statements(self.store.db.dialect.types)
            if s.startswith("create index") and s.split()[4] in _COLUMNS
        ]
        for statement in made:
            name, table = statement.split()[2], statement.split()[4]
            on = f" on {table}" if self.dialect == "mysql" else ""
            self._alone(f"drop index {name}{on}")
        try:
            work()
        finally:
            for statement in made:
                progress(f"index {statement.split()[2]}")
                self._alone(statement)

    def finish(self) -> None:
        """What keeps a database in shape by and by, at once."""
        if self.dialect == "postgresql":
            self.store.db.write(
                lambda tx: tx.execute(
                    "select setval(pg_get_serial_sequence('run', 'id'), max(id)) from run"
                )
            )
            with self.store.db.read() as tx:
                tx.execute("commit")
                tx.execute("vacuum analyze")
                tx.execute("begin")
        elif self.dialect == "mysql":
            self._alone(f"analyze table {', '.join(_COLUMNS)}")
        else:
            with self.store.db.read() as tx:
                tx.execute("commit")
                tx.execute("pragma wal_checkpoint(truncate)").fetchall()
                tx.execute("begin")

    def _alone(self, statement: str) -> None:
        self.store.db.write(lambda tx: tx.execute(statement))


class Runs:
    """Runs one after the other, each a little later than the one before."""

    def __init__(self, store: SqlStore, seed: int, experiments: int, packed: bool):
        self.random = random.Random(seed)
        self.packed = packed
        self.ids = _key_ids(store, {*_PARAMS, *_METRICS, *_TAGS})
        made = [_experiment(store, f"skewed-{i}") for i in range(experiments)]
        self.experiments = made
        weights = [2.0**-i for i in range(experiments - 1)]
        self.weights = [*weights, sum(weights) / 1000] if weights else [1.0]
        with store.db.read() as tx:
            (last,) = tx.execute("select coalesce(max(id), 0) from run").fetchone()
        self.next_id = last + 1
        self.made = 0
        self.parents: dict[str, str] = {}

    def batch(self, size: int) -> Rows:
        """The rows of the next runs."""
        rows: Rows = {table: [] for table in _COLUMNS}
        random = self.random
        chosen = random.choices(self.experiments, self.weights, k=size)
        for experiment, root in chosen:
            self._add(rows, self.next_id + len(rows["run"]), experiment, root)
        self.next_id += size
        self.made += size
        return rows

    def _add(self, rows: Rows, run: int, experiment: str, root: str) -> None:
        random, ids = self.random, self.ids
        fraction = random.random
        uuid = f"{random.getrandbits(128):032x}"
        number = run
        start = _START + number * _PACE + int(fraction() * 2 * _PACE)
        duration = int(60_000 * math.exp(random.gauss(2.0, 1.0)))
        lot = fraction()
        status = RunStatus.FINISHED
        if lot < 0.05:
            status = RunStatus.FAILED
        elif lot < 0.06:
            status = RunStatus.KILLED
        elif lot < 0.0602:
            status = RunStatus.RUNNING
        end = None if status == RunStatus.RUNNING else start + duration
        deleted = fraction() < 0.01
        user = _USERS[int(40 * fraction() ** 2)]
        name = f"run-{number % 997}-{number}"
        rows["run"].append(
            (
                run,
                uuid,
                int(experiment),
                name,
                user,
                status,
                start,
                end,
                "deleted" if deleted else "active",
                start + duration + 1000 if deleted else None,
                f"{root}/{uuid}/artifacts",
            )
        )
        seed = int(fraction() * (1 << 31))
        params = [
            (ids["model"], _MODELS[int(5 * fraction())]),
            (ids["optimizer"], ("adam", "sgd", "lion")[int(3 * fraction())]),
            (ids["batch_size"], str(16 << int(6 * fraction()))),
            (ids["lr"], f"{10 ** (-1 - 4 * fraction()):.8g}"),
            (ids["seed"], str(seed)),
            (ids["data"], _DATA + f"{seed % 500:03}.parquet"),
        ]
        if fraction() < 0.001:
            params.append((ids["note"], f"look again {number}"))
        tags = [
            (ids["mlflow.runName"], name),
            (ids["mlflow.user"], user),
            (ids["mlflow.source.name"], "train.py" if seed % 3 else "sweep.py"),
            (ids["mlflow.source.type"], "LOCAL"),
            (ids["mlflow.source.git.commit"], f"{number // 200:040x}"),
            (ids["team"], f"team-{user[-1]}" if user[-1] < "8" else "team-0"),
        ]
        parent = self.parents.get(experiment)
        if fraction() < 0.05 and parent:
            tags.append((ids["mlflow.parentRunId"], parent))
        else:
            self.parents[experiment] = uuid
        if fraction() < 0.0001:
            tags.append((ids["golden"], "yes"))
        accuracy = 1 - 0.5 * fraction() ** 2
        epoch = 1 + int(50 * fraction())
        values = [
            (ids["accuracy"], accuracy),
            (ids["loss"], None if fraction() < 0.01 else -math.log(accuracy) + fraction()),
            (ids["epoch"], float(epoch)),
        ]
        if fraction() < 0.5:
            values.append((ids["auc"], 0.5 + accuracy / 2 * fraction()))
        if fraction() < 0.0001:
            values.append((ids["drift"], fraction()))
        stamp = start + duration
        series = [(key, value, epoch, stamp) for key, value in values]
        for kept in (params, tags, series):
            kept.sort(key=_by_key)
        rows["param"] += [(run, *p) for p in params]
        rows["tag"] += [(run, *t) for t in tags]
        rows["series"] += [(run, *s, 1, 0) for s in series]
        rows["tail"] += [(run, key, 0, epoch, stamp, value) for key, value, _, _ in series]
        if self.packed and status != RunStatus.RUNNING:
            content = Content(
                *_columns(params, 2),
                *_columns(tags, 2),
                [key for key, _, _, _ in series],
                [math.nan if value is None else value for _, value, _, _ in series],
                [epoch] * len(series),
                [stamp] * len(series),
            )
            rows["packed_run"].append((run, pack(content)))


_DATA = "s3://a-bucket-with-a-long-name/projects/churn/features/v12/2024/part-"


def _by_key(row: tuple) -> int:
    return row[0]


def _columns(rows: list[tuple], count: int) -> list[list]:
    return [[row[i] for row in rows] for i in range(count)]


def _key_ids(store: SqlStore, names: set[str]) -> dict[str, int]:
    return store._write_with_keys(names, lambda tx, ids: {name: ids[name] for name in names})


def _experiment(store: SqlStore, name: str) -> tuple[str, str]:
    """The id and artifact location of an experiment; it is made if there is none."""
    found = store.get_experiment_by_name(name)
    if found is None:
        found = store.get_experiment(store.create_experiment(name))
    return found.experiment_id, found.artifact_location


def generate_runs(store: SqlStore, count: int, experiments: int, seed: int, packed: bool) -> None:
    """Add `count` runs."""
    runs = Runs(store, seed, experiments, packed)
    bulk = Bulk(store)

    def work() -> None:
        while runs.made < count:
            bulk.insert(runs.batch(min(_BATCH, count - runs.made)))
            progress(f"{runs.made:,} of {count:,} runs")

    if count > runs.next_id:  # else there is more in the indexes than will be added
        bulk.without_indexes(work)
    else:
        work()
    bulk.finish()


def generate_points(store: SqlStore, series: int, points: int, seed: int) -> None:
    """Add one run with `series` metrics `m0`, `m1`, ... of `points` points each, some thousand
    points in one transaction."""
    noise = [random.Random(seed).gauss(0, 0.01) for _ in range(1 << 13)]
    experiment, _ = _experiment(store, "points")
    run_id = store.create_run(experiment, "generator", _START, [], f"points-{series}").info.run_id
    started, done = time.monotonic(), 0
    together = max(1, _POINTS // points)
    for first in range(0, series, together):
        names = [f"m{number}" for number in range(first, min(first + together, series))]
        ids = _key_ids(store, set(names))
        values = dict.fromkeys(names, 1.0)
        for step in range(0, points, _POINTS):
            steps = range(step, min(step + _POINTS, points))
            new = {ids[name]: _walk(name, steps, values, noise) for name in names}

            def write(tx: Any, new: dict[int, list[tuple]] = new) -> None:
                store._append_many(tx, store._run_to_write(tx, run_id), new)

            store.db.write(write)
            done += len(names) * len(steps)
            rate = done / (time.monotonic() - started)
            progress(f"{done:,} of {series * points:,} points, {rate:,.0f} a second")
    store.update_run_info(run_id, RunStatus.FINISHED, _START + 100 * points, None)
    Bulk(store).finish()


#: Points in one transaction.
_POINTS = 1 << 16


def _walk(name: str, steps: range, values: dict[str, float], noise: list[float]) -> list[tuple]:
    """The next points of a metric that wanders about."""
    value, shift, points = values[name], zlib.crc32(name.encode()) & 0x1FFF, []
    for step in steps:
        value += noise[(step * 31 + shift) & 0x1FFF] - value / 5000
        points.append((step, _START + 100 * step, value))
    values[name] = value
    return points


_told = 0.0


def progress(text: str) -> None:
    """Say how far it is, not more often than twice a second."""
    global _told
    if time.monotonic() - _told > 0.5:
        _told = time.monotonic()
        print(text, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("uri", help="sqlite:///FILE, postgresql://... or mysql://...")
    parser.add_argument("--runs", type=int, default=0, help="runs to add")
    parser.add_argument("--experiments", type=int, default=8, help="to share the runs among")
    parser.add_argument("--unpacked", action="store_true", help="leave packed_run empty")
    parser.add_argument("--series", type=int, default=0, help="metrics of one run to add")
    parser.add_argument("--points", type=int, default=100_000, help="of each of them")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not given.runs and not given.series:
        parser.error("nothing to do: --runs or --series is needed")
    started = time.monotonic()
    store = SqlStore(given.uri, "mlflow-artifacts:/")
    if given.runs:
        generate_runs(store, given.runs, given.experiments, given.seed, not given.unpacked)
    if given.series:
        generate_points(store, given.series, given.points, given.seed)
    store.dispose()
    print(f"{time.monotonic() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
