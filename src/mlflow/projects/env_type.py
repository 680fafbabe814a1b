"""What may make the environment of a project, by the keys of `MLproject`."""

from __future__ import annotations

DOCKER = "docker_env"
PYTHON = "python_env"
CONDA = "conda_env"

ALL = [DOCKER, PYTHON, CONDA]
