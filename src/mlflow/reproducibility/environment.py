"""What Python runs with: its version, the platform, and every installed distribution."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.utils.process import _exec_cmd

#: What makes environments is not part of them.
_MAKERS = {"pip", "uv"}
#: Variables that change results, and hold no secrets.
VARIABLES = (
    "PYTHONHASHSEED", "PYTHONOPTIMIZE", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG", "TF_DETERMINISTIC_OPS", "TZ", "LANG", "LC_ALL",
)  # fmt: skip

_LINE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:==[A-Za-z0-9.!+_-]+| @ (?:git\+)?(?:https?|ssh|file)://[^\s;]+)"
)

#: Asks an interpreter, which need not have Headrace.
_PROGRAM = r"""
import json, platform, re, sys
from importlib.metadata import distributions
found = {}
for one in distributions():
    # The name of its folder says the same as the file in it, which takes a hundred times as long.
    path = str(getattr(one, "_path", "")).replace("\\", "/")
    said = re.search(r"/([^/]+?)-([^/-]+)\.dist-info/?$", path)
    name, version = said.groups() if said else (one.metadata["Name"], one.version)
    if not name:
        continue
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in found:
        continue
    try:
        direct = json.loads(one.read_text("direct_url.json") or "null")
    except Exception:
        direct = None
    found[name] = [version, direct]
print(json.dumps({
    "python": ".".join(map(str, sys.version_info[:3])),
    "implementation": platform.python_implementation(),
    "platform": platform.platform(),
    "machine": platform.machine(),
    "distributions": found,
}))
"""


def environment_of(command: Sequence[str]) -> dict[str, Any]:
    """What an interpreter runs with: `python`, `implementation`, `platform`, `machine`, and `lock`,
    a line of requirements for each distribution.

    Args:
        command: What runs the interpreter, such as ["python"]. The distributions are those that
            it finds without this process's PYTHONPATH.
    """
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    said = _exec_cmd([*command, "-c", _PROGRAM], env=environment, timeout=120).stdout
    facts = json.loads(said.strip().splitlines()[-1])
    distributions = facts.pop("distributions")
    facts["lock"] = sorted(
        _line(name, version, direct)
        for name, (version, direct) in distributions.items()
        if name not in _MAKERS
    )
    return facts


def _line(name: str, version: str, direct: dict[str, Any] | None) -> str:
    """A distribution as a requirement. Headrace is named by its version: it is packed anew."""
    if not direct or name == "headrace":
        return f"{name}=={version}"
    url = re.sub(r"://[^/@\s]*@", "://", str(direct.get("url", "")))
    vcs = direct.get("vcs_info")
    if vcs and vcs.get("vcs") == "git" and vcs.get("commit_id"):
        return f"{name} @ git+{url}@{vcs['commit_id']}"
    if url.startswith("file://") and not direct.get("dir_info") and name:
        # A wheel that lay somewhere: an index has the same version.
        return f"{name}=={version}"
    return f"{name} @ {url}" if url else f"{name}=={version}"


def hash_of(lock: Sequence[str]) -> str:
    """A name for the set of distributions."""
    return hashlib.sha256("\n".join(sorted(lock)).encode()).hexdigest()


def checked(lock: Sequence[str]) -> list[str]:
    """The lines, if each is a distribution and nothing else that an installer would do.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE.
    """
    for line in lock:
        if not _LINE.fullmatch(line):
            raise MlflowException.invalid_parameter_value(
                f"The lock of the environment has the line '{line}', which names no distribution."
            )
    return list(lock)


def names_of(lock: Sequence[str]) -> set[str]:
    """Names of the distributions."""
    return {re.split(r"==| @ ", line)[0] for line in lock}
