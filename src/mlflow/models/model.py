"""A model's description: the content of its MLmodel file."""

from __future__ import annotations

import copy
import json
import os
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mlflow.exceptions import MlflowException
from mlflow.models import mlmodel_file
from mlflow.models.mlmodel_file import MLMODEL_FILE_NAME as MLMODEL_FILE_NAME
from mlflow.models.model_info import ModelInfo, checked_env_vars
from mlflow.utils.model_utils import part_beside
from mlflow.version import VERSION

if TYPE_CHECKING:
    from mlflow.entities.logged_model import LoggedModel
    from mlflow.models.auth_policy import AuthPolicy
    from mlflow.models.resources import Resource, ResourceType
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import ParamSchema, Schema

MODEL_CONFIG = "config"
MODEL_CODE_PATH = "model_code_path"
METADATA_FILES = ["MLmodel", "conda.yaml", "requirements.txt", "python_env.yaml"]
ENV_VAR_FILE_NAME = "environment_variables.txt"
ENV_VAR_FILE_HEADER = (
    "# Environment variables that the model read when it was asked with its input example.\n"
    "# Set them where it is served; their values are not kept here. To keep no such list, set\n"
    "# MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING to `false`.\n"
    "#\n"
)
SET_MODEL_ERROR = (
    "Model should either be an instance of PyFuncModel, Langchain type, or LlamaIndex index."
)

#: Kept under another name in `Model`, each with a property.
_WITH_PROPERTY = (
    "metadata",
    "saved_input_example_info",
    "model_size_bytes",
    "resources",
    "env_vars",
    "auth_policy",
)


