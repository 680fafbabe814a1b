from __future__ import annotations

import logging

from mlflow.tracking.default_experiment import DEFAULT_EXPERIMENT_ID
from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider
from mlflow.utils.plugins import ProviderRegistry

_logger = logging.getLogger(__name__)


class DefaultExperimentProviderRegistry(ProviderRegistry):
    """The providers, in the order they are asked."""

    group = "mlflow.default_experiment_provider"
    kind = "default experiment provider"

    def register(self, default_experiment_provider_cls: type[DefaultExperimentProvider]) -> None:
        super().register(default_experiment_provider_cls)


_providers = DefaultExperimentProviderRegistry()


def get_experiment_id() -> str | None:
    """The id that the first provider in its surroundings gives; "0" when none does."""
    for provider in _providers.with_plugins():
        try:
            if provider.in_context():
                return provider.get_experiment_id()
        except Exception as error:  # a plug-in must not keep a run from starting
            _logger.warning("%s failed: %r", type(provider).__name__, error)
    return DEFAULT_EXPERIMENT_ID
