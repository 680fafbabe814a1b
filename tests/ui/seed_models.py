"""Logged models and the registry.

Logged models, all in `vision/churn`:

* `classifier` of `baseline` (`Seed.models["classifier"]`) and of `cnn-lr=0.01/fold-0` … `fold-2`
  (`Seed.models["cnn-lr=0.01/fold-0/classifier"]`): files of scikit-learn, signature, input example,
  params, metrics `accuracy` and `auc` on the datasets `churn-train` and `churn-test`
* `agent` of `baseline`: type `agent`, params and tags, no files
* `broken` of `failed`: FAILED

Datasets: `churn-train` and `churn-test`, of `baseline` and the three folds, with schema.

Registered model `churn`: note, tags; versions of the folds (1 to 3) and of `baseline` (4):

| version | stage | aliases | tags | what happened |
|---|---|---|---|---|
| 1 | Archived | | | ann: Staging, bo: Production, Zoë: replaced by 2 |
| 2 | Archived | | `validated` | bo: Staging, Production ("better recall"); Zoë replaced it by 3 |
| 3 | Production | `champion`, `eu` | `validated` | |
| 4 | Staging | `challenger` | `validated`, markup | description with Markdown and markup |

`champion` was on 1, then on 2, now on 3. `fraud detector é & <b>`: one version, of a folder of
`every-kind`, in no stage. `unused`: no versions.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import DatasetInput, InputTag, LoggedModelOutput, Metric

if TYPE_CHECKING:
    from tests.ui.seed import Seed

NOTE = "Tells who will **leave** within 30 days.\n\n<script>window.pwned = 'model note'</script>"


def log(client: MlflowClient, seed: Seed) -> None:
    """All of it."""
    with _tracking(client.tracking_uri), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        datasets = _datasets()
        _logged(client, seed, datasets)
        _registered(client, seed)


@contextlib.contextmanager
def _tracking(uri: str) -> Iterator[None]:
    before = mlflow.get_tracking_uri() if mlflow.tracking.is_tracking_uri_set() else ""
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


@contextlib.contextmanager
def _again(client: MlflowClient, run: str) -> Iterator[None]:
    """The run as the active one; it ends as it had ended before."""
    info = client.get_run(run).info
    try:
        with mlflow.start_run(run_id=run, log_system_metrics=False):
            yield
    finally:
        client.set_terminated(run, info.status, info.end_time)


def _datasets() -> list[DatasetInput]:
    import pandas as pd

    made = []
    for name, rows, context in (
        ("churn-train", 800, "training"),
        ("churn-test", 200, "evaluation"),
    ):
        frame = pd.DataFrame({"tenure": range(rows), "plan": ["a", "b"] * (rows // 2)})
        frame["left"] = frame["tenure"] % 3 == 0
        source = f"https://example.com/data/{name}.csv"
        dataset = mlflow.data.from_pandas(frame, source=source, name=name, targets="left")
        context = InputTag("mlflow.data.context", context)
        made.append(DatasetInput(mlflow.entities.Dataset(**dataset.to_dict()), [context]))
    return made


def _logged(client: MlflowClient, seed: Seed, datasets: list[DatasetInput]) -> None:
    names = ["baseline", *(f"cnn-lr=0.01/fold-{fold}" for fold in range(3))]
    for i, name in enumerate(names):
        run = seed.runs[name]
        client.log_inputs(run, datasets)
        model_id = _classifier(client, run, depth=2 + i)
        seed.models["classifier" if name == "baseline" else f"{name}/classifier"] = model_id
        _measure(client, run, model_id, datasets, 0.9 + i / 100, seed.now)
    experiment, run = seed.experiments["vision/churn"], seed.runs["baseline"]
    agent = client.create_logged_model(
        experiment,
        "agent",
        source_run_id=run,
        params={"temperature": "0.2", "prompt": "You are <b>helpful</b>.\n" * 20},
        tags={"team": "retention", "odd: tag": "<script>window.pwned = 'model tag'</script>"},
        model_type="agent",
    )
    client.finalize_logged_model(agent.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(agent.model_id, 0)])
    broken = client.create_logged_model(experiment, "broken", source_run_id=seed.runs["failed"])
    client.finalize_logged_model(broken.model_id, "FAILED")
    seed.models |= {"agent": agent.model_id, "broken": broken.model_id}


def _classifier(client: MlflowClient, run: str, depth: int) -> str:
    import pandas as pd
    from sklearn.tree import DecisionTreeClassifier

    x = pd.DataFrame({"tenure": range(60), "calls": [i % 7 for i in range(60)]})
    model = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(x, x["tenure"] > 30)
    signature = mlflow.models.infer_signature(x, model.predict(x))
    with _again(client, run):
        made = mlflow.sklearn.log_model(
            model,
            name="classifier",
            signature=signature,
            input_example=x.head(3),
            params={"max_depth": depth, "criterion": "gini"},
            pip_requirements=["scikit-learn", "pandas"],
            tags={"kind": "tree"},
        )
    return made.model_id


def _measure(
    client: MlflowClient,
    run: str,
    model_id: str,
    datasets: list[DatasetInput],
    best: float,
    now: int,
) -> None:
    metrics = [
        Metric(
            key, best - 0.02 * part - less, now, 0, model_id, one.dataset.name, one.dataset.digest
        )
        for part, one in enumerate(datasets)
        for key, less in (("accuracy", 0), ("auc", 0.01))
    ]
    client.log_batch(run, metrics)


class _By:
    """Changes of the registry by one user after the other."""

    def __init__(self, client: MlflowClient):
        self._client = client

    @contextlib.contextmanager
    def __call__(self, user: str, why: str | None = None) -> Iterator[MlflowClient]:
        before = os.environ.get("MLFLOW_TRACKING_USERNAME")
        os.environ["MLFLOW_TRACKING_USERNAME"] = user
        try:
            with self._client.because(why) if why else contextlib.nullcontext():
                yield self._client
        finally:
            os.environ.pop("MLFLOW_TRACKING_USERNAME")
            if before is not None:
                os.environ["MLFLOW_TRACKING_USERNAME"] = before


def _registered(client: MlflowClient, seed: Seed) -> None:
    by = _By(client)
    with by("ann"):
        client.create_registered_model("churn", {"owner": "retention", "pii": "no"}, NOTE)
        client.create_registered_model("unused", description="For later.")
    users = ("ann", "bo", "bo", "Zoë")
    names = [f"cnn-lr=0.01/fold-{fold}/classifier" for fold in range(3)]
    for user, name in zip(users, [*names, "classifier"], strict=True):
        with by(user):
            _version(client, seed.models[name])
    _moves(client, by)
    with by("bo"):
        client.create_registered_model("fraud detector é & <b>", {"odd: tag": "<i>markup</i>"})
        run = seed.runs["every-kind"]
        client.create_model_version("fraud detector é & <b>", f"runs:/{run}/data", run)


def _version(client: MlflowClient, model_id: str) -> Any:
    model = client.get_logged_model(model_id)
    source = f"models:/{model_id}"
    return client.create_model_version("churn", source, model.source_run_id, model_id=model_id)


def _moves(client: MlflowClient, by: _By) -> None:
    move, alias = client.transition_model_version_stage, client.set_registered_model_alias
    with by("ann"):
        move("churn", "1", "Staging")
    with by("bo", "first model to serve"):
        move("churn", "1", "Production")
        alias("churn", "champion", "1")
    with by("bo", "better recall"):
        move("churn", "2", "Staging")
        client.set_model_version_tag("churn", "2", "validated", "yes")
        move("churn", "2", "Production", archive_existing_versions=True)
        alias("churn", "champion", "2")
    with by("Zoë", "smaller and as good"):
        client.set_model_version_tag("churn", "3", "validated", "yes")
        move("churn", "3", "Production", archive_existing_versions=True)
        alias("churn", "champion", "3")
        alias("churn", "eu", "3")
    with by("ann"):
        move("churn", "4", "Staging")
        alias("churn", "challenger", "4")
        alias("churn", "tmp", "4")
        client.delete_registered_model_alias("churn", "tmp")
        client.set_model_version_tag("churn", "4", "validated", "no")
        client.set_model_version_tag("churn", "4", "odd: tag", "<script>window.pwned=1</script>")
        client.update_model_version("churn", "4", "From **baseline**. <b>Not</b> [x](javascript:1)")
        client.update_registered_model("churn", NOTE + "\n\nAsk ann.")
