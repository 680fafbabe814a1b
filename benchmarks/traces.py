"""Traces: how quickly they come in, are listed and searched.

    python benchmarks/traces.py FOLDER [--traces 10000]

It fills an SQLite store in FOLDER through the store's own calls up to 10,000 traces, copies these
in bulk up to the number asked for, and times searches, each the best of five.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

from mlflow.entities import Feedback, TraceInfo, TraceLocation, TraceState
from mlflow.entities.span import LazySpan
from mlflow.store.tracking.sql.store import SqlStore

_START_MS = 1_700_000_000_000
_REAL = 10_000
_SEARCHES = {
    "list the newest": {},
    "next page": {"page": 2},
    "status = 'ERROR' (1 in 100)": {"filter_string": "status = 'ERROR'"},
    "tag of 1 in 1,000": {"filter_string": "tags.user = 'u7'"},
    "tag and status": {"filter_string": "tags.user = 'u7' AND status = 'OK'"},
    "session": {"filter_string": "metadata.`mlflow.trace.session` = 's42'"},
    "span.name = (1 in 100)": {"filter_string": "span.name = 'tool-3'"},
    "span.type and span.status": {"filter_string": "span.type = 'TOOL' AND span.status = 'ERROR'"},
    "feedback": {"filter_string": "feedback.score > 0.9"},
    "execution_time (1 in 1,000)": {"filter_string": "execution_time_ms > 998"},
    "timestamp range": {"filter_string": f"timestamp_ms < {_START_MS + 5000}"},
    "nothing fits": {"filter_string": "tags.user = 'nobody'"},
    "text in spans, often": {"filter_string": "trace.text LIKE '%question 7%'"},
    "slowest first": {"order_by": ["execution_time_ms DESC"]},
    "quickest first": {"order_by": ["execution_time_ms"]},
    "slowest, a tag that all have": {
        "filter_string": "name = 'agent'",
        "order_by": ["execution_time_ms DESC"],
    },
}


def spans(number: int, trace_id: str) -> list[LazySpan]:
    """Five spans of some 2.5 kB together, as an agent makes them."""
    raw = base64.b64encode(bytes.fromhex(trace_id[3:])).decode()
    names = ["agent", "retrieve", f"tool-{number % 100}", "chat", "parse"]
    types = ["AGENT", "RETRIEVER", "TOOL", "CHAT_MODEL", "PARSER"]
    found = []
    for i, (name, kind) in enumerate(zip(names, types)):
        start = (_START_MS + number) * 1_000_000 + i * 1_000_000
        attributes = {
            "mlflow.traceRequestId": trace_id,
            "mlflow.spanType": kind,
            "mlflow.spanInputs": {"question": f"question {number % 50} of user {number % 1000}"},
            "mlflow.spanOutputs": {"answer": f"the answer number {number} is {number * 7919}"},
        }
        if kind == "CHAT_MODEL":
            attributes["mlflow.chat.tokenUsage"] = {"input_tokens": 9, "output_tokens": 7}
        failed = kind == "TOOL" and number % 100 == 0
        found.append(
            LazySpan(
                {
                    "trace_id": raw,
                    "span_id": base64.b64encode((i + 1).to_bytes(8, "big")).decode(),
                    "parent_span_id": None if i == 0 else "AAAAAAAAAAE=",
                    "name": name,
                    "start_time_unix_nano": start,
                    "end_time_unix_nano": start + (number % 1000) * 1_000_000,
                    "events": [],
                    "status": {
                        "code": "STATUS_CODE_ERROR" if failed else "STATUS_CODE_OK",
                        "message": "",
                    },
                    "attributes": {key: json.dumps(value) for key, value in attributes.items()},
                    "links": [],
                }
            )
        )
    return found


def info(number: int, trace_id: str) -> TraceInfo:
    return TraceInfo(
        trace_id,
        TraceLocation.from_experiment_id("0"),
        _START_MS + number,
        TraceState.ERROR if number % 100 == 0 else TraceState.OK,
        request_preview=f"question {number % 50}",
        response_preview="the answer",
        execution_duration=number % 1000,
        trace_metadata={
            "mlflow.trace.session": f"s{number % 5000}",
            "mlflow.trace_schema.version": "3",
            "mlflow.user": "ann",
            "mlflow.source.name": "agent.py",
            "mlflow.traceInputs": f"question {number % 50}",
        },
        tags={"mlflow.traceName": "agent", "user": f"u{number % 1000}"},
    )


def fill(store: SqlStore, count: int) -> None:
    """Traces through the store's own calls."""
    began = time.perf_counter()
    for number in range(count):
        trace_id = f"tr-{number:032x}"
        store.start_trace(info(number, trace_id))
        store.log_spans("0", spans(number, trace_id))
        if number % 10 == 0:
            store.create_assessment(Feedback("score", number % 100 / 100, trace_id=trace_id))
    seconds = time.perf_counter() - began
    print(f"one by one, {count:,} traces of 5 spans: {count / seconds:,.0f} traces/s")


