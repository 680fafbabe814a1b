"""The values that stores, servers and the SDK pass around: what is there, and no I/O.

Names are found when first asked for, so that `import mlflow` does not pay for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Assessment": "assessment",
    "AssessmentError": "assessment_error",
    "AssessmentSource": "assessment_source",
    "AssessmentSourceType": "assessment_source",
    "Dataset": "dataset",
    "DatasetInput": "dataset_input",
    "Expectation": "assessment",
    "Experiment": "experiment",
    "ExperimentTag": "experiment_tag",
    "Feedback": "assessment",
    "FileInfo": "file_info",
    "InferenceTableLocation": "trace_location",
    "InputTag": "input_tag",
    "IssueReference": "assessment",
    "LifecycleStage": "lifecycle_stage",
    "Link": "link",
    "LiveSpan": "span",
    "LoggedModel": "logged_model",
    "LoggedModelInput": "logged_model_input",
    "LoggedModelOutput": "logged_model_output",
    "LoggedModelParameter": "logged_model_parameter",
    "LoggedModelStatus": "logged_model_status",
    "LoggedModelTag": "logged_model_tag",
    "Metric": "metric",
    "MlflowExperimentLocation": "trace_location",
    "NoOpSpan": "span",
    "Param": "param",
    "Run": "run",
    "RunData": "run_data",
    "RunInfo": "run_info",
    "RunInputs": "run_inputs",
    "RunOutputs": "run_outputs",
    "RunStatus": "run_status",
    "RunTag": "run_tag",
    "SourceType": "source_type",
    "Session": "session",
    "Span": "span",
    "SpanEvent": "span_event",
    "SpanLogLevel": "span_log_level",
    "SpanStatus": "span_status",
    "SpanStatusCode": "span_status",
    "SpanType": "span",
    "Trace": "trace",
    "TraceData": "trace_data",
    "TraceInfo": "trace_info",
    "TraceLocation": "trace_location",
    "TraceLocationType": "trace_location",
    "TraceState": "trace_state",
    "UCSchemaLocation": "trace_location",
    "UnityCatalog": "trace_location",
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
    "trace_info_v2",
    "trace_metrics",
    "trace_status",
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
