"""Models that are code: a file of Python which calls `mlflow.models.set_model`."""

from __future__ import annotations

import ntpath
import posixpath
from typing import Any

from mlflow.models.from_code import load_model_code
from mlflow.models.model import MODEL_CODE_PATH
from mlflow.pyfunc.model import (
    ChatAgent,
    ChatModel,
    PythonModel,
    PythonModelContext,
    ResponsesAgent,
)
from mlflow.pyfunc.python_model import ModelInContext, as_python_model, with_context
from mlflow.utils.model_utils import _get_flavor_configuration, path_inside


def in_context(model: PythonModel, context: PythonModelContext) -> Any:
    """A model of any kind, in the form that pyfunc asks."""
    if isinstance(model, ChatModel):
        from mlflow.pyfunc.loaders.chat_model import ChatModelInContext

        return ChatModelInContext(model, context)
    if isinstance(model, ChatAgent):
        from mlflow.pyfunc.loaders.chat_agent import ChatAgentInContext

        return ChatAgentInContext(model, context)
    if isinstance(model, ResponsesAgent):
        from mlflow.pyfunc.loaders.responses_agent import ResponsesAgentInContext

        return ResponsesAgentInContext(model, context)
    return ModelInContext(model, context)


def _load_pyfunc(local_path: str, model_config: dict[str, Any] | None = None) -> Any:
    conf = _get_flavor_configuration(local_path, "python_function")
    # The path is the one on the machine that saved it; here only the file's name counts.
    name = ntpath.basename(posixpath.basename(conf[MODEL_CODE_PATH]))
    model = as_python_model(load_model_code(path_inside(local_path, name), model_config))
    return in_context(model, with_context(model, local_path, conf, model_config))
