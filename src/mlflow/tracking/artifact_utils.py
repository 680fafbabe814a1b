from __future__ import annotations

from typing import Any

from mlflow.exceptions import MlflowException


def get_artifact_uri(
    run_id: str, artifact_path: str | None = None, tracking_uri: str | None = None
) -> str:
    """Where a run's artifacts are, or one of them.

    Args:
        artifact_path: Path below the run's artifacts; None for the place of all of them.
        tracking_uri: The run's store; None for the current one.
    """
    from mlflow.tracking.client import MlflowClient
    from mlflow.utils.uri import append_to_uri_path

    if not run_id:
        raise MlflowException.invalid_parameter_value(
            "A run_id must be specified in order to obtain an artifact uri!"
        )
    uri = MlflowClient(tracking_uri).get_run(run_id).info.artifact_uri
    return uri if artifact_path is None else append_to_uri_path(uri, artifact_path)


def _download_artifact_from_uri(
    artifact_uri: str,
    output_path: str | None = None,
    lineage_header_info: dict[str, Any] | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,
) -> str:
    """Where the file or directory that the URI names is on this machine, after copying it if
    needed.

    Args:
        output_path: Directory to copy it to; None for a new temporary one, or none for local
            artifacts.
        lineage_header_info: Not used: no server here takes it.
    """
    from mlflow.artifacts import download_artifacts

    return download_artifacts(
        artifact_uri=artifact_uri,
        dst_path=output_path,
        tracking_uri=tracking_uri,
        registry_uri=registry_uri,
    )
