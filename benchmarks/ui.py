"""What the web UI's pages cost in Chromium, ours and MLflow's on the same runs.

    python -m tests.ui.seed SEED                          # the runs
    python benchmarks/ui.py fill SEED theirs.db           # the same for a database that MLflow made
    python benchmarks/ui.py measure ours=http://127.0.0.1:5000 theirs=http://127.0.0.1:5001

Three experiments of the seed are used, found by name: `bulk` (10,000 runs), `long` (a metric of a
million points with one spike), `grid` (20 metrics each). `fill` writes rows into tables of MLflow's
that are there; logging them through its server takes an hour.

The first load, from an empty cache, is counted until nothing more comes; CPU is that of the page's
main thread (`threadTicks`), the median of `--rounds`, rounds taking turns. `measure` prints a table
in Markdown; it needs Playwright, and Chromium on PATH or in HEADRACE_CHROMIUM.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

EXPERIMENTS = ("bulk", "long", "vision/grid")
SPIKE = 1000.0

# -- the same runs for MLflow ----------------------------------------------------------------------


def fill(seed: Path, database: Path) -> None:
    """Copy the experiments, with all their points, into a database that MLflow made."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{seed / 'mlflow.db'}")
    theirs = sqlite3.connect(database)
    with theirs:
        for name in EXPERIMENTS:
            experiment = client.get_experiment_by_name(name)
            theirs.execute(
                "insert into experiments (name, artifact_location, lifecycle_stage, creation_time,"
                " last_update_time, workspace) values (?, ?, 'active', ?, ?, 'default')",
                (name, f"{database.parent}/none", 1, 1),
            )
            (number,) = theirs.execute("select last_insert_rowid()").fetchone()
            for run in pages(client, experiment.experiment_id):
                copy_run(client, theirs, number, run)
            print(f"{name}: experiment {number}")
    theirs.close()


def pages(client: Any, experiment: str) -> Iterator[Any]:
    """All runs of an experiment."""
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        yield from page
        if not (token := page.token):
            return


def copy_run(client: Any, theirs: sqlite3.Connection, experiment: int, run: Any) -> None:
    info, data, id_ = run.info, run.data, uuid.uuid4().hex
    theirs.execute(
        "insert into runs (run_uuid, name, source_type, source_name, entry_point_name, user_id,"
        " status, start_time, end_time, source_version, lifecycle_stage, artifact_uri,"
        " experiment_id) values (?, ?, 'UNKNOWN', '', '', ?, ?, ?, ?, '', 'active', ?, ?)",
        (id_, info.run_name, info.user_id, info.status, info.start_time, info.end_time)
        + (f"none/{id_}/artifacts", experiment),
    )
    for table, rows in (("params", data.params), ("tags", data.tags)):
        theirs.executemany(
            f"insert into {table} (key, value, run_uuid) values (?, ?, ?)",
            [(key, value, id_) for key, value in rows.items()],
        )
    for key in data.metrics:
        points = client.get_metric_history(info.run_id, key)
        rows = [(key, p.value, p.timestamp, id_, p.step, False) for p in points]
        columns = "(key, value, timestamp, run_uuid, step, is_nan) values (?, ?, ?, ?, ?, ?)"
        theirs.executemany(f"insert into metrics {columns}", rows)
        theirs.execute(f"insert into latest_metrics {columns}", rows[-1])


# -- a server and its pages ------------------------------------------------------------------------


