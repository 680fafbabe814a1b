"""Serving, asking and packing models that pyfunc can load, in the environment they want."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlflow.environment_variables import MLFLOW_DISABLE_ENV_CREATION
from mlflow.exceptions import MlflowException
from mlflow.models.flavor_backend import FlavorBackend
from mlflow.utils import env_manager as managers

if TYPE_CHECKING:
    from mlflow.pyfunc.scoring_server.watching import Pointer

_logger = logging.getLogger(__name__)

#: Flavors whose models need Java.
JAVA_FLAVORS = {"h2o", "johnsnowlabs", "spark"}
#: Packages of the system that a flavor's library needs.
FLAVOR_SPECIFIC_APT_PACKAGES = {"lightgbm": ["libgomp1"], "paddle": ["libgomp1"]}

_FETCHED = "headrace-model-"  # how the names of folders with fetched models begin
_MODEL_DIR_NAME = "model_dir"
_MODEL_IN_IMAGE = "/opt/ml/model"


class PyFuncBackend(FlavorBackend):
    """Runs models in processes of their own.

    Args:
        config: The pyfunc part of `MLmodel`.
        env_manager: "local" for this environment, or what makes the model's: "virtualenv", "uv",
            "conda".
        workers: Number of processes of a server.
        install_mlflow: Accepted; Headrace is installed in any case, for nothing works without.
        create_env_root_dir: Keep the environment in a new folder, not with the others.
        env_root_dir: Where environments are kept; MLFLOW_ENV_ROOT by default.
        kwargs: `watch`, seconds between two looks whether the URI points to another version; and
            `batch_rows`, see `ScoringApp`. Others are ignored.
    """

    def __init__(
        self,
        config: dict[str, Any],
        env_manager: str,
        workers: int | str | None = 1,
        install_mlflow: bool = False,
        create_env_root_dir: bool = False,
        env_root_dir: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(config=config, **kwargs)
        if env_manager is not None:
            managers.validate(env_manager)
        if create_env_root_dir and env_root_dir is not None:
            raise MlflowException.invalid_parameter_value(
                "env_root_dir and create_env_root_dir exclude each other."
            )
        self._env_manager = env_manager
        self._nworkers = _workers(workers)
        self._install_mlflow = install_mlflow
        self._env_root_dir = env_root_dir
        self._watch = float(kwargs.get("watch") or 0)
        self._batch_rows = int(kwargs.get("batch_rows") or 0)
        if create_env_root_dir:
            self._env_root_dir = tempfile.mkdtemp(prefix="headrace-envs-")

    # The environment.

    def prepare_env(
        self,
        model_uri: str,
        capture_output: bool = False,
        pip_requirements_override: list[str] | None = None,
        extra_envs: dict[str, str] | None = None,
    ) -> int:
        """Make the environment of a model, if there is none yet.

        Args:
            capture_output: Show nothing of what the installer says unless it fails.
            pip_requirements_override: Requirements in place of the model's of the same names.
            extra_envs: Variables for the installer.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for the manager "local".
        """
        if self._env_manager == managers.LOCAL:
            raise MlflowException.invalid_parameter_value(
                "Prepare env should not be called with local env manager!"
            )
        with _fetched(model_uri) as path:
            self._command(path, [], capture_output, pip_requirements_override, extra_envs)
        return 0

    def _command(
        self,
        path: str,
        arguments: list[str],
        capture_output: bool = False,
        override: list[str] | None = None,
        extra_envs: Mapping[str, str] | None = None,
    ) -> tuple[list[str], dict[str, str]]:
        """The command line that runs Python with arguments in the model's environment, which is
        there afterwards; and the variables to run it with."""
        variables = {**os.environ, **(extra_envs or {})}
        if self._env_manager == managers.LOCAL:
            if override:
                raise MlflowException(
                    "`pip_requirements_override` is not supported for local env manager."
                    "Please use conda or virtualenv instead."
                )
            return [sys.executable, *arguments], variables
        from mlflow.models.trust import allow_code

        # Installing what a model asks for runs code that its author chose.
        allow_code("the requirements of a model", path, pickled=False)
        override, root = override or [], self._env_root_dir
        if self._env_manager == managers.CONDA:
            from mlflow.utils import conda

            name = conda.get_or_create(
                os.path.join(path, "conda.yaml"),
                override=override,
                root=root,
                capture_output=capture_output,
                extra_env=extra_envs,
            )
            return conda.command_in(name, ["python", *arguments]), variables
        from mlflow.utils import virtualenv

        place = virtualenv.get_or_create(
            virtualenv.define(path, override=override, root=root),
            self._env_manager,
            root=root,
            capture_output=capture_output,
            extra_env=extra_envs,
            create=not MLFLOW_DISABLE_ENV_CREATION.get(),
        )
        variables.update(virtualenv.variables_of(place))
        return [virtualenv.python_of(place), *arguments], variables

    # Asking and serving.

    def predict(
        self,
        model_uri: str,
        input_path: str | None,
        output_path: str | None,
        content_type: str,
        pip_requirements_override: list[str] | None = None,
        extra_envs: dict[str, str] | None = None,
    ) -> None:
        """See `FlavorBackend.predict`. Other environments than this one have a process.

        Args:
            pip_requirements_override: Requirements in place of the model's of the same names.
            extra_envs: Variables of that process.

        Raises:
            MlflowException: If the model did not answer.
        """
        with _fetched(model_uri) as path:
            arguments = ["-m", "mlflow", "models", "predict", "--env-manager", managers.LOCAL]
            arguments += ["--model-uri", path, "--content-type", content_type]
            arguments += ["--input-path", os.path.abspath(input_path)] if input_path else []
            arguments += ["--output-path", os.path.abspath(output_path)] if output_path else []
            argv, variables = self._command(
                path, arguments, False, pip_requirements_override, extra_envs
            )
            if self._env_manager == managers.LOCAL:
                from mlflow.pyfunc.scoring_server import _predict

                _predict(path, input_path, output_path, content_type)
                return
            status = _wait(subprocess.Popen(argv, env=variables))
            if status != 0:
                raise MlflowException(
                    f"The model's process ended with status {status}; what it said is above."
                )

    def serve(
        self,
        model_uri: str,
        port: int,
        host: str,
        timeout: int,
        synchronous: bool = True,
        stdout: Any = None,
        stderr: Any = None,
        model_config: str | dict[str, Any] | None = None,
    ) -> Any:
        """See `FlavorBackend.serve`.

        Args:
            model_config: Configuration that the model is loaded with.

        Returns:
            The process, if it is not waited for; else 0.

        Raises:
            MlflowException: If the server did not end as it was told to.
        """
        from mlflow.pyfunc.scoring_server.launch import Serving

        version, pointer = None, self._pointer(model_uri)
        uri = model_uri
        if pointer is not None:
            version = pointer.version()
            uri = f"models:/{pointer.model}/{version}"
        with _fetched(uri, remove=synchronous) as path:
            serving = Serving(
                path=path,
                uri=str(model_uri),
                host=host or "127.0.0.1",
                port=int(port or 5000),
                workers=self._nworkers,
                timeout=timeout,
                version=version,
                watch=self._watch,
                batch_rows=self._batch_rows,
                remove=None if synchronous else _fetched_into(path),
                parent=os.getpid(),
            )
            argv, variables = self._command(path, ["-m", "mlflow.pyfunc.scoring_server.launch"])
            if self._has_mlflow_itself():
                # which knows nothing of `launch`, but has the same app
                argv[-1:] = ["uvicorn", "--host", serving.host, "--port", str(serving.port)]
                argv += ["--workers", str(serving.workers), "mlflow.pyfunc.scoring_server.app:app"]
            variables.update(serving.environment())
            _set_mlflow_config_env(variables, model_config)
            server = subprocess.Popen(argv, env=variables, stdout=stdout, stderr=stderr)
            if not synchronous:
                return server
            status = _wait(server)
        if status not in (0, -signal.SIGTERM, -signal.SIGINT):
            raise MlflowException(f"The server ended with status {status}; what it said is above.")
        return 0

    def serve_stdin(
        self,
        model_uri: str,
        stdout: Any = None,
        stderr: Any = None,
        model_config: str | dict[str, Any] | None = None,
    ) -> subprocess.Popen[Any]:
        """A process that is asked by `StdinScoringServerClient`."""
        with _fetched(model_uri, remove=False) as path:
            arguments = ["-m", "mlflow.pyfunc.stdin_server", "--model-uri", path]
            argv, variables = self._command(path, arguments)
            _set_mlflow_config_env(variables, model_config)
            return subprocess.Popen(
                argv, env=variables, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, text=True
            )

    def _pointer(self, model_uri: str) -> Pointer | None:
        if not self._watch:
            return None
        from mlflow.pyfunc.scoring_server.watching import Pointer

        return Pointer.of(str(model_uri))

    def _has_mlflow_itself(self) -> bool:
        from mlflow.utils.headrace_wheel import is_replaced

        return self._env_manager != managers.LOCAL and is_replaced()

    def can_score_model(self) -> bool:
        if self._env_manager != managers.CONDA:
            return True
        from mlflow.utils.conda import get_conda_bin_executable

        return shutil.which(get_conda_bin_executable("conda")) is not None

    # Images.

    def build_image(
        self,
        model_uri: str | None,
        image_name: str,
        install_java: bool | None = False,
        install_mlflow: bool = False,
        mlflow_home: str | None = None,
        base_image: str | None = None,
    ) -> None:
        from mlflow.models.docker_utils import build_image_from_context

        with tempfile.TemporaryDirectory(prefix="headrace-image-") as folder:
            self.generate_dockerfile(
                model_uri, folder, install_java, install_mlflow, mlflow_home, base_image
            )
            build_image_from_context(context_dir=folder, image_name=image_name)

    def generate_dockerfile(
        self,
        model_uri: str | None,
        output_dir: str,
        install_java: bool | None = False,
        install_mlflow: bool = False,
        mlflow_home: str | None = None,
        base_image: str | None = None,
    ) -> None:
        from mlflow.models.docker_utils import UBUNTU_BASE_IMAGE, generate_dockerfile

        os.makedirs(output_dir, exist_ok=True)
        steps, manager = None, self._env_manager
        serve = "from mlflow.models import container as C; "
        if model_uri is None:
            manager = manager or managers.VIRTUALENV
            base_image = base_image or UBUNTU_BASE_IMAGE
            if manager == managers.LOCAL:
                raise MlflowException.invalid_parameter_value(
                    "Without a model nothing says which environment is to be in the image; use "
                    "another environment manager than local."
                )
            serve += f"C._install_pyfunc_deps({_MODEL_IN_IMAGE!r}, env_manager={manager!r}); "
        else:
            with _fetched(model_uri) as path:
                if base_image is None:
                    base_image, manager = self._base_image(path, bool(install_java))
                manager = manager or managers.VIRTUALENV
                name = _MODEL_DIR_NAME
                target = os.path.join(output_dir, name, os.path.basename(os.path.abspath(path)))
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(path, target)
                steps = self._model_steps(path, target, output_dir, manager)
        generate_dockerfile(
            output_dir=output_dir,
            base_image=base_image,
            model_install_steps=steps,
            entrypoint=f"{serve}C._serve({manager!r})",
            env_manager=manager,
            mlflow_home=mlflow_home,
            # an image that knows no model yet has to make the environment when it starts
            disable_env_creation_at_runtime=model_uri is not None,
            install_java=install_java,
        )

    def _base_image(self, path: str, install_java: bool) -> tuple[str, str]:
        """The image to begin with, and what makes the environment in it. An image of Python has
        the model's version already, so nothing has to be made; Java needs another."""
        from mlflow.models.docker_utils import PYTHON_SLIM_BASE_IMAGE, UBUNTU_BASE_IMAGE
        from mlflow.utils.virtualenv import python_version

        java = install_java or not JAVA_FLAVORS.isdisjoint(_flavors(path))
        version = python_version(path)
        if self._env_manager in (None, managers.LOCAL) and version and not java:
            return PYTHON_SLIM_BASE_IMAGE.format(version=version), managers.LOCAL
        if self._env_manager == managers.LOCAL:
            raise MlflowException.invalid_parameter_value(
                "The environment manager local needs a model that says its version of Python, and "
                "no Java; use virtualenv."
            )
        return UBUNTU_BASE_IMAGE, self._env_manager or managers.VIRTUALENV

    def _model_steps(self, path: str, target: str, context: str, manager: str) -> str:
        source = os.path.relpath(target, context).replace(os.sep, "/")
        packages = sorted(
            package
            for flavor in _flavors(path)
            for package in FLAVOR_SPECIFIC_APT_PACKAGES.get(flavor, ())
        )
        steps = [f"COPY {json.dumps([source, _MODEL_IN_IMAGE])}"]
        if packages:
            steps.append(f"RUN apt-get install -y --no-install-recommends {' '.join(packages)}")
        install = (
            "from mlflow.models import container as C; "
            f"C._install_pyfunc_deps({_MODEL_IN_IMAGE!r}, env_manager={manager!r})"
        )
        steps.append(f"RUN {json.dumps(['python', '-c', install])}")
        return "\n".join(steps)


