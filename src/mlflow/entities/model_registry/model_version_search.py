from __future__ import annotations

from typing import Any, NoReturn

from mlflow.entities.model_registry.model_version import ModelVersion
from mlflow.exceptions import MlflowException


class ModelVersionSearch(ModelVersion):
    """A model version out of a search that does not fetch tags and aliases."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **{**kwargs, "tags": None, "aliases": None})

    def tags(self) -> NoReturn:
        """Not known.

        Raises:
            MlflowException: Always.
        """
        raise _not_known("tags")

    def aliases(self) -> NoReturn:
        """Not known.

        Raises:
            MlflowException: Always.
        """
        raise _not_known("aliases")


def _not_known(what: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"UC Model Versions gathered through search_model_versions do not have {what}. "
        f"Please use get_model_version to obtain an individual version's {what}."
    )
