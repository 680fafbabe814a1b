"""Saving and loading scikit-learn models.

skops refuses to load types that it does not know, unless they are listed; the list is kept in the
MLmodel file. When the caller lists none, types of scikit-learn itself that skops does not know,
such as the trees of a forest, are listed for them; any others are refused. Loading a model with
listed types asks `allow_code`, except if all are scikit-learn's own and the model is from a place
of one's own: they run no code, but forged data in them can crash the process.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.models.flavor import Flavor, Written
from mlflow.models.model import Model
from mlflow.models.trust import allow_code, is_own
from mlflow.utils.optional import require
from mlflow.utils.requirements_utils import pinned

_logger = logging.getLogger("mlflow.sklearn")

FLAVOR_NAME = "sklearn"
SERIALIZATION_FORMAT_PICKLE = "pickle"
SERIALIZATION_FORMAT_CLOUDPICKLE = "cloudpickle"
SERIALIZATION_FORMAT_SKOPS = "skops"
SUPPORTED_SERIALIZATION_FORMATS = [
    SERIALIZATION_FORMAT_SKOPS,
    SERIALIZATION_FORMAT_PICKLE,
    SERIALIZATION_FORMAT_CLOUDPICKLE,
]
_PICKLED = "model.pkl"
_SKOPS = "model.skops"

_told: set[str] = set()


def _tell_once(message: str) -> None:
    if message not in _told:
        _told.add(message)
        _logger.warning(message)


class _SklearnCustomModelPicklingError(pickle.PicklingError):
    """A model that holds something of the user's own cannot be pickled."""

    def __init__(self, sk_model: Any, original_exception: Exception):
        super().__init__(
            f"Pickling custom sklearn model {type(sk_model).__name__} failed when saving model: "
            f"{original_exception}"
        )
        self.original_exception = original_exception


def default_format() -> str:
    """skops, which holds no code; where it is not installed, what is."""
    if find_spec("skops") is not None:
        return SERIALIZATION_FORMAT_SKOPS
    pickled = (
        SERIALIZATION_FORMAT_CLOUDPICKLE
        if find_spec("cloudpickle")
        else SERIALIZATION_FORMAT_PICKLE
    )
    _tell_once(
        f"skops is not installed, so scikit-learn models are saved as {pickled}, which runs code "
        "when it is loaded. Install it with: pip install 'headrace[sklearn]'"
    )
    return pickled


def check_format(name: str) -> None:
    """Refuse a format that there is not: MlflowException INVALID_PARAMETER_VALUE."""
    if name not in SUPPORTED_SERIALIZATION_FORMATS:
        raise MlflowException.invalid_parameter_value(
            f"Unrecognized serialization format: {name}. Please specify one of the following "
            f"supported formats: {SUPPORTED_SERIALIZATION_FORMATS}."
        )


class SklearnFlavor(Flavor):
    """Estimators, pipelines, transformers."""

    name: ClassVar[str] = FLAVOR_NAME

    def write(
        self,
        model: Any,
        folder: str,
        serialization_format: str = SERIALIZATION_FORMAT_SKOPS,
        pyfunc_predict_fn: str = "predict",
        skops_trusted_types: list[str] | None = None,
    ) -> Written:
        is_skops = serialization_format == SERIALIZATION_FORMAT_SKOPS
        file = _SKOPS if is_skops else _PICKLED
        path = os.path.join(folder, file)
        modules = ["sklearn"]
        if is_skops:
            skops_trusted_types = _write_skops(model, path, skops_trusted_types)
            modules.append("skops")
        else:
            _write_pickle(model, path, serialization_format)
            if serialization_format == SERIALIZATION_FORMAT_CLOUDPICKLE:
                modules.append("cloudpickle")
        pyfunc = None
        if hasattr(model, pyfunc_predict_fn):
            pyfunc = {"model_path": file, "predict_fn": pyfunc_predict_fn}
        else:
            _logger.warning(
                "Model was missing function: %s. Not logging python_function flavor!",
                pyfunc_predict_fn,
            )
        conf = {
            "pickled_model": file,
            "sklearn_version": require("sklearn", "sklearn").__version__,
            "serialization_format": serialization_format,
            "skops_trusted_types": skops_trusted_types,
        }
        return Written(conf, pyfunc, tuple(_requirements(serialization_format)), tuple(modules))

    def read(self, folder: str, conf: Mapping[str, Any]) -> Any:
        return _read(
            os.path.join(folder, conf.get("pickled_model", _PICKLED)),
            conf.get("serialization_format", SERIALIZATION_FORMAT_PICKLE),
            conf.get("skops_trusted_types"),
        )

    def predictor(
        self, model: Any, pyfunc_predict_fn: str = "predict", **options: Any
    ) -> Callable[[Any, dict[str, Any] | None], Any] | None:
        predict = getattr(model, pyfunc_predict_fn, None)
        return None if predict is None else lambda data, params: predict(data)


