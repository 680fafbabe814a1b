"""All that a client does with logged models, and what it is told: a line each.

python logged_models_session.py URI
"""

import os
import re
import sys
import tempfile
import threading
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput, LoggedModelOutput, Metric

known = {}


def shown(value):
    """A text in which what a server makes up is numbered."""

    def number(match):
        return known.setdefault(match[0], f"<{len(known)}>")

    text = re.sub(r"[0-9a-f]{32}", number, str(value))
    return re.sub(r"\b1[6-9]\d{11}\b", "<time>", text)


def say(name, call):
    try:
        result = call()
    except Exception as e:
        code = getattr(e, "error_code", None)
        print(f"{name}: {type(e).__name__} {code}")
        return None
    if hasattr(result, "tags"):
        print(f"{name}: {shown(described(result))}")
    else:
        print(f"{name}: {shown(result)}")
    return result


def described(model):
    tags = {k: v for k, v in model.tags.items() if not k.startswith("mlflow.source")}
    metrics = sorted(
        (m.key, m.value, m.timestamp, m.step, m.dataset_name or None, m.dataset_digest or None)
        for m in model.metrics or []
    )
    return {
        "id": model.model_id,
        "name": model.name,
        "status": str(model.status),
        "type": model.model_type,
        "run": model.source_run_id,
        "uri": model.model_uri,
        "location": re.sub(r"/\d+/", "/<experiment>/", model.artifact_location),
        "tags": sorted(tags.items()),
        "params": sorted(model.params.items()),
        "metrics": metrics,
    }


def main(uri):
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    mlflow.set_experiment("logged models")
    experiment = client.get_experiment_by_name("logged models").experiment_id
    run_id = client.create_run(experiment, start_time=1).info.run_id
    say("create", lambda: client.create_logged_model(experiment, "a"))
    bad = say("bad name", lambda: client.create_logged_model(experiment, "a/b"))
    assert bad is None
    time.sleep(0.01)
    a = say(
        "create all",
        lambda: client.create_logged_model(
            experiment, "b", run_id, {"t": "1", "u v": "2"}, {"p": 1, "q": ""}, "agent"
        ),
    )
    key = a.model_id
    say("get", lambda: client.get_logged_model(key))
    say("nobody", lambda: client.get_logged_model("m-nobody"))
    say("tags", lambda: client.set_logged_model_tags(key, {"t": 3, "n": None}))
    say("tags of nobody", lambda: client.set_logged_model_tags("m-nobody", {"t": 3}))
    say("delete tag", lambda: client.delete_logged_model_tag(key, "u v"))
    say("delete no tag", lambda: client.delete_logged_model_tag(key, "u v"))
    say("params", lambda: client.log_model_params(key, {f"p{i}": i for i in range(250)}))
    say("params again", lambda: client.log_model_params(key, {"p1": "other"}))
    say("params of nobody", lambda: client.log_model_params("m-nobody", {"p1": "other"}))
    say("ready", lambda: client.finalize_logged_model(key, "READY"))
    say("metric", lambda: client.log_metric(run_id, "m", 0.5, 5, 1, model_id=key))
    say(
        "batch",
        lambda: client.log_batch(
            run_id, [Metric("m", 0.25, 6, 2, key, "eval", "d1"), Metric("n", 1.0, 6, 2, key)]
        ),
    )
    say("metric of nobody", lambda: client.log_metric(run_id, "m", 1, 7, model_id="m-nobody"))
    say("half a dataset", lambda: client.log_metric(run_id, "m", 1, 8, 1, True, "d", None, key))
    say("inputs", lambda: client.log_inputs(run_id, models=[LoggedModelInput(key)]))
    say("outputs", lambda: client.log_outputs(run_id, [LoggedModelOutput(key, 2)]))
    run = client.get_run(run_id)
    say("run read", lambda: [m.model_id for m in run.inputs.model_inputs])
    say("run made", lambda: [(m.model_id, m.step) for m in run.outputs.model_outputs])

    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/dir/sub")
        for path in ("f.txt", "dir/sub/g"):
            with open(f"{folder}/{path}", "w") as file:
                file.write("content")
        say("artifact", lambda: client.log_model_artifact(key, f"{folder}/f.txt", "there"))
        say("artifacts", lambda: client.log_model_artifacts(key, f"{folder}/dir"))

    def listed(path=None):
        found = client.list_logged_model_artifacts(key, path)
        return sorted((f.path, f.is_dir, f.file_size) for f in found)

    say("list", listed)
    say("list below", lambda: listed("sub"))
    say("list nothing", lambda: listed("no"))

    def search(**more):
        return [m.name for m in client.search_logged_models([experiment], **more)]

    time.sleep(0.01)
    say("create third", lambda: client.create_logged_model(experiment, "c", params={"p": 2}))
    for text in (
        "name = 'b'",
        "name IN ('a', 'c')",
        "params.p = '1' AND metrics.m > 0.4",
        "metrics.m < 0.4",
        "tags.t = '3'",
        "status = 2",
        "model_type = 'agent'",
        "creation_timestamp > 5",
        "name = 'a' OR name = 'b'",
        "nonsense",
    ):
        say(f"search {text}", lambda text=text: search(filter_string=text))
    say("order", lambda: search(order_by=[{"field_name": "name", "ascending": False}]))
    say("order metric", lambda: search(order_by=[{"field_name": "metrics.m"}]))
    on = [{"dataset_name": "eval", "dataset_digest": "d1"}]
    say("datasets", lambda: search(datasets=on))
    say("datasets and metric", lambda: search(datasets=on, filter_string="metrics.m > 0.4"))

    def pages():
        found, token = [], None
        while True:
            page = client.search_logged_models([experiment], max_results=1, page_token=token)
            found.append([m.name for m in page])
            token = page.token
            if not token:
                return found

    say("pages", pages)
    frame = mlflow.search_logged_models(order_by=[{"field_name": "name"}])
    say(
        "frame", lambda: (list(frame.columns), list(frame["name"]), list(map(str, frame["status"])))
    )

    with mlflow.set_active_model(name="active") as active, mlflow.start_run():
        mlflow.log_metric("of active", 1.0, step=1, timestamp=5)
        mlflow.log_model_params({"late": 1})
        begun = mlflow.initialize_logged_model("begun", tags={"a": "b"})
        seen = []
        thread = threading.Thread(target=lambda: seen.append(mlflow.get_active_model_id()))
        thread.start()
        thread.join()
        say("in thread", lambda: seen)
    say("active", lambda: mlflow.get_logged_model(active.model_id))
    say("is active", mlflow.get_active_model_id)
    say("last", mlflow.last_logged_model)
    say("finalized", lambda: mlflow.finalize_logged_model(begun.model_id, "FAILED"))
    external = mlflow.create_external_model("external", params={"x": "y"}, model_type="z")
    say("external", lambda: external)
    say(
        "external's files",
        lambda: [f.path for f in client.list_logged_model_artifacts(external.model_id)],
    )
    say("delete", lambda: client.delete_logged_model(key))
    say("deleted", lambda: client.get_logged_model(key))
    say("tags of deleted", lambda: client.set_logged_model_tags(key, {"a": "b"}))
    say("names", lambda: sorted(search()))


main(sys.argv[1])
