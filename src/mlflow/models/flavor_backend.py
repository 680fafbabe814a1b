"""What serves, asks and packs the models of one flavor."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

from mlflow.utils.annotations import developer_stable


@developer_stable
class FlavorBackend:
    """Does for models of one flavor what `mlflow models` offers.

    Args:
        config: The flavor's part of `MLmodel`.
        kwargs: What else a backend takes.
    """

    __metaclass__ = ABCMeta

    def __init__(self, config: dict[str, Any], **kwargs: Any):
        self._config = config

    @abstractmethod
    def predict(
        self,
        model_uri: str,
        input_path: str | None,
        output_path: str | None,
        content_type: str,
    ) -> Any:
        """Ask the model what a file has.

        Args:
            model_uri: Path or URI of the model.
            input_path: None for standard input.
            output_path: None for standard output.
            content_type: "json" or "csv".
        """

    @abstractmethod
    def serve(
        self,
        model_uri: str,
        port: int,
        host: str,
        timeout: int,
        synchronous: bool = True,
        stdout: Any = None,
        stderr: Any = None,
    ) -> Any:
        """Answer requests over HTTP.

        Args:
            timeout: Seconds that a request may take.
            synchronous: Return when the server has ended; else at once, with its process.
            stdout: Where its output goes, as `subprocess` takes it.
            stderr: The same of its errors.
        """

    def prepare_env(self, model_uri: str, capture_output: bool = False) -> Any:
        """Make the environment that `predict` and `serve` use, so that they begin at once."""

    @abstractmethod
    def build_image(
        self,
        model_uri: str | None,
        image_name: str,
        install_java: bool = False,
        install_mlflow: bool = False,
        mlflow_home: str | None = None,
        base_image: str | None = None,
    ) -> None:
        """Build a Docker image that serves the model; without one, whatever is mounted."""

    @abstractmethod
    def generate_dockerfile(
        self,
        model_uri: str | None,
        output_dir: str,
        install_java: bool = False,
        install_mlflow: bool = False,
        mlflow_home: str | None = None,
        base_image: str | None = None,
    ) -> None:
        """Write the folder that such an image is built from."""

    @abstractmethod
    def can_score_model(self) -> bool:
        """Whether models can be asked here."""

    def can_build_image(self) -> bool:
        """Whether there is a `build_image`."""
        return callable(getattr(self.__class__, "build_image", None))
