"""Fill a database through an MLflow of any version, and write down what that MLflow answers.

Run it with the Python of an environment that has the version (1.0 and later), in an empty folder:

    python generate.py fill  sqlite:///mlflow.db
    python generate.py write sqlite:///mlflow.db expected.json

`make` beside this file does that for all databases. Only public functions are used. What a version
does not have is left out, and named on stderr. It must run on Python 3.7.
"""

import json
import math
import sys

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.tracking import MlflowClient

VERSION = tuple(int(part) for part in mlflow.__version__.split(".")[:2])
START = 1600000000000


def main():
    command, uri = sys.argv[1:3]
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    if command == "fill":
        fill(client)
    else:
        with open(sys.argv[3], "w", encoding="utf-8") as f:
            json.dump(read(client), f, indent=1, sort_keys=True)


def attempt(what, since, action):
    """Do what only versions from `since` on can do."""
    if since <= VERSION:
        return action()
    print(f"{mlflow.__version__} does not have: {what}", file=sys.stderr)
    return None


# -- filling --------------------------------------------------------------------------------------


def fill(client):
    first = client.create_experiment("first", artifact_location="/data/first")
    unicode = client.create_experiment("\u00fc\u2603 \U0001f600 'q' \"d\"", "/data/unicode")
    remote = client.create_experiment("remote", artifact_location="s3://bucket/remote")
    deleted = client.create_experiment("deleted", artifact_location="/data/deleted")
    attempt("experiment tags", (1, 2), lambda: tag_experiments(client, first, unicode))

    base_run(client, first)
    long_series(client, first)
    attempt("NaN and infinities", (1, 8), lambda: odd_values(client, first))
    family(client, unicode)
    stages(client, unicode)
    run = client.create_run(remote, start_time=START + 1)
    client.log_metric(run.info.run_id, "m", 1.0, START, 0)
    run = client.create_run(deleted, start_time=START + 2)
    client.log_param(run.info.run_id, "p", "in a deleted experiment")
    client.delete_experiment(deleted)
    attempt("datasets", (2, 4), lambda: datasets(client, first))
    attempt("the model registry", (1, 5), lambda: registry(client))
    attempt("traces", (2, 14), lambda: traces(first))
    attempt("logged models", (3, 0), lambda: logged_models(client, first))


def tag_experiments(client, first, unicode):
    client.set_experiment_tag(first, "team", "core")
    client.set_experiment_tag(first, "mlflow.note.content", "line 1\nline 2")
    client.set_experiment_tag(unicode, "k \u00fc", "")


def base_run(client, experiment):
    tags = {
        "mlflow.user": "ann",
        "mlflow.source.name": "train.py",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": "0123456789abcdef0123456789abcdef01234567",
        "mlflow.runName": "base",
    }
    run = client.create_run(experiment, start_time=START, tags=tags).info.run_id
    longest = 250 if VERSION < (1, 30) else 500 if VERSION < (2, 12) else 6000
    params = {
        "lr": "0.001",
        "empty": "" if VERSION >= (1, 8) else "-",
        "unicode \u00fc": "na\u00efve \u2603 \U0001f600",
        "lines": "a\nb\tc\\d'e\"f",
        "Case": "upper",
        "long": "x" * longest,
    }
    for key in sorted(params):
        client.log_param(run, key, params[key])
    for key, value in [("long", "y" * 4000), ("removed", "1"), ("a/b.c-d e", "%_?"), ("none", "")]:
        client.set_tag(run, key, value)
    attempt("deleting a tag", (1, 2), lambda: client.delete_tag(run, "removed"))
    for step, value in [(-5, 1.5), (0, -0.25), (3, 0.1), (3, 0.3), (1, 1e300), (2, 5e-324)]:
        client.log_metric(run, "jumps", value, START + 10 * abs(step), step)
    for timestamp in (START + 50, START + 40, START + 60):  # out of order
        client.log_metric(run, "back", timestamp - START, timestamp, 7)
    client.log_metric(run, "big step", 1.0, START, 2**62)
    client.log_metric(run, "m/with \u00fc", 12345678.9, 0, 0)
    client.log_metric(run, "case", 1.0, START, 0)
    client.set_terminated(run, "FINISHED", START + 100000)


