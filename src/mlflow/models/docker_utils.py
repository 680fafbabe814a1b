"""Images that serve models: their Dockerfiles, and having Docker build them."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Literal

from mlflow.environment_variables import MLFLOW_DOCKER_OPENJDK_VERSION
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.utils import env_manager as managers
from mlflow.utils.process import _exec_cmd

_logger = logging.getLogger(__name__)

UBUNTU_BASE_IMAGE = "ubuntu:24.04"
PYTHON_SLIM_BASE_IMAGE = "python:{version}-slim"

SETUP_APT_TIMEOUTS = """\
# A mirror that stalls is given up soon
RUN printf '%s\\n' 'Acquire::Retries "3";' \\
    'Acquire::http::Timeout "30";' 'Acquire::https::Timeout "30";' \\
    > /etc/apt/apt.conf.d/99-headrace
"""

#: Python for Headrace itself, and uv, which fetches the version that a model wants.
SETUP_PYENV = """\
# Python
RUN DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\
    python3 python3-venv python3-dev
RUN python3 -m venv /opt/headrace
ENV PATH="/opt/headrace/bin:$PATH"
RUN pip install --no-cache-dir uv
"""

SETUP_MINICONDA = """\
# conda, with the channel of the community only
ENV MINIFORGE="https://github.com/conda-forge/miniforge/releases/latest/download"
RUN curl --fail --location --output /tmp/conda.sh "$MINIFORGE/Miniforge3-Linux-$(uname -m).sh" \\
    && bash /tmp/conda.sh -b -p /opt/conda && rm /tmp/conda.sh
ENV PATH="/opt/conda/bin:$PATH"
"""

_PACKAGES = "build-essential bzip2 ca-certificates cmake curl git"


def generate_dockerfile(
    output_dir: str,
    base_image: str,
    model_install_steps: str | None,
    entrypoint: str,
    env_manager: Literal["conda", "local", "virtualenv"] = managers.CONDA,
    mlflow_home: str | None = None,
    disable_env_creation_at_runtime: bool = True,
    install_java: bool | None = None,
) -> None:
    """Write `Dockerfile` and what it copies into a folder.

    Args:
        output_dir: A folder that is there.
        base_image: Image to begin with.
        model_install_steps: Lines of the Dockerfile that bring the model and its environment; None
            for an image without a model.
        entrypoint: Python code that serves.
        env_manager: What makes the model's environment; with "local" the image has it already.
        mlflow_home: Checkout of Headrace to install; this one by default.
        disable_env_creation_at_runtime: Whether starting the image may make no environment.
        install_java: Whether Java is installed; None for what the base image suggests.

    Raises:
        MlflowException: Java is wanted in an image that is not Ubuntu's.
    """
    ubuntu = base_image.startswith("ubuntu")
    if install_java and not ubuntu:
        raise MlflowException.invalid_parameter_value(
            f"`install_java` is only supported with Ubuntu as the base image, not '{base_image}'."
        )
    parts = ["# Serves a model at port 8080.", f"FROM {base_image}", SETUP_APT_TIMEOUTS.rstrip()]
    update = "RUN apt-get update"
    if ubuntu:
        update += f" && apt-get install -y --no-install-recommends {_PACKAGES}"
    parts.append(update)
    if ubuntu:
        conda = env_manager == managers.CONDA
        parts.append((SETUP_MINICONDA if conda else SETUP_PYENV).rstrip())
    if ubuntu and install_java is not False:
        version = MLFLOW_DOCKER_OPENJDK_VERSION.get()
        parts += [
            "# Java",
            f"RUN apt-get install -y --no-install-recommends openjdk-{version}-jdk-headless",
        ]
    parts += ["WORKDIR /opt/mlflow", _install_headrace(Path(output_dir), mlflow_home)]
    if model_install_steps:
        parts += ["# The model and its environment", model_install_steps]
    parts += [
        f"ENV MLFLOW_DISABLE_ENV_CREATION={disable_env_creation_at_runtime}",
        # SageMaker runs images as a user that it chooses
        "RUN chmod o+rwX /opt/mlflow/ && rm -rf /var/lib/apt/lists/*",
        "EXPOSE 8080",
        f"ENTRYPOINT {json.dumps(['python', '-c', entrypoint])}",
    ]
    Path(output_dir, "Dockerfile").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _install_headrace(context: Path, mlflow_home: str | None) -> str:
    """Lines that install Headrace; what they copy is put into the context."""
    from mlflow.utils import headrace_wheel

    if mlflow_home:
        shutil.copytree(
            mlflow_home,
            context / "mlflow-project",
            ignore=shutil.ignore_patterns(".git", "__pycache__", ".venv", "node_modules"),
            dirs_exist_ok=True,
        )
        return (
            "COPY mlflow-project /opt/mlflow\nRUN pip install --no-cache-dir '/opt/mlflow[models]'"
        )
    chosen = headrace_wheel.HEADRACE_MODEL_ENV_MLFLOW.get()
    if chosen == "headrace":
        wheel = headrace_wheel.pack(context / "headrace")
        place = wheel.relative_to(context.absolute()).as_posix()
        return (
            f"COPY {json.dumps([place, f'/opt/mlflow/{wheel.name}'])}\n"
            f"RUN pip install --no-cache-dir '/opt/mlflow/{wheel.name}[models]'"
        )
    from mlflow.version import VERSION

    what = f"mlflow=={VERSION}" if chosen == "mlflow" else chosen
    return f"RUN {json.dumps(['pip', 'install', '--no-cache-dir', what])}"


def build_image_from_context(context_dir: str, image_name: str, network: str | None = None) -> None:
    """Have Docker build an image.

    Args:
        context_dir: Folder with the Dockerfile.
        image_name: Name, with a tag if one is wanted.
        network: Docker's network to build in.

    Raises:
        MlflowException: Docker is not there.
        ShellCommandException: It could not build the image.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise MlflowException(
            "docker is needed to build images, but it is not there. `mlflow models "
            "generate-dockerfile` writes what to build elsewhere.",
            error_code=CODES["INVALID_STATE"],
        )
    _logger.info("Docker builds the image '%s'.", image_name)
    _exec_cmd(
        build_command(docker, context_dir, image_name, network),
        capture_output=False,
        stream_output=True,
    )


def build_command(
    docker: str, context_dir: str, image_name: str, network: str | None = None
) -> list[str]:
    """The command line that builds an image."""
    if not image_name or image_name.startswith("-"):
        raise MlflowException.invalid_parameter_value(
            f"'{image_name}' is no name of an image; it cannot begin with '-'."
        )
    command = [docker, "build", "--tag", image_name]
    command += ["--file", os.path.join(context_dir, "Dockerfile")]
    command += ["--network", network] if network else []
    return [*command, context_dir]
