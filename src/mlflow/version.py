"""Version of the public interface (`VERSION`) and of this distribution (`HEADRACE_VERSION`)."""

from __future__ import annotations

#: Level of the public interface. Integrations gate on it, so it follows the reference.
VERSION = "3.17.2"
#: Version of the distribution `headrace`.
HEADRACE_VERSION = "0.1.0"

IS_TRACING_SDK_ONLY = False
IS_MLFLOW_SKINNY = False
IS_FULL_MLFLOW = True


def is_release_version() -> bool:
    """True when `VERSION` names a release, not a development or candidate build."""
    return VERSION.replace(".", "").isdigit()
