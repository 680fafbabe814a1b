"""What may be stored: names, lengths, counts. Refusals name the value and what would do.

A `path` says where in a request the value stands, such as "params[0].key".
"""

from __future__ import annotations

import json
import logging
import posixpath
import re
from collections.abc import Sequence
from functools import lru_cache
from numbers import Number
from operator import attrgetter
from typing import Any

from mlflow.entities.dataset import Dataset
from mlflow.entities.dataset_input import DatasetInput
from mlflow.entities.input_tag import InputTag
from mlflow.entities.metric import Metric
from mlflow.entities.param import Param
from mlflow.entities.run_tag import RunTag
from mlflow.exceptions import MlflowException

_logger = logging.getLogger(__name__)

# Lengths in characters.
MAX_ENTITY_KEY_LENGTH = 250
MAX_PARAM_VAL_LENGTH = 6000
MAX_TAG_VAL_LENGTH = 8000
MAX_EXPERIMENT_NAME_LENGTH = 500
MAX_EXPERIMENT_TAG_KEY_LENGTH = 250
MAX_EXPERIMENT_TAG_VAL_LENGTH = 20000
MAX_MODEL_REGISTRY_TAG_KEY_LENGTH = 250
MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH = 100_000
MAX_REGISTERED_MODEL_ALIAS_LENGTH = 255
MAX_DATASET_NAME_SIZE = 500
MAX_DATASET_DIGEST_SIZE = 36
MAX_DATASET_SCHEMA_SIZE = 1_048_575  # 1 MiB - 1
MAX_DATASET_SOURCE_SIZE = 65_535
MAX_DATASET_PROFILE_SIZE = 16_777_215  # 16 MiB - 1
MAX_INPUT_TAG_KEY_SIZE = 255
MAX_INPUT_TAG_VALUE_SIZE = 500
MAX_TRACE_TAG_KEY_LENGTH = 250
MAX_TRACE_TAG_VAL_LENGTH = 8000
MAX_TRACE_ARCHIVAL_RETENTION_LENGTH = 32

# Counts in one request.
MAX_METRICS_PER_BATCH = 1000
MAX_PARAMS_TAGS_PER_BATCH = 100
MAX_ENTITIES_PER_BATCH = 1000
MAX_DATASETS_PER_BATCH = 1000
MAX_EXPERIMENTS_LISTED_PER_PAGE = 50_000
MAX_BATCH_LOG_REQUEST_SIZE = 1_000_000
"""Bytes."""
SEARCH_MAX_RESULTS_DEFAULT = 1000
SEARCH_MAX_RESULTS_THRESHOLD = 50_000  # most runs, or experiments, on one page
GET_METRIC_HISTORY_MAX_RESULTS = 25_000  # most points on one page
MAX_CUSTOM_VIEWS_PER_EXPERIMENT = 50

PARAM_VALIDATION_MSG = """

A param keeps the value that was logged first. If this came up unexpectedly:

* The same run may be active twice, or was resumed. Start another run for other values.
* A loop may log its settings at each turn. Give each turn a nested run, or each param a name of
  its own.
* For a value that changes, log a metric or set a tag.
"""

_NAME = re.compile(r"[/\w.\- :]*$")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}$")
_EXPERIMENT_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,63}$")
_ALIAS = re.compile(r"[\w\-]*$")
_ALIAS_LIKE_A_VERSION = re.compile(r"[vV]\d+$")
_LATEST = "latest"
_KEY_NEEDED = "A key name must be provided."
_NOT_IN_LOGGED_MODEL_NAMES = ("/", ":", ".", "%", '"', "'")


# What refusals say.


def invalid_value(path: str, value: Any, message: str | None = None) -> str:
    """That the value at `path` will not do, and why."""
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=repr)
    refusal = f"Invalid value {shown} for parameter '{path}' supplied"
    return f"{refusal}: {message}" if message else f"{refusal}."


def missing_value(path: str) -> str:
    """That there must be something at `path`."""
    return f"Missing value for required parameter '{path}'."


def not_integer_value(path: str, value: Any) -> str:
    """That the value at `path` is no whole number."""
    return f"Parameter '{path}' must be an integer, got '{value}'."


