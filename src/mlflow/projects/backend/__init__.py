"""What runs projects: this machine, or a plug-in."""

from __future__ import annotations

from mlflow.projects.backend.abstract_backend import AbstractBackend

__all__ = ["AbstractBackend"]
