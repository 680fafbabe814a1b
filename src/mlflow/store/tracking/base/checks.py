"""What every store refuses, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlparse

from mlflow.entities import LifecycleStage, RunTag
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.tracking import SEARCH_MAX_RESULTS_THRESHOLD
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.validation import (
    _validate_experiment_artifact_location,
    _validate_experiment_artifact_location_length,
)

# Experiments and runs.


def check_stage(stage: str) -> None:
    """Refuse what is no lifecycle stage."""
    if not LifecycleStage.is_valid(stage):
        raise MlflowException.invalid_parameter_value(
            f"Lifecycle stage '{stage}'; 'active' or 'deleted' is needed."
        )


# Experiments.


def experiment_key(experiment_id: str | int) -> int:
    """The integer of an experiment id; MlflowException INVALID_PARAMETER_VALUE if it is none."""
    try:
        key = int(experiment_id)
    except (TypeError, ValueError):
        key = -1
    if not -1 < key < 1 << 63 or not str(experiment_id).isascii():
        raise MlflowException.invalid_parameter_value(
            f"Invalid experiment ID '{experiment_id}'. Experiment ID must be a valid integer."
        )
    return key


def check_artifact_location(location: str) -> None:
    """Refuse what cannot be where an experiment's artifacts go."""
    _validate_experiment_artifact_location(location)
    _validate_experiment_artifact_location_length(location)
    parts = urlparse(location)
    if parts.fragment or parts.params:
        raise MlflowException.invalid_parameter_value(
            "'artifact_location' URL can't include fragments or params."
        )


def no_experiment(experiment_id: str | int) -> MlflowException:
    return MlflowException(
        f"No Experiment with id={experiment_id} exists",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def check_experiment_is_active(experiment_id: str | int, stage: str) -> None:
    """Refuse to change an experiment that is deleted."""
    if stage != LifecycleStage.ACTIVE:
        raise MlflowException.invalid_parameter_value(
            f"The experiment {experiment_id} must be in the 'active' state. "
            f"Current state is {stage}."
        )


def check_experiment_can_be_renamed(stage: str) -> None:
    """Refuse to rename an experiment that is deleted."""
    if stage != LifecycleStage.ACTIVE:
        raise MlflowException(
            "Cannot rename a non-active experiment.", error_code=CODES["INVALID_STATE"]
        )


def name_taken(name: str, stage: str) -> MlflowException:
    """The error for a new experiment with the name of one that is in this stage."""
    hint = (
        " It is deleted: restore it, delete it for good with `mlflow gc`, or use another name."
        if stage == LifecycleStage.DELETED
        else ""
    )
    return MlflowException(
        f"Experiment(name={name}) already exists.{hint}",
        error_code=CODES["RESOURCE_ALREADY_EXISTS"],
    )


def new_name_taken(name: str, owner: str | int) -> MlflowException:
    """The error for renaming an experiment to the name of another one."""
    return MlflowException(
        f"The name '{name}' belongs to experiment {owner}; a name that is not taken is needed.",
        error_code=CODES["BAD_REQUEST"],
    )


# Runs.


def name_for_new_run(tags: Sequence[RunTag] | None, run_name: str | None) -> str:
    """The name of a new run: `run_name`, or what its tags say, or a random one."""
    tagged = {tag.key: tag.value for tag in tags or ()}.get(MLFLOW_RUN_NAME)
    if run_name and tagged and run_name != tagged:
        raise MlflowException.invalid_parameter_value(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with "
            f"different values (run_name='{run_name}', mlflow.runName='{tagged}')."
        )
    return run_name or tagged or _generate_random_name()


def no_run(run_id: str) -> MlflowException:
    return MlflowException(
        f"Run with id={run_id} not found", error_code=CODES["RESOURCE_DOES_NOT_EXIST"]
    )


def check_run_is_active(run_id: str, stage: str) -> None:
    """Refuse to change a run that is deleted."""
    if stage != LifecycleStage.ACTIVE:
        raise MlflowException.invalid_parameter_value(
            f"The run {run_id} must be in the 'active' state. Current state is {stage}."
        )


def param_changed(run_id: str, key: str, old: str, new: str) -> MlflowException:
    """The error for another value of a param that is there."""
    return MlflowException.invalid_parameter_value(
        f"Changing param values is not allowed. Param with key='{key}' was already "
        f"logged with value='{old}' for run ID='{run_id}'. Attempted logging new "
        f"value '{new}'."
    )


def params_changed(run_id: str, changed: Sequence[tuple[str, str, str]]) -> MlflowException:
    """The error for a batch with other values of params that are there: (key, value there, value
    given)."""
    listed = [{"key": k, "old_value": old, "new_value": new} for k, old, new in changed]
    return MlflowException.invalid_parameter_value(
        "Changing param values is not allowed. Params were already "
        f"logged='{listed}' for run ID='{run_id}'."
    )


def no_tag(key: str, owner: str, owner_id: str) -> MlflowException:
    """The error for removing a tag that is not set.

    Args:
        owner: "run" or "experiment".
    """
    return MlflowException(
        f"No tag with name: {key} in {owner} with id {owner_id}",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


# Searches and pages.


def check_max_results(max_results: Any) -> None:
    """Refuse a page size that is not 1 to 50 000."""
    if isinstance(max_results, bool) or not isinstance(max_results, int) or max_results < 1:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {max_results} for parameter 'max_results' supplied. "
            "It must be a positive integer"
        )
    if max_results > SEARCH_MAX_RESULTS_THRESHOLD:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {max_results} for parameter 'max_results' supplied. "
            f"It must be at most {SEARCH_MAX_RESULTS_THRESHOLD}"
        )
