from __future__ import annotations

from abc import ABCMeta, abstractmethod


class RequestHeaderProvider(metaclass=ABCMeta):
    """Tells headers of each request to a tracking server.

    Plug-ins register subclasses, which take no arguments, under the entry-point group
    `mlflow.request_header_provider`.
    """

    @abstractmethod
    def in_context(self) -> bool:
        """True when `request_headers` has something to tell."""

    @abstractmethod
    def request_headers(self) -> dict[str, str]:
        """Headers by name; called only while `in_context`."""
