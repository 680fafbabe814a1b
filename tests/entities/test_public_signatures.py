"""Names, parameters and constants of the values and small utilities, against recorded facts."""

import enum
import importlib
import inspect
import json
from pathlib import Path

import pytest
from tests.signatures import parameters

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-entities.json").read_text(encoding="utf-8")
)

# Not there yet, or never: protobuf messages are no part of ours.
NOT_THERE = {
    "mlflow.entities.model_registry": {"Prompt", "PromptModelConfig", "PromptVersion"},
    "mlflow.utils.annotations": {"filter_user_warnings_once", "requires_sql_backend"},
    "mlflow.utils.file_utils": {
        "ArtifactProgressBar",
        "ExclusiveFileLock",
        "check_tarfile_security",
        "contains_path_separator",
        "contains_percent",
        "download_chunk_retries",
        "download_file_using_http_uri",
        "make_tarfile",
        "parallelized_download_file_using_http_uri",
        "read_yaml",
        "remove_on_error",
        "shutil_copytree_without_file_permissions",
        "write_yaml",
    },
    "mlflow.utils.proto_json_utils": {
        "message_to_json",
        "parse_dict",
        "parse_pb_value",
        "set_pb_value",
    },
    "mlflow.utils.uri": {
        "add_databricks_profile_info_to_artifact_uri",
        "construct_db_uc_uri_from_profile",
        "construct_db_uri_from_profile",
        "dbfs_hdfs_uri_to_fuse_path",
        "extract_and_normalize_path",
        "extract_db_type_from_uri",
        "generate_tmp_dfs_path",
        "get_databricks_profile_uri_from_artifact_uri",
        "get_db_info_from_uri",
        "is_databricks_acled_artifacts_uri",
        "is_databricks_model_registry_artifacts_uri",
        "is_fuse_or_uc_volumes_uri",
        "is_oss_unity_catalog_uri",
        "is_sagemaker_mlflow_tracking_uri",
        "is_uc_volumes_uri",
        "is_valid_dbfs_uri",
        "is_valid_uc_volumes_uri",
        "join_paths",
        "remove_databricks_profile_info_from_artifact_uri",
        "strip_scheme",
        "validate_db_scope_prefix_info",
    },
}
PROTOBUF = {"to_proto", "from_proto"}


def names(kind):
    return [(m, n) for m, facts in FACTS.items() for n in facts.get(kind, ())]


def there(kind):
    return [(m, n) for m, n in names(kind) if n not in NOT_THERE.get(m, ())]


def assert_parameters(function, facts, *, bound):
    got = parameters(function, bound=bound)
    # Defaults that are objects have no text to compare.
    for mine, fact in zip(got, facts, strict=True):
        if len(fact) == 3 and ("<" in fact[2] or "." in fact[2]):
            mine, fact = [*mine[:2], len(mine)], [*fact[:2], len(fact)]
        assert mine == fact


def test_what_is_not_there_is_exactly_as_listed():
    missing = {}
    for kind in ("functions", "classes", "reexports", "constants"):
        for module, name in names(kind):
            if not hasattr(importlib.import_module(module), name):
                missing.setdefault(module, set()).add(name)
    assert missing == {module: listed for module, listed in NOT_THERE.items() if listed}


@pytest.mark.parametrize(("module", "name"), there("functions"))
def test_function_has_the_public_parameters(module, name):
    function = getattr(importlib.import_module(module), name)
    assert_parameters(function, FACTS[module]["functions"][name], bound=False)


@pytest.mark.parametrize(("module", "name"), there("classes"))
def test_class_has_the_public_members(module, name):
    cls = getattr(importlib.import_module(module), name)
    facts = FACTS[module]["classes"][name]
    if "init" in facts and not issubclass(cls, enum.Enum):
        assert_parameters(cls.__init__, facts["init"], bound=True)
    for method, fact in facts.get("methods", {}).items():
        if method in PROTOBUF:
            assert not hasattr(cls, method)
            continue
        static = inspect.getattr_static(cls, method)
        if isinstance(static, classmethod):
            assert_parameters(static.__func__, fact, bound=True)
        else:
            assert_parameters(
                getattr(cls, method), fact, bound=not isinstance(static, staticmethod)
            )
    for part, settable in facts.get("properties", {}).items():
        found = inspect.getattr_static(cls, part)
        assert isinstance(found, property)
        assert (found.fset is not None) == settable
    for attribute, value in facts.get("attributes", {}).items():
        mine = getattr(cls, attribute)
        assert mine == value or repr(mine) == value
    for member, value in facts.get("members", {}).items():
        assert cls[member].value == value
    for field in facts.get("fields", ()):
        assert field in cls.__dataclass_fields__


@pytest.mark.parametrize(("module", "name"), there("reexports"))
def test_name_is_the_one_of_its_home(module, name):
    home, own_name = FACTS[module]["reexports"][name].split(":")
    expected = getattr(importlib.import_module(home), own_name)
    assert getattr(importlib.import_module(module), name) is expected


@pytest.mark.parametrize(
    "module", [module for module, facts in FACTS.items() if "constants" in facts]
)
def test_constants_have_the_public_values(module):
    loaded = importlib.import_module(module)
    mine = {name: getattr(loaded, name) for name in FACTS[module]["constants"]}
    assert mine == FACTS[module]["constants"]
