"""Small helpers that other packages import."""

from __future__ import annotations

import os
import sys
import threading
import uuid

import pytest
from tests.optional import optional

from mlflow import utils
from mlflow.utils import databricks_utils, file_utils
from mlflow.utils._spark_utils import modified_environ
from mlflow.utils.data_utils import is_polars_dataframe, is_uri, parse_s3_uri
from mlflow.utils.docstring_utils import (
    ParamDocs,
    docstring_version_compatibility_warning,
    format_docstring,
    get_module_min_and_max_supported_ranges,
)
from mlflow.utils.lazy_load import LazyLoader
from mlflow.utils.thread_utils import ThreadLocalVariable
from mlflow.utils.warnings_utils import color_warning


def test_versions_names_and_identifiers():
    assert utils.get_major_minor_py_version("3.12.4") == "3.12"
    assert utils.get_major_minor_py_version("3") == "3"
    assert utils.get_parent_module("a.b.c") == "a.b"
    with pytest.raises(ValueError, match="substring"):
        utils.get_parent_module("a")
    assert utils.is_uuid(uuid.uuid4().hex)
    assert not utils.is_uuid("x")
    assert utils.get_installed_version("no-such-distribution") is None
    assert str(utils.get_installed_version("pytest")) == pytest.__version__
    assert utils.check_port_connectivity() is True


def test_reraise():
    with pytest.raises(ValueError, match="^$"):
        utils.reraise(ValueError, None)
    error = ValueError("v")
    try:
        raise KeyError("k")
    except KeyError as e:
        traceback = e.__traceback__
    with pytest.raises(ValueError, match="v") as caught:
        utils.reraise(ValueError, error, traceback)
    assert caught.value is error
    frames = []
    at = error.__traceback__
    while at:
        frames.append(at)
        at = at.tb_next
    assert traceback in frames


def test_attr_dict():
    values = utils.AttrDict({"a": 1, "b": {"c": 2}})
    assert (values.a, values.b.c) == (1, 2)
    assert not hasattr(values, "d")


def test_directory_of_the_process(tmp_path):
    path = file_utils.get_or_create_tmp_dir()
    assert os.path.isdir(path)
    assert path == file_utils.get_or_create_tmp_dir() == file_utils.get_or_create_nfs_tmp_dir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a").write_bytes(b"12345")
    (tmp_path / ".b").write_bytes(b"6")
    assert file_utils.get_total_file_size(tmp_path) == 6
    assert file_utils.get_total_file_size(tmp_path / "sub/a") is None
    assert file_utils.get_total_file_size(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (False, False, False, False)),
        ({"DATABRICKS_RUNTIME_VERSION": ""}, (False, False, False, False)),
        ({"DATABRICKS_RUNTIME_VERSION": "15.4"}, (True, False, False, False)),
        ({"DATABRICKS_RUNTIME_VERSION": "client.2"}, (True, True, True, False)),
        ({"IS_IN_DB_MODEL_SERVING_ENV": "TRUE"}, (False, False, False, True)),
        ({"IS_IN_DB_MODEL_SERVING_ENV": "false"}, (False, False, False, False)),
    ],
)
def test_databricks_is_where_the_environment_says_so(monkeypatch, environment, expected):
    for name in ("DATABRICKS_RUNTIME_VERSION", "IS_IN_DB_MODEL_SERVING_ENV"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert expected == (
        databricks_utils.is_in_databricks_runtime(),
        databricks_utils.is_in_databricks_serverless_runtime(),
        databricks_utils.is_databricks_connect(),
        databricks_utils.is_in_databricks_model_serving_environment(),
    )
    assert not databricks_utils.is_in_databricks_shared_cluster_runtime()


def test_versions_of_runtimes():
    parse = databricks_utils.parse_dbr_runtime_major_minor
    assert parse("15.4.x-scala2.12") == (15, 4)
    assert parse("15") == parse("15.x") == (15, 999)
    with pytest.raises(ValueError, match="client"):
        parse("client.1.13")


def test_modified_environ(monkeypatch):
    monkeypatch.setenv("HEADRACE_A", "1")
    with pytest.raises(KeyError), modified_environ({"HEADRACE_A": "2", "HEADRACE_B": "3"}):
        assert (os.environ["HEADRACE_A"], os.environ["HEADRACE_B"]) == ("2", "3")
        raise KeyError
    assert os.environ["HEADRACE_A"] == "1"
    assert "HEADRACE_B" not in os.environ


def test_color_warning():
    with pytest.warns(FutureWarning) as caught:
        color_warning("hello", 1, "yellow_bold", FutureWarning)
    assert str(caught[0].message) == "\033[1;33mhello\033[0m"
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="^hello$"):
        color_warning("hello", 1, "no color")


def test_docstrings():
    docs = ParamDocs({"p1": "first {{ x }}\nsecond", "p2": "two"})
    assert docs.format(x="X")["p1"] == "first X\nsecond"
    assert repr(ParamDocs({"a": "b"})) == "ParamDocs({'a': 'b'})"

    @format_docstring(docs)
    def function():
        """Head.

        p1: {{ p1 }}
        p3: {{ p3 }}, {{p2}}
        """

    assert "        p1: first {{ x }}\n            second\n" in function.__doc__
    assert "p3: {{ p3 }}, {{p2}}" in function.__doc__
    assert format_docstring(docs)(lambda: None).__doc__ is None

    @docstring_version_compatibility_warning("sklearn")
    def fitted():
        """Fits."""

    package, lowest, highest = get_module_min_and_max_supported_ranges("sklearn")
    assert package == "sklearn"
    assert f"``{lowest}`` <= ``scikit-learn`` <= ``{highest}``" in fitted.__doc__
    assert fitted.__doc__.endswith("Fits.")


def test_lazy_loader():
    sys.modules.pop("colorsys", None)
    parent = {}
    lazy = LazyLoader("colors", parent, "colorsys")
    assert repr(lazy) == "<module 'colorsys (Not loaded yet)'>"
    assert "colorsys" not in sys.modules
    assert lazy.rgb_to_hsv(0, 0, 0) == (0, 0, 0)
    assert parent["colors"] is sys.modules["colorsys"]
    with pytest.raises(ModuleNotFoundError):
        _ = LazyLoader("x", parent, "no_such_module").name


def test_thread_local_variable():
    variable = ThreadLocalVariable(list)
    variable.get().append(1)

    def other():
        variable.get().append(2)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert variable.get() == [1]
    assert sorted(variable.get_all_thread_values().values()) == [[1], [2]]
    variable.set([3])
    assert variable.get() == [3]
    variable.reset()
    assert variable.get_all_thread_values() == {}
    assert variable.get() == []


def test_kinds_of_data():
    polars = optional("polars")
    assert is_polars_dataframe(polars.DataFrame({"a": [1]}))
    assert not is_polars_dataframe([1])
    assert is_uri("s3://bucket/key")
    assert not is_uri("/a/path")
    assert parse_s3_uri("s3://bucket/a/b") == ("bucket", "a/b")
    with pytest.raises(ValueError, match="S3"):
        parse_s3_uri("gs://bucket/a")
