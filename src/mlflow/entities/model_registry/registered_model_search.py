from __future__ import annotations

from typing import Any, NoReturn

from mlflow.entities.model_registry.registered_model import RegisteredModel
from mlflow.exceptions import MlflowException


class RegisteredModelSearch(RegisteredModel):
    """A registered model out of a search that does not fetch tags and aliases."""

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
        f"UC Registered Models gathered through search_registered_models do not have {what}. "
        f"Please use get_registered_model to obtain an individual model's {what}."
    )
