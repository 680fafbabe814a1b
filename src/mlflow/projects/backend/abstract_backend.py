"""What a backend of projects is."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.projects.submitted_run import SubmittedRun


class AbstractBackend(metaclass=ABCMeta):
    """Runs projects somewhere.

    Plug-ins register what makes one, a class or a function without arguments, under the
    entry-point group `mlflow.project_backend`; the name there is what `--backend` takes.
    """

    @abstractmethod
    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: dict[str, Any],
        version: str | None,
        backend_config: dict[str, Any],
        tracking_uri: str,
        experiment_id: str,
    ) -> SubmittedRun:
        """Start a project. `mlflow.projects.utils` has what is needed for it.

        Args:
            project_uri: Folder, repository or archive, as the user gave it.
            params: Values of parameters, by name.
            version: Branch, tag or commit of a repository.
            backend_config: What the user gave, and the keys `PROJECT_…` of
                `mlflow.projects.utils`.
            tracking_uri: Where runs are kept.
            experiment_id: Where the new run goes.
        """
