"""The values that stores, servers and the SDK pass around: what is there, and no I/O.

Names are found when first asked for, so that `import mlflow` does not pay for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Dataset": "dataset",
    "DatasetInput": "dataset_input",
    "Experiment": "experiment",
    "ExperimentTag": "experiment_tag",
    "FileInfo": "file_info",
    "InputTag": "input_tag",
    "LifecycleStage": "lifecycle_stage",
    "LoggedModel": "logged_model",
    "LoggedModelInput": "logged_model_input",
    "LoggedModelOutput": "logged_model_output",
    "LoggedModelParameter": "logged_model_parameter",
    "LoggedModelStatus": "logged_model_status",
    "LoggedModelTag": "logged_model_tag",
    "Metric": "metric",
    "Param": "param",
    "Run": "run",
    "RunData": "run_data",
    "RunInfo": "run_info",
    "RunInputs": "run_inputs",
    "RunOutputs": "run_outputs",
    "RunStatus": "run_status",
    "RunTag": "run_tag",
    "SourceType": "source_type",
    "ViewType": "view_type",
    "Webhook": "webhook",
    "WebhookEvent": "webhook",
    "WebhookStatus": "webhook",
    "WebhookTestResult": "webhook",
    "_DatasetSummary": "dataset_summary",
}
_SUBMODULES = {
    *_HOME.values(),
    "model_registry",
    "multipart_upload",
    "presigned_download",
    "presigned_upload",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_SUBMODULES})
