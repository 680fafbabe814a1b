"""What runs in an image that serves a model."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from mlflow.exceptions import MlflowException
from mlflow.utils import env_manager as managers

MODEL_PATH = "/opt/ml/model"
_PORT = 8080


def _install_pyfunc_deps(
    model_path: str | None = None,
    install_mlflow: bool = False,
    env_manager: str = managers.VIRTUALENV,
) -> None:
    """Make the model's environment; with "local", in this one.

    Args:
        install_mlflow: Accepted; Headrace is here already.
    """
    from mlflow.utils import virtualenv
    from mlflow.utils.headrace_wheel import FULFILLED
    from mlflow.utils.requirements_utils import package_of

    path = model_path or MODEL_PATH
    if env_manager != managers.LOCAL:
        from mlflow.pyfunc.backend import PyFuncBackend

        PyFuncBackend({}, env_manager=env_manager).prepare_env(path)
        return
    lines = virtualenv.define(path).lines
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        file.writelines(f"{line}\n" for line in lines if package_of(line) not in FULFILLED)
    try:
        command = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "-r", file.name]
        status = subprocess.run(command, check=False).returncode
    finally:
        os.unlink(file.name)
    if status != 0:
        raise MlflowException(f"The model's requirements could not be installed: status {status}.")


def _serve(env_manager: str) -> None:
    """Serve the model in the image, with MLFLOW_MODELS_WORKERS processes; one for each processor by
    default."""
    from mlflow.pyfunc.backend import PyFuncBackend

    workers = os.environ.get("MLFLOW_MODELS_WORKERS") or os.cpu_count() or 1
    from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT

    PyFuncBackend({}, env_manager=env_manager, workers=workers).serve(
        MODEL_PATH, _PORT, "0.0.0.0", MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get()
    )