def long_series(client, experiment):
    run = client.create_run(experiment, start_time=START + 5).info.run_id
    for key, size in [("2100", 2100), ("1024", 1024), ("40", 40), ("31", 31)]:
        points = [Metric(key, i * 37 % 101 / 4, START + i * 7, i) for i in range(size)]
        for i in range(0, size, 900):
            client.log_batch(run, points[i : i + 900], [], [])
    client.log_batch(
        run,
        [Metric("mixed", i / 3, START + i, i % 10) for i in range(100)],
        [Param("batch", "1")],
        [RunTag("batch", "2")],
    )
    client.set_terminated(run, "FAILED", START + 200000)


def odd_values(client, experiment):
    run = client.create_run(experiment, start_time=START + 6).info.run_id
    odd = [math.nan, math.inf, -math.inf, 2.5, math.nan]
    for step, value in enumerate(odd):
        client.log_metric(run, "odd", value, START + step, step)
    client.log_metric(run, "only nan", math.nan, START, 0)
    client.log_metric(run, "nan or number", math.nan, START, 0)
    client.log_metric(run, "nan or number", -3.0, START, 0)
    client.log_metric(run, "twice", 1.0, START, 0)
    attempt(
        "logging a point twice", (1, 20), lambda: client.log_metric(run, "twice", 1.0, START, 0)
    )
    client.log_batch(run, [Metric("odd batch", v, START, 0) for v in odd[:4]], [], [])


def family(client, experiment):
    parent = client.create_run(experiment, start_time=START + 7, tags={"mlflow.runName": "parent"})
    for i in range(3):
        child = client.create_run(
            experiment,
            start_time=START + 8 + i,
            tags={"mlflow.parentRunId": parent.info.run_id, "mlflow.runName": "child"},
        )
        client.log_metric(child.info.run_id, "loss", 1.0 / (i + 1), START, i)
        status = "KILLED" if VERSION >= (1, 8) else "FINISHED"
        client.set_terminated(child.info.run_id, status, START + 9 + i)


def stages(client, experiment):
    names = ["deleted", "restored", "running", "scheduled", "renamed"]
    runs = {}
    for i, name in enumerate(names):
        run = client.create_run(experiment, start_time=START + 20 + i, tags={"case": name})
        runs[name] = run.info.run_id
        client.log_param(runs[name], "case", name)
    client.delete_run(runs["deleted"])
    client.delete_run(runs["restored"])
    client.restore_run(runs["restored"])
    client.set_terminated(runs["scheduled"], "SCHEDULED", START + 500)
    attempt("renaming", (1, 30), lambda: client.update_run(runs["renamed"], name="new \u00fc"))


def datasets(client, experiment):
    import numpy as np
    import pandas as pd

    table = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    one = mlflow.data.from_pandas(table, source="http://example.com/a.csv", name="one")
    two = mlflow.data.from_numpy(np.zeros((2, 3)), source="http://example.com/b.npy", name="two")
    for name in ("with data", "with the same data"):
        run = client.create_run(experiment, start_time=START + 30, tags={"mlflow.runName": name})
        with mlflow.start_run(run_id=run.info.run_id):
            mlflow.log_input(one, context="training", tags={"part": "1"})
            mlflow.log_input(two)


def registry(client):
    client.create_registered_model("model")
    client.create_registered_model("unused")
    client.create_model_version("model", "s3://bucket/model")
    client.create_model_version("model", "s3://bucket/model/2")


