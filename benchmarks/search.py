"""Measure `search_runs` on a database that `generate.py` made.

    python benchmarks/search.py sqlite:///big.db
    python benchmarks/search.py sqlite:///big.db --only deep --page 1000
    python benchmarks/search.py sqlite:///big.db --rest --pandas 10000

One line a shape of search: the time of a page in milliseconds, at the store, the quickest of
several, and how many runs were on it. With `--rest` a server is started on the database and asked
for pages over HTTP; with `--pandas N` `mlflow.search_runs` fetches N runs as a frame and as a list,
from the store and from the server.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple

from mlflow.entities import ViewType
from mlflow.store.tracking.sql.store import SqlStore


class Shape(NamedTuple):
    """One kind of search."""

    name: str
    filter: str = ""
    order: tuple[str, ...] = ()
    where: str = "big"
    """Experiments: the `big` one, which has half of the runs, a `small` one with a thousandth,
    `two` of different size, or `all`."""
    pages: int = 1
    """The last of so many is measured."""


SHAPES = (
    Shape("first page"),
    Shape("first page, all experiments", where="all"),
    Shape("first page, two experiments", where="two"),
    Shape("first page, small experiment", where="small"),
    Shape("metric > x, half of them", "metrics.accuracy > 0.8"),
    Shape("metric > x, few", "metrics.accuracy > 0.999995"),
    Shape("metric = x, none", "metrics.accuracy = 2"),
    Shape("metric != x", "metrics.epoch != 7"),
    Shape("rare metric", "metrics.drift > 0.1"),
    Shape("param =, a fifth", "params.model = 'mlp'"),
    Shape("param =, a five-hundredth, long", "params.data = '{data}'"),
    Shape("param =, one", "params.seed = '{seed}'"),
    Shape("param LIKE beginning", "params.seed LIKE '{seed:.4}%'"),
    Shape("param LIKE middle", "params.data LIKE '%part-12%'"),
    Shape("param ILIKE", "params.model ILIKE 'MLP'"),
    Shape("param as a number", "params.lr > 0.05"),
    Shape("param IS NULL", "params.note IS NULL"),
    Shape("rare param IS NOT NULL", "params.note IS NOT NULL"),
    Shape("tag =, an eighth", "tags.team = 'team-3'"),
    Shape("tag =, few", "tags.golden = 'yes'"),
    Shape("tag !=", "tags.team != 'team-0'"),
    Shape("status, most", "status = 'FINISHED'"),
    Shape("status, few", "status = 'RUNNING'"),
    Shape("start_time range", "start_time > {middle} and start_time < {later}"),
    Shape("end_time range", "end_time > {middle} and end_time < {later}"),
    Shape("run_name =", "run_name = '{name}'"),
    Shape("run_name LIKE middle", "run_name LIKE '%-77%'"),
    Shape("user", "user_id = 'user07'"),
    Shape("run_id IN", "run_id IN ('{run_id}', 'none')"),
    Shape("order by metric", order=("metrics.accuracy DESC",)),
    Shape("order by metric, all experiments", order=("metrics.accuracy DESC",), where="all"),
    Shape("order by metric, small experiment", order=("metrics.accuracy DESC",), where="small"),
    Shape("order by metric with few values", order=("metrics.epoch ASC",)),
    Shape("order by metric that half have", order=("metrics.auc ASC",)),
    Shape("order by metric that few have", order=("metrics.drift DESC",)),
    Shape("order by param", order=("params.lr",)),
    Shape("order by param with few values", order=("params.model",)),
    Shape("order by long param", order=("params.data",)),
    Shape("order by tag", order=("tags.mlflow.source.git.commit DESC",)),
    Shape("order by two", order=("params.model", "metrics.loss")),
    Shape("order by start_time ASC", order=("start_time ASC",)),
    Shape("order by end_time", order=("end_time DESC",)),
    Shape("order by run_name", order=("run_name",)),
    Shape("order by status", order=("status",)),
    Shape("order by user", order=("user_id",)),
    Shape("order by run_id", order=("run_id",)),
    Shape("metric > x, ordered by it", "metrics.accuracy > 0.8", ("metrics.accuracy ASC",)),
    Shape("metric > x, ordered by another", "metrics.accuracy > 0.8", ("metrics.loss ASC",)),
    Shape("param =, ordered by metric", "params.model = 'mlp'", ("metrics.accuracy DESC",)),
    Shape("few, ordered by metric", "tags.golden = 'yes'", ("metrics.accuracy DESC",)),
    Shape(
        "three conditions",
        "metrics.accuracy > 0.8 and params.model = 'mlp' and tags.team = 'team-3'",
        ("metrics.loss ASC",),
    ),
    Shape(
        "conditions that exclude each other",
        "metrics.accuracy > 0.99 and metrics.loss > 1",
        ("metrics.accuracy DESC",),
    ),
    Shape("against the order", "metrics.accuracy < 0.51", ("metrics.auc DESC",)),
    Shape("OR", "params.model = 'mlp' or metrics.accuracy > 0.99"),
    Shape("OR of few", "tags.golden = 'yes' or metrics.drift > 0.1"),
    Shape("NOT", "not params.model = 'mlp'"),
    Shape("deep, page 50", pages=50),
    Shape("deep, page 50, by metric", order=("metrics.accuracy DESC",), pages=50),
    Shape("deep, page 50, by param with few values", order=("params.model",), pages=50),
    Shape("deep, page 50, filtered", "params.model = 'mlp'", pages=50),
)


def experiments(store: SqlStore) -> dict[str, list[str]]:
    """The ids of the experiments that `Shape.where` names."""
    found = {x.name: x.experiment_id for x in store.search_experiments(max_results=1000)}
    made = sorted(name for name in found if name.startswith("skewed-"))
    return {
        "big": [found[made[0]]],
        "small": [found[made[-1]]],
        "two": [found[made[0]], found[made[-2]]],
        "all": list(found.values()),
    }


def values(store: SqlStore, experiment: str) -> dict[str, Any]:
    """Values that some run in the middle has, for filters."""
    with store.db.read() as tx:
        rows = tx.execute(
            "select uuid, start_time from run where experiment_id = ? and lifecycle_stage = ? "
            "order by start_time",
            (int(experiment), "active"),
        ).fetchall()
    run_id, start = rows[len(rows) // 2]
    run = store.get_run(run_id)
    return {
        "run_id": run_id,
        "name": run.info.run_name,
        "seed": run.data.params["seed"],
        "data": run.data.params["data"],
        "middle": start,
        "later": rows[len(rows) // 2 + len(rows) // 100][1],
    }


def quickest(work: Callable[[], Any], patience: float) -> tuple[float, Any]:
    """The shortest time of a call in milliseconds, which other work on the machine disturbs least,
    and what the last one gave."""
    times: list[float] = []
    until = time.perf_counter() + patience
    while len(times) < 3 or (time.perf_counter() < until and len(times) < 200):
        started = time.perf_counter()
        result = work()
        times.append(1000 * (time.perf_counter() - started))
        if len(times) == 1 and times[0] > 1000 * patience:
            break
    return min(times), result


class Measured:
    """Results, printed as they come."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, float]] = {}

    def add(self, name: str, milliseconds: float, count: int) -> None:
        self.rows[name] = {"ms": round(milliseconds, 3), "runs": count}
        print(f"{name:45} {milliseconds:10.2f} ms {count:8,} runs", flush=True)


