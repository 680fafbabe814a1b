"""RPCs of what runs read and made."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from mlflow import entities as e
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import DatasetInput, ModelInput, ModelOutput
from mlflow.rpc.runs import OfRun
from mlflow.rpc.wire import Needed, Wire


class DatasetSummary(Wire):
    """One row of the list of an experiment's datasets."""

    experiment_id: str
    name: str
    digest: str
    context: str | None = None


class DatasetSummaries(Wire):
    dataset_summaries: list[DatasetSummary] = []


@rpc("POST", "/mlflow/runs/log-inputs", needs=("run", "edit"), idempotent=True)
class LogInputs(Rpc, kw_only=True):
    """Note what a run read."""

    run_id: Needed
    datasets: list[DatasetInput] = []
    models: list[ModelInput] = []

    def answer(self, store) -> None:
        store.log_inputs(
            self.run_id,
            datasets=[d.entity() for d in self.datasets],
            models=[e.LoggedModelInput(m.model_id) for m in self.models],
        )


@rpc("POST", "/mlflow/runs/outputs", needs=("run", "edit"), idempotent=True)
class LogOutputs(Rpc, kw_only=True):
    """Note what a run made."""

    run_id: Needed
    models: list[ModelOutput] = []

    def answer(self, store) -> None:
        models = [e.LoggedModelOutput(m.model_id, m.step) for m in self.models]
        store.log_outputs(self.run_id, models)


@rpc("POST", "/mlflow/runs/log-model", needs=("run", "edit"))
class LogModel(OfRun, kw_only=True):
    """Add a model's description to the run's history of models."""

    model_json: Needed

    def answer(self, store) -> None:
        try:
            model = json.loads(self.model_json)
        except ValueError:
            raise MlflowException.invalid_parameter_value(
                f"Malformed model info. \n {self.model_json} \n is not a valid JSON."
            ) from None
        fields = ("artifact_path", "flavors", "run_id", "utc_time_created")
        missing = [f for f in fields if not isinstance(model, dict) or f not in model]
        if missing:
            raise MlflowException.invalid_parameter_value(
                f"Model json is missing mandatory fields: {{{', '.join(map(repr, missing))}}}"
            )
        if not isinstance(model["flavors"], (dict, type(None))):
            raise MlflowException.invalid_parameter_value(
                f"Invalid value {json.dumps(model['flavors'])} for field 'flavors' of the model "
                "json; an object is needed."
            )
        store.record_logged_model(self.run, _remembered(model))


def _remembered(model: dict[str, Any]) -> dict[str, Any]:
    """What a run keeps of a model's description: whose and what it is, without the configuration of
    its flavors."""
    kept = {name: model[name] for name in ("run_id", "artifact_path") if model[name] is not None}
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
    flavors = model["flavors"] or {}
    return {
        **kept,
        "utc_time_created": model["utc_time_created"] or now,
        "model_uuid": model.get("model_uuid"),
        "flavors": {
            name: {k: v for k, v in flavor.items() if k != "config"}
            if isinstance(flavor, dict)
            else flavor
            for name, flavor in flavors.items()
        },
    }


@rpc(
    "POST",
    "/mlflow/experiments/search-datasets",
    needs=("experiment", "read"),
    response=DatasetSummaries,
    idempotent=True,
)
class SearchDatasets(Rpc, kw_only=True):
    """The datasets that an experiment's runs read, each once for each context."""

    experiment_ids: list[str] = []

    def answer(self, store) -> DatasetSummaries:
        if not self.experiment_ids:
            raise MlflowException.invalid_parameter_value(
                "SearchDatasets request must specify at least one experiment_id."
            )
        found = store._search_datasets(self.experiment_ids)
        return DatasetSummaries(
            dataset_summaries=[
                DatasetSummary(
                    experiment_id=d.experiment_id, name=d.name, digest=d.digest, context=d.context
                )
                for d in found
            ]
        )
