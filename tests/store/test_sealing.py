"""Tails that become chunks: at the end of a run, when it is idle, and by `mlflow db optimize`. No
history changes by it, and no kill can lose or double a point."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests import databases

from mlflow.entities import Metric, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.server.app import create_app
from mlflow.server.config import ServerConfig
from mlflow.store.db.check import check
from mlflow.store.db.optimize import Optimized, optimize
from mlflow.store.tracking.sql.sealer import Sealer
from mlflow.store.tracking.sql.store import SqlStore

ROOT = Path(__file__).parents[2]
#: By hand, for long: HEADRACE_CRASHES=1000 pytest tests/store/test_sealing.py
CRASHES = int(os.environ.get("HEADRACE_CRASHES", "8"))


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def uri(request, tmp_path):
    with databases.new_database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def sql(uri, tmp_path):
    store = SqlStore(uri, str(tmp_path))
    yield store
    store.dispose()


def new_run(store) -> str:
    return store.create_run("0", "u", 0, [], None).info.run_id


def log(store, run_id, key, points):
    for first in range(0, len(points), 100):
        batch = [Metric(key, v, t, s) for s, t, v in points[first : first + 100]]
        store.log_batch(run_id, batch, [], [])


def line(first, last):
    return [(i, 1000 + 3 * i, i / 7) for i in range(first, last)]


def history(store, run_id, key):
    return [(m.step, m.timestamp, m.value) for m in store.get_metric_history(run_id, key)]


def counts(store) -> dict[str, int]:
    with store.db.read() as tx:
        return {
            table: tx.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("tail", "chunk")
        }


def chunk_sizes(store) -> list[int]:
    with store.db.read() as tx:
        rows = tx.execute("select points from chunk order by run_id, key_id, seq").fetchall()
    return [size for (size,) in rows]


def improved(store, **options) -> Optimized:
    done = Optimized()
    optimize(store.db, done, **options)
    return done


# -- when a run ends ----------------------------------------------------------------------------


def test_end_of_a_run_seals_what_is_worth_it(sql):
    run_id = new_run(sql)
    log(sql, run_id, "long", line(0, 500))
    log(sql, run_id, "short", line(0, 31))
    assert counts(sql) == {"tail": 531, "chunk": 0}
    sql.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    assert counts(sql) == {"tail": 31, "chunk": 1}
    assert history(sql, run_id, "long") == line(0, 500)
    assert history(sql, run_id, "short") == line(0, 31)


def test_end_of_a_run_with_many_metrics_seals_them_all(sql):
    run_id = new_run(sql)
    for step in range(40):
        sql.log_batch(run_id, [Metric(f"k{k}", k, step, step) for k in range(100)], [], [])
    sql.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    assert counts(sql) == {"tail": 0, "chunk": 100}


def test_large_batches_go_straight_to_chunks(sql):
    run_id = new_run(sql)
    sql.log_batch(run_id, [Metric("m", v, t, s) for s, t, v in line(0, 300)], [], [])
    sql.log_batch(run_id, [Metric("m", v, t, s) for s, t, v in line(300, 1300)], [], [])
    assert counts(sql) == {"tail": 0, "chunk": 1}
    assert chunk_sizes(sql) == [1300]
    sql.log_batch(run_id, [Metric("m", v, t, s) for s, t, v in line(1300, 2300)], [], [])
    assert counts(sql) == {"tail": 0, "chunk": 2}
    assert history(sql, run_id, "m") == line(0, 2300)


# -- idle ---------------------------------------------------------------------------------------


def test_idle_runs_are_sealed_and_busy_ones_are_not(sql):
    idle, busy = new_run(sql), new_run(sql)
    log(sql, idle, "m", line(0, 400))
    sealer = Sealer(sql.db, idle=3600)
    sql.sealer = sealer
    log(sql, busy, "m", line(0, 400))
    assert sealer.seal_idle() == 0
    sealer = sql.sealer = Sealer(sql.db, idle=0)
    log(sql, idle, "m", line(400, 500))
    while time.monotonic() == sealer._touched[1]:
        pass
    assert sealer.seal_idle() == 1
    assert chunk_sizes(sql) == [500]
    assert history(sql, idle, "m") == line(0, 500)
    assert sealer.seal_idle() == 0, "it is forgotten"


def test_process_without_the_thread_looks_after_it_now_and_then(sql):
    idle, busy = new_run(sql), new_run(sql)
    sealer = sql.sealer = Sealer(sql.db, idle=0)
    log(sql, idle, "m", line(0, 400))
    log(sql, busy, "m", line(0, 100))
    assert counts(sql) == {"tail": 500, "chunk": 0}, "it is not time yet"
    sealer._next = 0.0
    sql.log_metric(busy, Metric("m", 1.0, 1, 1))
    assert counts(sql) == {"tail": 101, "chunk": 1}
    assert history(sql, idle, "m") == line(0, 400)


def test_thread_seals_idle_runs_while_others_write(sql):
    sql.sealer = Sealer(sql.db, idle=0.05)
    sql.sealer.start()
    run_ids = [new_run(sql) for _ in range(4)]
    expected = line(0, 1500)

    def work(run_id):
        for first in range(0, 1500, 50):
            batch = [Metric("m", v, t, s) for s, t, v in expected[first : first + 50]]
            sql.log_batch(run_id, batch, [], [])
            time.sleep(random.uniform(0, 0.02))

    threads = [threading.Thread(target=work, args=(run_id,)) for run_id in run_ids]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    deadline = time.monotonic() + 30
    while sql.sealer._touched and time.monotonic() < deadline:
        time.sleep(0.02)
    sql.sealer.stop()
    assert counts(sql)["tail"] < 4 * 256
    for run_id in run_ids:
        assert history(sql, run_id, "m") == expected
    assert check(sql.db) == []


def test_server_has_a_sealer_as_long_as_it_runs(tmp_path):
    def sealers():
        return [t for t in threading.enumerate() if t.name == "sealer"]

    async def lifespan() -> None:
        app = create_app(
            ServerConfig(
                backend_store_uri=f"sqlite:///{tmp_path}/s.db",
                artifacts_destination=str(tmp_path / "artifacts"),
            )
        )
        said: list[str] = []
        may_end = asyncio.Event()
        asked = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive():
            if said:
                await may_end.wait()
            return {"type": next(asked)}

        async def send(message):
            said.append(message["type"])
            if message["type"] == "lifespan.startup.complete":
                assert len(sealers()) == 1
                may_end.set()

        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
        assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    assert sealers() == []
    asyncio.run(lifespan())
    assert sealers() == []


# -- mlflow db optimize -------------------------------------------------------------------------


def test_optimize_seals_and_joins(sql):
    run_id = new_run(sql)
    for first in range(0, 1000, 100):  # ten small chunks
        log(sql, run_id, "m", line(first, first + 100))
        sql.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    log(sql, run_id, "m", line(1000, 1050))
    assert chunk_sizes(sql) == [100] * 10
    other = new_run(sql)
    log(sql, other, "m", line(0, 20))
    done = improved(sql)
    assert (done.tails, done.tail_points) == (1, 50)
    assert (done.rewritten, done.written) == (11, 1)
    assert (chunk_sizes(sql), counts(sql)["tail"]) == ([1050], 20)
    assert history(sql, run_id, "m") == line(0, 1050)
    assert history(sql, other, "m") == line(0, 20)
    assert check(sql.db) == []
    again = improved(sql)
    assert (again.tails, again.rewritten, again.summarized) == (0, 0, 0)
    log(sql, run_id, "m", line(1050, 1100))
    assert history(sql, run_id, "m") == line(0, 1100)
    assert check(sql.db) == []


def test_optimize_sorts_what_two_writers_mixed_up(sql):
    run_id = new_run(sql)
    points = line(0, 4000)
    mixed = points[:]
    rng = random.Random(3)
    for i in range(0, 4000, 40):  # each point up to 40 places from where it belongs
        part = mixed[i : i + 40]
        rng.shuffle(part)
        mixed[i : i + 40] = part
    log(sql, run_id, "m", mixed)
    log(sql, run_id, "twice", [*points[:2000], *points[1000:2000]])
    sql.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    done = improved(sql)
    assert done.rewritten >= 4
    with sql.db.read() as tx:
        orders = tx.execute("select ordered from chunk order by run_id, key_id, seq").fetchall()
    assert [ordered for (ordered,) in orders[:4]] == [2, 2, 2, 2]
    assert history(sql, run_id, "m") == points
    assert history(sql, run_id, "twice") == points[:2000]
    assert check(sql.db) == []
    assert improved(sql).rewritten == 0


def test_optimize_completes_summaries_of_version_1(sql):
    run_id = new_run(sql)
    points = [*line(0, 500), (7, 9000, float("nan")), *line(501, 900)]
    log(sql, run_id, "m", points)
    sql.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    columns = "ordered, first_value, step_of_min, timestamp_of_min, step_of_max, timestamp_of_max"
    with sql.db.read() as tx:
        before = tx.execute(f"select {columns} from chunk").fetchall()
    unset = ", ".join(f"{c} = null" for c in columns.split(", "))
    sql.db.write(lambda tx: tx.execute(f"update chunk set {unset}"))
    expected = sql.get_metric_charts([run_id], ["m"], buckets=5)
    sample = repr(sql.get_metric_history_bulk_interval([run_id], "m", 20, None, None))
    assert improved(sql).summarized == 1
    with sql.db.read() as tx:
        assert tx.execute(f"select {columns} from chunk").fetchall() == before
    assert sql.get_metric_charts([run_id], ["m"], buckets=5) == expected
    again = sql.get_metric_history_bulk_interval([run_id], "m", 20, None, None)
    assert repr(again) == sample


def test_two_may_optimize_at_once_while_others_write(sql, uri, tmp_path):
    run_id = new_run(sql)
    rng = random.Random(4)
    mixed = line(0, 3000)
    rng.shuffle(mixed)
    for first in range(0, 3000, 60):
        log(sql, run_id, "m", mixed[first : first + 60])
        if first % 240 == 0:
            sql.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    stop = threading.Event()
    logged = []

    def write():
        i = 10_000
        while not stop.is_set():
            log(sql, run_id, "m", line(i, i + 50))
            logged.extend(line(i, i + 50))
            i += 50

    def tidy():
        store = SqlStore(uri, str(tmp_path))
        for _ in range(5):
            improved(store)
        store.dispose()

    writer = threading.Thread(target=write)
    tidiers = [threading.Thread(target=tidy) for _ in range(2)]
    for t in (writer, *tidiers):
        t.start()
    for t in tidiers:
        t.join()
    stop.set()
    writer.join()
    assert history(sql, run_id, "m") == [*line(0, 3000), *logged]
    assert check(sql.db) == []


def test_vacuum_gives_space_back(sql, uri):
    run_id = new_run(sql)
    for first in range(0, 20_000, 100):
        log(sql, run_id, f"m{first % 1000}", line(first, first + 100))
    done = improved(sql, vacuum=True)
    assert done.bytes_before > 0 and done.bytes_after > 0
    if uri.startswith("sqlite"):
        path = uri.removeprefix("sqlite:///")
        assert done.bytes_after < done.bytes_before
        assert os.path.getsize(path) == done.bytes_after
    assert history(sql, run_id, "m0")[:100] == line(0, 100)


# -- crashes ------------------------------------------------------------------------------------

_WORK = """
import sys
from mlflow.entities import Metric, RunStatus
from mlflow.store.db.optimize import Optimized, optimize
from mlflow.store.tracking.sql.sealer import Sealer
from mlflow.store.tracking.sql.store import SqlStore
uri, run_id, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = SqlStore(uri)
store.sealer = Sealer(store.db, idle=0)
print("ready", flush=True)
while True:
    for size in (40, 90, 300, 7, 700):
        batch = [Metric("m", i / 7, 1000 + 3 * i, i) for i in range(first, first + size)]
        store.log_batch(run_id, batch[::-1] if size == 90 else batch, [], [])
        first += size
        print(first, flush=True)
    store.sealer.seal_idle()
    store.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    optimize(store.db, Optimized())
