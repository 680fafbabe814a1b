"""How the environment of a project run or of a served model is made."""

from __future__ import annotations

from mlflow.exceptions import MlflowException

LOCAL = "local"
CONDA = "conda"
VIRTUALENV = "virtualenv"
UV = "uv"


def validate(env_manager: str) -> None:
    """Refuse a name that is none of the above.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE.
    """
    allowed = [LOCAL, CONDA, VIRTUALENV, UV]
    if env_manager not in allowed:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value for `env_manager`: {env_manager}. Must be one of {allowed}"
        )
