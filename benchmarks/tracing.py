"""What tracing costs: ours and the reference's, in the same run.

    python benchmarks/tracing.py [--reference /path/to/environment/bin/python]
    python benchmarks/tracing.py --server [--reference ...]

For each library a process of its own, which logs to a SQLite file. `caller` is the CPU time that
the calling thread spends, and `waits` how long the call takes, on a machine that others use, too;
`process` is the CPU time of the whole process, up to when everything is stored: what the background
does is in there.

With `--server`, one client sends traces of one and of six spans to a server of its own library
with one worker: how many a second are stored, and CPU of the server and of the client for each.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def measure(calls: int) -> dict[str, tuple[float, float, float]]:
    """Microseconds (caller, waits, process) of one call of each kind."""
    import asyncio
    import logging

    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(f"sqlite:///{os.getcwd()}/bench.db")
    mlflow.set_experiment("bench")

    def plain(x: int, y: int = 2) -> int:
        return x + y

    one = mlflow.trace(plain)

    @mlflow.trace
    async def asynchronous(x: int, y: int = 2) -> int:
        return x + y

    def nest(depth: int) -> int:
        return depth if depth == 1 else nested(depth - 1)

    nested = mlflow.trace(nest)

    def block() -> None:
        with mlflow.start_span("block") as span:
            span.set_inputs({"x": 1})

    async def many(n: int) -> None:
        for i in range(n):
            await asynchronous(i)

    @mlflow.trace
    def five(x: int) -> int:
        return sum(one(i) for i in range(4)) + x

    kinds = {
        "sync": lambda n: [one(i) for i in range(n)],
        "sync, 5 spans": lambda n: [five(i) for i in range(n)],
        "async": lambda n: asyncio.run(many(n)),
        "nested of 10 spans": lambda n: [nested(10) for _ in range(n)],
        "start_span": lambda n: [block() for _ in range(n)],
    }
    found = {}
    for name, run in kinds.items():
        run(20)
        mlflow.flush_trace_async_logging()
        cpu, began, mine = time.process_time(), time.perf_counter(), time.thread_time()
        run(calls)
        caller, waits = time.thread_time() - mine, time.perf_counter() - began
        mlflow.flush_trace_async_logging()
        cpu = time.process_time() - cpu
        found[name] = tuple(seconds / calls * 1e6 for seconds in (caller, waits, cpu))
    return found


def send(calls: int, uri: str) -> dict[str, dict[str, float]]:
    """Send traces to a server, and say how long it took and what it cost."""
    import logging

    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri)
    place = mlflow.set_experiment("bench").experiment_id
    server = int(os.environ["BENCH_SERVER"])

    @mlflow.trace
    def child(x: int) -> int:
        return x + 1

    @mlflow.trace
    def parent(x: int, children: int) -> dict[str, int]:
        for n in range(children):
            child(n)
        return {"answer": x}

    found = {}
    for children in (0, 5):
        parent(-1, children)
        mlflow.flush_trace_async_logging()
        cpu, theirs, began = time.process_time(), cpu_of_tree(server), time.perf_counter()
        for start in range(0, calls, 500):  # the reference's queue takes 1,000
            for i in range(start, min(calls, start + 500)):
                parent(i, children)
            mlflow.flush_trace_async_logging()
        seconds = time.perf_counter() - began
        found[f"{1 + children} spans"] = {
            "traces/s": calls / seconds,
            "server ms": (cpu_of_tree(server) - theirs) / calls * 1e3,
            "client ms": (time.process_time() - cpu) / calls * 1e3,
        }
    stored = mlflow.MlflowClient().search_traces(
        locations=[place], max_results=500, include_spans=False
    )
    if len(stored) < min(500, 2 * calls):
        raise SystemExit(f"only {len(stored)} traces were stored")
    return found


def cpu_of_tree(root: int) -> float:
    """CPU seconds of a process and its descendants."""
    parents, ticks = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
            ticks[int(name)] = int(fields[11]) + int(fields[12])
    total = 0
    for pid, own in ticks.items():
        above: int | None = pid
        while above is not None and above != root:
            above = parents.get(above)
        total += own if above == root else 0
    return total / os.sysconf("SC_CLK_TCK")


def with_server(python: str, env: dict[str, str], folder: str, calls: int) -> dict[str, object]:
    """What `send` finds, in front of a server of the same library."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = dict(env, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    command = [python, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    uri = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [*command, "--backend-store-uri", f"sqlite:///{folder}/server.db"],
        cwd=folder,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit("the server does not answer") from None
                time.sleep(0.1)
        env["BENCH_SERVER"] = str(server.pid)
        return run(python, env, folder, ["--send", uri, "--calls", str(calls)])
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def run(python: str, env: dict[str, str], folder: str, options: list[str]) -> dict[str, object]:
    """The result of this program in a process of its own."""
    done = subprocess.run(
        [python, os.path.abspath(__file__), *options],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"{python} failed: {done.stderr[-300:]}")
    return json.loads(line.removeprefix("RESULT "))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", help="python of an environment with the reference")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--server", action="store_true", help="measure sending to a server")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--send", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        print("RESULT " + json.dumps(send(options.calls, options.send)))
        return
    if options.measure:
        print("RESULT " + json.dumps(measure(options.calls)))
        return
    results = {}
    for name, python in (("headrace", sys.executable), ("reference", options.reference)):
        if python is None:
            continue
        env = dict(os.environ, MLFLOW_DISABLE_TELEMETRY="true")
        if name == "reference":
            env.pop("PYTHONPATH", None)
        with tempfile.TemporaryDirectory() as folder:
            env["HEADRACE_JOURNAL_DIR"] = f"{folder}/journal"
            if options.server:
                results[name] = with_server(python, env, folder, options.calls)
            else:
                what = ["--measure", "--calls", str(options.calls)]
                results[name] = run(python, env, folder, what)
    for kind in next(iter(results.values())):
        parts = [f"{kind:20}"]
        for name, times in results.items():
            if options.server:
                told = ", ".join(f"{what} {n:.3g}" for what, n in times[kind].items())
            else:
                caller, waits, cpu = times[kind]
                told = f"caller {caller:6.0f} µs, waits {waits:6.0f}, process {cpu:6.0f}"
            parts.append(f"{name}: {told}")
        print("   ".join(parts))


if __name__ == "__main__":
    main()
