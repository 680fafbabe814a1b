"""What every flavor has in common; a flavor itself is one small file.

A flavor says how to write, read and ask a model. Everything around that is done here once: the
checks of the path, signature, input example, code, requirements, environment files, `MLmodel`,
sizes, digests, and the way to the run and the registry.
"""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from mlflow.models import digests, trust
from mlflow.models.model import (
    ENV_VAR_FILE_HEADER,
    ENV_VAR_FILE_NAME,
    MLMODEL_FILE_NAME,
    Model,
)
from mlflow.utils.model_utils import (
    EXTRA_FILES_KEY,
    FLAVOR_CONFIG_CODE,
    PYTHON_VERSION,
    _add_code_from_conf_to_system_path,
    copy_code,
    copy_extra_files,
    flavor_conf,
    folder_size,
    new_folder,
)

if TYPE_CHECKING:
    from mlflow.models.example import Asked, Example
    from mlflow.models.signature import ModelSignature

# The name users know from messages and filters.
_logger = logging.getLogger("mlflow.models.model")

PYTHON_FUNCTION = "python_function"


@dataclass(frozen=True)
class Written:
    """What a flavor put into the folder of a model."""

    conf: dict[str, Any]
    """Its part of `MLmodel`: what goes below `flavors: <name>:`, besides `code`."""
    pyfunc: dict[str, Any] | None = field(default_factory=dict)
    """What it adds below `flavors: python_function:`, such as `model_path`; `loader_module` only if
    that is not the flavor's own. None when such a model cannot be asked through pyfunc."""
    requirements: tuple[str, ...] = ()
    """Pinned, such as `scikit-learn==1.5.0`: needed besides what the model's files show."""
    modules: tuple[str, ...] = ()
    """Modules that the model needs and its files do not name, such as `sklearn`."""


