"""Example runs for `mlflow demo`: real models, trained while one waits."""

from __future__ import annotations
