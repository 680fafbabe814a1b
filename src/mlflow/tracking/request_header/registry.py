from __future__ import annotations

from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider
from mlflow.tracking.request_header.default_request_header_provider import (
    DefaultRequestHeaderProvider,
)
from mlflow.utils.plugins import ProviderRegistry


class RequestHeaderProviderRegistry(ProviderRegistry):
    """Providers of headers, in the order in which their values are joined."""

    group = "mlflow.request_header_provider"
    kind = "request header provider"

    def register(self, request_header_provider: type[RequestHeaderProvider]) -> None:
        """Add an instance of a provider class."""
        super().register(request_header_provider)


_request_header_provider_registry = RequestHeaderProviderRegistry()
_request_header_provider_registry.register(DefaultRequestHeaderProvider)


def resolve_request_headers(request_headers: dict[str, str] | None = None) -> dict[str, str]:
    """The headers of a request.

    Args:
        request_headers: The caller's own; they win over those of the providers.

    Returns:
        Headers by name. Where several providers give the same one, their values are joined by a
        space, as `User-Agent` wants it. A provider that fails is left out with a warning.
    """
    resolved: dict[str, str] = {}
    for provider in _request_header_provider_registry.with_plugins():
        try:
            if provider.in_context():
                for name, value in provider.request_headers().items():
                    resolved[name] = f"{resolved[name]} {value}" if name in resolved else value
        except Exception as error:  # a plug-in must not keep a request from being sent
            _warn(error)
    resolved.update(request_headers or {})
    return resolved


def _warn(error: Exception) -> None:
    from mlflow.utils.logging_utils import get_logger

    get_logger(__name__).warning(
        "Encountered unexpected error during resolving request headers: %s", error
    )
