"""What is refused, in the words of the reference."""

import logging

import pytest

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils import validation as v

CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), "
    "colon(:) and slashes (/)."
)
FILES = (
    "Names may be treated as files in certain cases, and must not resolve to other names when "
    "treated as such. This name would resolve to "
)
NEEDS_DOUBLE = "Please specify value as a valid double (64-bit floating point)"
NEEDS_TIME = "Timestamp must be a nonnegative long (64-bit integer) "
NEEDS_STEP = "Step must be a valid long (64-bit integer)."
DATASET = Dataset("n", "d", "st", "s")


def refusal(function, *args, **kwargs):
    with pytest.raises(MlflowException) as caught:
        function(*args, **kwargs)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    return caught.value.message


@pytest.mark.parametrize("name", ["a", "a b", "a/b", "a:b", "a.b-c_d", "é", " ", "a" * 251])
def test_good_names_pass(name):
    v._validate_metric_name(name)
    v._validate_param_name(name)
    v._validate_tag_name(name)


@pytest.mark.parametrize("name", ["a*b", "a\\b", "a~b", "a,b", "a@b", "a%b"])
def test_name_with_other_characters_is_refused(name):
    shown = name.replace("\\", "\\\\")
    assert refusal(v._validate_metric_name, name) == (
        f"Invalid value \"{shown}\" for parameter 'name' supplied: {CHARACTERS}"
    )


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a//b", "a/b"),
        ("/a", "/a"),
        ("a/", "a"),
        ("..", ".."),
        (".", "."),
        ("../a", "../a"),
        ("a/..", "."),
        ("a/../b", "b"),
        ("./a", "a"),
        ("..a", "..a"),
        ("", "."),
    ],
)
def test_name_that_would_be_another_file_is_refused(name, file):
    assert refusal(v._validate_param_name, name, "params[0].key") == (
        f"Invalid value \"{name}\" for parameter 'params[0].key' supplied: {FILES}'{file}'"
    )


def test_absent_names_are_refused():
    assert refusal(v._validate_metric_name, None, "metrics[0].name") == (
        "Invalid value null for parameter 'metrics[0].name' supplied: "
        "Metric name cannot be None. A key name must be provided."
    )
    assert refusal(v._validate_param_name, None) == (
        "Invalid value \"\" for parameter 'key' supplied: A key name must be provided."
    )
    assert refusal(v._validate_tag_name, None) == "Missing value for required parameter 'key'."
    assert refusal(v._validate_tag_name, 5) == (
        "Invalid value 5 for parameter 'key' supplied: A name must be a string."
    )


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            ("k", "x", 1, 1, "metrics[0]"),
            f"Invalid value \"x\" for parameter 'metrics[0].value' supplied: (timestamp=1). "
            f"{NEEDS_DOUBLE}",
        ),
        (
            ("k", True, 1, 1),
            f"Invalid value true for parameter 'value' supplied: (timestamp=1). {NEEDS_DOUBLE}",
        ),
        (
            ("k", [1], 1, 1),
            f"Invalid value [1] for parameter 'value' supplied: (timestamp=1). {NEEDS_DOUBLE}",
        ),
        (("k", None, 1, 1), "Missing value for required parameter 'value'."),
        (
            ("k", 1, "1", 1),
            f"Invalid value \"1\" for parameter 'timestamp' supplied: metric 'k' (value=1). "
            f"{NEEDS_TIME}",
        ),
        (
            ("k", 1, -1, 1),
            f"Invalid value -1 for parameter 'timestamp' supplied: metric 'k' (value=1). "
            f"{NEEDS_TIME}",
        ),
        (
            ("k", 1, 1, None),
            f"Invalid value null for parameter 'step' supplied: metric 'k' (value=1). {NEEDS_STEP}",
        ),
        (
            ("k", 1, 1, 2**63),
            f"Invalid value {2**63} for parameter 'step' supplied: metric 'k' (value=1). "
            f"{NEEDS_STEP}",
        ),
        (
            ("k*", 1, 1, 1, "metrics[0]"),
            f"Invalid value \"k*\" for parameter 'metrics[0].name' supplied: {CHARACTERS}",
        ),
        (("k" * 251, 1, 1, 1), "'Metric name' exceeds the maximum length of 250 characters"),
    ],
)
def test_bad_metric_is_refused(metric, message):
    assert refusal(v._validate_metric, *metric) == message


@pytest.mark.parametrize("value", [1, 1.5, float("nan"), float("-inf")])
@pytest.mark.parametrize("step", [0, -(2**63), 2**63 - 1])
def test_good_metric_passes(value, step):
    v._validate_metric("k", value, 1, step)


def test_numpy_numbers_are_numbers_and_arrays_are_not():
    np = pytest.importorskip("numpy")
    v._validate_metric("k", np.float32(1), np.int64(1), np.int64(1))
    assert "array(1.)" in refusal(v._validate_metric, "k", np.array(1.0), 1, 1)