class Product:
    """A server, its pages and what they are found by."""

    def __init__(self, name: str, uri: str):
        self.name, self.uri = name, uri
        names = {e["name"]: e["experiment_id"] for e in self.post("experiments/search")}
        self.bulk, self.long, self.grid = (names[name] for name in EXPERIMENTS)

    def post(self, rpc: str, **fields: Any) -> list[dict]:
        """The one list in the answer of a search."""
        body = json.dumps({"max_results": 1000, **fields}).encode()
        request = urllib.request.Request(
            f"{self.uri}/api/2.0/mlflow/{rpc}", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            said = json.load(answer)
        return next(value for value in said.values() if isinstance(value, list))

    def runs(self, experiment: str) -> list[str]:
        return [r["info"]["run_id"] for r in self.post("runs/search", experiment_ids=[experiment])]

    def cpu(self) -> float:
        """Milliseconds of CPU that the processes of the server have used."""
        port = urlsplit(self.uri).port
        (pid,) = {
            c.pid
            for c in psutil.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr.port == port and c.pid
        } or {0}
        server = psutil.Process(pid)
        times = [p.cpu_times() for p in (server, *server.children(recursive=True))]
        return 1000 * sum(t.user + t.system for t in times)


class Visit:
    """A page in a context of its own, with the browser's instruments."""

    def __init__(self, browser: Any, product: Product, hash_: str):
        self.requests: list[str] = []
        self.waiting: set[Any] = set()
        self.answers: list[Any] = []
        self.code = 0
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.page = self.context.new_page()
        # The same process shows what comes, so the instruments stay with it.
        self.page.goto(f"{product.uri}/health")
        self.cdp = self.context.new_cdp_session(self.page)
        self.cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.page.on("request", self._on_request)
        self.page.on("requestfinished", self._on_finished)
        self.page.on("requestfailed", lambda request: self.waiting.discard(request))
        self.before = self._metrics()
        self.page.goto(f"{product.uri}/{hash_}")

    def _on_request(self, request: Any) -> None:
        self.requests.append(request.url)
        if request.resource_type in ("fetch", "xhr"):
            self.waiting.add(request)

    def _on_finished(self, request: Any) -> None:
        self.waiting.discard(request)
        if request.resource_type in ("script", "stylesheet"):
            self.code += request.sizes()["responseBodySize"]
        elif "/ajax-api/" in request.url or "/graphql" in request.url:
            self.answers.append(request)

    def _metrics(self) -> dict[str, float]:
        said = self.cdp.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in said}

    def spent(self, *names: str) -> float:
        """Milliseconds of the main thread since the last call, or the beginning."""
        now, before = self._metrics(), self.before
        self.before = now
        return 1000 * sum(now[n] - before.get(n, 0) for n in names or ("TaskDuration",))

    @property
    def asked(self) -> int:
        """Requests to the API so far."""
        return sum("/ajax-api/" in url or "/graphql" in url for url in self.requests)

    def rest(self, seconds: float = 2.0, patience: float = 30.0) -> None:
        """Wait until the API has answered all and nothing was asked for so long."""
        count, since = -1, time.monotonic()
        end = since + patience
        while time.monotonic() - since < seconds and time.monotonic() < end:
            if self.waiting or len(self.requests) != count:
                count, since = len(self.requests), time.monotonic()
            self.page.wait_for_timeout(100)

    def see(self, text: str) -> None:
        self.page.get_by_text(text, exact=True).first.wait_for(timeout=120_000)

    def nodes(self) -> int:
        return self.page.evaluate("document.querySelectorAll('*').length")

    def heap(self) -> float:
        self.cdp.send("HeapProfiler.collectGarbage")
        return self.cdp.send("Runtime.getHeapUsage")["usedSize"] / 1e6


