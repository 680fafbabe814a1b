"""The app that serves a model: limits, streams, Arrow, many requests at once."""

from __future__ import annotations

import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mlflow.models import ModelSignature
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.scoring_server.serving import ScoringApp
from mlflow.types import ColSpec, Schema
from tests.optional import optional

JSON = {"content-type": "application/json"}
EVENTS = {**JSON, "accept": "text/event-stream"}
ARROW = "application/vnd.apache.arrow.stream"


def code_of(answer):
    return answer.json()["error_code"]


def test_init_makes_an_app_that_can_be_added_to(load):
    app = scoring_server.init(load("return [1]"))
    client = TestClient(app)
    assert client.post("/invocations", json={"inputs": [1]}).json() == {"predictions": [1]}
    assert {"/ping", "/health", "/version", "/invocations"} <= {r.path for r in app.routes}

    class Marked:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            async def marked(message):
                if message["type"] == "http.response.start":
                    message["headers"].append((b"x-marked", b"1"))
                await send(message)

            await self.app(scope, receive, marked)

    app = scoring_server.init(load("return [1]", name="second"))
    app.add_middleware(Marked)
    answer = TestClient(app).post("/invocations", json={"inputs": [1]})
    assert (answer.json(), answer.headers["x-marked"]) == ({"predictions": [1]}, "1")


def test_request_that_takes_too_long(load):
    app = ScoringApp(load("time.sleep(float(model_input[0])); return [1]"), timeout=0.3)
    with TestClient(app) as client:
        answer = client.post("/invocations", json={"inputs": [3.0]})
        assert (answer.status_code, code_of(answer)) == (504, "DEADLINE_EXCEEDED")
        assert answer.json()["message"] == "Request processing time exceeded limit"
        assert client.post("/invocations", json={"inputs": [0.0]}).status_code == 200


