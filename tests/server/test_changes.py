"""The stream of changes: real servers, real connections."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import signal
import time
from types import SimpleNamespace
from urllib.parse import quote

import psutil
import pytest
from tests import databases
from tests.conftest import Server
from tests.server.events import PATH, Stream, raw
from tests.server.test_shutdown import wait_until, workers_of

from mlflow.entities import Metric, Param, RunTag
from mlflow.server import changes as streams
from mlflow.server.changes import MOST_EXPERIMENTS, ChangeStreams
from mlflow.store.tracking.base.changes import Changes, Sight
from mlflow.store.tracking.resolve import tracking_store

BACKENDS = ("sqlite", "postgresql", "file")


@pytest.fixture(scope="module", params=BACKENDS)
def server(request, tmp_path_factory):
    """A server over each kind of store; PostgreSQL's has two processes."""
    folder = tmp_path_factory.mktemp(request.param)
    arguments: list[str] = []
    with databases.new_database(
        request.param if request.param != "file" else "sqlite", folder
    ) as uri:
        if request.param == "file":
            uri = (folder / "mlruns").as_uri()
        arguments = ["--backend-store-uri", uri]
        if request.param == "postgresql":
            arguments += ["--workers", "2"]
        server = Server(folder, *arguments).start()
        yield server
        server.stop()


@pytest.fixture
def store(server):
    return tracking_store(server.uri)


@pytest.fixture
def experiment(store, request) -> str:
    return store.create_experiment(f"{request.node.name} {time.time_ns()}", None, [])


def get(server, query: str, method: str = "GET", **headers: str):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, f"{PATH}{query}", headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def make(store, experiment: str) -> str:
    return store.create_run(experiment, "ann", 1_700_000_000_000, [], "r").info.run_id


# -- what is told ------------------------------------------------------------------------------


def test_a_run_from_its_beginning_to_its_end(server, store, experiment):
    with Stream(server.port, experiment) as stream:
        assert stream.response.status == 200
        assert stream.block() == ["retry: 2000"]
        assert stream.event() == {"new": 0, "runs": [], "points": [], "running": 0}
        run_id = make(store, experiment)
        assert stream.event() == {"new": 1, "runs": [], "points": [], "running": 1}
        store.log_metric(run_id, Metric("loss", 1, 1, 1))
        assert stream.event() == {"new": 0, "runs": [], "points": [run_id], "running": 1}
        store.log_batch(run_id, [], [Param("lr", "1")], [RunTag("a", "b")])
        assert stream.event() == {"new": 0, "runs": [run_id], "points": [], "running": 1}
        store.update_run_info(run_id, 3, 5, None)
        assert stream.event()["runs"] == [run_id]
        store.update_run_info(run_id, None, None, "another")
        assert stream.event() == {"new": 0, "runs": [run_id], "points": [], "running": 0}
        store.delete_run(run_id)
        assert stream.event()["runs"] == [run_id]
        store.restore_run(run_id)
        assert stream.event()["runs"] == [run_id]


def test_a_new_run_is_told_within_two_seconds(server, store, experiment):
    with Stream(server.port, experiment) as stream:
        stream.event()
        for _ in range(20):  # the machine may be busy
            began = time.monotonic()
            make(store, experiment)
            assert stream.event()["new"] == 1
            if time.monotonic() - began < 2:
                return
    pytest.fail("never within two seconds")


def test_it_goes_on_where_it_was(server, store, experiment):
    ended, longer = make(store, experiment), make(store, experiment)
    with Stream(server.port, experiment) as stream:
        assert stream.event()["running"] == 2
    cursor = stream.cursor
    with Stream(server.port, experiment, cursor) as stream:
        assert stream.event() == {"new": 0, "runs": [], "points": [], "running": 2}
    store.update_run_info(ended, 3, 5, None)
    store.log_metric(longer, Metric("loss", 1, 1, 1))
    make(store, experiment)
    with Stream(server.port, experiment, cursor) as stream:
        event = stream.event()
        if "file:" in str(server.arguments):
            assert event["reload"] and event["running"] == 2
        else:
            assert event == {
                "new": 1,
                "runs": [ended],
                "points": sorted([ended, longer]),
                "running": 2,
            }
        make(store, experiment)
        assert stream.event() == {"new": 1, "runs": [], "points": [], "running": 3}


