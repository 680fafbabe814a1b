from __future__ import annotations

from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider


class DatabricksNotebookExperimentProvider(DefaultExperimentProvider):
    """The old public name. Headrace does not run inside Databricks notebooks, so it never
    applies."""

    def in_context(self) -> bool:
        return False

    def get_experiment_id(self) -> str | None:
        return None
