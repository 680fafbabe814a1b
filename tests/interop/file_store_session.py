"""Work on a store in a folder, the same on whatever `mlflow` this interpreter imports.

    python file_store_session.py fill|change|dump URI

`fill` logs all that there is, `change` changes what it finds, `dump` prints as JSON what it reads.
"""

import json
import math
import os
import sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
    ViewType,
)
from mlflow.tracking import MlflowClient

action, uri = sys.argv[1:]
client = MlflowClient(tracking_uri=uri)


def log_datasets(run_id):
    data = Dataset(
        "train é", "9b278ff2", "http", '{"url": "u"}', '{"s": "' + "x" * 300 + '"}', "{}"
    )
    uses = [
        DatasetInput(data, [InputTag("mlflow.data.context", "training")]),
        DatasetInput(Dataset("test", "0", "local", "{}"), []),
    ]
    client.log_inputs(run_id, uses)
    client.log_inputs(run_id, models=[LoggedModelInput("m-0")])
    client.log_outputs(run_id, [LoggedModelOutput("m-1", 3), LoggedModelOutput("m-2", 0)])


def fill():
    names = ["plain", "ünï/code", "yes", "12", "2024-01-01", "a: b # c", 'a "quote"', "two\nlines"]
    for i, name in enumerate(names):
        tags = {"team": "core", "n/e/s/t": str(i), "text": "a\nb", "empty": ""}
        e = client.create_experiment(name, None if i else "s3://bucket/there", tags)
        for j in range(3):
            run = client.create_run(
                e, 1000 * i + j, {"k": "v", "mlflow.user": "me"}, f"r{j}: {name}"
            )
            run_id = run.info.run_id
            points = [Metric("loss", 1 / (s + 1), 100 + s, s) for s in range(20)]
            points += [
                Metric("deep/er/loss", math.nan, 5, -3),
                Metric("big", math.inf, 5, 2**62),
                Metric("small", -math.inf, 6, -(2**62)),
                Metric("tiny", 5e-324, 7, 0),
                Metric("third", 1 / 3, 8, 0),
                Metric("late", 1.0, 9, 5),
                Metric("late", 2.0, 8, 5),
                Metric("of model", 0.5, 10, 1, model_id="m-7"),
                Metric("on data", 0.5, 10, 1, dataset_name="d", dataset_digest="e"),
            ]
            params = [Param("lr", "0.1"), Param("a/b", "é\n☃"), Param("long", "x" * 6000)]
            params += [Param("empty", ""), Param("spaces", "  x  ")]
            client.log_batch(run_id, points, params, [RunTag("multi", "line\n\nline\n")])
            client.log_metric(run_id, "single", 3, timestamp=77, step=1)
            client.set_tag(run_id, "gone", "1")
            client.delete_tag(run_id, "gone")
            log_datasets(run_id)
            if j:
                client.set_terminated(run_id, "FAILED" if j == 1 else "FINISHED", 99)
            if j == 2:
                client.delete_run(run_id)
        if i == 3:
            client.delete_experiment(e)
        if i == 4:
            client.delete_experiment(e)
            client.restore_experiment(e)
        if i == 5:
            client.rename_experiment(e, "renamed: yes")


def change():
    for x in client.search_experiments(ViewType.ALL):
        if x.lifecycle_stage == "deleted":
            client.restore_experiment(x.experiment_id)
        if x.name != "Default":
            client.set_experiment_tag(x.experiment_id, "changed", "yes")
            client.set_experiment_tag(x.experiment_id, "team", "other")
            client.delete_experiment_tag(x.experiment_id, "n/e/s/t")
            client.rename_experiment(x.experiment_id, x.name + " again")
        for run in client.search_runs([x.experiment_id], "", ViewType.ALL):
            run_id = run.info.run_id
            if run.info.lifecycle_stage == "deleted":
                client.restore_run(run_id)
            client.log_metric(run_id, "loss", 0.001, timestamp=500, step=50)
            client.log_metric(run_id, "new", 1.0, timestamp=1, step=0)
            client.log_param(run_id, "lr", "0.1")
            client.log_param(run_id, "a/c", "new")
            client.set_tag(run_id, "k", "w")
            client.update_run(run_id, status="KILLED", name=run.info.run_name + "!")
            log_datasets(run_id)
            if run.info.start_time % 1000 == 0:
                client.delete_run(run_id)
        if x.name == "yes":
            client.delete_experiment(x.experiment_id)


def spelled(value):
    return value if math.isfinite(value) else str(value)


def dump():
    experiments = client.search_experiments(ViewType.ALL)
    found = {"experiments": [dict(x) for x in experiments], "runs": {}}
    found["experiments"].sort(key=lambda x: x["experiment_id"])
    for x in found["experiments"]:
        for name in ("trace_location", "effective_trace_archival_retention", "workspace"):
            x.pop(name, None)
    for run in client.search_runs([x.experiment_id for x in experiments], "", ViewType.ALL):
        run_id = run.info.run_id
        histories = {}
        for key in run.data.metrics:
            # MLflow does not see the step of points on datasets, and gives lines as they are.
            histories[key] = sorted(
                (m.timestamp, 0 if m.dataset_name else m.step, spelled(m.value))
                for m in client.get_metric_history(run_id, key)
            )
        found["runs"][run_id] = {
            "info": dict(run.info),
            "metrics": {k: spelled(v) for k, v in run.data.metrics.items()},
            "histories": histories,
            "params": run.data.params,
            "tags": run.data.tags,
            "inputs": sorted(
                [*dict(use.dataset).values(), *((t.key, t.value) for t in use.tags)]
                for use in run.inputs.dataset_inputs
            ),
            "models": sorted(m.model_id for m in run.inputs.model_inputs),
            "made": sorted((m.model_id, m.step) for m in run.outputs.model_outputs),
        }
    assert all(client.get_run(run_id).info.run_id == run_id for run_id in found["runs"])
    print(json.dumps(found, sort_keys=True))


{"fill": fill, "change": change, "dump": dump}[action]()
