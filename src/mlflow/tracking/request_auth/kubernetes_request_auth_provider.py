"""Authentication as the service account of a pod, or as the user of a kubeconfig."""

from __future__ import annotations

import os
import time
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

AUTHORIZATION_HEADER_NAME = "Authorization"
WORKSPACE_HEADER_NAME = "X-MLFLOW-WORKSPACE"
_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_KUBECONFIG_SECONDS = 60
"""How long an answer from a kubeconfig is used: asking may start other programs."""


class KubernetesAuth:
    """Adds the bearer token of the service account or kubeconfig to a request.

    Args:
        enable_workspaces: Also send the namespace as the workspace.
    """

    def __init__(self, *, enable_workspaces: bool = False):
        self._enable_workspaces = enable_workspaces
        self._from_kubeconfig: tuple[float, tuple[str | None, str | None]] | None = None

    def __call__(self, request: Any) -> Any:
        """Put the headers into `request.headers`; those that are there already stay.

        Raises:
            MlflowException: There is neither a service account nor a usable kubeconfig.
        """
        headers = request.headers
        if self._enable_workspaces and WORKSPACE_HEADER_NAME not in headers:
            headers[WORKSPACE_HEADER_NAME] = self._find("namespace")
        if AUTHORIZATION_HEADER_NAME not in headers:
            headers[AUTHORIZATION_HEADER_NAME] = f"Bearer {self._find('token')}"
        return request

    def _find(self, what: str) -> str:
        """`token` or `namespace`."""
        try:
            # Read anew each time: tokens are replaced every few minutes
            with open(os.path.join(_SERVICE_ACCOUNT, what), encoding="utf-8") as stream:
                found = stream.read().strip()
        except OSError:
            found = None
        if not found:
            token, namespace = self._kubeconfig()
            found = token if what == "token" else namespace
        if not found:
            name = "credentials" if what == "token" else "namespace"
            raise MlflowException(
                f"Could not determine Kubernetes {name}: this is not a pod with a service account, "
                f"and there is no kubeconfig whose active context has {name}."
            )
        return found

    def _kubeconfig(self) -> tuple[str | None, str | None]:
        now = time.monotonic()
        if self._from_kubeconfig is None or now - self._from_kubeconfig[0] > _KUBECONFIG_SECONDS:
            self._from_kubeconfig = now, _read_kubeconfig()
        return self._from_kubeconfig[1]


def _read_kubeconfig() -> tuple[str | None, str | None]:
    """Token and namespace of the active context; each None when it has none."""
    from mlflow.utils.optional import require

    require("kubernetes", purpose="credentials from a kubeconfig")
    from kubernetes import client, config

    try:
        context = config.list_kube_config_contexts()[1]
        config.load_kube_config()
    except config.ConfigException:
        return None, None
    api = client.ApiClient()
    value = api.configuration.get_api_key_with_prefix("authorization")
    value = value or api.default_headers.get("authorization")
    token = value.split()[-1] if value and value.strip() else None
    return token, context.get("context", {}).get("namespace")


class KubernetesRequestAuthProvider(RequestAuthProvider):
    """`MLFLOW_TRACKING_AUTH=kubernetes`: the bearer token."""

    def get_name(self) -> str:
        return "kubernetes"

    def get_auth(self) -> KubernetesAuth:
        return KubernetesAuth()


class KubernetesNamespacedRequestAuthProvider(RequestAuthProvider):
    """`MLFLOW_TRACKING_AUTH=kubernetes-namespaced`: the token, and the namespace as workspace."""

    def get_name(self) -> str:
        return "kubernetes-namespaced"

    def get_auth(self) -> KubernetesAuth:
        return KubernetesAuth(enable_workspaces=True)
