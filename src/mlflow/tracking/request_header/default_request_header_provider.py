from __future__ import annotations

from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider
from mlflow.version import VERSION


class DefaultRequestHeaderProvider(RequestHeaderProvider):
    """Name and version of this client."""

    def in_context(self) -> bool:
        return True

    def request_headers(self) -> dict[str, str]:
        return {
            "User-Agent": f"mlflow-python-client/{VERSION}",
            "X-MLflow-Client-Version": VERSION,
        }
