from __future__ import annotations

from mlflow.exceptions import MlflowException

STAGE_NONE = "None"
STAGE_STAGING = "Staging"
STAGE_PRODUCTION = "Production"
STAGE_ARCHIVED = "Archived"
STAGE_DELETED_INTERNAL = "Deleted_Internal"

ALL_STAGES = [STAGE_NONE, STAGE_STAGING, STAGE_PRODUCTION, STAGE_ARCHIVED]
DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS = [STAGE_STAGING, STAGE_PRODUCTION]


def get_canonical_stage(stage: str) -> str:
    """The stage as it is stored, whatever the case it was written in.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such stage.
    """
    for known in ALL_STAGES:
        if known.lower() == str(stage).lower():
            return known
    raise MlflowException.invalid_parameter_value(
        f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(ALL_STAGES)}."
    )
