"""Places for traces beside experiments."""

from __future__ import annotations

from mlflow.entities.trace_location import UnityCatalog

__all__ = ["UnityCatalog"]
