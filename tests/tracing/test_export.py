"""Traces on their way: through the journal, over the network, to collectors, between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import mlflow
from mlflow.tracing import provider
from tests.optional import optional

PROGRAM = textwrap.dedent("""
    import os, signal, sys, mlflow
    mlflow.set_tracking_uri(sys.argv[1])

    @mlflow.trace
    def work(n):
        with mlflow.start_span("inner"):
            return n

    for n in range({calls}):
        work(n)
    {end}
""")
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"


def run_program(uri: str, end: str = "", calls: int = 20, **env: str) -> int:
    code = PROGRAM.format(end=end, calls=calls)
    done = subprocess.run(
        [sys.executable, "-c", code, uri], env={**os.environ, **env}, timeout=60, check=False
    )
    return done.returncode


def outputs():
    mlflow.flush_trace_async_logging()
    found = mlflow.search_traces(return_type="list", max_results=1000)
    assert all(len(trace.data.spans) == 2 for trace in found)
    return sorted(t.data.request for t in found)


EXPECTED = sorted(f'{{"n": {n}}}' for n in range(20))


def test_everything_is_stored_when_a_program_ends(store):
    assert run_program(store) == 0
    assert outputs() == EXPECTED


def test_killed_program_loses_nothing_and_the_next_one_sends_it_once(store):
    mlflow.search_experiments()  # makes the database
    # nothing is sent while it gathers
    wait = {"MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "60"}
    assert run_program(store, KILLED, **wait) == -signal.SIGKILL
    assert mlflow.search_traces(return_type="list") == []
    assert run_program(store, "mlflow.flush_trace_async_logging()", calls=1) == 0
    assert outputs() == sorted([*EXPECTED, '{"n": 0}'])


def test_sync_sends_what_a_killed_program_left(store):
    mlflow.search_experiments()
    wait = {"MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "60"}
    assert run_program(store, KILLED, **wait) == -signal.SIGKILL
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "mlflow", "sync"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert outputs() == EXPECTED


def test_killed_while_sending_is_sent_again_and_stored_once(store):
    """The first traces may be stored, and the note of that may be missing."""
    mlflow.search_experiments()
    quick = {"MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "0.001"}
    assert run_program(store, KILLED, calls=20, **quick) == -signal.SIGKILL
    assert run_program(store, calls=0) == 0
    run_program(store, "mlflow.flush_trace_async_logging()", calls=1)
    found = outputs()
    assert sorted(set(found)) == sorted(set(EXPECTED))
    assert len(found) == 21


def test_killed_client_of_a_server_loses_nothing_that_returned(shared_server):
    program = textwrap.dedent("""
        import sys, mlflow
        mlflow.set_tracking_uri(sys.argv[1])
        mlflow.set_experiment(sys.argv[2])
        while True:
            with mlflow.start_span("outer") as span, mlflow.start_span("inner"):
                pass
            print(span.trace_id, flush=True)
    """)
    mlflow.set_tracking_uri(shared_server.uri)
    quick = {**os.environ, "MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "0.01"}
    returned = []
    for calls in (1, 300):
        command = [sys.executable, "-c", program, shared_server.uri, "killed"]
        with subprocess.Popen(command, env=quick, stdout=subprocess.PIPE, text=True) as client:
            returned += [client.stdout.readline().strip() for _ in range(calls)]
            client.kill()
            rest = client.stdout.read()
        returned += rest[: rest.rfind("\n") + 1].split()
    subprocess.run([sys.executable, "-m", "mlflow", "sync"], check=True, capture_output=True)
    client = mlflow.tracing.client.TracingClient(shared_server.uri)
    for start in range(0, len(returned), 100):
        part = returned[start : start + 100]
        found = client.batch_get_traces(part)
        assert [t.info.trace_id for t in found] == part
        assert all([s.name for s in t.data.spans] == ["outer", "inner"] for t in found)
        assert all(t.info.tags["mlflow.traceName"] == "outer" for t in found)


def test_traces_are_stored_at_once_if_that_is_wanted(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    with mlflow.start_span("x"):
        pass
    assert len(mlflow.search_traces(return_type="list")) == 1


def test_forked_process_traces_for_itself(store):
    @mlflow.trace
    def work(n):
        with mlflow.start_span("inner"):
            return n

    work(1)
    pid = os.fork()
    if pid == 0:
        work(2)
        mlflow.flush_trace_async_logging()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    work(3)
    assert outputs() == ['{"n": 1}', '{"n": 2}', '{"n": 3}']


def test_service_goes_on_with_the_trace_of_its_client(store):
    program = textwrap.dedent("""
        import json, sys, mlflow
        from mlflow.tracing import set_tracing_context_from_http_request_headers as go_on
        mlflow.set_tracking_uri(sys.argv[1])
        with go_on(json.loads(sys.argv[2])), mlflow.start_span("service"):
            pass
    """)
    import json

    with mlflow.start_span("client") as span:
        headers = mlflow.tracing.get_tracing_context_headers_for_http_request()
        subprocess.run([sys.executable, "-c", program, store, json.dumps(headers)], check=True)
    mlflow.flush_trace_async_logging()
    (trace,) = mlflow.search_traces(return_type="list")
    assert {s.name: s.parent_id for s in trace.data.spans} == {
        "client": None,
        "service": span.span_id,
    }
    assert trace.info.tags["mlflow.traceName"] == "client"


def test_headers_without_a_span_are_empty():
    assert mlflow.tracing.get_tracing_context_headers_for_http_request() == {}


class Collector:
    """Takes what is sent by OTLP."""

    def __init__(self):
        self.spans = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

                body = self.rfile.read(int(self.headers["content-length"]))
                request = trace_service_pb2.ExportTraceServiceRequest()
                request.ParseFromString(body)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def collector(monkeypatch):
    optional("opentelemetry.exporter.otlp.proto.http")
    made = Collector()
    address = f"http://127.0.0.1:{made.server.server_port}/v1/traces"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address)
    monkeypatch.setenv("MLFLOW_USE_BATCH_SPAN_PROCESSOR", "false")
    yield made
    monkeypatch.undo()
    provider.reset()
    made.server.shutdown()
    made.server.server_close()


def traced():
    with mlflow.start_span("root", attributes={"a": 1, "b": {"c": 2}}), mlflow.start_span("child"):
        pass
    mlflow.flush_trace_async_logging()
    return len(mlflow.search_traces(return_type="list"))


@pytest.mark.parametrize(
    ("setting", "value", "sent", "stored"),
    [
        (None, None, ["child", "root"], 0),
        ("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true", ["child", "root"], 1),
        ("MLFLOW_ENABLE_OTLP_EXPORTER", "false", [], 1),
    ],
)
def test_spans_go_to_a_collector(collector, monkeypatch, setting, value, sent, stored):
    if setting:
        monkeypatch.setenv(setting, value)
    provider.reset()
    assert traced() == stored
    assert sorted(s.name for s in collector.spans) == sent
    if sent:
        root = next(s for s in collector.spans if s.name == "root")
        attributes = {a.key: a.value for a in root.attributes}
        assert attributes["a"].int_value == 1
        assert attributes["mlflow.spanType"].string_value == "UNKNOWN"


def test_spans_of_other_instrumentation_nest(monkeypatch):
    tracer = mlflow.tracing.get_bridged_tracer_provider().get_tracer("other")
    with mlflow.start_span("ours"), tracer.start_as_current_span("theirs") as span:
        span.set_attribute("plain", "text")
        with mlflow.start_span("below"):
            pass
    mlflow.flush_trace_async_logging()
    (trace,) = mlflow.search_traces(return_type="list")
    spans = {s.name: s for s in trace.data.spans}
    assert spans["theirs"].parent_id == spans["ours"].span_id
    assert spans["below"].parent_id == spans["theirs"].span_id
    assert spans["theirs"].get_attribute("plain") == "text"


def test_isolated_spans_are_not_seen_by_others():
    from opentelemetry import trace

    with mlflow.start_span("ours"):
        assert trace.get_current_span() is trace.INVALID_SPAN


def test_provider_of_the_process_is_used_if_that_is_wanted(store):
    program = textwrap.dedent("""
        import sys, mlflow
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        mlflow.set_tracking_uri(sys.argv[1])
        with mlflow.start_span("ours"):
            with trace.get_tracer("other").start_as_current_span("theirs"):
                with mlflow.start_span("below"):
                    pass
    """)
    env = {**os.environ, "MLFLOW_USE_DEFAULT_TRACER_PROVIDER": "false"}
    subprocess.run([sys.executable, "-c", program, store], env=env, check=True)
    (trace,) = mlflow.search_traces(return_type="list")
    spans = {s.name: s for s in trace.data.spans}
    assert spans["theirs"].parent_id == spans["ours"].span_id
    assert spans["below"].parent_id == spans["theirs"].span_id
