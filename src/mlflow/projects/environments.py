"""In which environment the command of a project runs."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence

from mlflow.environment_variables import MLFLOW_DISABLE_ENV_CREATION
from mlflow.exceptions import MlflowException
from mlflow.projects import env_type
from mlflow.projects._project_spec import Project
from mlflow.utils import conda, virtualenv
from mlflow.utils import env_manager as managers

_logger = logging.getLogger(__name__)


def manager_of(project: Project, chosen: str | None) -> str:
    """What makes a project's environment: what was chosen, else what its files are for.

    Raises:
        MlflowException: They don't go together.
    """
    if chosen == managers.CONDA and project.env_type == env_type.PYTHON:
        raise MlflowException(
            "python_env project cannot be executed using conda. Set `--env-manager` to "
            "'virtualenv', 'uv' or 'local' to execute this project."
        )
    if chosen is not None:
        return chosen
    if project.env_type != env_type.CONDA:
        return managers.VIRTUALENV
    if shutil.which(conda.get_conda_bin_executable("conda")):
        return managers.CONDA
    _logger.warning(
        "conda is not here, so virtualenv makes the environment of the project, of the version of "
        "Python and what pip installs. Choose by --env-manager."
    )
    return managers.VIRTUALENV


def enter(
    project: Project, folder: str, manager: str, argv: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """The command line that runs a program in the environment, which is made if it is not there,
    and the variables that it must have besides others.

    Raises:
        MlflowException, ShellCommandException: It could not be made.
    """
    if manager == managers.LOCAL:
        return list(argv), {}
    if manager == managers.CONDA:
        name = conda.get_or_create(project.env_config_path or "")
        return conda.command_in(name, argv), {}
    definition = virtualenv.define_project(project.env_config_path, folder)
    place = virtualenv.get_or_create(
        definition, manager, create=not MLFLOW_DISABLE_ENV_CREATION.get()
    )
    return list(argv), virtualenv.variables_of(place)
