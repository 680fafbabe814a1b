from __future__ import annotations

import os

from mlflow.exceptions import MlflowException
from mlflow.tracking.context.abstract_context import RunContextProvider

MLFLOW_RUN_CONTEXT_ENV_VAR = "MLFLOW_RUN_CONTEXT"


class SystemEnvironmentContext(RunContextProvider):
    """Tags that the environment carries as a JSON object, in MLFLOW_RUN_CONTEXT."""

    def in_context(self) -> bool:
        return MLFLOW_RUN_CONTEXT_ENV_VAR in os.environ

    def tags(self) -> dict[str, str]:
        import json

        text = os.environ[MLFLOW_RUN_CONTEXT_ENV_VAR]
        try:
            tags = json.loads(text)
        except ValueError as error:
            raise _not_an_object(text) from error
        if not isinstance(tags, dict):
            raise _not_an_object(text)
        return tags


def _not_an_object(text: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"{MLFLOW_RUN_CONTEXT_ENV_VAR} is {text!r}; a JSON object of tags is needed, "
        'such as {"team": "vision"}.'
    )