class Flavor(ABC):
    """One kind of model."""

    name: ClassVar[str]
    """Its key in `MLmodel`, and the module: `mlflow.<name>`. A flavor called "python_function" has
    all in `Written.pyfunc`."""

    @abstractmethod
    def write(self, model: Any, folder: str, **options: Any) -> Written:
        """Write the model's files into a folder that exists.

        Args:
            options: What the flavor's `save_model` takes besides the arguments that all have.
        """

    @abstractmethod
    def read(self, folder: str, conf: Mapping[str, Any]) -> Any:
        """The model in its native form.

        Args:
            conf: What `write` returned as `conf`, from `MLmodel`.
        """

    def predictor(
        self, model: Any, **options: Any
    ) -> Callable[[Any, dict[str, Any] | None], Any] | None:
        """What predicts as pyfunc would, with the model as it is in memory: takes data and
        parameters. The model is asked with its input example, which shows what it gives.

        None: the signature has to be given.
        """
        return None

    def save(
        self,
        model: Any,
        path: str,
        *,
        conda_env: Any = None,
        code_paths: list[str] | None = None,
        mlflow_model: Model | None = None,
        signature: ModelSignature | bool | None = None,
        input_example: Any = None,
        pip_requirements: Any = None,
        extra_pip_requirements: Any = None,
        metadata: dict[str, Any] | None = None,
        extra_files: list[str] | None = None,
        **options: Any,
    ) -> None:
        """Make the folder of a model. It appears when it is complete.

        Args:
            path: A folder that does not exist yet, or is empty.
            conda_env: A conda environment, as a dictionary or the path of its file.
            code_paths: Files and folders with code that the model imports.
            mlflow_model: What is known already; gets the rest.
            signature: What the model takes and gives; False for none. None: what the input
                example shows.
            input_example: Data that `predict` takes, or a tuple of it and parameters.
            pip_requirements: All that it requires: requirements, or the path of a file. None: what
                its files show.
            extra_pip_requirements: Requirements besides those.
            metadata: Whatever its author wants to say.
            extra_files: Paths or URIs of other files it needs.
            options: What `write` takes.
        """
        # Who only loads models has no use for what looks at installed packages.
        from mlflow.utils.environment import write_environment
        from mlflow.utils.requirements_utils import modules_of

        record = Model() if mlflow_model is None else mlflow_model
        with new_folder(path) as folder:
            code = copy_code(code_paths, folder)
            self._describe(record, model, signature, input_example, metadata, folder, options)
            written = self.write(model, folder, **options)
            conf = self._conf(written, folder, code, copy_extra_files(extra_files, folder))
            for name, parts in conf.items():
                record.add_flavor(name, **parts)
            record.model_size_bytes = folder_size(folder)
            write_environment(
                folder,
                written.requirements,
                {*written.modules, *modules_of([model])},
                conda_env=conda_env,
                pip_requirements=pip_requirements,
                extra_pip_requirements=extra_pip_requirements,
            )
            setattr(record, digests.KEY, digests.digests_of(folder))
            record.save(os.path.join(folder, MLMODEL_FILE_NAME))

    def _describe(
        self,
        record: Model,
        model: Any,
        signature: ModelSignature | bool | None,
        input_example: Any,
        metadata: dict[str, Any] | None,
        folder: str,
        options: dict[str, Any],
    ) -> None:
        """What `MLmodel` says besides the flavors, and the input example."""
        if metadata is not None:
            record.metadata = metadata
        if input_example is not None:
            from mlflow.models.example import Example

            example = Example.of(input_example)
            example.save(folder)
            record.saved_input_example_info = example.info
            asked = self._asked(record, model, signature, example, options)
            if asked is not None:
                _record_env_vars(record, asked.env_vars, folder)
                signature = asked.signature if signature is None else signature
        if signature:
            record.signature = signature

    def _asked(
        self,
        record: Model,
        model: Any,
        signature: ModelSignature | bool | None,
        example: Example,
        options: dict[str, Any],
    ) -> Asked | None:
        """The model is asked if that shows its signature, and if it is going to be served."""
        if signature is not None and record.model_id is None:
            return None
        from mlflow.models.example import ask

        predict = self.predictor(model, **options)
        return ask(example, predict) if predict else None

    def _conf(
        self, written: Written, folder: str, code: str | None, extra: list[dict[str, str]] | None
    ) -> dict[str, dict[str, Any]]:
        """What goes below `flavors:`."""
        conf = {}
        if written.pyfunc is not None:
            conf[PYTHON_FUNCTION] = {
                "loader_module": f"mlflow.{self.name}",
                "python_version": PYTHON_VERSION,
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                **written.pyfunc,
                **({FLAVOR_CONFIG_CODE: code} if code else {}),
            }
        if self.name != PYTHON_FUNCTION:
            conf[self.name] = {**written.conf, FLAVOR_CONFIG_CODE: code}
        if extra:
            conf[self.name][EXTRA_FILES_KEY] = extra
        return conf

    def load(self, model_uri: str, dst_path: str | None = None) -> Any:
        """The model in its native form.

        Args:
            model_uri: `models:/…`, `runs:/…`, any artifact URI, or a path.
            dst_path: Folder to fetch it to; None for a temporary one where one is needed.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no model of this flavor;
                INVALID_STATE if its files are not those that were saved.
        """
        folder, model = fetch_model(model_uri, dst_path)
        conf = flavor_conf(model, self.name, folder)
        if conf.get(FLAVOR_CONFIG_CODE):
            trust.allow_code("code that the model imports", folder, pickled=False)
        _add_code_from_conf_to_system_path(folder, conf)
        return self.read(folder, conf)


def _record_env_vars(record: Model, names: list[str], folder: str) -> None:
    """Say which variables a logged model reads."""
    from mlflow.environment_variables import MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING

    if not names or record.model_id is None or not MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING.get():
        return
    record.env_vars = names
    with open(os.path.join(folder, ENV_VAR_FILE_NAME), "w", encoding="utf-8") as file:
        file.write(ENV_VAR_FILE_HEADER + "\n".join(names) + "\n")
    _logger.info(
        "The model reads these environment variables: %s. Set them where it is served. To keep no "
        "such list, set MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING to `false`.",
        ", ".join(names),
    )


def fetch_model(model_uri: str, dst_path: str | None = None) -> tuple[str, Model]:
    """The folder of a model on this machine, and what its MLmodel file says. Its files are those
    that were saved.

    Args:
        model_uri: `models:/…`, `runs:/…`, any artifact URI, or a path.
        dst_path: Folder to fetch it to; None for a temporary one where one is needed.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no model; INVALID_STATE if its files
            are not those that were saved.
    """
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri

    folder = _download_artifact_from_uri(os.fspath(model_uri), dst_path)
    trust.came_from(folder, model_uri)
    model = Model.load(folder)
    digests.verify(folder, getattr(model, digests.KEY, None))
    return folder, model
