"""The active run belongs to one thread, task or process."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import mlflow

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_thread_begins_without_a_run():
    with mlflow.start_run():
        assert in_thread(mlflow.active_run) is None
        assert in_thread(mlflow.last_active_run) is None


def test_thread_starts_a_run_of_its_own():
    def log():
        mlflow.log_metric("m", 1)
        run_id = mlflow.active_run().info.run_id
        mlflow.end_run()
        return run_id

    with mlflow.start_run() as run:
        other = in_thread(log)
        assert other != run.info.run_id
        assert mlflow.active_run() is run
    assert mlflow.last_active_run().info.run_id == run.info.run_id


def test_many_threads_log_to_their_own_runs():
    barrier = threading.Barrier(8)

    def log(number):
        with mlflow.start_run() as run:
            barrier.wait()
            for step in range(5):
                mlflow.log_metric("m", number, step=step)
        return run.info.run_id

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(log, range(8)))
    for number, run_id in enumerate(runs):
        history = mlflow.MlflowClient().get_metric_history(run_id, "m")
        assert [p.value for p in history] == [number] * 5


def test_thread_with_a_copied_context_shares_the_run():
    with mlflow.start_run() as run:
        context = contextvars.copy_context()
        assert in_thread(lambda: context.run(mlflow.active_run)) is run


def test_tasks_side_by_side_have_runs_of_their_own():
    async def train(name, started, other_started):
        with mlflow.start_run(run_name=name) as run:
            started.set()
            await other_started.wait()
            mlflow.log_param("name", name)
            await asyncio.sleep(0)
            assert mlflow.active_run() is run
        return run.info.run_id

    async def main():
        a, b = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(train("a", a, b), train("b", b, a))

    for name, run_id in zip("ab", asyncio.run(main()), strict=True):
        run = mlflow.get_run(run_id)
        assert (run.data.params["name"], run.info.status) == (name, "FINISHED")


def test_task_inherits_the_run_and_does_not_change_it_for_others():
    async def child():
        inherited = mlflow.active_run()
        mlflow.start_run(nested=True)
        return inherited

    async def main():
        with mlflow.start_run() as run:
            assert await asyncio.create_task(child()) is run
            assert mlflow.active_run() is run

    asyncio.run(main())


def test_worker_thread_of_a_task_logs_to_its_run():
    async def main():
        with mlflow.start_run() as run:
            await asyncio.to_thread(mlflow.log_metric, "m", 1)
        return mlflow.get_run(run.info.run_id)

    assert asyncio.run(main()).data.metrics == {"m": 1.0}


FORK = """
import os, sys
import mlflow

run = mlflow.start_run()
mlflow.log_metric("before", 1, synchronous=False)
child = os.fork()
if child == 0:
    assert mlflow.active_run() is None
    assert mlflow.last_active_run() is None
    with mlflow.start_run(run_name="child"):
        mlflow.log_metric("m", 1)
        mlflow.log_metric("m", 2, step=1, synchronous=False)
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert mlflow.get_run(run.info.run_id).info.status == "RUNNING"
mlflow.log_metric("after", 1)
"""


@needs_fork
def test_forked_process_leaves_the_run_of_its_parent_alone(script):
    done = script(FORK)
    assert done.returncode == 0, done.stderr
    runs = {r.info.run_name == "child": r for r in mlflow.search_runs(output_format="list")}
    assert runs[True].data.metrics == {"m": 2.0}
    assert runs[False].data.metrics == {"before": 1.0, "after": 1.0}
    assert [r.info.status for r in runs.values()] == ["FINISHED"] * 2