def _flavors(path: str) -> list[str]:
    from mlflow.models.model import Model

    return list(Model.load(path).flavors)


def _workers(workers: int | str | None) -> int:
    if not re.fullmatch(r"[1-9]\d{0,3}", text := str(workers or 1)):
        raise MlflowException.invalid_parameter_value(
            f"The number of workers is '{workers}'; a number from 1 on is needed."
        )
    return int(text)


def _set_mlflow_config_env(
    command_env: dict[str, str], model_config: str | dict[str, Any] | None
) -> dict[str, str]:
    """Put the configuration that a model is loaded with into variables."""
    from mlflow.pyfunc.scoring_server import SERVING_MODEL_CONFIG

    if model_config:
        command_env[SERVING_MODEL_CONFIG] = json.dumps(model_config)
    return command_env


@contextlib.contextmanager
def _fetched(model_uri: str, remove: bool = True) -> Iterator[str]:
    """The folder of a model on this machine; what was fetched is removed afterwards."""
    from mlflow.artifacts import download_artifacts
    from mlflow.utils.file_utils import get_local_path_or_none

    local = get_local_path_or_none(str(model_uri))
    if local is not None and os.path.isdir(local):
        yield os.path.abspath(local)
        return
    folder = tempfile.mkdtemp(prefix=_FETCHED)
    try:
        yield download_artifacts(artifact_uri=str(model_uri), dst_path=folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if remove:
        shutil.rmtree(folder, ignore_errors=True)


def _fetched_into(path: str) -> str | None:
    """The temporary folder that `_fetched` made for a model; None for a model that was here."""
    folder = os.path.abspath(path)
    while folder != os.path.dirname(folder):
        if os.path.basename(folder).startswith(_FETCHED) and (
            os.path.dirname(folder) == os.path.abspath(tempfile.gettempdir())
        ):
            return folder
        folder = os.path.dirname(folder)
    return None


def _wait(process: subprocess.Popen[Any]) -> int:
    """The status with which a process ends. It is told of SIGTERM and, as the terminal does, of
    SIGINT; and is given time to end."""
    import threading

    def pass_on(number: int, frame: Any) -> None:
        if process.poll() is None:
            process.send_signal(number)

    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, pass_on)
    try:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the process has it from the terminal, or should have
                pass_on(signal.SIGINT, None)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if process.poll() is None:
            process.kill()
