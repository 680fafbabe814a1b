"""What is known about a model that was logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities.logged_model import LoggedModel
    from mlflow.entities.metric import Metric
    from mlflow.models.signature import ModelSignature


def checked_env_vars(value: list[str] | None) -> list[str] | None:
    """Names of environment variables.

    Raises:
        TypeError: If it is something else.
    """
    if value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        return value
    raise TypeError(f"env_vars must be a list of strings. Got: {value}")


class ModelInfo:
    """What is known about a model that was logged; each part is a property."""

    def __init__(
        self,
        artifact_path: str,
        flavors: dict[str, Any],
        model_uri: str,
        model_uuid: str,
        run_id: str,
        saved_input_example_info: dict[str, Any] | None,
        signature: ModelSignature | None,
        utc_time_created: str,
        mlflow_version: str,
        metadata: dict[str, Any] | None = None,
        registered_model_version: int | None = None,
        env_vars: list[str] | None = None,
        prompts: list[str] | None = None,
        logged_model: LoggedModel | None = None,
    ):
        self._artifact_path = artifact_path
        self._flavors = flavors
        self._model_uri = model_uri
        self._model_uuid = model_uuid
        self._run_id = run_id
        self._saved_input_example_info = saved_input_example_info
        self._signature = signature
        self._utc_time_created = utc_time_created
        self._mlflow_version = mlflow_version
        self._metadata = metadata
        self._registered_model_version = registered_model_version
        self._prompts = prompts
        self._logged_model = logged_model
        self.env_vars = env_vars

    @property
    def artifact_path(self) -> str:
        """Where its files are."""
        return self._artifact_path

    @property
    def flavors(self) -> dict[str, Any]:
        """For each library that can load it, what that needs to know."""
        return self._flavors

    @property
    def model_uri(self) -> str:
        """What `load_model` takes."""
        return self._model_uri

    @property
    def model_uuid(self) -> str:
        """Its unique id."""
        return self._model_uuid

    @property
    def run_id(self) -> str:
        """The run that made it."""
        return self._run_id

    @property
    def saved_input_example_info(self) -> dict[str, Any] | None:
        """Where its input example is, and of which kind."""
        return self._saved_input_example_info

    @property
    def signature(self) -> ModelSignature | None:
        """What it takes and gives."""
        return self._signature

    @property
    def utc_time_created(self) -> str:
        """When it was made."""
        return self._utc_time_created

    @property
    def mlflow_version(self) -> str:
        """The version that saved it."""
        return self._mlflow_version

    @property
    def env_vars(self) -> list[str] | None:
        """Names of the environment variables that it reads."""
        return self._env_vars

    @env_vars.setter
    def env_vars(self, value: list[str] | None) -> None:
        self._env_vars = checked_env_vars(value)

    @property
    def metadata(self) -> dict[str, Any] | None:
        """Whatever its author wants to say about it."""
        return self._metadata

    @property
    def prompts(self) -> list[str] | None:
        """URIs of the prompts it uses."""
        return self._prompts

    @property
    def registered_model_version(self) -> int | None:
        """The version that was registered when it was logged."""
        return self._registered_model_version

    @registered_model_version.setter
    def registered_model_version(self, value: int | None) -> None:
        self._registered_model_version = value

    @property
    def model_id(self) -> str:
        """Its id as a logged model; None if it is none."""
        return self._of_logged_model("model_id")

    @property
    def metrics(self) -> list[Metric] | None:
        """Metrics of the logged model."""
        return self._of_logged_model("metrics")

    @property
    def params(self) -> dict[str, str]:
        """Params of the logged model."""
        return self._of_logged_model("params")

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the logged model."""
        return self._of_logged_model("tags")

    @property
    def creation_timestamp(self) -> int:
        """Milliseconds since the Unix epoch."""
        return self._of_logged_model("creation_timestamp")

    @property
    def name(self) -> str:
        """What the logged model is called."""
        return self._of_logged_model("name")

    def _of_logged_model(self, part: str) -> Any:
        return getattr(self._logged_model, part) if self._logged_model else None


ModelInfo.__module__ = "mlflow.models.model"
