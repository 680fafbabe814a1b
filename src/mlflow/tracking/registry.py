"""Stores that other packages bring along, by the scheme of their URIs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException


class UnsupportedModelRegistryStoreURIException(MlflowException):
    """No model registry takes this URI."""

    def __init__(self, unsupported_uri: str, supported_uri_schemes: Iterable[str]):
        self.supported_uri_schemes = supported_uri_schemes
        super().__init__(
            f"No model registry takes the URI '{unsupported_uri}'; schemes that are: "
            f"{list(supported_uri_schemes)}.",
            error_code=CODES["INVALID_PARAMETER_VALUE"],
        )


class StoreRegistry:
    """From a scheme to what builds its store.

    Args:
        group_name: The group of entry points that `register_entrypoints` reads.
    """

    def __init__(self, group_name: str):
        self.group_name = group_name
        self._registry: dict[str, Callable[..., Any]] = {}

    def register(self, scheme: str, store_builder: Callable[..., Any]) -> None:
        """Build the stores of a scheme with this, in place of what was registered before."""
        self._registry[scheme] = store_builder

    def register_entrypoints(self) -> None:
        """Register every entry point of the group; one that cannot be loaded is passed over with a
        warning."""
        from mlflow.utils.plugins import get_entry_points

        for entry_point in get_entry_points(self.group_name):
            try:
                self.register(entry_point.name, entry_point.load())
            except (AttributeError, ImportError) as error:
                import warnings

                warnings.warn(
                    "Failure attempting to register store for scheme "
                    f"'{entry_point.name}': {error}",
                    stacklevel=2,
                )

    def get_store_builder(self, store_uri: str) -> Callable[..., Any]:
        """What was registered for the URI's scheme.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if nothing was.
        """
        scheme = store_uri.partition(":")[0] if ":" in store_uri else store_uri
        if scheme not in self._registry:
            raise UnsupportedModelRegistryStoreURIException(store_uri, list(self._registry))
        return self._registry[scheme]
