"""`mlflow-artifacts:` URIs: artifacts that the tracking server, or another one, keeps."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.store.artifact.location import Location


class MlflowArtifactsRepository(HttpArtifactRepository):
    """Artifacts that a tracking server keeps.

    Args:
        artifact_uri: `mlflow-artifacts:/path`, on the tracking server, or
            `mlflow-artifacts://host:port/path`.
        tracking_uri: URL of the tracking server; None for the current one.
    """

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ):
        if tracking_uri is None:
            from mlflow.tracking._tracking_service.utils import get_tracking_uri

            tracking_uri = get_tracking_uri()
        super().__init__(self.resolve_uri(artifact_uri, tracking_uri), tracking_uri, registry_uri)

    @classmethod
    def resolve_uri(cls, artifact_uri: str, tracking_uri: str) -> str:
        """The URL of a server's endpoint that an `mlflow-artifacts:` URI stands for.

        Raises:
            MlflowException: The tracking URI is not that of a server.
        """
        server = urlsplit(str(tracking_uri))
        if server.scheme not in ("http", "https"):
            shown = server._replace(netloc=server.netloc.rpartition("@")[2]).geturl()
            raise MlflowException(
                "When an mlflow-artifacts URI was supplied, the tracking URI must be a valid http "
                "or https URI, but it "
                f"was currently set to {shown}. Perhaps you forgot to set the tracking URI to the "
                "running MLflow "
                "server. To set the tracking URI, use either of the following methods:\n"
                "1. Set the MLFLOW_TRACKING_URI environment variable to the desired tracking URI. "
                "`export MLFLOW_TRACKING_URI=http://localhost:5000`\n"
                "2. Set the tracking URI programmatically by calling `mlflow.set_tracking_uri`. "
                "`mlflow.set_tracking_uri('http://localhost:5000')`"
            )
        location = Location.parse(artifact_uri)
        host = location.authority or server.netloc
        root = (
            f"{server.scheme}://{host}{server.path.rstrip('/')}/api/2.0/mlflow-artifacts/artifacts"
        )
        return f"{root}{quote(location.path)}".rstrip("/")
