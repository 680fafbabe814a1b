from __future__ import annotations

from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider


class DatabricksRequestHeaderProvider(RequestHeaderProvider):
    """Notebook, job and cluster of a hosted Databricks notebook. Only Databricks'
    own library tells them, and that is not read here: never in context."""

    def in_context(self) -> bool:
        return False

    def request_headers(self) -> dict[str, str]:
        return {}
