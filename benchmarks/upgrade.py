"""Measure `mlflow db upgrade` on a SQLite database of MLflow 3.17.

    python benchmarks/upgrade.py --runs 10 --metrics 10 --points 10000
    python benchmarks/upgrade.py --runs 100000 --metrics 5 --points 1 --folder /var/tmp

Fills the database in `tests/data/mlflow-databases/3.17` with rows, by SQL; each run has 10 params
and 5 tags besides the metrics. Then the command runs in a process of its own. Printed are the rows
of all tables per second, the points per second, and the most memory that the process had.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "tests" / "data" / "mlflow-databases" / "3.17" / "sqlite.gz"
_START = 1_600_000_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--metrics", type=int, default=10, help="of each run")
    parser.add_argument("--points", type=int, default=10_000, help="of each metric")
    parser.add_argument("--folder", help="where the database is made; it is removed afterwards")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = os.path.join(folder, "mlflow.db")
        Path(path).write_bytes(gzip.decompress(GOLDEN.read_bytes()))
        # in a process of its own: the memory of this one would count as the command's
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows = pool.apply(fill, (path, args.runs, args.metrics, args.points))
        before = os.path.getsize(path)
        start = time.monotonic()
        command = [sys.executable, "-m", "mlflow", "db", "upgrade", f"sqlite:///{path}"]
        _, status, usage = os.wait4(subprocess.Popen(command).pid, 0)
        seconds = time.monotonic() - start
        if status:
            sys.exit("The command failed.")
        points = args.runs * args.metrics * args.points
        cpu = usage.ru_utime + usage.ru_stime
        print(
            f"{rows:,} rows in {seconds:.1f} s ({cpu:.1f} s of CPU): {rows / seconds:,.0f} rows/s, "
            f"{points / seconds:,.0f} points/s; peak memory {usage.ru_maxrss / 1024:,.0f} MiB; "
            f"file {before / 1e6:,.0f} MB, then {os.path.getsize(path) / 1e6:,.0f} MB"
        )


def fill(path: str, runs: int, metrics: int, points: int) -> int:
    """Add so much to a database of MLflow; how many rows."""
    connection = sqlite3.connect(path)
    connection.execute("pragma synchronous = off")
    connection.execute("pragma cache_size = -200000")
    ids = [uuid.UUID(int=i + (1 << 80)).hex for i in range(runs)]
    insert = connection.executemany
    insert(
        "insert into runs (run_uuid, name, source_type, user_id, status, start_time, end_time, "
        "lifecycle_stage, artifact_uri, experiment_id) "
        "values (?, 'n', 'UNKNOWN', 'ann', 'FINISHED', ?, ?, 'active', '/data/first/x', 1)",
        ((run, _START + i, _START + i + 1) for i, run in enumerate(ids)),
    )
    insert(
        "insert into params (key, value, run_uuid) values (?, ?, ?)",
        ((f"param-{i}", f"value {n % 1000}", run) for n, run in enumerate(ids) for i in range(10)),
    )
    insert(
        "insert into tags (key, value, run_uuid) values (?, ?, ?)",
        ((f"tag-{i}", f"value {n % 10}", run) for n, run in enumerate(ids) for i in range(5)),
    )
    columns = "(key, value, timestamp, run_uuid, step, is_nan)"
    insert(
        f"insert into metrics {columns} values (?, ?, ?, ?, ?, 0)",
        (
            (f"metric-{m}", (i * 7919 % 10_007) / 10_007, _START + 100 * i, run, i)
            for run in ids
            for i in range(points)
            for m in range(metrics)
        ),
    )
    connection.execute(
        f"insert into latest_metrics {columns} select key, value, timestamp, run_uuid, step, "
        "is_nan from metrics where step = ? and run_uuid in (select run_uuid from runs where "
        "artifact_uri = '/data/first/x')",
        (points - 1,),
    )
    connection.commit()
    connection.close()
    return runs * (1 + 15 + metrics * (points + 1))


if __name__ == "__main__":
    main()
