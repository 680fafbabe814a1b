"""Which versions of a library an integration is known to work with."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

#: Integration to the module that it patches.
FLAVOR_TO_MODULE_NAME = {
    "sklearn": "sklearn",
    "pytorch": "torch",
    "pytorch-lightning": "lightning",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "statsmodels": "statsmodels",
    "spark": "pyspark",
    "paddle": "paddle",
    "transformers": "transformers",
    "haystack": "haystack",
    "pyspark.ml": "pyspark",
    "semantic_kernel": "semantic_kernel",
    "openai": "openai",
    "dspy": "dspy",
    "langchain": "langchain",
    "llama_index": "llama_index.core",
    "ag2": "autogen",
    "autogen": "autogen_agentchat",
    "gemini": "google.genai",
    "anthropic": "anthropic",
    "typesafe": "typesafe_sdk",
    "crewai": "crewai",
    "agno": "agno",
    "pydantic_ai": "pydantic_ai",
    "smolagents": "smolagents",
    "strands": "strands",
    "mistral": "mistralai",
    "groq": "groq",
    "bedrock": "boto3",
}

#: Integration to its package on the index and to the range of versions for which it is patched
#: without a word; as the reference has it. Our tests run with one version, the newest. Of an
#: integration that is not here nothing is claimed.
_TESTED = {"sklearn": ("scikit-learn", "1.6.0", "1.9.1")}

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)(.*)$")


def get_min_max_version_and_pip_release(
    flavor_name: str, category: Literal["autologging", "models"] = "autologging"
) -> tuple[str, str, str]:
    """The oldest and the newest version that were tested, and the package's name on the index.

    Args:
        category: The same for both: what is tested is tested with autologging and models.

    Raises:
        KeyError: Nothing is known of this integration.
    """
    package, oldest, newest = _TESTED[flavor_name]
    return oldest, newest, package


def is_flavor_supported_for_associated_package_versions(
    flavor_name: str, check_max_version: bool = True
) -> bool:
    """Whether the installed version is one that the integration is known to work with.

    Args:
        check_max_version: False to let versions pass that are newer than those tested.

    Returns:
        True where nothing is known; False for development and pre-releases, and for versions
        that cannot be read.
    """
    if flavor_name not in _TESTED:
        return True
    module: Any = import_module(FLAVOR_TO_MODULE_NAME[flavor_name])
    return _is_tested(flavor_name, str(module.__version__), check_max_version)


@lru_cache(maxsize=64)
def _is_tested(flavor_name: str, version: str, check_max_version: bool) -> bool:
    _, oldest, newest = _TESTED[flavor_name]
    matched = _RELEASE.match(version)
    if matched is None or re.match(r"[._-]?(a|b|c|rc|dev|pre)", matched[2]):
        return False
    local = matched[2].startswith("+")  # such as 1.9.1+cu: counts as later than 1.9.1
    release = _numbers(matched[1])
    if release < _numbers(oldest):
        return False
    if not check_max_version:
        return True
    return release < _numbers(newest) or (release == _numbers(newest) and not local)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:  # 1.6 is 1.6.0
        numbers.pop()
    return tuple(numbers)