def test_what_had_not_begun_in_time_is_left_out(load, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_SERVING_THREADS", "1")
    model = load(
        f"""
        with open({str(tmp_path / "asked")!r}, "a") as file:
            file.write("x")
        time.sleep(1)
        return [1]
        """
    )
    with TestClient(ScoringApp(model, timeout=0.3)) as client:
        for _ in range(2):
            assert client.post("/invocations", json={"inputs": [1]}).status_code == 504
        deadline = time.monotonic() + 60
        while client.app.waiting and time.monotonic() < deadline:
            time.sleep(0.01)
    assert (tmp_path / "asked").read_text() == "x"


def test_body_that_is_too_long(load, monkeypatch):
    monkeypatch.setenv("HEADRACE_SERVING_MAX_BODY", "100")
    client = TestClient(scoring_server.init(load("return [1]")))
    answer = client.post("/invocations", content=b" " * 101, headers=JSON)
    assert (answer.status_code, code_of(answer)) == (413, "BAD_REQUEST")
    # without a length, too
    answer = client.post("/invocations", content=iter([b" " * 60, b" " * 60]), headers=JSON)
    assert (answer.status_code, code_of(answer)) == (413, "BAD_REQUEST")
    assert client.app._bytes == 0


def test_too_many_at_once(load, monkeypatch):
    monkeypatch.setenv("HEADRACE_SERVING_MAX_WAITING", "1")
    app = ScoringApp(load("time.sleep(1); return [1]"))
    with TestClient(app) as client:
        first = threading.Thread(
            target=client.post, args=["/invocations"], kwargs={"json": {"inputs": [1]}}
        )
        first.start()
        while not app.waiting:
            time.sleep(0.01)
        answer = client.post("/invocations", json={"inputs": [1]})
        first.join()
    assert (answer.status_code, code_of(answer)) == (503, "TEMPORARILY_UNAVAILABLE")


def test_predictions_run_side_by_side(load, tmp_path):
    """Each waits for the others."""
    met = tmp_path / "met"
    met.mkdir()
    model = load(
        f"""
        open(os.path.join({str(met)!r}, str(model_input[0])), "x").close()
        deadline = time.monotonic() + 30
        while len(os.listdir({str(met)!r})) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return [1]
        """
    )
    with TestClient(ScoringApp(model)) as client, ThreadPoolExecutor(4) as threads:
        answers = threads.map(
            lambda i: client.post("/invocations", json={"inputs": [i]}).status_code, range(4)
        )
        assert list(answers) == [200] * 4


# Streams.

STREAM = """
def predict_stream(self, context, model_input, params=None):
    yield "one"
    yield {"two": 2}
    if model_input[0] == "break":
        raise ValueError("secret")
    yield [3]
"""


def test_stream_of_events(load):
    client = TestClient(scoring_server.init(load("return ['whole']", more=STREAM)))
    body = {"inputs": ["x"], "stream": True}
    answer = client.post("/invocations", json=body, headers=EVENTS)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text == 'data: "one"\n\ndata: {"two": 2}\n\ndata: [3]\n\ndata: [DONE]\n\n'
    # one of both is not enough: it comes whole, as from the reference
    whole = {"predictions": ["whole"]}
    assert client.post("/invocations", json=body).json() == whole
    assert client.post("/invocations", json={"inputs": ["x"]}, headers=EVENTS).json() == whole


def test_stream_that_breaks_ends_with_an_error(load):
    client = TestClient(scoring_server.init(load("return ['whole']", more=STREAM)))
    body = {"inputs": ["break"], "stream": True}
    events = client.post("/invocations", json=body, headers=EVENTS).text.split("\n\n")
    assert events[:2] == ['data: "one"', 'data: {"two": 2}']
    assert events[2].startswith("event: error\ndata: ")
    assert json.loads(events[2].partition("data: ")[2])["error_code"] == "BAD_REQUEST"
    assert "secret" not in events[2]
    assert events[3:] == [""]


def test_model_without_a_stream_answers_whole(load):
    client = TestClient(scoring_server.init(load("return ['whole']")))
    answer = client.post("/invocations", json={"inputs": ["x"], "stream": True}, headers=EVENTS)
    assert answer.json() == {"predictions": ["whole"]}


def test_stream_of_a_chat_gets_no_field_stream(load):
    stream = """
    def predict_stream(self, context, model_input, params=None):
        yield sorted(model_input)
    """
    client = TestClient(scoring_server.init(load("return 1", more=stream)))
    body = {"messages": [{"role": "user", "content": "x"}], "stream": True}
    answer = client.post("/invocations", json=body, headers=EVENTS)
    assert answer.text.startswith('data: ["messages"]')


# Arrow.


def arrow(frame, params=None) -> bytes:
    pa = optional("pyarrow")
    table = pa.Table.from_pandas(frame)
    if params is not None:
        table = table.replace_schema_metadata({"params": json.dumps(params)})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_arrow_in_and_out(load):
    pa = optional("pyarrow")
    pd = optional("pandas")
    client = TestClient(scoring_server.init(load("return model_input.assign(c=model_input.a * 2)")))
    frame = pd.DataFrame(
        {"a": [1, 2], "t": pd.to_datetime(["2026-01-02", None]), "b": [b"x", None]}
    )
    answer = client.post(
        "/invocations", content=arrow(frame), headers={"content-type": ARROW, "accept": ARROW}
    )
    assert answer.headers["content-type"] == ARROW
    found = pa.ipc.open_stream(answer.content).read_pandas()
    assert found.c.tolist() == [2, 4]
    assert found.t.equals(frame.t)
    assert found.b.tolist() == [b"x", None]
    found = client.post(
        "/invocations", content=arrow(frame[["a"]]), headers={"content-type": ARROW}
    )
    assert found.json() == {"predictions": [{"a": 1, "c": 2}, {"a": 2, "c": 4}]}


@pytest.mark.parametrize(
    "lines", ["return np.array([1.5])", "return pd.Series([1.5])", "return [1.5]"]
)
def test_predictions_that_are_no_table_are_one_column(load, lines):
    pa = optional("pyarrow")
    client = TestClient(scoring_server.init(load(lines)))
    answer = client.post("/invocations", json={"inputs": [1]}, headers={"accept": ARROW})
    assert pa.ipc.open_stream(answer.content).read_all().to_pydict() == {"predictions": [1.5]}


def test_arrow_that_is_none_and_predictions_without_that_form(load):
    client = TestClient(scoring_server.init(load("return object()")))
    answer = client.post("/invocations", content=b"not arrow", headers={"content-type": ARROW})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    answer = client.post("/invocations", json={"inputs": [1]}, headers={"accept": ARROW})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")


def test_parquet_that_claims_too_much(load, monkeypatch):
    pd = optional("pandas")
    optional("pyarrow")
    monkeypatch.setattr("mlflow.pyfunc.scoring_server.arrow._MOST_BYTES", 1 << 20)
    client = TestClient(scoring_server.init(load("return [1]")))
    file = io.BytesIO()
    pd.DataFrame({"a": [0] * 1_000_000}).to_parquet(file)
    assert len(file.getvalue()) < 10_000
    answer = client.post(
        "/invocations",
        content=file.getvalue(),
        headers={"content-type": "application/vnd.apache.parquet"},
    )
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")


# Anything at all.

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
_FORMATS = st.sampled_from(
    ["dataframe_split", "dataframe_records", "instances", "inputs", "messages"]
)


@pytest.fixture(scope="module")
def any_client(tmp_path_factory):
    import mlflow.pyfunc

    folder = tmp_path_factory.mktemp("any")
    (folder / "code.py").write_text(
        "from mlflow.models import set_model\n"
        "from mlflow.pyfunc import PythonModel\n"
        "class M(PythonModel):\n"
        "    def predict(self, context, model_input, params=None): return [1]\n"
        "set_model(M())\n"
    )
    signature = ModelSignature(
        Schema([ColSpec("double", "a"), ColSpec("long", "b", required=False)])
    )
    mlflow.pyfunc.save_model(
        folder / "model", python_model=str(folder / "code.py"), signature=signature,
        pip_requirements=["numpy"],
    )  # fmt: skip
    return TestClient(scoring_server.init(mlflow.pyfunc.load_model(str(folder / "model"))))


@settings(max_examples=60)
@given(st.dictionaries(_FORMATS, _VALUES, max_size=2) | _VALUES)
def test_no_json_is_an_unexpected_error(any_client, body):
    answer = any_client.post("/invocations", content=json.dumps(body).encode(), headers=JSON)
    assert answer.status_code in (200, 400), answer.text
    assert "Traceback" not in answer.text


@settings(max_examples=60)
@given(
    st.binary(max_size=40),
    st.sampled_from(["application/json", "text/csv", "application/vnd.apache.parquet", ARROW]),
)
def test_no_body_is_an_unexpected_error(any_client, body, content_type):
    answer = any_client.post("/invocations", content=body, headers={"content-type": content_type})
    assert answer.status_code in (200, 400), answer.text
    assert "Traceback" not in answer.text
