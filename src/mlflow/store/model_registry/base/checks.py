"""Checks and errors that all registries share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlflow.entities.model_registry.model_version_stages import (
    STAGE_PRODUCTION,
    STAGE_STAGING,
    get_canonical_stage,
)
from mlflow.entities.model_registry.stage_approval import StagePolicy
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search import RUNS, parse_filter
from mlflow.utils.validation import (
    _validate_model_name,
    _validate_model_renaming,
    _validate_model_version,
)

#: Stages in which versions are in use.
ACTIVE_STAGES = [STAGE_STAGING, STAGE_PRODUCTION]
_LARGEST = (1 << 63) - 1


def check_model_name(name: Any, *, new: bool = False) -> None:
    """Refuse what cannot be the name of a model, or its new name."""
    (_validate_model_renaming if new else _validate_model_name)(name)
    if not isinstance(name, str):
        raise MlflowException.invalid_parameter_value(
            f"Invalid model name {name!r}; a string is needed."
        )
    if name in (".", ".."):
        raise MlflowException.invalid_parameter_value(
            f"Invalid model name '{name}': names may be treated as files, and this one would be "
            "another folder."
        )


def version_number(version: Any) -> int:
    """The number of a version; -1, which no version has, for what is out of bounds."""
    number = _validate_model_version(version)
    return number if 0 < number <= _LARGEST else -1


def check_page(max_results: Any, most: int) -> None:
    if type(max_results) is not int or max_results < 1:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value for max_results. It must be a positive integer, but got {max_results}"
        )
    if max_results > most:
        raise MlflowException.invalid_parameter_value(
            "Invalid value for request parameter max_results. It must be at most "
            f"{most}, but got value {max_results}"
        )


def canonical_stage(stage: Any) -> str:
    """A stage as it is stored."""
    if not isinstance(stage, str):  # None is none, but "None" is one
        raise MlflowException.invalid_parameter_value(
            f"Invalid Model Version stage: {stage!r}; a string is needed."
        )
    return get_canonical_stage(stage)


def canonical_stages(stages: Iterable[str] | None) -> set[str]:
    """Stages as they are stored; empty for no choice."""
    return {canonical_stage(stage) for stage in stages or ()}


def check_archive(stage: str, archive_existing_versions: bool) -> None:
    """Refuse to empty a stage that holds what is out of use."""
    if archive_existing_versions and stage not in ACTIVE_STAGES:
        raise MlflowException(
            "Model version transition cannot archive existing model versions because "
            f"'{stage}' is not an Active stage. Valid stages are {ACTIVE_STAGES}",
            # The reference has no better code for it.
            error_code=CODES["INTERNAL_ERROR"],
        )


def policy_stage(stage: str) -> str:
    """The stage of a policy as it is stored."""
    stage = canonical_stage(stage)
    if stage not in ACTIVE_STAGES:
        raise MlflowException.invalid_parameter_value(
            f"There can be no policy for the stage {stage}; one of {', '.join(ACTIVE_STAGES)} is "
            "needed."
        )
    return stage


def checked_policy(policy: StagePolicy) -> StagePolicy:
    """The policy as it is stored."""
    if type(policy.reviewers) is not int or not 0 <= policy.reviewers <= 100:
        raise MlflowException.invalid_parameter_value(
            f"The policy wants {policy.reviewers!r} reviewers; a number from 0 to 100 is needed."
        )
    parse_filter(policy.requirement, RUNS)
    requirement = policy.requirement or None
    if not policy.reviewers and requirement is None:
        raise MlflowException.invalid_parameter_value(
            "The policy wants neither reviewers nor anything of the version. To have no policy, "
            "delete it."
        )
    return StagePolicy(policy_stage(policy.stage), policy.reviewers, requirement)


# -- errors ---------------------------------------------------------------------------------------


def no_model(name: Any) -> MlflowException:
    return MlflowException(
        f"Registered Model with name={name} not found",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def model_taken(name: Any) -> MlflowException:
    return MlflowException(
        f"Registered Model (name={name}) already exists.",
        error_code=CODES["RESOURCE_ALREADY_EXISTS"],
    )


def no_version(name: Any, version: Any) -> MlflowException:
    return MlflowException(
        f"Model Version (name={name}, version={version}) not found",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def no_alias(alias: Any) -> MlflowException:
    return MlflowException.invalid_parameter_value(f"Registered model alias {alias} not found.")


def no_request(request_id: Any) -> MlflowException:
    return MlflowException(
        f"There is no stage request {request_id}.", error_code=CODES["RESOURCE_DOES_NOT_EXIST"]
    )


def nothing_to_roll_back(name: str, stage: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"No version of model '{name}' that still exists was in {stage} before: there is nothing "
        "to roll back to."
    )


def denied(message: str) -> MlflowException:
    return MlflowException(message, error_code=CODES["PERMISSION_DENIED"])
