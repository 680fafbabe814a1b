from __future__ import annotations

from typing import Any

from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.tracking.context.default_context import DefaultRunContext
from mlflow.tracking.context.git_context import GitRunContext
from mlflow.tracking.context.jupyter_notebook_context import JupyterNotebookRunContext
from mlflow.tracking.context.system_environment_context import SystemEnvironmentContext
from mlflow.utils.plugins import ProviderRegistry


class RunContextProviderRegistry(ProviderRegistry):
    """Providers of tags, in order: later ones win."""

    group = "mlflow.run_context_provider"
    kind = "context provider"

    def register(self, run_context_provider_cls: type[RunContextProvider]) -> None:
        """Add an instance of a provider class."""
        super().register(run_context_provider_cls)


_run_context_provider_registry = RunContextProviderRegistry()
_run_context_provider_registry.register(DefaultRunContext)
_run_context_provider_registry.register(GitRunContext)
_run_context_provider_registry.register(JupyterNotebookRunContext)
_run_context_provider_registry.register(SystemEnvironmentContext)


def resolve_tags(
    tags: dict[str, Any] | None = None, ignore: list[type[RunContextProvider]] | None = None
) -> dict[str, Any]:
    """The tags that a new run gets.

    Args:
        tags: The user's own; they win over those of the providers.
        ignore: Provider classes that are not asked.

    Returns:
        All tags by key. A provider that fails is left out with a warning in the log.
    """
    resolved: dict[str, Any] = {}
    for provider in _run_context_provider_registry.with_plugins():
        if isinstance(provider, tuple(ignore or ())):
            continue
        try:
            if provider.in_context():
                resolved.update(provider.tags())
        except Exception as error:  # where a run comes from must never keep it from starting
            _warn(error)
    resolved.update(tags or {})
    return resolved


def _warn(error: Exception) -> None:
    from mlflow.utils.logging_utils import get_logger

    get_logger(__name__).warning("Encountered unexpected error during resolving tags: %s", error)
