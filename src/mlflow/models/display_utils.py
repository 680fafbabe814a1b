"""What is shown in notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo


def maybe_render_agent_eval_recipe(model_info: ModelInfo) -> None:
    """Does nothing: the recipe is shown only in Databricks notebooks, for a service there."""
