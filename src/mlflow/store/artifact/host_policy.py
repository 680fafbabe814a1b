"""No artifact location of a client's choice makes the server call a host of its choice."""

from __future__ import annotations

from mlflow.environment_variables import MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.location import Location

#: Schemes whose URIs name the host to connect to, rather than a bucket of a service that the
#: operator has configured.
HOST_ADDRESSED = frozenset(
    ["abfss", "b2", "ftp", "hdfs", "http", "https", "mlflow-artifacts", "r2", "sftp", "viewfs"]
)


def refuse_foreign_host(
    location: Location, name: str, configured: tuple[Location, ...] = ()
) -> None:
    """Let a location pass, unless it names a host that the operator has not allowed.

    Args:
        location: What a client chose.
        name: What to call it in the message, such as "artifact_location".
        configured: The server's own locations, whose hosts are allowed.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it may not be used.
    """
    scheme = location.scheme
    if scheme not in HOST_ADDRESSED or not location.authority:
        return
    if scheme in MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES.get():
        return
    if any((own.scheme, own.authority) == (scheme, location.authority) for own in configured):
        return
    raise MlflowException.invalid_parameter_value(
        f"'{name}' cannot use the '{scheme}' scheme: the '{scheme}' scheme addresses a host other "
        "than the tracking "
        "server's configured artifact storage, so the server would connect to the host named in "
        "the URI. Set the "
        f"{MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES} environment variable on the server to "
        "allow it."
    )
