"""`mlflow.autolog`: all integrations at once, for libraries imported already and those to come."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from mlflow.utils.autologging_utils import is_testing
from mlflow.utils.autologging_utils.config import (
    AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED,
    AUTOLOGGING_INTEGRATIONS,
)
from mlflow.utils.autologging_utils.imports import when_imported
from mlflow.utils.autologging_utils.integration import autologging_integration

_logger = logging.getLogger("mlflow.tracking.fluent")

#: Integration to the library that it is for. One whose module is not here is passed over.
LIBRARIES = {
    "ag2": "autogen",
    "agno": "agno",
    "anthropic": "anthropic",
    "autogen": "autogen_agentchat",
    "bedrock": "boto3",
    "crewai": "crewai",
    "dspy": "dspy",
    "gemini": "google.genai",
    "groq": "groq",
    "haystack": "haystack",
    "langchain": "langchain_core",
    "lightgbm": "lightgbm",
    "litellm": "litellm",
    "llama_index": "llama_index.core",
    "mistral": "mistralai",
    "openai": "openai",
    "paddle": "paddle",
    "pydantic_ai": "pydantic_ai",
    "pyspark.ml": "pyspark",
    "pytorch": "torch",
    "semantic_kernel": "semantic_kernel",
    "sklearn": "sklearn",
    "smolagents": "smolagents",
    "spark": "pyspark",
    "statsmodels": "statsmodels",
    "strands": "strands",
    "tensorflow": "tensorflow",
    "transformers": "transformers",
    "typesafe": "typesafe_sdk",
    "xgboost": "xgboost",
}

_waiting: list[Callable[[], None]] = []
"""What ends the waiting of the last call for imports."""


@autologging_integration("mlflow")
def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    log_traces: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: dict[str, str] | None = None,
    exclude_flavors: list[str] | None = None,
) -> None:
    """Let every library that there is an integration for log what it does, from now on.

        mlflow.autolog()
        LogisticRegression().fit(X, y)  # is in a run

    Libraries that are imported later are turned on then. What the user told an integration itself,
    such as `mlflow.sklearn.autolog(log_models=False)`, stays. Settings that an integration does not
    have are passed over.

    Args:
        log_input_examples: Keep some rows of the training data with models.
        log_model_signatures: Say what models take and give.
        log_models: Log models.
        log_datasets: Note which data was used.
        log_traces: Trace calls of language models.
        disable: Log nothing from now on.
        exclusive: Leave runs alone that the user has started.
        disable_for_unsupported_versions: Leave versions of libraries alone that were not tested.
        silent: Show no messages and warnings of autologging.
        extra_tags: Of the runs.
        exclude_flavors: Integrations to leave as they are, such as "sklearn".
    """
    excluded = set(exclude_flavors or ())
    wanted = {
        "log_input_examples": log_input_examples,
        "log_model_signatures": log_model_signatures,
        "log_models": log_models,
        "log_datasets": log_datasets,
        "log_traces": log_traces,
        "disable": disable,
        "exclusive": exclusive,
        "disable_for_unsupported_versions": disable_for_unsupported_versions,
        "silent": silent,
        "extra_tags": extra_tags,
    }
    while _waiting:
        _waiting.pop()()
    for name, library in LIBRARIES.items():
        if name not in excluded and _is_here(name):
            _waiting.append(when_imported(library, _turning_on(name, library, wanted)))


def _is_here(name: str) -> bool:
    try:
        return find_spec(f"mlflow.{name}") is not None
    except ModuleNotFoundError:  # of the package above it
        return False


def _turning_on(name: str, library: str, wanted: dict[str, Any]) -> Callable[[ModuleType], None]:
    def turn_on(module: ModuleType) -> None:
        if module.__name__ == library:
            _turn_on(name, wanted)

    return turn_on


def _turn_on(name: str, wanted: dict[str, Any]) -> None:
    try:
        module = import_module(f"mlflow.{name}")
        before = AUTOLOGGING_INTEGRATIONS.get(name)
        if before and not before.get(AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED, False):
            return  # the user has told it something else
        known = inspect.signature(module.autolog).parameters
        module.autolog(**{key: value for key, value in wanted.items() if key in known})
        AUTOLOGGING_INTEGRATIONS[name][AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED] = True
    except Exception as error:
        if is_testing():
            raise
        _logger.warning("Exception raised while enabling autologging for %s: %s", name, error)
        return
    if not wanted["disable"] and not wanted["silent"]:
        _logger.info("Autologging successfully enabled for %s.", name)
