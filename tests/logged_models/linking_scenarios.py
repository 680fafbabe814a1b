"""What is logged around models of a run, and what then belongs to the models.

    python linking_scenarios.py [TRACKING_URI] > linking.json

records what the MLflow that is installed does; `linking.json` is what MLflow 3.17.2 does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Metric
from mlflow.models import Model


class Flavor:
    """A flavor whose models have no files but the description."""

    def __init__(self, fails: bool = False):
        self.fails = fails

    def save_model(self, path: str, mlflow_model: Model) -> None:
        if self.fails:
            raise RuntimeError("It cannot be saved.")
        os.makedirs(path)
        mlflow_model.add_flavor("python_function", loader_module="none")
        mlflow_model.save(os.path.join(path, "MLmodel"))


def log_model(fails: bool = False, **options: Any) -> str:
    return Model.log(None, Flavor(fails), name="x", **options).model_id


def dataset() -> Any:
    import numpy

    return mlflow.data.from_numpy(numpy.ones(3), name="ones")


def params_of_run_and_model(note):
    with mlflow.start_run():
        mlflow.log_params({"a": 1, "both": "run"})
        note(log_model(params={"both": "own", "c": 3}))
        mlflow.log_param("later", 1)


def many_params_and_points(note):
    with mlflow.start_run() as run:
        mlflow.log_params({f"p{number}": number for number in range(250)})
        mlflow.log_param("long", "x" * 6000)
        points = [Metric("m", float(at), at, 0) for at in range(1500)]
        for part in (points[:1000], points[1000:]):
            MlflowClient().log_batch(run.info.run_id, metrics=part)
        note(log_model())


def before(note):
    with mlflow.start_run():
        mlflow.log_metric("zero", 1, timestamp=5)
        mlflow.log_metric("one", 1, step=1)
        for step, value, at in ((0, 1, 1), (0, 2, 2), (1, 3, 3)):
            mlflow.log_metric("series", value, step=step, timestamp=at)
        note(log_model())


def before_at_a_later_step(note):
    with mlflow.start_run():
        mlflow.log_metric("zero", 1)
        mlflow.log_metric("three", 1, step=3)
        mlflow.log_metric("passed", 1, step=3)
        mlflow.log_metric("passed", 2, step=4)
        mlflow.log_metric("back", 1, step=4, timestamp=1)
        mlflow.log_metric("back", 2, step=3, timestamp=9)
        note(log_model(step=3))
        mlflow.log_metric("after zero", 1)
        mlflow.log_metric("after three", 1, step=3)
        mlflow.log_metrics({"all three": 1}, step=3)
        mlflow.log_metrics({"all zero": 1})


def after(note):
    with mlflow.start_run() as run:
        run_id = run.info.run_id
        note(log_model())
        mlflow.log_metric("metric", 1)
        mlflow.log_metric("other step", 1, step=1)
        mlflow.log_metrics({"metrics": 1, "too": 2})
        mlflow.log_metrics({"metrics of other step": 1}, step=1)
        mlflow.log_metric("by id", 1, run_id=run_id)
        mlflow.log_metric("in background", 1, synchronous=False).wait()
        mlflow.log_metrics({"all in background": 1}, synchronous=False).wait()
        MlflowClient().log_metric(run_id, "by client", 1)
        MlflowClient().log_batch(run_id, metrics=[Metric("in batch", 1, 1, 0)])
    mlflow.log_metric("when finished", 1, run_id=run_id)
    mlflow.log_metrics({"all when finished": 1}, run_id=run_id)
    MlflowClient().log_metric(run_id, "by client when finished", 1)
    with mlflow.start_run(run_id=run_id):
        mlflow.log_metric("resumed", 1)


def in_another_thread(note):
    with mlflow.start_run() as run:
        note(log_model())
        other = threading.Thread(target=lambda: mlflow.log_metric("m", 1, run_id=run.info.run_id))
        other.start()
        other.join()


def in_another_process(note):
    with mlflow.start_run() as run:
        note(log_model())
    run_id = run.info.run_id
    program = (
        "import mlflow\n"
        f"mlflow.set_tracking_uri({mlflow.get_tracking_uri()!r})\n"
        f"mlflow.log_metric('by id', 1, run_id={run_id!r})\n"
        f"with mlflow.start_run(run_id={run_id!r}):\n"
        "    mlflow.log_metric('resumed', 1)\n"
        "    mlflow.log_metric('other step', 1, step=1)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def several_models(note):
    with mlflow.start_run():
        note(log_model())
        mlflow.log_metric("one", 1)
        second = note(log_model())
        mlflow.log_metric("two", 1)
        note(log_model(step=5))
        mlflow.log_metric("three", 1)
        mlflow.log_metric("five", 1, step=5)
        mlflow.log_metric("of second", 1, step=5, model_id=second)
        mlflow.log_metrics({"all of second": 1}, model_id=second)


def active_model(note):
    with mlflow.start_run() as run:
        model = note(log_model())
        with mlflow.set_active_model(model_id=note(mlflow.create_external_model().model_id)):
            mlflow.log_metric("active", 1)
            mlflow.log_metrics({"all active": 1})
            mlflow.log_metric("named", 1, model_id=model)
            MlflowClient().log_metric(run.info.run_id, "by client", 1)
            note(log_model(step=2))
        mlflow.log_metric("no longer active", 1)


def datasets(note):
    with mlflow.start_run():
        mlflow.log_metric("before", 1, dataset=dataset())
        note(log_model())
        mlflow.log_metric("after", 1, dataset=dataset())
        mlflow.log_metrics({"all after": 1}, dataset=dataset())


def into_a_model_that_is_there(note):
    with mlflow.start_run():
        made = note(mlflow.initialize_logged_model(params={"own": "1"}).model_id)
        mlflow.log_param("of run", 1)
        mlflow.log_metric("before", 1)
        log_model(model_id=made, params={"given": 1})
        mlflow.log_metric("after", 1)


def only_an_output(note):
    made = note(mlflow.create_external_model().model_id)
    with mlflow.start_run() as run:
        mlflow.log_metric("before", 1)
        mlflow.log_outputs([LoggedModelOutput(made, 0)])
        mlflow.log_metric("after", 1)
        mlflow.log_metric("by id", 1, run_id=run.info.run_id)


def only_made_in_the_run(note):
    with mlflow.start_run() as run:
        note(mlflow.create_external_model().model_id)
        mlflow.log_metric("after", 1)
        mlflow.log_metric("by id", 1, run_id=run.info.run_id)


def without_a_run(note):
    note(log_model(params={"z": 1}))


def nested_runs(note):
    with mlflow.start_run() as outer:
        mlflow.log_param("outer", 1)
        note(log_model())
        with mlflow.start_run(nested=True) as inner:
            mlflow.log_param("inner", 1)
            mlflow.log_metric("inside", 1)
            note(log_model())
            note(log_model(run_id=outer.info.run_id, step=1))
        mlflow.log_metric("outside", 1)
        mlflow.log_metric("outside at one", 1, step=1)
        mlflow.log_metric("by id at one", 1, step=1, run_id=outer.info.run_id)
        mlflow.log_metric("to the inner", 1, run_id=inner.info.run_id)


def a_run_that_is_not_active(note):
    client = MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_param(run_id, "p", 1)
    mlflow.log_metric("before", 1, run_id=run_id)
    note(log_model(run_id=run_id))
    client.log_metric(run_id, "by client", 1)
    mlflow.log_metric("after", 1, run_id=run_id)


def another_run(note):
    with mlflow.start_run() as first:
        mlflow.log_metric("m", 1)
    with mlflow.start_run():
        model = note(log_model())
        mlflow.log_metric("other run", 1, run_id=first.info.run_id)
        mlflow.log_metric("named", 1, run_id=first.info.run_id, model_id=model)


def a_model_that_cannot_be_saved(note):
    with mlflow.start_run():
        mlflow.log_param("p", 1)
        mlflow.log_metric("before", 1)
        try:
            log_model(fails=True)
        except Exception:
            note(mlflow.last_logged_model().model_id)
        mlflow.log_metric("after", 1)


SCENARIOS = {
    each.__name__: each
    for each in (
        params_of_run_and_model,
        many_params_and_points,
        before,
        before_at_a_later_step,
        after,
        in_another_thread,
        in_another_process,
        several_models,
        active_model,
        datasets,
        into_a_model_that_is_there,
        only_an_output,
        only_made_in_the_run,
        without_a_run,
        nested_runs,
        a_run_that_is_not_active,
        another_run,
        a_model_that_cannot_be_saved,
    )
}


def outcome(name: str) -> list[dict[str, Any]]:
    """What then belongs to each model, and which of them are inputs and outputs of their runs."""
    models: list[str] = []

    def note(model_id: str) -> str:
        models.append(model_id)
        return model_id

    SCENARIOS[name](note)
    return [_shown(model_id) for model_id in models]


def _shown(model_id: str) -> dict[str, Any]:
    model = mlflow.get_logged_model(model_id)
    metrics = [[m.key, m.value, m.step, m.dataset_name] for m in model.metrics or ()]
    params = {key: value[:10] for key, value in model.params.items()}
    shown: dict[str, Any] = {
        "params": params if len(params) < 9 else len(params),
        "metrics": sorted(metrics) if len(metrics) < 30 else len(metrics),
    }
    if model.source_run_id:  # a server says "" where there is none
        run = MlflowClient().get_run(model.source_run_id)
        shown["read"] = any(m.model_id == model_id for m in run.inputs.model_inputs)
        shown["made"] = [m.step for m in run.outputs.model_outputs if m.model_id == model_id]
    return shown


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())
    mlflow.set_tracking_uri(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///store.db")
    lines = [f"{json.dumps(name)}: {json.dumps(outcome(name))}" for name in SCENARIOS]
    print("{\n" + ",\n".join(lines) + "\n}")
