"""What tests of projects have: a folder, a database, git, a project."""

from __future__ import annotations

from tests.projects.conftest import client, git, project, uri

__all__ = ["client", "git", "project", "uri"]
