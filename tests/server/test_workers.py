"""The threads between the event loop and the store."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request

import pytest

from mlflow.server.workers import Workers, one_by_one
from mlflow.store.tracking.resolve import tracking_store


def test_writer_takes_all_that_came_meanwhile():
    groups = []
    first, go_on = threading.Event(), threading.Event()

    def carry_out(calls):
        groups.append(len(calls))
        first.set()
        go_on.wait(20)
        return [call() for call in calls]

    async def main():
        workers = Workers(carry_out, "writer", most=5)
        futures = [workers.do(lambda: b"0")]
        await asyncio.to_thread(first.wait, 20)
        futures += [workers.do(lambda i=i: b"%d" % i) for i in range(1, 9)]
        go_on.set()
        outcomes = await asyncio.gather(*futures)
        assert workers.close(20)
        return outcomes

    assert asyncio.run(main()) == [b"%d" % i for i in range(9)]
    assert groups == [1, 5, 3]


@pytest.mark.parametrize("error", [ValueError("x"), StopIteration()])
def test_failure_is_told_to_its_caller_only(error):
    def fail():
        raise error

    async def main():
        workers = Workers(one_by_one, "rpc", threads=2)
        outcomes = await asyncio.gather(
            workers.do(fail), workers.do(lambda: b"1"), return_exceptions=True
        )
        assert workers.close(20)
        return outcomes

    failed, fine = asyncio.run(main())
    assert repr(error) in repr(failed)
    assert fine == b"1"


def test_group_that_fails_is_told_to_all():
    def carry_out(calls):
        raise ValueError("no store")

    async def main():
        workers = Workers(carry_out, "writer", most=5)
        outcomes = await asyncio.gather(
            *[workers.do(lambda: b"1") for _ in range(5)], return_exceptions=True
        )
        assert workers.close(20)
        return outcomes

    assert [str(outcome) for outcome in asyncio.run(main())] == ["no store"] * 5


def test_threads_are_started_as_they_are_needed():
    async def main():
        workers = Workers(one_by_one, "rpc", threads=3)
        for _ in range(5):
            await workers.do(lambda: b"")
        one = len(workers._threads)
        await asyncio.gather(*[workers.do(lambda: b"") for _ in range(10)])
        assert workers.close(20)
        return one, len(workers._threads)

    assert asyncio.run(main()) == (1, 3)


def test_closing_finishes_what_was_accepted():
    done = []

    async def main():
        workers = Workers(one_by_one, "rpc")
        for i in range(100):
            workers.do(lambda i=i: done.append(i))
        assert workers.close(20)

    asyncio.run(main())
    assert done == list(range(100))


def test_call_that_hangs_does_not_keep_closing_from_its_end():
    never = threading.Event()

    async def main():
        workers = Workers(one_by_one, "rpc")
        workers.do(never.wait)
        return workers.close(0.1)

    assert asyncio.run(main()) is False
    never.set()


def test_long_body_is_answered_like_a_short_one(shared_server):
    """It takes another way, past the writer."""
    store = tracking_store(shared_server.uri)
    run_id = store.create_run("0", "u", 0, [], "r").info.run_id
    for size in (10, 3_000_000):
        metric = {"key": f"m{size}", "value": 1, "timestamp": 1, "step": 1}
        body = {"run_id": run_id, "metrics": [metric], "unknown": "x" * size}
        request = urllib.request.Request(
            f"{shared_server.uri}/api/2.0/mlflow/runs/log-batch",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            assert response.read() == b"{}"
    assert {m.key for m in store.get_run(run_id).data._metric_objs} == {"m10", "m3000000"}