class Model:
    """What an MLmodel file says: how a model can be loaded, what it takes, where it is from.

    Args:
        artifact_path: Where its files are.
        run_id: The run that logged it.
        utc_time_created: When it was made; None for now.
        flavors: For each library that can load it, what that needs to know.
        signature: What it takes and gives.
        saved_input_example_info: Where its input example is, and of which kind.
        model_uuid: Its unique id, or what makes one; None for none.
        mlflow_version: The version that saved it.
        metadata: Whatever its author wants to say.
        model_size_bytes: Size of its files.
        resources: What it uses elsewhere: a list, or the path of a YAML file.
        env_vars: Names of the environment variables that it reads.
        auth_policy: As whom it uses these resources.
        model_id: Its id as a logged model.
        prompts: URIs of the prompts it uses.
        kwargs: Further parts of the file, which are kept.
    """

    def __init__(
        self,
        artifact_path: str | None = None,
        run_id: str | None = None,
        utc_time_created: Any = None,
        flavors: dict[str, Any] | None = None,
        signature: ModelSignature | None = None,
        saved_input_example_info: dict[str, Any] | None = None,
        model_uuid: str | Callable[[], str] | None = lambda: uuid.uuid4().hex,
        mlflow_version: str | None = VERSION,
        metadata: dict[str, Any] | None = None,
        model_size_bytes: int | None = None,
        resources: str | list[Resource] | None = None,
        env_vars: list[str] | None = None,
        auth_policy: AuthPolicy | None = None,
        model_id: str | None = None,
        prompts: list[str] | None = None,
        **kwargs: Any,
    ):
        self.run_id = run_id
        self.artifact_path = artifact_path
        self.utc_time_created = str(utc_time_created or _now())
        self.flavors = flavors if flavors is not None else {}
        self.signature = signature
        self.saved_input_example_info = saved_input_example_info
        self.model_uuid = model_uuid() if callable(model_uuid) else model_uuid
        self.mlflow_version = mlflow_version
        self.metadata = metadata
        self.prompts = prompts
        self.model_size_bytes = model_size_bytes
        self.resources = resources
        self.env_vars = env_vars
        self.auth_policy = auth_policy
        self.model_id = model_id
        self.__dict__.update(kwargs)

    # -- its parts -----------------------------------------------------------------------------

    @property
    def metadata(self) -> dict[str, Any] | None:
        """Whatever its author wants to say about it."""
        return self._metadata

    @metadata.setter
    def metadata(self, value: dict[str, Any] | None) -> None:
        self._metadata = value

    @property
    def signature(self) -> ModelSignature | None:
        """What it takes and gives."""
        return self._signature

    @signature.setter
    def signature(self, value: ModelSignature | None) -> None:
        self._signature = value

    @property
    def saved_input_example_info(self) -> dict[str, Any] | None:
        """Where its input example is, and of which kind."""
        return self._saved_input_example_info

    @saved_input_example_info.setter
    def saved_input_example_info(self, value: dict[str, Any] | None) -> None:
        self._saved_input_example_info = value

    @property
    def model_size_bytes(self) -> int | None:
        """Size of its files, without those that describe it."""
        return self._model_size_bytes

    @model_size_bytes.setter
    def model_size_bytes(self, value: int | None) -> None:
        self._model_size_bytes = value

    @property
    def resources(self) -> dict[str, dict[ResourceType, list[dict[str, Any]]]]:
        """What it uses elsewhere; may be set to a list, or to the path of a YAML file."""
        return self._resources

    @resources.setter
    def resources(self, value: Any) -> None:
        if isinstance(value, (str, list)):
            from mlflow.models.resources import _ResourceBuilder

            build = (
                _ResourceBuilder.from_yaml_file
                if isinstance(value, str)
                else _ResourceBuilder.from_resources
            )
            value = build(value)
        self._resources = value

    @property
    def auth_policy(self) -> dict[str, dict[str, Any]]:
        """As whom it uses these resources; may be set to an `AuthPolicy`."""
        return self._auth_policy

    @auth_policy.setter
    def auth_policy(self, value: Any) -> None:
        self._auth_policy = value.to_dict() if hasattr(value, "to_dict") else value

    @property
    def env_vars(self) -> list[str] | None:
        """Names of the environment variables that it reads."""
        return self._env_vars

    @env_vars.setter
    def env_vars(self, value: list[str] | None) -> None:
        self._env_vars = checked_env_vars(value)

    def get_input_schema(self) -> Schema | None:
        """What it takes."""
        return self.signature.inputs if self.signature else None

    def get_output_schema(self) -> Schema | None:
        """What it gives."""
        return self.signature.outputs if self.signature else None

    def get_params_schema(self) -> ParamSchema | None:
        """Which parameters `predict` takes."""
        return getattr(self.signature, "params", None)

    def get_serving_input(self, path: str) -> str | None:
        """Its input example as the body of a request to the scoring server; None without one.

        Args:
            path: The model's folder.
        """
        from mlflow.models.example import load_serving_input

        return load_serving_input(path, self)

    def load_input_example(self, path: str | None = None) -> Any:
        """Its input example; None without one.

        Args:
            path: The model's folder; None to fetch it from the run or the store.
        """
        from mlflow.models.example import load_example

        if self.saved_input_example_info is None:
            return None
        return load_example(path or self._fetched(), self)

    def load_input_example_params(self, path: str) -> dict[str, Any] | None:
        """The parameters of its input example; None without.

        Args:
            path: The model's folder.
        """
        from mlflow.models.example import load_example

        return load_example(path, self, params=True)

    def _fetched(self) -> str:
        from mlflow.tracking.artifact_utils import _download_artifact_from_uri

        return _download_artifact_from_uri(self._uri())

    def add_flavor(self, name: str, **params: Any) -> Model:
        """Say how a library loads it; the model itself, so that calls can be chained."""
        self.flavors[name] = params
        return self

    # -- as a dictionary, YAML, JSON ------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """What is written to the MLmodel file."""
        from mlflow.models.signature import flags_of

        hidden = {f"_{name}": name for name in (*_WITH_PROPERTY, "signature")}
        form = {k: v for k, v in self.__dict__.items() if k not in hidden}
        for name in ("run_id", "artifact_path", "mlflow_version"):
            if form[name] is None:
                del form[name]
        for name in _WITH_PROPERTY:
            if (value := getattr(self, name)) is not None:
                form[name] = value
        if self.signature is not None:
            form["signature"] = self.signature.to_dict()
            form |= flags_of(self.signature)
        return form

    def to_yaml(self, stream: Any = None) -> str | None:
        """The MLmodel file's text, or None after writing it to `stream`."""
        import yaml

        return yaml.safe_dump(
            _plain(self.to_dict()), stream=stream, default_flow_style=False, allow_unicode=True
        )

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(_plain(self.to_dict()))

    def get_tags_dict(self) -> dict[str, Any]:
        """The short form, which says where a model is from and how it can be loaded."""
        form = copy.deepcopy(self.to_dict())
        form["flavors"].get("python_function", {}).pop(MODEL_CONFIG, None)
        kept = ("run_id", "artifact_path", "utc_time_created", "model_uuid", "flavors")
        return {name: form[name] for name in kept if name in form}

    @classmethod
    def from_dict(cls, model_dict: Mapping[str, Any]) -> Model:
        """The model that `to_dict` wrote, now or in another version.

        Raises:
            MlflowException: INVALID_STATE if it is no such form.
        """
        from mlflow.models.signature import ModelSignature, set_flags

        mlmodel_file.check_form(cls, model_dict)
        parts = {"model_uuid": None, "mlflow_version": None, **model_dict}
        try:
            if isinstance(form := parts.get("signature"), dict):
                flags = {k: parts.pop(k) for k in list(parts) if k in _SIGNATURE_FLAGS}
                parts["signature"] = ModelSignature.from_dict(form)
                set_flags(parts["signature"], flags)
            return cls(**parts)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise mlmodel_file.malformed(f"it cannot be read: {error!r}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the MLmodel file; a reader sees the old one or the new one, whole."""
        path = os.fspath(path)
        part = part_beside(path)
        try:
            with open(part, "w", encoding="utf-8") as file:
                self.to_yaml(stream=file)
            os.replace(part, path)
        except BaseException:
            if os.path.exists(part):
                os.unlink(part)
            raise

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read an MLmodel file.

        Args:
            path: The file, or a folder or URI of the model it is in.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such file; INVALID_STATE if it
                is not an MLmodel file.
        """
        return cls.from_dict(mlmodel_file.read(os.fspath(path)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.__dict__ == other.__dict__

    def __str__(self) -> str:
        return self.to_yaml() or ""

    # -- logged models --------------------------------------------------------------------------

    def _uri(self) -> str:
        if self.model_id is not None:
            return f"models:/{self.model_id}"
        return f"runs:/{self.run_id}/{self.artifact_path}"

    def get_model_info(self, logged_model: LoggedModel | None = None) -> ModelInfo:
        """What is known about it.

        Args:
            logged_model: What the store knows; None to ask, if it is a logged model.
        """
        return ModelInfo(
            artifact_path=self.artifact_path,
            flavors=self.flavors,
            model_uri=logged_model.model_uri if logged_model else self._uri(),
            model_uuid=self.model_uuid,
            run_id=self.run_id,
            saved_input_example_info=self.saved_input_example_info,
            signature=self.signature,
            utc_time_created=self.utc_time_created,
            mlflow_version=self.mlflow_version,
            metadata=self.metadata,
            env_vars=self.env_vars,
            prompts=self.prompts,
            logged_model=logged_model,
        )

    @classmethod
    def log(
        cls,
        artifact_path: str | None,
        flavor: Any,
        registered_model_name: str | None = None,
        await_registration_for: int = 300,
        metadata: dict[str, Any] | None = None,
        run_id: str | None = None,
        resources: str | list[Resource] | None = None,
        auth_policy: AuthPolicy | None = None,
        prompts: list[str] | None = None,
        name: str | None = None,
        model_type: str | None = None,
        params: dict[str, Any] | None = None,
        tags: dict[str, Any] | None = None,
        step: int = 0,
        model_id: str | None = None,
        **kwargs: Any,
    ) -> ModelInfo:
        """Save a model as a logged model, which the active run, if there is one, has made.

        Args:
            artifact_path: The old word for `name`.
            flavor: What has `save_model(path=, mlflow_model=, **kwargs)`, such as `mlflow.sklearn`.
            registered_model_name: Also make a version of this registered model.
            await_registration_for: Seconds to wait for that version to be ready.
            metadata: Whatever its author wants to say.
            run_id: The run that made it; None for the active one.
            resources: What it uses elsewhere.
            auth_policy: As whom it does.
            prompts: The prompts it uses, or their URIs.
            name: What it is called; None for a made-up name.
            model_type: Whatever fits, such as "agent".
            params: Params of the logged model.
            tags: Tags of the logged model, and of the registered version.
            step: The step of the run at which it was made.
            model_id: A logged model that exists and waits for its files.
            kwargs: What `flavor.save_model` takes besides.
        """
        from mlflow.models.log import log_model

        return log_model(
            cls,
            flavor,
            kwargs,
            artifact_path=artifact_path,
            name=name,
            registered_model_name=registered_model_name,
            await_registration_for=await_registration_for,
            described={
                "metadata": metadata,
                "resources": resources,
                "auth_policy": auth_policy,
                "prompts": prompts,
            },
            run_id=run_id,
            model_type=model_type,
            params=params,
            tags=tags,
            step=step,
            model_id=model_id,
        )


_SIGNATURE_FLAGS = ("is_signature_from_type_hint", "type_hint_from_example")


class Files(NamedTuple):
    """Paths of the files that say what a model requires."""

    requirements: Any
    conda: Any


def get_model_info(model_uri: str) -> ModelInfo:
    """What is known about a model, read from its MLmodel file and the store.

    Args:
        model_uri: `models:/…`, `runs:/…`, any artifact URI, or a path.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such model.
    """
    model = Model.load(model_uri)
    return model.get_model_info(_logged_model_of(model))


def get_model_requirements_files(resolved_uri: str) -> Files:
    """Fetch the files that say what a model requires.

    Args:
        resolved_uri: Artifact URI of the model.
    """
    from pathlib import Path

    from mlflow.tracking.artifact_utils import _download_artifact_from_uri
    from mlflow.utils.uri import append_to_uri_path

    names = ("requirements.txt", "conda.yaml")
    paths = (_download_artifact_from_uri(append_to_uri_path(resolved_uri, n)) for n in names)
    return Files(*map(Path, paths))


def update_model_requirements(
    model_uri: str, operation: Literal["add", "remove"], requirement_list: list[str]
) -> None:
    """Change what a saved model says it requires: its conda.yaml and requirements.txt.

    Args:
        model_uri: The model; registered versions cannot be changed.
        operation: "add", which replaces requirements for the same packages, or "remove".
        requirement_list: Requirements as in requirements.txt.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for `models:/<name>/<version>`.
    """
    from mlflow.models.edit import change_requirements

    change_requirements(model_uri, operation, requirement_list)


_set: list[Any] = []
"""At most one: what the code of a model that is being loaded passed to `set_model`."""


def set_model(model: Any) -> None:
    """Say, in a file that is a model's code, which object is the model.

    Args:
        model: A `PythonModel`, a function, or whatever the flavor takes.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it can be no model.
    """
    from mlflow.models.from_code import checked

    _set[:] = [checked(model)]


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def _plain(value: Any) -> Any:
    """Of dictionaries, lists, texts and numbers only, as YAML and JSON want it."""
    if isinstance(value, Mapping):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, str) and type(value) is not str:  # an enum that is a text
        return str(getattr(value, "value", value))
    return value


def _logged_model_of(model: Model) -> LoggedModel | None:
    """What the store knows about a model that was logged; None if it is not there."""
    if model.model_id is None:
        return None
    from mlflow.tracking.client import MlflowClient

    try:
        return MlflowClient().get_logged_model(model.model_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
