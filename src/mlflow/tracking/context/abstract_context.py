from __future__ import annotations

from abc import ABCMeta, abstractmethod


class RunContextProvider(metaclass=ABCMeta):
    """Tells tags of new runs from where the program runs.

    Plug-ins register subclasses, which take no arguments, under the entry-point group
    `mlflow.run_context_provider`.
    """

    @abstractmethod
    def in_context(self) -> bool:
        """True when `tags` has something to tell."""

    @abstractmethod
    def tags(self) -> dict[str, str]:
        """Tags by key; called only while `in_context`."""
