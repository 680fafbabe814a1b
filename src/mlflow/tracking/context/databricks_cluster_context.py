from __future__ import annotations

from mlflow.tracking.context.abstract_context import RunContextProvider


class DatabricksClusterRunContext(RunContextProvider):
    """The cluster of a hosted Databricks notebook. Only Databricks' own library tells it,
    and that is not read here: never in context."""

    def in_context(self) -> bool:
        return False

    def tags(self) -> dict[str, str]:
        return {}
