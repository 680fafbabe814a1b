"""Log a few runs to the tracking URI in the first argument, and print the frames that searches of
them give: for ours and for the reference alike."""

import logging
import math
import sys

import mlflow
from mlflow.entities import ViewType

logging.disable(logging.WARNING)
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
experiment = mlflow.create_experiment("frames")
RUNS = [
    (
        1_700_000_000_123,
        1_700_000_005_456,
        "FINISHED",
        {"a": "1", "b": "x"},
        {"m": 0.5},
        {"t": "1"},
    ),
    (1_700_000_001_000, None, None, {"b": "y", "c": ""}, {"m": 1}, {"u": "é"}),
    (1_700_000_002_999, 1_700_000_003_000, "FAILED", {}, {"n": math.nan, "inf": math.inf}, {}),
    (5, 5, "KILLED", {"a": "true", "z.z": "None", "A": "nan"}, {"m": -1e300}, {"t": "2", "v": ""}),
]
ids = []
for number, (start, end, status, params, metrics, tags) in enumerate(RUNS):
    run = client.create_run(experiment, start_time=start, tags=tags, run_name=f"r{number}")
    ids.append(run.info.run_id)
    for key, value in params.items():
        client.log_param(ids[-1], key, value)
    for key, value in metrics.items():
        client.log_metric(ids[-1], key, value, timestamp=5, step=0)
    if status:
        client.set_terminated(ids[-1], status, end)


def plain(column, value):
    if column == "run_id":
        return ids.index(value)
    if column in ("artifact_uri", "experiment_id"):
        return "..."
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


SEARCHES = {
    "all": {},
    "in another order": {"order_by": ["metrics.m ASC"]},
    "nothing": {"filter_string": "params.a = 'none'"},
    "running": {"filter_string": "status = 'RUNNING'"},
    "first two": {"max_results": 2},
    "none of them": {"max_results": 0},
    "deleted": {"run_view_type": ViewType.DELETED_ONLY},
    "no params": {"filter_string": "status = 'FAILED'"},
}
for name, search in SEARCHES.items():
    frame = mlflow.search_runs([experiment], **search)
    print(f"# {name}: {frame.shape}, {type(frame.index).__name__}")
    # Within metrics, params and tags the reference's order of columns changes from run to run.
    groups = [column.partition(".")[0] for column in frame.columns]
    print(groups)
    for column in [*frame.columns[:6], *sorted(frame.columns[6:])]:
        values = frame[column].tolist()
        kinds = [type(value).__name__ for value in values]
        print(column, frame[column].dtype, [plain(column, value) for value in values], kinds)
listed = mlflow.search_runs([experiment], output_format="list")
print(type(listed).__name__, [run.info.run_name for run in listed])
