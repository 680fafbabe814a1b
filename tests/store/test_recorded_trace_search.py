"""Every recorded search of traces, asked of real stores; and what ours finds beyond."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path

import pytest

from mlflow.entities import TraceInfo, TraceLocation, TraceState
from mlflow.exceptions import MlflowException
from mlflow.rpc.assessments import CreateAssessment
from mlflow.rpc.traces import StartTraceV3
from mlflow.rpc.wire import decode
from mlflow.server.otlp import _of_protobuf

pytestmark = pytest.mark.parametrize(
    "store", ("sqlite", "postgresql", "mysql", "file"), indirect=True, scope="session"
)
DATA = json.loads((Path(__file__).parents[1] / "data/filters-traces.json").read_text())
DELTA = "tr-" + "d" * 32

#: What the reference finds nothing with, or refuses, and ours takes: the traces that fit.
EXTENSIONS = {
    # Attributes are compared with what they say, and not with the JSON text around it.
    "span.attributes.model = 'p-1'": [DELTA],
    "span.attributes.model = '\"m-1\"'": [DELTA],
    "span.attributes.n = '7'": [DELTA],
    "span.attributes.n = '5'": [DELTA],
    "span.attributes.n LIKE '5'": [DELTA],
    # JSON in a text, as spans of MLflow's have it that go through another exporter, is read.
    "span.type = 'LLM'": [DELTA],
    "span.type = '\"LLM\"'": [],
    "span.attributes.model = 'm-1'": [DELTA],
    "span.attributes.model LIKE 'm%'": [DELTA],
    "span.attributes.model ILIKE 'M%'": [DELTA],
    # Numbers may be in quotes, and be compared with numbers.
    "timestamp > '1700000000000'": ["Beta", "gamma", DELTA],
    "feedback.score = 0.5": ["Beta"],
    # A part in brackets, OR and NOT.
    "status = 'OK' OR status = 'ERROR'": ["Beta", "alpha", DELTA],
    "(status = 'OK')": ["alpha", DELTA],
    "(status = 'OK' OR status = 'ERROR') AND name = 'alpha'": ["alpha"],
    "NOT status = 'OK'": ["Beta", "gamma"],
    "text LIKE '%hello%'": ["alpha"],
    # The previews of a trace that has no spans are its text.
    "trace.text LIKE '%hello%'": ["alpha"],
    "trace.text ILIKE '%HELLO%'": ["alpha"],
}


class Recorded:
    """A store that holds what the searches were recorded on."""

    def __init__(self, store):
        self.store = store
        self.known = {"exp": store.create_experiment(f"recorded-{id(self)}", None, [])}
        run = store.create_run(self.known["exp"], "", 0, [], "a")
        self.known["run_a"] = run.info.run_id
        for step in DATA["setup"][2:]:
            body = step["body"]
            if step["path"] == "/v1/traces":
                spans = _of_protobuf(base64.b64decode(body["$base64"]))
                store.log_spans(self.known["exp"], spans)
                continue
            is_assessment = step["path"].endswith("/assessments")
            request = decode(
                CreateAssessment if is_assessment else StartTraceV3, self.text(body).encode()
            )
            if is_assessment:
                request.trace_id = step["path"].split("/")[-2]
            request.answer(store)

    def text(self, value) -> str:
        text = json.dumps(value)
        for name, known in self.known.items():
            text = text.replace("{{" + name + "}}", known)
        return text

    def found(self, probe) -> list[str]:
        asked = json.loads(self.text({k: probe.get(k) for k in ("filter", "order_by")}))
        infos, _ = self.store.search_traces(
            [self.known["exp"]], asked["filter"], order_by=asked["order_by"]
        )
        return [info.tags.get("mlflow.traceName", info.trace_id) for info in infos]


@pytest.fixture(scope="module")
def recorded(store):
    known = Recorded(store)
    yield known
    every = [i.trace_id for i in store.search_traces([known.known["exp"]])[0]]
    store.delete_traces(known.known["exp"], trace_ids=every)


def test_filters(recorded):
    wrong = {}
    for probe in DATA["probes"]:
        if probe.get("accepted") and "filter" in probe:
            wanted = EXTENSIONS.get(probe["filter"], probe["matched"])
            if (found := sorted(recorded.found(probe))) != wanted:
                wrong[probe["filter"]] = (found, wanted)
    assert wrong == {}


def test_refused_filters(recorded):
    wrong = {}
    for probe in DATA["probes"]:
        if probe["accepted"] or "filter" not in probe:
            continue
        try:
            found = sorted(recorded.found(probe))
        except MlflowException as error:
            found = error.error_code
        if found != EXTENSIONS.get(probe["filter"], "INVALID_PARAMETER_VALUE"):
            wrong[probe["filter"]] = found
    assert wrong == {}


def test_orders(recorded):
    wrong = {}
    for probe in DATA["probes"]:
        if not probe["accepted"] or probe.get("order_by") in (None, ["run_id"]):
            continue
        if (found := recorded.found(probe)) != probe["matched"]:
            wrong[str(probe["order_by"])] = (found, probe["matched"])
    assert wrong == {}


def test_end_of_traces_can_be_sorted_by(recorded):
    assert recorded.found({"order_by": ["end_time_ms"]})[:3] == ["Beta", "alpha", "gamma"]
    assert recorded.found({"order_by": ["run_id"]})[0] == "alpha"


@pytest.mark.parametrize(
    "order_by",
    [
        None,
        ["timestamp_ms"],
        ["name"],
        ["tags.env DESC"],
        ["end_time"],
        ["execution_time"],
        ["execution_time DESC"],
    ],
)
@pytest.mark.parametrize(
    "filter_string",
    [None, "status = 'OK' OR tags.env RLIKE '.'", "timestamp_ms > 0 AND status = 'OK'"],
)
def test_pages_are_those_of_the_whole(recorded, order_by, filter_string):
    whole = recorded.found({"order_by": order_by, "filter": filter_string})
    found, token = [], None
    while True:
        infos, token = recorded.store.search_traces(
            [recorded.known["exp"]],
            filter_string,
            max_results=1,
            order_by=order_by,
            page_token=token,
        )
        found += [i.tags.get("mlflow.traceName", i.trace_id) for i in infos]
        if not token:
            break
    assert found == whole


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_token": "x"},
        {"max_results": 0},
        {"max_results": 100_000},
        {"filter_string": "name RLIKE '('"},
        {"filter_string": "name RLIKE '(a)\\1'"},
        {"filter_string": "prompt = 'p'"},
        {"order_by": ["foo"]},
        {"order_by": ["span.name"]},
        {"experiment_ids": ["0"], "locations": ["0"]},
    ],
)
def test_wrong_searches_are_refused(store, wrong):
    with pytest.raises(MlflowException) as error:
        store.search_traces(**{"experiment_ids": ["0"], **wrong})
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"


def test_spans_of_one_comparison_are_one_span(recorded):
    def found(text):
        return recorded.found({"filter": text})

    assert found("span.name = 'call' AND span.attributes.model = '\"m-1\"'") == [DELTA]
    assert found("span.name = 'plain' AND span.attributes.model = '\"m-1\"'") == []
    assert found("span.name = 'plain' AND span.type LIKE '%LLM%'") == []
    assert found("span.name = 'plain' AND trace.text LIKE '%p-1%'") == [DELTA]
    assert found("span.name = 'call' AND NOT span.name = 'nope' AND status = 'OK'") == [DELTA]


def test_text_of_spans_is_found_wherever_it_is(recorded):
    def found(text):
        return recorded.found({"filter": text})

    assert found("trace.text LIKE '%needle in text%'") == [DELTA]
    assert found("trace.text ILIKE '%NEEDLE in%'") == [DELTA]
    assert found("trace.text LIKE '%NEEDLE in%'") == []
    assert found('trace.text LIKE \'%"name": "call"%\'') == [DELTA]
    assert found("trace.text LIKE '%nowhere%'") == []
    assert found("NOT trace.text LIKE '%needle%' AND status = 'OK'") == ["alpha"]
    assert found("trace.text LIKE '%nowhere%' OR name = 'alpha'") == ["alpha"]


def test_text_of_a_trace_without_spans_is_that_of_its_previews(store, experiment):
    ids = [f"tr-{uuid.uuid4().hex}" for _ in range(3)]
    for trace_id, request, response in zip(ids, ("apple pie", "pie", None), ("tea", None, "Tea")):
        place = TraceLocation.from_experiment_id(experiment)
        info = TraceInfo(
            trace_id,
            place,
            1_700_000_000_000,
            TraceState.OK,
            request_preview=request,
            response_preview=response,
        )
        store.start_trace(info)

    def found(text):
        infos, _ = store.search_traces([experiment], text)
        return [ids.index(info.trace_id) for info in sorted(infos, key=lambda i: i.trace_id)]

    def those(*numbers):
        return sorted(numbers, key=lambda n: ids[n])

    assert found("trace.text LIKE '%pie%'") == those(0, 1)
    assert found("trace.text ILIKE '%tea%'") == those(0, 2)
    assert found("trace.text LIKE '%pie%' AND trace.text LIKE '%tea%'") == those(0)
    assert found("trace.text LIKE '%pie%' AND status = 'ERROR'") == []
    assert found("NOT trace.text LIKE '%pie%'") == those(2)
    assert found("span.content LIKE '%pie%'") == []
    assert found("trace.text LIKE '%pie%' AND span.name LIKE '%'") == []


def test_model_of_a_trace(recorded):
    assert recorded.store.search_traces([recorded.known["exp"]], model_id="m-none")[0] == []
