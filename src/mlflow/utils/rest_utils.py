"""How to reach a server, and calling one. Other packages import these names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException, MlflowNotImplementedException

RESOURCE_NON_EXISTENT = "RESOURCE_DOES_NOT_EXIST"
_REST_API_PATH_PREFIX = "/api/2.0"


@dataclass(unsafe_hash=True)
class MlflowHostCreds:
    """How to reach and convince one server.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the server's certificate is not to be checked,
            and yet there is a bundle to check it with; NOT_IMPLEMENTED for what a hosted product
            asks.
    """

    host: str
    """Base URL."""
    username: str | None = None
    password: str | None = None
    token: str | None = None
    aws_sigv4: bool = False
    auth: str | None = None
    """Name of a request-auth plug-in; it takes the place of user, password and token."""
    ignore_tls_verification: bool = False
    client_cert_path: str | None = None
    """Certificate and key, in one PEM file, to show to the server."""
    server_cert_path: str | None = None
    """Bundle of certificate authorities to trust instead of the system's."""
    use_databricks_sdk: bool = False
    databricks_auth_profile: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    use_secret_scope_token: bool = False
    workspace_id: str | None = None

    def __post_init__(self) -> None:
        if self.ignore_tls_verification and self.server_cert_path:
            raise MlflowException.invalid_parameter_value(
                "When 'ignore_tls_verification' is true then 'server_cert_path' must not be set! "
                "The certificate is either checked or not: unset MLFLOW_TRACKING_INSECURE_TLS or "
                "MLFLOW_TRACKING_SERVER_CERT_PATH."
            )
        if self.aws_sigv4:
            raise MlflowNotImplementedException(
                "Signing requests for AWS (MLFLOW_TRACKING_AWS_SIGV4) is not available in "
                "Headrace yet."
            )
        if self.use_databricks_sdk or self.databricks_auth_profile:
            raise MlflowNotImplementedException(
                "Hosted Databricks tracking is not available in Headrace."
            )

    def __repr__(self) -> str:
        return f"MlflowHostCreds(host={self.host!r}, username={self.username!r})"  # and no secret

    @property
    def verify(self) -> bool | str:
        """Whether to check the server's certificate, or the bundle to check it with."""
        return self.server_cert_path or not self.ignore_tls_verification


def http_request(
    host_creds: MlflowHostCreds,
    endpoint: str,
    method: str,
    *,
    extra_headers: dict[str, str] | None = None,
    timeout: float | None = None,
    params: dict[str, Any] | None = None,
    json: Any = None,
    data: bytes | None = None,
) -> Any:
    """The server's answer, a `urllib3` response, its status below 400.

    Args:
        endpoint: Begins with "/".
        params: Query string.
        json: Body, to be sent as JSON.
        data: Body, to be sent as it is.

    Raises:
        MlflowException: What the server answered, or that it cannot be reached.
    """
    import msgspec

    from mlflow.rpc.transport import Transport

    headers = dict(extra_headers or {})
    if json is not None:
        data = msgspec.json.encode(json)
        headers.setdefault("Content-Type", "application/json")
    query = [(k, str(v)) for k, v in params.items()] if params else None
    return Transport.of(host_creds).request(
        method, endpoint, query=query, body=data, headers=headers, timeout=timeout
    )