def _requirements(serialization_format: str) -> list[str]:
    packages = ["scikit-learn"]
    if serialization_format != SERIALIZATION_FORMAT_PICKLE:
        packages.append(serialization_format)
    return pinned(packages)


def _is_of_sklearn(type_name: str) -> bool:
    return type_name.startswith("sklearn.")


def _write_skops(model: Any, path: str, trusted: list[str] | None) -> list[str] | None:
    """Save it; the types to list as trusted."""
    skops = require("skops.io", "sklearn", "saving scikit-learn models as skops")
    try:
        skops.dump(model, path)
    except Exception as error:
        raise MlflowException(
            f"skops cannot hold this {type(model).__name__}: {error}. Choose "
            "serialization_format='cloudpickle', which runs code when the model is loaded.",
            error_code=CODES["INTERNAL_ERROR"],
        ) from error
    # The schema alone shows the types; nothing is made of it.
    untrusted = sorted(set(skops.get_untrusted_types(file=path)))
    if trusted is None:
        trusted = [name for name in untrusted if _is_of_sklearn(name)] or None
    unknown = [name for name in untrusted if name not in (trusted or ())]
    if unknown:
        raise MlflowException(
            "The saved sklearn model references untrusted types. If you are sure loading these "
            "types is safe, set the 'skops_trusted_types' parameter when calling 'log_model' or "
            f"'save_model' to the list of trusted types: {untrusted}. Or choose "
            "serialization_format='cloudpickle', which runs code when the model is loaded.",
            error_code=CODES["INTERNAL_ERROR"],
        )
    return trusted


def _write_pickle(model: Any, path: str, serialization_format: str) -> None:
    _tell_once(
        "A scikit-learn model saved as pickle or cloudpickle runs code when it is loaded, so load "
        "such files only from where you trust. serialization_format='skops' holds no code."
    )
    pickler = require(serialization_format, "models", "saving models that hold Python functions")
    try:
        content = pickler.dumps(model, protocol=pickle.DEFAULT_PROTOCOL)
    except Exception as error:  # what a library refuses to pickle raises anything
        raise _SklearnCustomModelPicklingError(model, error) from error
    with open(path, "wb") as file:
        file.write(content)


def _read(path: str, serialization_format: str, trusted: list[str] | None) -> Any:
    check_format(serialization_format)
    # Before unpickling, so that it is this which says how to install what is missing.
    require("sklearn", "sklearn", "loading a scikit-learn model")
    if serialization_format == SERIALIZATION_FORMAT_SKOPS:
        return _read_skops(path, trusted)
    allow_code(
        f"a scikit-learn model in the {serialization_format} format",
        path,
        "Save it with serialization_format='skops'.",
    )
    if serialization_format == SERIALIZATION_FORMAT_CLOUDPICKLE:
        require("cloudpickle", "models", "loading this model")
    with open(path, "rb") as file:
        return pickle.load(file)  # noqa: S301  (allow_code has decided)


def _read_skops(path: str, trusted: list[str] | None) -> Any:
    skops = require("skops.io", "sklearn", "loading a scikit-learn model saved as skops")
    if trusted and not (all(map(_is_of_sklearn, trusted)) and is_own(path)):
        # The list comes with the model: whoever wrote the file chose what it may make.
        allow_code(
            f"a scikit-learn model with the types {trusted}",
            path,
            "Save it without types that skops does not know.",
            pickled=False,
        )
    try:
        return skops.load(path, trusted=trusted or [])
    except Exception as error:
        if type(error).__name__ != "UntrustedTypesFoundException":
            raise
        raise MlflowException(
            f"The sklearn model in '{path}' holds types that its MLmodel file does not list as "
            f"trusted: {error}",
            error_code=CODES["INTERNAL_ERROR"],
        ) from error


class _SklearnModelWrapper:
    """A scikit-learn model as pyfunc asks it: its methods by name."""

    _SUPPORTED_CUSTOM_PREDICT_FN = [
        "predict_proba",
        "predict_log_proba",
        "predict_joint_log_proba",
        "score",
    ]

    def __init__(self, sklearn_model: Any):
        self.sklearn_model = sklearn_model
        for name in self._SUPPORTED_CUSTOM_PREDICT_FN:
            if hasattr(sklearn_model, name):
                setattr(self, name, getattr(sklearn_model, name))

    def get_raw_model(self) -> Any:
        """The scikit-learn model itself."""
        return self.sklearn_model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """What the model's own `predict` gives; it takes no params."""
        return self.sklearn_model.predict(data)


def load_pyfunc(path: str) -> _SklearnModelWrapper:
    """The model in a file beside its MLmodel, as pyfunc asks it."""
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    conf = Model.load(folder).flavors.get(FLAVOR_NAME, {})
    return _SklearnModelWrapper(SklearnFlavor().read(folder, conf))