def runs_page(browser: Any, product: Product) -> dict[str, float]:
    """The table of 10,000 runs, from an empty cache."""
    visit = Visit(browser, product, f"#/experiments/{product.bulk}/runs")
    visit.see("bulk-9999")
    first = visit.spent()
    visit.rest()
    found = {
        "runs, 10,000: CPU to the first rows, ms": first,
        "runs, 10,000: CPU until at rest, ms": first + visit.spent(),
        "runs, 10,000: requests until at rest": len(visit.requests),
        "runs, 10,000: of them to the API": visit.asked,
        "runs, 10,000: scripts and styles, kB as sent": visit.code / 1000,
        "runs, 10,000: nodes": visit.nodes(),
        "runs, 10,000: heap, MB": visit.heap(),
    }
    visit.spent()
    scrolled = visit.page.evaluate(SCROLL, 300)
    work = visit.spent("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
    found["runs, 10,000: script, style and layout a frame of scrolling, ms"] = work / 300
    found["runs, 10,000: px that 300 frames of 120 px scrolled"] = scrolled
    visit.context.close()
    return found


SCROLL = """(frames) => new Promise((done) => {
  const tall = [...document.querySelectorAll('*')]
    .filter((e) => e.scrollHeight > e.clientHeight + 200 && e.clientHeight > 200
      && /auto|scroll/.test(getComputedStyle(e).overflowY))
    .sort((a, b) => b.scrollHeight - a.scrollHeight)[0]
  if (!tall) return done(0)
  const begin = tall.scrollTop
  const step = () => {
    tall.scrollTop += 120
    frames -= 1
    frames ? requestAnimationFrame(step) : done(tall.scrollTop - begin)
  }
  requestAnimationFrame(step)
})"""


def idle(browser: Any, product: Product) -> dict[str, float]:
    """What a page asks for that nobody touches."""
    visit = Visit(browser, product, f"#/experiments/{product.bulk}/runs")
    visit.see("bulk-9999")
    visit.rest(4)
    before = len(visit.requests)
    visit.page.wait_for_timeout(30_000)
    visit.context.close()
    return {"runs, 10,000: requests in 30 s at rest": len(visit.requests) - before}


def chart(browser: Any, product: Product) -> dict[str, float]:
    """A chart of a million points, where one is a spike."""
    (run,) = product.runs(product.long)
    hash_ = f"#/experiments/{product.long}/runs/{run}/model-metrics"
    before = product.cpu()
    visit = Visit(browser, product, hash_)
    visit.see("signal")
    visit.rest()
    answers = [r for r in visit.answers if "get-history" in r.url or "metrics/charts" in r.url]
    points = {r: r.response().json() for r in answers}
    sent = sum(r.sizes()["responseBodySize"] for r in points)
    found = {
        "a million points: kB of answers with points, as sent": sent / 1000,
        "a million points: CPU of the page until at rest, ms": visit.spent(),
        "a million points: CPU of the server, ms": product.cpu() - before,
        "a million points: the spike is among those drawn": any(map(has_spike, points.values())),
    }
    visit.context.close()
    return found


def has_spike(value: Any) -> bool:
    """Whether the spike's value is anywhere in an answer."""
    if isinstance(value, dict):
        return any(map(has_spike, value.values()))
    if isinstance(value, list):
        return any(map(has_spike, value))
    return value == SPIKE


def compare(browser: Any, product: Product) -> dict[str, float]:
    """Ten runs with twenty metrics beside one another."""
    runs = json.dumps(product.runs(product.grid)[:10], separators=(",", ":"))
    hash_ = f'#/compare-runs?runs={runs}&experiments=["{product.grid}"]'
    visit = Visit(browser, product, hash_)
    visit.see("grid-00")
    visit.rest()
    found = {
        "10 runs x 20 metrics compared: requests to the API": visit.asked,
        "10 runs x 20 metrics compared: CPU until at rest, ms": visit.spent(),
        "10 runs x 20 metrics compared: nodes": visit.nodes(),
    }
    visit.context.close()
    return found


PAGES = {"runs": runs_page, "chart": chart, "compare": compare, "idle": idle}


def measure(products: list[Product], rounds: int, only: list[str] | None) -> None:
    from playwright.sync_api import sync_playwright

    found: dict[str, dict[str, list[float]]] = {}
    with sync_playwright() as playwright:
        program = os.environ.get("HEADRACE_CHROMIUM") or shutil.which("chromium")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        flags += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
        for page in (PAGES[name] for name in only or PAGES):
            for number in range(1 if page is idle else rounds):
                for product in products:
                    browser = playwright.chromium.launch(executable_path=program, args=flags)
                    for what, value in page(browser, product).items():
                        found.setdefault(what, {}).setdefault(product.name, []).append(value)
                    browser.close()
                    print(f"{page.__name__} {number + 1}: {product.name}", flush=True)
    names = [product.name for product in products]
    print(f"\n| what | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
    for what, values in found.items():
        cells = [shown(values[name]) for name in names]
        print(f"| {what} | {' | '.join(cells)} |")


def shown(values: list[float]) -> str:
    middle = statistics.median(values)
    if isinstance(values[0], bool):
        return "yes" if all(values) else "no"
    return f"{middle:,.0f}" if middle >= 20 or middle == int(middle) else f"{middle:,.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    filling = commands.add_parser("fill")
    filling.add_argument("seed", type=Path)
    filling.add_argument("database", type=Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("servers", nargs="+", metavar="NAME=URI")
    measuring.add_argument("--rounds", type=int, default=3)
    measuring.add_argument("--only", action="append", choices=PAGES, metavar="PAGE")
    given = parser.parse_args()
    if given.command == "fill":
        fill(given.seed, given.database)
    else:
        measure(
            [Product(*server.split("=", 1)) for server in given.servers], given.rounds, given.only
        )


if __name__ == "__main__":
    main()