def measure_store(uri: str, given: argparse.Namespace, out: Measured) -> None:
    """Each shape, at the store."""
    store = SqlStore(uri)
    where = experiments(store)
    known = values(store, where["big"][0])
    for shape in SHAPES:
        if given.only and given.only not in shape.name:
            continue
        text = shape.filter.format(**known)
        token = None

        def page(shape: Shape = shape, text: str = text) -> Any:
            return store.search_runs(
                where[shape.where],
                text,
                ViewType.ACTIVE_ONLY,
                given.page,
                list(shape.order),
                token,  # noqa: B023 - changes between two calls, as it should
            )

        for _ in range(shape.pages - 1):
            token = page().token
            if token is None:
                break
        milliseconds, found = quickest(page, given.patience)
        out.add(shape.name, milliseconds, len(found))
    if hasattr(store, "count_runs") and not given.only:
        for name, text in (("count", ""), ("count, filtered", "params.model = 'mlp'")):
            milliseconds, count = quickest(
                lambda text=text: store.count_runs(where["big"], text, ViewType.ACTIVE_ONLY),
                given.patience,
            )
            out.add(name, milliseconds, count)
    store.dispose()


def start_server(uri: str) -> tuple[subprocess.Popen, str]:
    """A server on the database, ready to answer."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--backend-store-uri", uri],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1).close()
            return process, url
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server ended at once")


def memory_of(process: subprocess.Popen) -> float:
    """MiB that a process takes, at most so far."""
    with open(f"/proc/{process.pid}/status") as file:
        peak = next(line for line in file if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def measure_rest(url: str, big: str, given: argparse.Namespace, out: Measured) -> None:
    """Pages over one kept-alive connection: the body read, not decoded."""
    import http.client

    connection = http.client.HTTPConnection(url.removeprefix("http://"))

    def page(size: int) -> int:
        body = json.dumps({"experiment_ids": [big], "max_results": size})
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/api/2.0/mlflow/runs/search", body, headers)
        return len(connection.getresponse().read())

    for size in (100, 1000):
        milliseconds, length = quickest(lambda size=size: page(size), given.patience)
        out.add(f"REST page of {size:,}, {length / 1e6:.2f} MB", milliseconds, size)


def measure_pandas(uri: str, big: str, given: argparse.Namespace, out: Measured, by: str) -> None:
    """Frames, in a process of its own."""
    code = (
        "import sys, time, mlflow, pandas\n"
        "uri, big, count, patience = sys.argv[1:]\n"
        "count, patience = int(count), float(patience)\n"
        "mlflow.set_tracking_uri(uri)\n"
        "for form in ('pandas', 'list'):\n"
        "    for n in (200, count):\n"
        "        times = []\n"
        "        until = time.perf_counter() + patience\n"
        "        while len(times) < 3 or (time.perf_counter() < until and len(times) < 50):\n"
        "            t = time.perf_counter()\n"
        "            found = mlflow.search_runs([big], max_results=n, output_format=form)\n"
        "            times.append(time.perf_counter() - t)\n"
        "        print(form, len(found), 1000 * min(times))\n"
    )
    arguments = [uri, big, str(given.pandas), str(given.patience)]
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    for line in answer.stdout.splitlines():
        form, count, milliseconds = line.split()
        out.add(f"{int(count):,} runs as {form}, {by}", float(milliseconds), int(count))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("uri", help="of a database that generate.py made")
    parser.add_argument("--page", type=int, default=100, help="runs on a page")
    parser.add_argument("--only", default="", help="shapes whose name has this")
    parser.add_argument("--patience", type=float, default=1.0, help="seconds for each shape")
    parser.add_argument("--rest", action="store_true", help="measure a server too")
    parser.add_argument("--pandas", type=int, default=0, help="runs to fetch as a frame")
    parser.add_argument("--no-store", action="store_true", help="leave out the shapes")
    parser.add_argument("--json", help="a file for the results")
    given = parser.parse_args()
    out = Measured()
    if not given.no_store:
        measure_store(given.uri, given, out)
    store = SqlStore(given.uri)
    big = experiments(store)["big"][0]
    store.dispose()
    if given.pandas:
        measure_pandas(given.uri, big, given, out, "store")
    if given.rest:
        process, url = start_server(given.uri)
        try:
            measure_rest(url, big, given, out)
            if given.pandas:
                measure_pandas(url, big, given, out, "REST")
            print(f"server: {memory_of(process):.0f} MiB at most")
        finally:
            process.terminate()
            process.wait()
    if given.json:
        with open(given.json, "w") as file:
            json.dump({"uri": given.uri.rsplit("@")[-1], "cpus": os.cpu_count(), **out.rows}, file)


if __name__ == "__main__":
    main()
