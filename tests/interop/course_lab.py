"""A course's lab, written for MLflow and run unchanged on whatever `mlflow` this interpreter
imports.

    python course_lab.py TRACKING_URI

It ends with a line of JSON: what it found again.
"""

import json
import os
import sys
import tempfile

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

import mlflow
from mlflow.tracking import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
experiment = mlflow.set_experiment("mlflow-tracking-lab")
found = {"artifact_location": experiment.artifact_location}

with mlflow.start_run(run_name="first-model") as run:
    mlflow.log_param("learning_rate", 0.01)
    mlflow.log_param("model_type", "MLP")
    mlflow.log_params({"epochs": 10, "batch_size": 32, "optimizer": "adam"})
    history = {"loss": [], "accuracy": []}
    for epoch in range(10):
        loss, accuracy = 1.0 / (epoch + 1), 0.5 + 0.05 * epoch
        history["loss"].append(loss)
        history["accuracy"].append(accuracy)
        mlflow.log_metrics({"loss": loss, "accuracy": accuracy}, step=epoch)
    mlflow.log_metric("final_score", 0.95)
    mlflow.set_tag("team", "data-science")
    mlflow.set_tags({"stage": "dev", "mlflow.note.content": "# First\nA *note*."})

    figure, axes = plt.subplots()
    axes.plot(history["loss"])
    mlflow.log_figure(figure, "plots/training_curves.png")
    plt.close(figure)
    mlflow.log_dict({"layers": [64, 32], "dropout": 0.1}, "config/model_config.json")
    mlflow.log_text("An MLP with two layers.\n", "models/model_info.txt")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "training.csv")
        pd.DataFrame(history).to_csv(path, index=False)
        mlflow.log_artifact(path, "data")

with mlflow.start_run(run_name="sweep") as parent:
    mlflow.set_tag("team", "research")
    for rate in (0.1, 0.01, 0.001):
        with mlflow.start_run(run_name=f"lr-{rate}", nested=True):
            mlflow.log_param("learning_rate", rate)
            mlflow.log_metric("accuracy", 0.8 + rate)

best = mlflow.search_runs(order_by=["metrics.accuracy DESC"])
found["best"] = best.loc[0, "tags.mlflow.runName"]
found["rows"] = len(best)
found["columns"] = sorted(
    c for c in best.columns if c.startswith(("metrics.", "params.")) or "." not in c
)
team = mlflow.search_runs(filter_string="tags.team = 'data-science'")
found["team"] = team["run_id"].tolist() == [run.info.run_id]
children = mlflow.search_runs(
    filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'",
    order_by=["params.learning_rate ASC"],
)
found["children"] = children["tags.mlflow.runName"].tolist()

client = MlflowClient()
found["history"] = [
    (m.step, round(m.value, 6)) for m in client.get_metric_history(run.info.run_id, "accuracy")
]
found["artifacts"] = sorted(f.path for f in client.list_artifacts(run.info.run_id))
found["plots"] = [f.path for f in client.list_artifacts(run.info.run_id, "plots")]
with tempfile.TemporaryDirectory() as folder:
    local = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="config/model_config.json", dst_path=folder
    )
    with open(local) as f:
        found["config"] = json.load(f)
with tempfile.TemporaryDirectory() as folder:
    whole = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=folder)
    found["files"] = sorted(
        os.path.relpath(os.path.join(where, name), whole)
        for where, _, names in os.walk(whole)
        for name in names
    )
    with open(os.path.join(whole, "plots/training_curves.png"), "rb") as f:
        found["png"] = f.read(4) == b"\x89PNG"
found["text"] = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/models/model_info.txt")
data = mlflow.get_run(run.info.run_id).data
found["params"] = dict(data.params)
found["metrics"] = {k: round(v, 6) for k, v in data.metrics.items()}
found["tags"] = {k: v for k, v in data.tags.items() if not k.startswith("mlflow.") or "note" in k}
found["status"] = client.get_run(parent.info.run_id).info.status
print(json.dumps(found, sort_keys=True))