"""


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
def test_kill_while_sealing_loses_and_doubles_nothing(uri, tmp_path):
    store = SqlStore(uri, str(tmp_path))
    run_id = new_run(store)
    rng = random.Random(9)
    there = 0
    for _ in range(CRASHES):
        process = subprocess.Popen(
            [sys.executable, "-c", _WORK, uri, run_id, str(there)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        lines = process.communicate()[0].splitlines(keepends=True)
        acknowledged = max((int(text) for text in lines if text.endswith("\n")), default=there)
        found = history(store, run_id, "m")
        assert found == line(0, len(found))
        assert len(found) >= acknowledged
        there = len(found)
        assert check(store.db) == []
    assert there > 0
    store.dispose()


# -- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["bit", "cut", "empty", "format", "checksum"])
def test_damaged_chunk_is_named_and_the_rest_is_readable(sql, how):
    run_id, other = new_run(sql), new_run(sql)
    for run in (run_id, other):
        for key in ("loss", "fine"):
            log(sql, run, key, line(0, 2500))
    with sql.db.read() as tx:
        run, key, seq, content = tx.execute(
            "select c.run_id, c.key_id, c.seq, c.content from chunk c "
            "join run r on r.id = c.run_id join key_name k on k.id = c.key_id "
            "where r.uuid = ? and k.name = 'loss' order by c.seq limit 1",
            (run_id,),
        ).fetchone()
    damaged = bytearray(content)
    if how == "bit":
        damaged[len(damaged) // 2] ^= 4
    elif how == "checksum":
        damaged[2] ^= 1
    elif how == "format":
        damaged[0] = 9
    else:
        damaged = damaged[:-5] if how == "cut" else bytearray()
    sql.db.write(
        lambda tx: tx.execute(
            "update chunk set content = ? where run_id = ? and key_id = ? and seq = ?",
            (bytes(damaged), run, key, seq),
        )
    )
    for read in (
        lambda: sql.get_metric_history(run_id, "loss"),
        lambda: sql.get_metric_history(run_id, "loss", max_results=10),
        lambda: sql.get_metric_history_bulk_interval([run_id], "loss", 320, None, None),
        lambda: sql.get_metric_charts([run_id], ["loss"], "step", 0, 20),
    ):
        with pytest.raises(MlflowException, match=f"Metric 'loss' of run {run_id}.*chunk") as e:
            read()
        assert e.value.error_code == "DATA_LOSS"
    assert history(sql, run_id, "fine") == line(0, 2500)
    assert history(sql, other, "loss") == line(0, 2500)
    assert sql.get_run(run_id).data.metrics["loss"] == line(2499, 2500)[0][2]
    log(sql, run_id, "loss", line(2500, 5000))
    assert any(f"metric 'loss' of run {run_id}" in text for text in check(sql.db))
    done = improved(sql)
    if seq == 0 and how != "format":
        assert all("'loss'" in text and run_id in text for text in done.damaged)
    assert history(sql, other, "fine") == line(0, 2500)
