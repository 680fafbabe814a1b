"""Settings of a model that is logged as code."""

from __future__ import annotations

import os
from typing import Any

from mlflow.exceptions import MlflowException

# Set while code of a model is run to log or load it. `None`: the code is being developed.
__mlflow_model_config__: str | os.PathLike | dict[str, Any] | None = None


def _set_model_config(model_config: Any) -> None:
    global __mlflow_model_config__
    __mlflow_model_config__ = model_config


class ModelConfig:
    """Settings for the code of a model.

    Args:
        development_config: A dictionary, or the path of a YAML file, for the time when the code is
            run by itself. When the model is logged or loaded, `model_config` given there counts.

    Raises:
        FileNotFoundError: If there are no settings, or no such file.
    """

    def __init__(self, *, development_config: str | dict[str, Any] | None = None):
        given = __mlflow_model_config__
        self.config = development_config if given is None else given
        if not self.config:
            raise FileNotFoundError(
                "Config file is not provided which is needed to load the model. "
                "Please provide a valid path."
            )
        if not isinstance(self.config, dict) and not os.path.isfile(str(self.config)):
            raise FileNotFoundError(f"Config file '{self.config}' not found.")

    def to_dict(self) -> dict[str, Any]:
        """All settings.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the file is no YAML.
        """
        if isinstance(self.config, dict):
            return self.config
        from mlflow.utils import safe_yaml

        with open(self.config, "rb") as file:
            try:
                return safe_yaml.load(file.read())
            except ValueError as error:
                raise MlflowException.invalid_parameter_value(
                    f"Error parsing YAML file: {error}"
                ) from error

    def get(self, key: str) -> Any:
        """One setting.

        Raises:
            KeyError: If there is none of that name.
        """
        config = self.to_dict()
        if config and key in config:
            return config[key]
        raise KeyError(f"Key '{key}' not found in configuration: {config}.")
