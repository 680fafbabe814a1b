"""Run by the reference: it traces, searches, assesses and deletes on the server in its
environment, and prints what it sees as JSON."""

import json

import mlflow
from mlflow.entities import AssessmentSource

mlflow.set_experiment("interop")


@mlflow.trace(span_type="TOOL")
def add(a, b):
    return a + b


@mlflow.trace
def ask(question):
    with mlflow.start_span("model", span_type="CHAT_MODEL") as span:
        span.set_inputs({"question": question})
        span.set_outputs({"answer": add(1, 2)})
    mlflow.update_current_trace(tags={"env": "test"}, metadata={"mlflow.trace.session": "s1"})
    return "done"


ask("one")
try:
    with mlflow.start_span("broken"):
        raise ValueError("boom")
except ValueError:
    pass
mlflow.flush_trace_async_logging()
traces = mlflow.search_traces(return_type="list", order_by=["timestamp_ms ASC"])
whole = next(t for t in traces if t.info.state == "OK")
mlflow.log_feedback(
    trace_id=whole.info.trace_id,
    name="good",
    value=0.5,
    source=AssessmentSource("HUMAN", "ann"),
)
mlflow.log_expectation(trace_id=whole.info.trace_id, name="want", value={"sum": 3})
client = mlflow.MlflowClient()
client.set_trace_tag(whole.info.trace_id, "k", "v")
read = mlflow.get_trace(whole.info.trace_id)


def found(text):
    return len(mlflow.search_traces(filter_string=text, return_type="list"))


filters = [
    "tags.env = 'test'",
    "status = 'ERROR'",
    "span.type = 'TOOL'",
    "feedback.good > 0.4",
    "metadata.`mlflow.trace.session` = 's1'",
    "trace.text LIKE '%one%'",
]
seen = {
    "states": sorted(str(t.info.state) for t in traces),
    "spans": [[s.name, s.span_type, s.outputs] for s in read.data.spans],
    "tags": [read.info.tags["env"], read.info.tags["k"], read.info.tags["mlflow.traceName"]],
    "assessments": sorted((a.name, str(a.value)) for a in read.info.assessments),
    "found": [found(text) for text in filters],
    "frame": list(mlflow.search_traces()["state"].map(str).sort_values()),
    "previews": [read.info.request_preview, read.info.response_preview],
}
experiment = client.get_experiment_by_name("interop").experiment_id
seen["deleted"] = client.delete_traces(experiment, trace_ids=[whole.info.trace_id])
seen["left"] = found("timestamp > 0")
print(json.dumps(seen))
