from __future__ import annotations

from functools import cached_property

from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.tracking.context.default_context import _get_main_file
from mlflow.utils.git_utils import get_git_branch, get_git_commit, get_git_repo_url
from mlflow.utils.mlflow_tags import MLFLOW_GIT_BRANCH, MLFLOW_GIT_COMMIT, MLFLOW_GIT_REPO_URL


class GitRunContext(RunContextProvider):
    """Commit, branch and repository of the running script.

    Looked up once: the process goes on running what it has loaded, whatever is checked out later.
    """

    def in_context(self) -> bool:
        return MLFLOW_GIT_COMMIT in self._tags

    def tags(self) -> dict[str, str]:
        return dict(self._tags)

    @cached_property
    def _tags(self) -> dict[str, str]:
        script = _get_main_file()
        if script is None:
            return {}
        found = {
            MLFLOW_GIT_COMMIT: get_git_commit(script),
            MLFLOW_GIT_BRANCH: get_git_branch(script),
            MLFLOW_GIT_REPO_URL: get_git_repo_url(script),
        }
        return {key: value for key, value in found.items() if value}
