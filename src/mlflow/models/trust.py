"""The one place that decides whether loading a model may run code that came with it.

A pickle, and a file of Python, can do whatever the one who loads it may do. Formats that run
nothing (skops without types of its own, safetensors, a library's own) need not ask here.

* `MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false` refuses pickles.
* `HEADRACE_MODEL_CODE=own` refuses all code in models from elsewhere, `none` all code in models.
  By default it is run; if it is from elsewhere, one warning says so.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict

from mlflow.environment_variables import (
    MLFLOW_ALLOW_PICKLE_DESERIALIZATION,
    _EnvironmentVariable,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.utils.uri import get_uri_scheme

_logger = logging.getLogger(__name__)


def _policy(text: str) -> str:
    if text not in ("any", "own", "none"):
        raise ValueError("HEADRACE_MODEL_CODE must be 'any', 'own' or 'none'")
    return text


HEADRACE_MODEL_CODE = _EnvironmentVariable(
    "HEADRACE_MODEL_CODE",
    _policy,
    "any",
    "Whose models may run code that is in them when they are loaded: any, own, none.",
)

#: URIs that the stores answer which the user has chosen.
_OWN_SCHEMES = ("", "file", "runs", "models", "mlflow-artifacts")

_fetched: OrderedDict[str, str] = OrderedDict()
"""Where folders with fetched models came from; the last ones."""
_MOST = 1000

_warned: set[str] = set()


def came_from(folder: str, uri: str) -> None:
    """Remember where a model was fetched from, unless it was on this machine already."""
    if get_uri_scheme(str(uri)) in ("", "file"):
        return
    _fetched[os.path.realpath(folder)] = str(uri)
    while len(_fetched) > _MOST:
        _fetched.popitem(last=False)


def allow_code(what: str, source: str, instead: str | None = None, *, pickled: bool = True) -> None:
    """Raise unless code that came with a model may run. Called before it does, every time.

    Args:
        what: Such as "a model pickled by cloudpickle"; made part of messages.
        source: The file or folder it is in, or the URI.
        instead: How to save such a model so that loading it runs no code.
        pickled: Whether it is a pickle, not code that can be read.

    Raises:
        MlflowException: INTERNAL_ERROR, as in the reference, if the user does not want that.
    """
    origin = _origin(str(source))
    own = _is_own(origin)
    policy = HEADRACE_MODEL_CODE.get()
    refusal = None
    if pickled and not MLFLOW_ALLOW_PICKLE_DESERIALIZATION.get():
        refusal = "'MLFLOW_ALLOW_PICKLE_DESERIALIZATION' is not set to 'true'"
    elif policy == "none" or (policy == "own" and not own):
        refusal = f"'HEADRACE_MODEL_CODE' is '{policy}'"
    if refusal:
        advice = instead or "Save the model in a format that holds no code, such as skops."
        raise MlflowException(
            f"Deserializing this model is disallowed because {refusal}: loading {what} from "
            f"'{origin}' runs code that came with it. {advice}",
            error_code=CODES["INTERNAL_ERROR"],
        )
    if not own and origin not in _warned:
        _warned.add(origin)
        _logger.warning(
            "Loading %s from '%s' runs code that came with it, and that is not a place of your "
            "own. Set HEADRACE_MODEL_CODE=own to refuse such models.",
            what,
            origin,
        )


def is_own(source: str) -> bool:
    """Whether a file, folder or URI is of a place of the user's own."""
    return _is_own(_origin(str(source)))


def _origin(source: str) -> str:
    """Where a file came from, if it was fetched."""
    if get_uri_scheme(source) not in ("", "file"):
        return source
    path = os.path.realpath(source)
    while True:
        if path in _fetched:
            return _fetched[path]
        above = os.path.dirname(path)
        if above == path:
            return source
        path = above


def _is_own(origin: str) -> bool:
    """Whether it is of a store that the user has chosen, or a file that only the user, or whoever
    runs this machine, could have put there."""
    scheme = get_uri_scheme(origin)
    if scheme not in _OWN_SCHEMES:
        return False
    if scheme not in ("", "file") or not hasattr(os, "geteuid"):
        return True
    from mlflow.utils.file_utils import get_local_path_or_none

    try:
        owner = os.stat(get_local_path_or_none(origin) or origin).st_uid
    except OSError:
        return True
    return owner in (0, os.geteuid())