def test_a_window_may_name_in_the_url_where_it_was(server, store, experiment):
    with Stream(server.port, experiment) as stream:
        stream.event()
    make(store, experiment)
    with Stream(server.port, f"{experiment}&since={quote(stream.cursor)}") as again:
        event = again.event()
        assert event["new"] == 1 or event["reload"]
    # a browser that connects again sends both; the header is newer
    with Stream(server.port, f"{experiment}&since={quote(stream.cursor)}", again.cursor) as third:
        assert third.event() == {"new": 0, "runs": [], "points": [], "running": 1}


def test_it_goes_on_after_the_server_was_started_anew(make_server):
    server = make_server()
    store = tracking_store(server.uri)
    make(store, "0")
    with Stream(server.port, "0") as stream:
        stream.event()
        server.stop()
        assert stream.event() is None
    server.start()
    make(tracking_store(server.uri), "0")
    with Stream(server.port, "0", stream.cursor) as stream:
        assert stream.event() == {"new": 1, "runs": [], "points": [], "running": 2}


def test_windows_that_come_later_are_told_no_more_than_they_missed(server, store, experiment):
    with Stream(server.port, experiment) as first:
        first.event()
        make(store, experiment)
        assert first.event()["new"] == 1
        with Stream(server.port, experiment) as second:
            assert second.event() == {"new": 0, "runs": [], "points": [], "running": 1}
            make(store, experiment)
            assert second.event()["new"] == 1
        assert first.event()["new"] == 1


def test_cursor_of_elsewhere_makes_all_be_read_again(server, experiment):
    with Stream(server.port, experiment, "what?") as stream:
        assert stream.event() == {"new": 0, "runs": [], "points": [], "running": 0, "reload": True}


# -- headers and errors --------------------------------------------------------------------------


def test_headers(server, experiment):
    with Stream(server.port, experiment) as stream:
        headers = stream.response.headers
        assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Encoding"] is None and headers["Content-Length"] is None
    response, body = get(server, f"?experiment_ids={experiment}", "HEAD")
    assert (response.status, body) == (200, b"")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "'experiment_ids' is missing"),
        ("?experiment_ids=", "'experiment_ids' is missing"),
        ("?experiment_ids=0,x", "Invalid experiment ID 'x'"),
        ("?experiment_ids=" + ",".join(map(str, range(MOST_EXPERIMENTS + 1))), "501 experiments"),
    ],
)
def test_what_cannot_be_watched_is_refused(server, query, message):
    response, body = get(server, query)
    assert response.status == 400
    assert json.loads(body)["error_code"] == "INVALID_PARAMETER_VALUE"
    assert message in json.loads(body)["message"]


def test_other_hosts_and_methods_are_refused(server):
    assert get(server, "?experiment_ids=0", Host="evil.example")[0].status == 403
    assert get(server, "?experiment_ids=0", "POST")[0].status == 405


def test_below_a_prefix_and_for_several_experiments(make_server):
    server = make_server("--static-prefix", "/some/where")
    store = tracking_store(f"{server.uri}/some/where")
    other = store.create_experiment("other", None, [])
    with Stream(server.port, f"0,{other}", prefix="/some/where") as stream:
        stream.event()
        make(store, "0")
        make(store, other)
        assert sum(e["new"] for e in stream.until(lambda es: sum(e["new"] for e in es) > 1)) == 2


# -- many, slow and gone ones ------------------------------------------------------------------


