"""What a traced call costs its caller: ours and the reference's, in the same run.

    python benchmarks/tracing.py [--reference /path/to/environment/bin/python]

For each library a process of its own, which logs to a SQLite file. `caller` is the CPU time that
the calling thread spends, and `waits` how long the call takes, on a machine that others use, too;
`process` is the CPU time of the whole process, up to when everything is stored: what the background
does is in there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time


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

    kinds = {
        "sync": lambda n: [one(i) for i in range(n)],
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", help="python of an environment with the reference")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
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
            command = [python, os.path.abspath(__file__), "--measure", "--calls"]
            done = subprocess.run(
                [*command, str(options.calls)], cwd=folder, env=env, capture_output=True, text=True
            )
        line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT ")), None)
        if line is None:
            raise SystemExit(f"{name} failed: {done.stderr[-300:]}")
        results[name] = json.loads(line.removeprefix("RESULT "))
    for kind in next(iter(results.values())):
        parts = [f"{kind:20}"]
        for name, times in results.items():
            caller, waits, cpu = times[kind]
            parts.append(f"{name}: caller {caller:6.0f} µs, waits {waits:6.0f}, process {cpu:6.0f}")
        print("   ".join(parts))


if __name__ == "__main__":
    main()
