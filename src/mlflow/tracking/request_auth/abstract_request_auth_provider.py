from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class RequestAuthProvider(ABC):
    """Authenticates the requests to a tracking server.

    Plug-ins register subclasses, which take no arguments, under the entry-point group
    `mlflow.request_auth_provider`.
    """

    @abstractmethod
    def get_name(self) -> str:
        """The value of MLFLOW_TRACKING_AUTH that chooses this provider."""

    @abstractmethod
    def get_auth(self) -> Any:
        """What authenticates a request: (user name, password), or a callable that takes a request
        with `headers` and `url` and returns it with the headers that it needs."""