def test_long_param_and_tag_values_are_cut(caplog):
    with caplog.at_level(logging.WARNING, logger="mlflow.utils.validation"):
        logging.getLogger("mlflow.utils.validation").addHandler(caplog.handler)
        try:
            _, params, tags = v._validate_batch_log_data(
                [], [Param("a", "v" * 7000)], [RunTag("a", "v" * 9000)]
            )
        finally:
            logging.getLogger("mlflow.utils.validation").removeHandler(caplog.handler)
    assert (len(params[0].value), len(tags[0].value)) == (6000, 8000)
    shown = "v" * 100
    assert (
        f"Param value '{shown}...' (7000 characters) is truncated to 6000 characters to meet "
        "the length limit."
    ) in caplog.messages
    assert (
        f"tags[0].value '{shown}...' (9000 characters) is truncated to 8000 characters to meet "
        "the length limit."
    ) in caplog.messages


def test_long_values_are_refused_where_cutting_is_off(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")
    assert refusal(v._validate_param, "k", "v" * 6001) == (
        "'Param value' exceeds the maximum length of 6000 characters"
    )
    assert refusal(v._validate_tag, "k", "v" * 8001, "tags[0]") == (
        "'tags[0].value' exceeds the maximum length of 8000 characters"
    )


def test_values_may_be_absent_but_are_strings():
    assert v._validate_param("k", None).value is None
    assert v._validate_tag("k", None).value is None
    assert "Invalid value 5" in refusal(v._validate_param, "k", 5)


@pytest.mark.parametrize(
    ("function", "key", "value", "message"),
    [
        (v._validate_param, "k" * 251, "v", "'Param key' exceeds the maximum length of 250"),
        (v._validate_tag, "k" * 251, "v", "'key' exceeds the maximum length of 250"),
        (v._validate_experiment_tag, "k" * 251, "v", "'key' exceeds the maximum length of 250"),
        (v._validate_experiment_tag, "k", "v" * 20001, "'value' exceeds the maximum length of"),
        (v._validate_registered_model_tag, "k", "v" * 100001, "'value' exceeds the maximum"),
        (v._validate_model_version_tag, "k" * 251, "v", "'key' exceeds the maximum length of 250"),
        (v._validate_model_version_tag, "k", None, "Tag value cannot be None"),
        (v._validate_model_version_tag, None, "v", "Missing value for required parameter 'key'."),
    ],
)
def test_bad_param_or_tag_is_refused(function, key, value, message):
    assert refusal(function, key, value).startswith(message)


@pytest.mark.parametrize(
    ("counts", "what", "limit", "got"),
    [
        ((1001, 0, 0), "metrics", 1000, 1001),
        ((0, 101, 0), "params", 100, 101),
        ((0, 0, 101), "tags", 100, 101),
        ((900, 60, 60), "metrics, params, and tags", 1000, 1020),
    ],
)
def test_too_large_batch_is_refused(counts, what, limit, got):
    metrics, params, tags = ([part] * n for part, n in zip(("m", "p", "t"), counts, strict=True))
    assert refusal(v._validate_batch_log_limits, metrics, params, tags) == (
        f"A batch logging request can contain at most {limit} {what}. Got {got} {what}. "
        f"Please split up {what} across multiple requests and try again."
    )


def test_largest_batch_passes():
    v._validate_batch_log_limits(["m"] * 1000, [], [])
    v._validate_batch_log_limits(["m"] * 800, ["p"] * 100, ["t"] * 100)


def test_bad_entry_of_a_batch_is_named_by_its_place():
    good = Metric("a", 1, 1, 1)
    message = refusal(v._validate_batch_log_data, [good, Metric("b*", 1, 1, 1)], [], [])
    assert "parameter 'metrics[1].name'" in message
    message = refusal(v._validate_batch_log_data, [good], [], [RunTag("../a", "x")])
    assert "parameter 'tags[0].key'" in message


def test_same_param_twice_is_refused():
    assert refusal(v._validate_param_keys_unique, [Param("d", "1"), Param("d", "2")]) == (
        "Duplicate parameter keys have been submitted: ['d']. "
        "Please ensure the request contains only one param value per param key."
    )


def test_too_large_request_is_refused():
    assert refusal(v._validate_batch_log_api_req, "x" * 1_000_001) == (
        "Batched logging API requests must be at most 1000000 bytes, got a request of size 1000001."
    )


@pytest.mark.parametrize("run_id", ["", None, 5, "../x", "a b", "a/b", "-a", "a" * 257])
def test_bad_run_id_is_refused(run_id):
    assert refusal(v._validate_run_id, run_id).endswith("for parameter 'run_id' supplied.")


@pytest.mark.parametrize("run_id", ["a", "0" * 32, "a" * 256])
def test_good_run_id_passes(run_id):
    v._validate_run_id(run_id)


def test_bad_experiment_ids_are_refused():
    v._validate_experiment_id(None)
    v._validate_experiment_id("a" * 64)
    assert refusal(v._validate_experiment_id, "a" * 65).startswith("Invalid experiment ID: 'aaa")
    assert refusal(v._validate_experiment_id, "") == "Invalid experiment ID: ''"
    assert v._parse_experiment_ids(["1", 2]) == [1, 2]
    assert refusal(v._parse_experiment_id, "abc") == (
        "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."
    )
    v._validate_experiment_id_type(5)
    assert refusal(v._validate_experiment_id_type, 1.5) == (
        "Invalid experiment id: 1.5 of type <class 'float'>. Must be one of str, int, or None."
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Invalid experiment name: ''"),
        (None, "Invalid experiment name: 'None'"),
        (5, "Invalid experiment name: 5. Expects a string."),
        ("x" * 501, "'name' exceeds the maximum length of 500 characters"),
    ],
)
def test_bad_experiment_name_is_refused(name, message):
    assert refusal(v._validate_experiment_name, name) == message