def in_progress(server) -> dict[str, float]:
    """By process or, with one process, alone."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    lines = [x for x in text.splitlines() if x.startswith("headrace_requests_in_progress")]
    return {line.split()[0]: float(line.split()[1]) for line in lines}


def test_two_hundred_windows_cost_no_threads_and_are_all_told(make_server):
    server = make_server()
    store = tracking_store(server.uri)
    process = psutil.Process(server.process.pid)
    make(store, "0")
    with Stream(server.port, "0") as first:
        first.event()
        before = process.num_threads()
    windows = [Stream(server.port, "0") for _ in range(200)]
    try:
        for window in windows:
            assert window.event()["running"] == 1
        assert process.num_threads() <= before + 2
        make(store, "0")
        for window in windows:
            assert window.event()["new"] == 1
        assert process.num_threads() <= before + 4  # those that make runs are among them
    finally:
        for window in windows:
            window.close()
    # that they have gone is noticed, and looking ends
    wait_until(lambda: sum(in_progress(server).values()) == 1)


def test_slow_client_is_told_all_at_once(make_server):
    """It takes nothing until the end; meanwhile what it is to be told is merged."""
    server = make_server()
    store = tracking_store(server.uri)
    runs = [make(store, "0") for _ in range(20)]
    with Stream(server.port, "0") as quick, raw(server.port, "0", 1024) as slow:
        quick.event()
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        for step in range(5):
            for run_id in runs:
                store.log_metric(run_id, Metric("loss", 1, 1, step))
            quick.until(lambda events: set(runs) <= {r for e in events for r in e["points"]})
        assert process.memory_info().rss - before < 30 << 20
        seen = b""
        while not all(run_id.encode() in seen for run_id in runs):
            seen += slow.recv(65536)


# -- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_that_stops_ends_its_streams_at_once(make_server, number):
    server = make_server()
    windows = [Stream(server.port, "0") for _ in range(20)]
    for window in windows:
        window.event()
    began = time.monotonic()
    server.process.send_signal(number)
    for window in windows:
        assert window.event() is None  # a whole answer, not a broken one
        window.close()
    assert server.process.wait(60) in (0, -number)
    assert time.monotonic() - began < 25  # of the 30 seconds that requests have
    assert "Traceback" not in server.log.read_text()


def test_processes_that_stop_end_their_streams_at_once(make_server, tmp_path):
    with databases.new_database("postgresql", tmp_path) as uri:
        server = make_server("--backend-store-uri", uri, "--workers", "2")
        wait_until(lambda: len(workers_of(server)) == 2)
        windows = [Stream(server.port, "0") for _ in range(20)]
        for window in windows:
            window.event()
        began = time.monotonic()
        assert server.stop() in (0, -signal.SIGTERM)
        for window in windows:
            assert window.event() is None
            window.close()
        assert time.monotonic() - began < 25


# -- the watcher, with a store that a test holds in its hand -------------------------------------


class FakeStore:
    """Answers what it is told to."""

    def __init__(self):
        self.looks = 0
        self.moment = 0
        self.seconds = 0.0
        self.error: Exception | None = None

    def changes(self, experiment_ids, since=()):
        self.looks += 1
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        now = Sight(str(self.moment), self.moment, None)
        known = [int(one.cursor if isinstance(one, Sight) else one) for one in since]
        return now, [Changes(self.moment - one, running=self.moment) for one in known]


class Client:
    """An ASGI client; sends wait as long as `stuck`."""

    def __init__(self, app, cursor: str = "", query: str = "experiment_ids=1"):
        self.sent: list[dict] = []
        self.free = asyncio.Event()
        self.free.set()
        self.left = asyncio.Event()
        headers = [(b"last-event-id", cursor.encode())] if cursor else []
        scope = {
            "type": "http",
            "method": "GET",
            "path": PATH,
            "query_string": query.encode(),
            "headers": headers,
        }
        self.task = asyncio.ensure_future(app(scope, self.receive, self.send))

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await self.free.wait()
        self.sent.append(message)

    @property
    def events(self) -> list[dict]:
        text = b"".join(message.get("body", b"") for message in self.sent).decode()
        return [json.loads(x[6:]) for x in text.splitlines() if x.startswith("data: ")]

    @property
    def new(self) -> list[int]:
        return [event["new"] for event in self.events]


def run(scenario, monkeypatch, **constants: float) -> None:
    """A scenario with a fake store, at a hundred times the speed."""
    for name, value in {"_INTERVAL": 0.01, "_AFTER_ERROR": 0.02, **constants}.items():
        monkeypatch.setattr(streams, name, value)

    async def main() -> None:
        store = FakeStore()
        app = ChangeStreams(store)
        try:
            await asyncio.wait_for(scenario(SimpleNamespace(store=store, app=app)), 30)
        finally:
            app.end()
            app.close(5)

    asyncio.run(main())


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_one_watcher_looks_for_all_and_ends_with_the_last(monkeypatch):
    async def scenario(x):
        clients = [Client(x.app) for _ in range(50)]
        await until(lambda: all(len(client.events) == 1 for client in clients))
        assert len(x.app.watchers) == 1 and x.store.looks < 10
        other = Client(x.app, query="experiment_ids=2")
        same = Client(x.app, query="experiment_ids=1&experiment_ids=,1")
        await until(lambda: other.events and same.events)
        assert len(x.app.watchers) == 2
        for client in [*clients, other, same]:
            client.left.set()
            await client.task
        assert x.app.watchers == {}
        await asyncio.sleep(0.03)
        looks = x.store.looks
        await asyncio.sleep(0.05)
        assert x.store.looks == looks

    run(scenario, monkeypatch)


def test_stuck_client_gets_one_event_for_all_it_missed(monkeypatch):
    async def scenario(x):
        quick, stuck = Client(x.app), Client(x.app)
        await until(lambda: quick.events and stuck.events)
        stuck.free.clear()
        for moment in range(1, 11):
            x.store.moment = moment
            await until(lambda: sum(quick.new) == x.store.moment)
        stuck.free.set()
        await until(lambda: sum(stuck.new) == 10)
        assert len(stuck.events) <= 3  # the first, one on its way, and the rest
        assert stuck.events[-1]["running"] == 10

    run(scenario, monkeypatch)


def test_newcomers_with_cursors_get_what_they_missed_and_all_go_on(monkeypatch):
    async def scenario(x):
        x.store.moment = 5
        first = Client(x.app)
        await until(lambda: first.events)
        later = [Client(x.app, cursor=str(n)) for n in (1, 3, 5)]
        await until(lambda: all(client.events for client in later))
        assert [client.new for client in later] == [[4], [2], [0]]
        x.store.moment = 6
        await until(lambda: all(len(client.events) == 2 for client in [first, *later]))
        assert [client.new[-1] for client in [first, *later]] == [1] * 4

    run(scenario, monkeypatch)


def test_slow_looks_are_seldom(monkeypatch):
    async def scenario(x):
        x.store.seconds = 0.02
        client = Client(x.app)
        await until(lambda: client.events)
        await asyncio.sleep(1.0)
        assert x.store.looks <= 4  # 0.02 s each, at most a twentieth of the time

    run(scenario, monkeypatch)


def test_store_that_fails_is_asked_again_and_streams_stay(monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("mlflow.server"), "propagate", True)

    async def scenario(x):
        client = Client(x.app)
        await until(lambda: client.events)
        x.store.error = RuntimeError("gone")
        await until(lambda: "Looking for changes failed" in caplog.text)
        refused = Client(x.app)
        with pytest.raises(RuntimeError, match="gone"):
            await refused.task
        x.store.error, x.store.moment = None, 1
        await until(lambda: client.new == [0, 1])
        assert caplog.text.count("Looking for changes failed") == 1

    run(scenario, monkeypatch)


def test_quiet_streams_have_a_heartbeat_that_moves_the_cursor(monkeypatch):
    async def scenario(x):
        client = Client(x.app)
        await until(lambda: sum(m.get("body") == b": \nid: 0\n\n" for m in client.sent) >= 3)
        assert len(client.events) == 1

    run(scenario, monkeypatch, HEARTBEAT=0.01)


def test_no_more_streams_than_there_may_be(monkeypatch):
    async def scenario(x):
        clients = [Client(x.app) for _ in range(3)]
        await until(lambda: all(client.events for client in clients))
        with pytest.raises(Exception, match="3 windows are watching already") as info:
            await Client(x.app).task
        assert info.value.get_http_status_code() == 503
        clients[0].left.set()
        await clients[0].task
        again = Client(x.app)
        await until(lambda: again.events)
        x.app.end()
        await asyncio.gather(*(client.task for client in clients[1:]), again.task)
        assert again.sent[-1] == {"type": "http.response.body"}
        with pytest.raises(Exception, match="about to stop"):
            await Client(x.app).task

    run(scenario, monkeypatch, MOST_STREAMS=3)
