from __future__ import annotations

from typing import Any

from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider
from mlflow.tracking.request_auth.kubernetes_request_auth_provider import (
    KubernetesNamespacedRequestAuthProvider,
    KubernetesRequestAuthProvider,
)
from mlflow.utils.plugins import ProviderRegistry

REQUEST_AUTH_PROVIDER_ENTRYPOINT = "mlflow.request_auth_provider"


class RequestAuthProviderRegistry(ProviderRegistry):
    """Providers by their names; of two with one name the first counts."""

    group = REQUEST_AUTH_PROVIDER_ENTRYPOINT
    kind = "request auth provider"

    def register(self, request_auth_provider: type[RequestAuthProvider]) -> None:
        """Add an instance of a provider class."""
        super().register(request_auth_provider)


_request_auth_provider_registry = RequestAuthProviderRegistry()
_request_auth_provider_registry.register(KubernetesRequestAuthProvider)
_request_auth_provider_registry.register(KubernetesNamespacedRequestAuthProvider)


def fetch_auth(request_auth: str) -> Any:
    """What authenticates requests, from the provider called `request_auth`.

    Returns:
        See `RequestAuthProvider.get_auth`; None with a warning if there is no such provider.
    """
    for provider in _request_auth_provider_registry.with_plugins():
        if provider.get_name() == request_auth:
            return provider.get_auth()
    import warnings

    warnings.warn(
        f"No request auth provider is called {request_auth!r}: requests are sent without "
        "authentication. Check the name, and that the plug-in which has it is installed.",
        stacklevel=2,
    )
    return None
