"""What hears of every span that begins and ends."""

from __future__ import annotations

from typing import Any


def make_processors() -> list[Any]:
    """The processors for a tracer provider, by the settings of now."""
    from mlflow.tracing.export.otlp import exports_to_store, otlp_processors
    from mlflow.tracing.processor.mlflow import MlflowSpanProcessor

    return [MlflowSpanProcessor(to_store=exports_to_store()), *otlp_processors()]
