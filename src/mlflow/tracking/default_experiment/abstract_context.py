from __future__ import annotations

from abc import ABC, abstractmethod


class DefaultExperimentProvider(ABC):
    """Says which experiment runs go to, where its surroundings tell; made by plug-ins."""

    @abstractmethod
    def in_context(self) -> bool:
        """Whether this process runs in those surroundings."""

    @abstractmethod
    def get_experiment_id(self) -> str | None:
        """The experiment's id; asked only where `in_context()` is true."""