def test_bad_artifact_location_is_refused(monkeypatch):
    v._validate_experiment_artifact_location("s3://b/c?x=1")
    assert refusal(v._validate_experiment_artifact_location, "runs:/abc") == (
        "Artifact location cannot be a runs:/ URI. Given: 'runs:/abc'"
    )
    message = (
        "Invalid artifact path length. The length of the artifact path cannot be greater than "
        "{} characters. To configure this limit, please set the "
        "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable."
    )
    v._validate_experiment_artifact_location_length("x" * 2048)
    assert refusal(v._validate_experiment_artifact_location_length, "x" * 2049) == message.format(
        2048
    )
    monkeypatch.setenv("MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH", "10")
    assert refusal(v._validate_experiment_artifact_location_length, "x" * 11) == message.format(10)


def test_one_id_in_place_of_a_list_is_refused():
    assert refusal(v._validate_list_param, "p", "x") == (
        "p must be a list, got str. Did you mean to use p=['x']?"
    )
    v._validate_list_param("p", None, allow_none=True)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (None, "Dataset cannot be None"),
        (Dataset(None, "d", "s", "s"), "Dataset name cannot be None"),
        (Dataset("n", None, "s", "s"), "Dataset digest cannot be None"),
        (Dataset("n", "d", None, "s"), "Dataset source_type cannot be None"),
        (Dataset("n", "d", "s", None), "Dataset source cannot be None"),
        (Dataset("n" * 501, "d", "s", "s"), "'name' exceeds the maximum length of 500 characters"),
        (Dataset("n", "d" * 37, "s", "s"), "'digest' exceeds the maximum length of 36 characters"),
    ],
)
def test_bad_dataset_is_refused(dataset, message):
    assert refusal(v._validate_dataset_inputs, [DatasetInput(dataset)]) == message


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        (InputTag(None, "v"), "InputTag key cannot be None"),
        (InputTag("k", None), "InputTag value cannot be None"),
        (InputTag("k" * 256, "v"), "'key' exceeds the maximum length of 255 characters"),
        (InputTag("k", "v" * 501), "'value' exceeds the maximum length of 500 characters"),
    ],
)
def test_bad_input_tag_is_refused(tag, message):
    assert refusal(v._validate_dataset_inputs, [DatasetInput(DATASET, [tag])]) == message


@pytest.mark.parametrize(
    ("function", "value", "message"),
    [
        (
            v._validate_model_name,
            "a/b",
            "Invalid model name 'a/b'. Names cannot contain '/' or ':'.",
        ),
        (v._validate_model_name, " ", "Missing value for required parameter 'name'."),
        (v._validate_model_renaming, "", "Missing value for required parameter 'new_name'."),
        (
            v._validate_logged_model_name,
            "a.b",
            "Invalid model name ('a.b') provided. Model name must be a non-empty string and cannot "
            "contain the following characters: ('/', ':', '.', '%', '\"', \"'\")",
        ),
        (v._validate_model_version, "abc", "Parameter 'version' must be an integer, got 'abc'."),
        (v._validate_model_alias_name, "", "Registered model alias name cannot be empty."),
        (
            v._validate_model_alias_name,
            "a b",
            "Invalid alias name: 'a b'. "
            "Names may only contain alphanumerics, underscores (_), and dashes (-).",
        ),
        (
            v._validate_model_alias_name,
            "a" * 256,
            "'Registered model alias name' exceeds the maximum length of 255 characters",
        ),
        (
            v._validate_model_alias_name_reserved,
            "Latest",
            "'latest' alias name (case insensitive) is reserved.",
        ),
        (v._validate_model_alias_name_reserved, "v1", "Version alias name 'v1' is reserved."),
    ],
)
def test_bad_model_name_version_or_alias_is_refused(function, value, message):
    assert refusal(function, value) == message


def test_version_and_stage_exclude_each_other():
    v._validate_model_version_or_stage_exists("1", None)
    assert refusal(v._validate_model_version_or_stage_exists, None, "") == (
        "version or stage must be set"
    )
    assert refusal(v._validate_model_version_or_stage_exists, "1", "S") == (
        "version and stage cannot be set together"
    )


def test_json_paths():
    assert v.append_to_json_path("", "a") == "a"
    assert v.append_to_json_path("a", "[0]") == "a[0]"
    assert v.append_to_json_path("a[0]", "b") == "a[0].b"