def exceeds_maximum_length(path: str, limit: int) -> str:
    """That the value at `path` is longer than `limit` characters."""
    return f"'{path}' exceeds the maximum length of {limit} characters"


def bad_character_message() -> str:
    """Which characters a name may have."""
    return (
        "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), "
        "spaces ( ), colon(:) and slashes (/)."
    )


def bad_path_message(name: str) -> str:
    """That a file of this name would be another one."""
    return (
        "Names may be treated as files in certain cases, and must not resolve to other names "
        f"when treated as such. This name would resolve to '{posixpath.normpath(name)}'"
    )


def append_to_json_path(currentPath: str, value: str) -> str:
    """The path of a part: `value` is its name, or its index in brackets."""
    if not currentPath or value.startswith("["):
        return currentPath + value
    return f"{currentPath}.{value}"


def _refuse(message: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(message)


# Names.


def validate_param_and_metric_name(name: str) -> re.Match[str] | None:
    """A match if the name has only allowed characters."""
    return _NAME.match(name)


def path_not_unique(name: str) -> bool:
    """Whether a file of this name would be another one, or outside its directory."""
    resolved = posixpath.normpath(name)
    return resolved != name or resolved == "." or resolved.startswith(("..", "/"))


@lru_cache(maxsize=4096)
def _fault_of_name(name: str) -> str | None:
    """What is wrong with a name. Few names are logged many times, hence the cache."""
    if not validate_param_and_metric_name(name):
        return bad_character_message()
    if path_not_unique(name):
        return bad_path_message(name)
    return None


def _validate_name(name: Any, path: str) -> None:
    if not isinstance(name, str):
        raise _refuse(invalid_value(path, name, "A name must be a string."))
    if fault := _fault_of_name(name):
        raise _refuse(invalid_value(path, name, fault))


def _validate_metric_name(name: str | None, path: str = "name") -> None:
    if name is None:
        raise _refuse(invalid_value(path, name, f"Metric name cannot be None. {_KEY_NEEDED}"))
    _validate_name(name, path)


def _validate_param_name(name: str | None, path: str = "key") -> None:
    if name is None:
        raise _refuse(invalid_value(path, "", _KEY_NEEDED))
    _validate_name(name, path)


def _validate_tag_name(name: str | None, path: str = "key") -> None:
    if name is None:
        raise _refuse(missing_value(path))
    _validate_name(name, path)


def _validate_length_limit(
    entity_name: str, limit: int, value: str | None, *, truncate: bool = False
) -> str | None:
    """The value, cut to `limit` characters if `truncate` and MLFLOW_TRUNCATE_LONG_VALUES allow."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise _refuse(invalid_value(entity_name, value, "A string is needed."))
    if len(value) <= limit:
        return value
    if truncate:
        from mlflow.environment_variables import MLFLOW_TRUNCATE_LONG_VALUES

        if MLFLOW_TRUNCATE_LONG_VALUES.get():
            _logger.warning(
                f"{entity_name} '{value[:100]}...' ({len(value)} characters) is truncated to "
                f"{limit} characters to meet the length limit."
            )
            return value[:limit]
    raise _refuse(exceeds_maximum_length(entity_name, limit))


# Metrics, params, tags.


def _is_numeric(value: Any) -> bool:
    """Whether it is a number that has an order; True and False are none."""
    if type(value) in (float, int):
        return True
    return isinstance(value, Number) and not isinstance(value, (bool, complex))


def _is_64_bit(value: Any) -> bool:
    return isinstance(value, Number) and -(2**63) <= value < 2**63  # type: ignore[operator]


_METRIC_PARTS = attrgetter("key", "value", "timestamp", "step")


def _is_usual_metric(key: Any, value: Any, timestamp: Any, step: Any) -> bool:
    """Whether it is certainly good: of the very types, in range. What is not gets a closer look."""
    return (
        (type(value) is float or type(value) is int)
        and type(timestamp) is int
        and 0 <= timestamp < 2**63
        and type(step) is int
        and -(2**63) <= step < 2**63
        and type(key) is str
        and len(key) <= MAX_ENTITY_KEY_LENGTH
        and _fault_of_name(key) is None
    )


def _are_usual_metrics(metrics: Sequence[Metric]) -> bool:
    """Whether all of them are certainly good, seen column by column, which takes a fraction of the
    time."""
    if not metrics:
        return True
    keys, values, timestamps, steps = zip(*map(_METRIC_PARTS, metrics))
    return (
        set(map(type, values)) <= {float, int}
        and set(map(type, timestamps)) == set(map(type, steps)) == {int}
        and set(map(type, keys)) == {str}
        and min(timestamps) >= 0
        and max(timestamps) < 2**63
        and min(steps) >= -(2**63)
        and max(steps) < 2**63
        and all(len(k) <= MAX_ENTITY_KEY_LENGTH and _fault_of_name(k) is None for k in set(keys))
    )


def _validate_metric(key: Any, value: Any, timestamp: Any, step: Any, path: str = "") -> None:
    """Refuse a metric without a good name, number, time or step."""
    if _is_usual_metric(key, value, timestamp, step):
        return
    _validate_metric_name(key, append_to_json_path(path, "name"))
    if value is None:
        raise _refuse(missing_value(append_to_json_path(path, "value")))
    if not _is_numeric(value):
        raise _refuse(
            invalid_value(
                append_to_json_path(path, "value"),
                value,
                f"(timestamp={timestamp}). "
                "Please specify value as a valid double (64-bit floating point)",
            )
        )
    if not _is_64_bit(timestamp) or timestamp < 0:
        raise _refuse(
            invalid_value(
                append_to_json_path(path, "timestamp"),
                timestamp,
                f"metric '{key}' (value={value}). "
                "Timestamp must be a nonnegative long (64-bit integer) ",
            )
        )
    if not _is_64_bit(step):
        raise _refuse(
            invalid_value(
                append_to_json_path(path, "step"),
                step,
                f"metric '{key}' (value={value}). Step must be a valid long (64-bit integer).",
            )
        )
    _validate_length_limit("Metric name", MAX_ENTITY_KEY_LENGTH, key)


def _validate_param(key: Any, value: Any, path: str = "") -> Param:
    """The param, its value cut if it is too long and may be."""
    _validate_param_name(key, append_to_json_path(path, "key"))
    _validate_length_limit("Param key", MAX_ENTITY_KEY_LENGTH, key)
    kept = _validate_length_limit("Param value", MAX_PARAM_VAL_LENGTH, value, truncate=True)
    return Param(key, kept)  # type: ignore[arg-type]


def _validate_tag(key: Any, value: Any, path: str = "") -> RunTag:
    """The tag, its value cut if it is too long and may be."""
    key_path = append_to_json_path(path, "key")
    _validate_tag_name(key, key_path)
    _validate_length_limit(key_path, MAX_ENTITY_KEY_LENGTH, key)
    value_path = append_to_json_path(path, "value")
    kept = _validate_length_limit(value_path, MAX_TAG_VAL_LENGTH, value, truncate=True)
    return RunTag(key, kept)  # type: ignore[arg-type]


def _validate_tag_of(key: Any, value: Any, longest_key: int, longest_value: int) -> None:
    _validate_tag_name(key)
    _validate_length_limit("key", longest_key, key)
    _validate_length_limit("value", longest_value, value)


def _validate_experiment_tag(key: Any, value: Any) -> None:
    _validate_tag_of(key, value, MAX_EXPERIMENT_TAG_KEY_LENGTH, MAX_EXPERIMENT_TAG_VAL_LENGTH)


def _validate_registered_model_tag(key: Any, value: Any) -> None:
    _validate_tag_of(
        key, value, MAX_MODEL_REGISTRY_TAG_KEY_LENGTH, MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH
    )


def _validate_model_version_tag(key: Any, value: Any) -> None:
    _validate_tag_name(key)
    _validate_tag_value(value)
    _validate_registered_model_tag(key, value)


def _validate_tag_value(value: Any) -> None:
    if value is None:
        raise _refuse("Tag value cannot be None")


# Batches.


def _validate_batch_log_data(
    metrics: Sequence[Metric], params: Sequence[Param], tags: Sequence[RunTag]
) -> tuple[Sequence[Metric], list[Param], list[RunTag]]:
    """What is to be stored: all of it, with values cut that are too long and may be."""
    if not _are_usual_metrics(metrics):
        for index, m in enumerate(metrics):
            _validate_metric(m.key, m.value, m.timestamp, m.step, f"metrics[{index}]")
    return (
        metrics,
        [_validate_param(p.key, p.value, f"params[{index}]") for index, p in enumerate(params)],
        [_validate_tag(t.key, t.value, f"tags[{index}]") for index, t in enumerate(tags)],
    )


def _validate_batch_limit(entity_name: str, limit: int, length: int) -> None:
    if length > limit:
        raise _refuse(
            f"A batch logging request can contain at most {limit} {entity_name}. "
            f"Got {length} {entity_name}. Please split up {entity_name} across multiple requests "
            "and try again."
        )


def _validate_batch_log_limits(
    metrics: Sequence[Metric], params: Sequence[Param], tags: Sequence[RunTag]
) -> None:
    """Refuse more than one request may bring."""
    _validate_batch_limit("metrics", MAX_METRICS_PER_BATCH, len(metrics))
    _validate_batch_limit("params", MAX_PARAMS_TAGS_PER_BATCH, len(params))
    _validate_batch_limit("tags", MAX_PARAMS_TAGS_PER_BATCH, len(tags))
    _validate_batch_limit(
        "metrics, params, and tags", MAX_ENTITIES_PER_BATCH, len(metrics) + len(params) + len(tags)
    )


def _validate_batch_log_api_req(json_req: str) -> None:
    if len(json_req) > MAX_BATCH_LOG_REQUEST_SIZE:
        raise _refuse(
            f"Batched logging API requests must be at most {MAX_BATCH_LOG_REQUEST_SIZE} bytes, "
            f"got a request of size {len(json_req)}."
        )


def _validate_param_keys_unique(params: Sequence[Param]) -> None:
    """Refuse two params of one key, whatever their values."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for param in params:
        if param.key in seen:
            twice[param.key] = None
        seen.add(param.key)
    if twice:
        raise _refuse(
            f"Duplicate parameter keys have been submitted: {list(twice)}. "
            "Please ensure the request contains only one param value per param key."
        )


# Runs and experiments.


def _validate_run_id(run_id: Any, path: str = "run_id") -> None:
    if not isinstance(run_id, str) or not _RUN_ID.match(run_id):
        raise _refuse(invalid_value(path, run_id))


def _validate_experiment_id(exp_id: Any) -> None:
    """Refuse what no store would have as an id; None passes."""
    if exp_id is not None and not (isinstance(exp_id, str) and _EXPERIMENT_ID.match(exp_id)):
        raise _refuse(f"Invalid experiment ID: {exp_id!r}")


def _validate_experiment_id_type(experiment_id: Any) -> None:
    if experiment_id is not None and not isinstance(experiment_id, (str, int)):
        raise _refuse(
            f"Invalid experiment id: {experiment_id} of type {type(experiment_id)}. "
            "Must be one of str, int, or None."
        )


def _parse_experiment_id(experiment_id: str | int) -> int:
    """The number that SQL stores know an experiment by."""
    try:
        return int(experiment_id)
    except (TypeError, ValueError):
        raise _refuse(
            f"Invalid experiment ID '{experiment_id}'. Experiment ID must be a valid integer."
        ) from None


def _parse_experiment_ids(experiment_ids: Sequence[str | int]) -> list[int]:
    return [_parse_experiment_id(experiment_id) for experiment_id in experiment_ids]


def _validate_experiment_name(experiment_name: Any) -> None:
    if experiment_name is None or experiment_name == "":
        raise _refuse(f"Invalid experiment name: '{experiment_name}'")
    if not isinstance(experiment_name, str):
        raise _refuse(f"Invalid experiment name: {experiment_name}. Expects a string.")
    _validate_length_limit("name", MAX_EXPERIMENT_NAME_LENGTH, experiment_name)


def _validate_experiment_artifact_location(artifact_location: str | None) -> None:
    if artifact_location is not None and artifact_location.startswith("runs:"):
        raise _refuse(f"Artifact location cannot be a runs:/ URI. Given: '{artifact_location}'")


def _validate_experiment_artifact_location_length(artifact_location: str) -> None:
    from mlflow.environment_variables import MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH

    limit = MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH.get()
    if len(artifact_location) > limit:
        raise _refuse(
            "Invalid artifact path length. The length of the artifact path cannot be greater "
            f"than {limit} characters. To configure this limit, please set the "
            "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable."
        )


def _validate_list_param(param_name: str, param_value: Any, allow_none: bool = False) -> None:
    """Refuse what is no list, such as one id where several are meant."""
    if allow_none and param_value is None:
        return
    if not isinstance(param_value, list):
        raise _refuse(
            f"{param_name} must be a list, got {type(param_value).__name__}. "
            f"Did you mean to use {param_name}=[{param_value!r}]?"
        )


# Datasets.


def _validate_dataset_inputs(dataset_inputs: Sequence[DatasetInput]) -> None:
    for dataset_input in dataset_inputs:
        _validate_dataset(dataset_input.dataset)
        _validate_input_tags(dataset_input.tags)


def _validate_dataset(dataset: Dataset | None) -> None:
    if dataset is None:
        raise _refuse("Dataset cannot be None")
    for part in ("name", "digest", "source_type", "source"):
        if getattr(dataset, part) is None:
            raise _refuse(f"Dataset {part} cannot be None")
    _validate_length_limit("name", MAX_DATASET_NAME_SIZE, dataset.name)
    _validate_length_limit("digest", MAX_DATASET_DIGEST_SIZE, dataset.digest)
    _validate_length_limit("source", MAX_DATASET_SOURCE_SIZE, dataset.source)
    _validate_length_limit("schema", MAX_DATASET_SCHEMA_SIZE, dataset.schema)
    _validate_length_limit("profile", MAX_DATASET_PROFILE_SIZE, dataset.profile)


def _validate_input_tags(input_tags: Sequence[InputTag]) -> None:
    for input_tag in input_tags:
        _validate_input_tag(input_tag)


def _validate_input_tag(input_tag: InputTag) -> None:
    for part in ("key", "value"):
        if getattr(input_tag, part) is None:
            raise _refuse(f"InputTag {part} cannot be None")
    _validate_length_limit("key", MAX_INPUT_TAG_KEY_SIZE, input_tag.key)
    _validate_length_limit("value", MAX_INPUT_TAG_VALUE_SIZE, input_tag.value)


# Models.


def _validate_model_name(model_name: str | None) -> None:
    _validate_name_of_registered_model(model_name, "name")


def _validate_model_renaming(model_new_name: str | None) -> None:
    _validate_name_of_registered_model(model_new_name, "new_name")


def _validate_name_of_registered_model(name: str | None, path: str) -> None:
    if name is None or not str(name).strip():
        raise _refuse(missing_value(path))
    if "/" in str(name) or ":" in str(name):
        raise _refuse(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")


def _validate_logged_model_name(name: str | None) -> None:
    """Refuse a name that could not be part of a path or URI; None passes."""
    if name is None:
        return
    if not name or any(character in name for character in _NOT_IN_LOGGED_MODEL_NAMES):
        raise _refuse(
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string and "
            f"cannot contain the following characters: {_NOT_IN_LOGGED_MODEL_NAMES}"
        )


def _validate_model_version(model_version: str | int) -> int:
    try:
        return int(model_version)
    except (TypeError, ValueError):
        raise _refuse(not_integer_value("version", model_version)) from None


def _validate_model_version_or_stage_exists(version: str | None, stage: str | None) -> None:
    """Refuse both and neither."""
    if version and stage:
        raise _refuse("version and stage cannot be set together")
    if not (version or stage):
        raise _refuse("version or stage must be set")


def _validate_model_alias_name(model_alias_name: str | None) -> None:
    if model_alias_name is None or model_alias_name == "":
        raise _refuse("Registered model alias name cannot be empty.")
    if not _ALIAS.match(model_alias_name):
        raise _refuse(
            f"Invalid alias name: '{model_alias_name}'. Names may only contain alphanumerics, "
            "underscores (_), and dashes (-)."
        )
    _validate_length_limit(
        "Registered model alias name", MAX_REGISTERED_MODEL_ALIAS_LENGTH, model_alias_name
    )


def _validate_model_alias_name_reserved(model_alias_name: str) -> None:
    if model_alias_name.lower() == _LATEST:
        raise _refuse("'latest' alias name (case insensitive) is reserved.")
    if _ALIAS_LIKE_A_VERSION.match(model_alias_name):
        raise _refuse(f"Version alias name '{model_alias_name}' is reserved.")