def multiply(store: SqlStore, there: int, wanted: int) -> None:
    """Copies of the traces that are there, each with ids and times of its own."""
    tables = {
        "trace_tag": "key_id, value",
        "trace_metadata": "key_id, value",
        "trace_segment": "seq, spans, content",
        "trace_span": "name_id, type_id, status",
    }
    for copy in range(1, wanted // there):
        by = copy * there

        def write(tx: object, by: int = by) -> None:
            tx.execute(  # type: ignore[attr-defined]
                "insert into trace (id, uuid, experiment_id, timestamp_ms, duration_ms, state, "
                "finalized, span_count, client_request_id, request_preview, response_preview) "
                "select id + ?, 'tr-' || printf('%032x', id - 1 + ?), experiment_id, "
                "timestamp_ms + ?, duration_ms, state, finalized, span_count, client_request_id, "
                "request_preview, response_preview from trace where id <= ?",
                (by, by, by, there),
            )
            for table, columns in tables.items():
                tx.execute(  # type: ignore[attr-defined]
                    f"insert into {table} (trace_id, {columns}) select trace_id + ?, {columns} "
                    f"from {table} where trace_id <= ?",
                    (by, there),
                )

        store.db.write(write)


def best(work: Callable[[], object], times: int = 5) -> tuple[float, object]:
    """Seconds of the quickest of some calls, and what it gave."""
    quickest, found = float("inf"), None
    for _ in range(times):
        began = time.perf_counter()
        found = work()
        quickest = min(quickest, time.perf_counter() - began)
    return quickest, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--traces", type=int, default=_REAL)
    wanted = parser.parse_args()
    path = wanted.folder / "traces.db"
    is_new = not path.exists()
    store = SqlStore(f"sqlite:///{path}", str(wanted.folder / "artifacts"))
    if is_new:
        there = min(wanted.traces, _REAL)
        fill(store, there)
        multiply(store, there, wanted.traces)
    with store.db.read() as tx:
        (count,) = tx.execute("select count(*) from trace").fetchone()
    print(f"{count:,} traces, {path.stat().st_size / count:,.0f} bytes each")
    for name, options in _SEARCHES.items():
        asked = dict(options)
        pages = asked.pop("page", 1)
        token = None
        for _ in range(pages - 1):
            _, token = store.search_traces(["0"], page_token=token)
        seconds, found = best(lambda: store.search_traces(["0"], page_token=token, **asked))  # noqa: B023
        print(f"{name}: {seconds * 1000:,.1f} ms, {len(found[0])} found")
    ids = [i.trace_id for i in store.search_traces(["0"])[0]]
    seconds, _ = best(lambda: store.batch_get_traces(ids))
    print(f"100 traces with their spans: {seconds * 1000:,.1f} ms")
    store.dispose()


if __name__ == "__main__":
    main()