def traces(experiment):
    mlflow.set_experiment(experiment_id=experiment)

    @mlflow.trace
    def double(x):
        return 2 * x

    double(2)
    attempt("flushing traces", (3, 0), lambda: mlflow.flush_trace_async_logging())


def logged_models(client, experiment):
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    run = client.create_run(experiment, start_time=START + 40, run_name="with models").info.run_id
    other = client.create_run(experiment, start_time=START + 41, run_name="reader").info.run_id
    models = [
        client.create_logged_model(experiment, name="net", source_run_id=run, params={"a": "b"})
        for _ in range(2)
    ]
    for step, model in enumerate(models):
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(run, [LoggedModelOutput(model.model_id, step=step * 5)])
        client.log_metric(
            run,
            "accuracy",
            0.5 + step / 4,
            START + step,
            step,
            model_id=model.model_id,
            dataset_name="one",
            dataset_digest="0a",
        )
    client.log_metric(run, "accuracy", math.inf, START + 9, 9, model_id=models[0].model_id)
    client.log_inputs(other, models=[LoggedModelInput(models[0].model_id)])


# -- reading --------------------------------------------------------------------------------------


def read(client):
    experiments = all_experiments(client)
    return {
        "version": mlflow.__version__,
        "experiments": [experiment(e) for e in experiments],
        "runs": [
            run(client, client.get_run(r.info.run_id))  # a search leaves out inputs that are models
            for e in experiments
            for r in client.search_runs([e.experiment_id], run_view_type=ViewType.ALL)
        ],
    }


def all_experiments(client):
    if VERSION >= (1, 28):
        return list(client.search_experiments(view_type=ViewType.ALL))
    return list(client.list_experiments(view_type=ViewType.ALL))


def experiment(e):
    return {
        "experiment_id": e.experiment_id,
        "name": e.name,
        "artifact_location": e.artifact_location,
        "lifecycle_stage": e.lifecycle_stage,
        "tags": dict(e.tags) if VERSION >= (1, 2) else {},
        "creation_time": getattr(e, "creation_time", None),
        "last_update_time": getattr(e, "last_update_time", None),
    }


def run(client, r):
    i = r.info
    run_id = i.run_id if VERSION >= (1, 1) else i.run_uuid
    status = i.status
    if not isinstance(status, str):
        status = mlflow.entities.RunStatus.to_string(status)
    return {
        "run_id": run_id,
        "name": getattr(i, "run_name", None) or r.data.tags.get("mlflow.runName"),
        "experiment_id": i.experiment_id,
        "user_id": i.user_id,
        "status": status,
        "start_time": i.start_time,
        "end_time": i.end_time,
        "lifecycle_stage": i.lifecycle_stage,
        "artifact_uri": i.artifact_uri,
        "params": dict(r.data.params),
        "tags": dict(r.data.tags),
        "metrics": dict(r.data.metrics),
        # Sorted by us: what is equal by (timestamp, step), and the rest, comes in any order.
        "history": {
            key: sorted(
                ([m.timestamp, m.step, m.value] for m in client.get_metric_history(run_id, key)),
                key=repr,
            )
            for key in sorted(r.data.metrics)
        },
        "datasets": sorted(
            (
                {
                    "name": d.dataset.name,
                    "digest": d.dataset.digest,
                    "source_type": d.dataset.source_type,
                    "source": d.dataset.source,
                    "schema": d.dataset.schema,
                    "profile": d.dataset.profile,
                    "tags": {t.key: t.value for t in d.tags},
                }
                for d in (r.inputs.dataset_inputs if VERSION >= (2, 4) else [])
            ),
            key=repr,
        ),
        "model_inputs": sorted(
            m.model_id for m in (r.inputs.model_inputs if VERSION >= (3, 0) else [])
        ),
        "model_outputs": sorted(
            [m.model_id, m.step] for m in (r.outputs.model_outputs if VERSION >= (3, 0) else [])
        ),
    }


if __name__ == "__main__":
    main()
