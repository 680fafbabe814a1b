"""The modules of a few functions."""

import datetime
import inspect
import json
import socket
import sys
import time
import warnings

import pytest

import mlflow.utils as utils
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList
from mlflow.utils import annotations, env_manager, mlflow_tags
from mlflow.utils.optional import require
from mlflow.utils.proto_json_utils import NumpyEncoder
from mlflow.utils.string_utils import _create_table
from mlflow.utils.time import Timer, conv_longdate_to_str, get_current_time_millis


def test_modules_are_found_as_attributes():
    assert utils.validation.MAX_PARAM_VAL_LENGTH == 6000
    with pytest.raises(AttributeError, match="module 'mlflow.utils' has no attribute 'nope'"):
        _ = utils.nope


def test_chunks():
    assert list(utils.chunk_list([1, 2, 3], 2)) == [[1, 2], [3]]


@pytest.mark.parametrize(("limit", "sizes"), [(None, [2, 2, 2]), (3, [2, 1]), (0, [])])
def test_pages_are_put_together(limit, sizes):
    asked = []

    def page(size, token):
        asked.append(size)
        start = token or 0
        items = list(range(5))[start : start + size]
        end = start + len(items)
        return PagedList(items, end if end < 5 else None)

    assert utils.get_results_from_paginated_fn(page, 2, limit) == list(range(5))[:limit]
    assert asked == sizes


def test_merging_refuses_a_key_that_is_in_both():
    assert utils.merge_dicts({"a": 1}, {"b": 2}) == {"a": 1, "b": 2}
    assert utils.merge_dicts({"a": 1}, {"a": 2}, raise_on_duplicates=False) == {"a": 2}
    with pytest.raises(ValueError, match="contains duplicate keys: {'a'}"):
        utils.merge_dicts({"a": 1}, {"a": 2})


def test_iterators():
    assert utils.is_iterator(iter([]))
    assert not utils.is_iterator([])


def test_port_in_use_is_not_available():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not utils.is_port_available(server.getsockname()[1])
    assert utils.is_port_available(utils.find_free_port())


def test_require_gives_the_module():
    assert require("json.decoder") is json.decoder


def test_require_names_the_command_that_installs():
    with pytest.raises(MlflowException) as refusal:
        require("no_such_library.part", extra="figures", purpose="logging figures")
    assert refusal.value.message == (
        "no_such_library is needed for logging figures, but it is not installed. "
        "Install it with: pip install 'headrace[figures]'"
    )
    with pytest.raises(MlflowException, match="pip install 'no_such_library'"):
        require("no_such_library")


def test_require_passes_on_what_is_wrong_inside_a_library(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import no_such_part")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        require("broken_library")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be changed here")
def test_time_for_people(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert conv_longdate_to_str(1_700_000_000_123) == "2023-11-14 23:13:20 CET"
        assert conv_longdate_to_str(0, local_tz=False) == "1970-01-01 01:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_time_of_now_and_of_a_block():
    assert abs(get_current_time_millis() - time.time() * 1000) < 1000
    with Timer() as timer:
        time.sleep(0.01)
    assert 0.005 < timer.elapsed < 5
    assert str(timer) == str(timer.elapsed)
    assert f"{timer:.1f}" == f"{timer.elapsed:.1f}"


def test_env_manager():
    env_manager.validate("uv")
    with pytest.raises(MlflowException) as refusal:
        env_manager.validate("x")
    assert refusal.value.message == (
        "Invalid value for `env_manager`: x. Must be one of ['local', 'conda', 'virtualenv', 'uv']"
    )


def test_table_is_aligned():
    assert _create_table([["a", "bbbbb"], ["cc", "d"]], ["x", "yy"]) == (
        "x     yy   \n----  -----\na     bbbbb\ncc    d    \n"
    )
    assert _create_table([], ["x"]) == "x   \n----\n"


def test_immutable_tags_are_the_public_ones():
    assert {
        "mlflow.artifactLocation",
        "mlflow.trace.archivalFailure",
        "mlflow.trace.archiveLocation",
        "mlflow.trace.spansLocation",
        "mlflow.user",
    } == mlflow_tags.IMMUTABLE_TAGS


def called_with_warnings(function, *args, **kwargs):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    return result, [(warning.category, str(warning.message)) for warning in seen]


def test_deprecated_function_warns_and_says_so():
    @annotations.deprecated(alternative="new", since="1.2", impact="It goes.")
    def old():
        """Do it."""
        return 1

    text = f"``{__name__}.old`` is deprecated since 1.2. It goes. Use ``new`` instead."
    assert called_with_warnings(old) == (1, [(FutureWarning, text)])
    assert old.__doc__ == f".. Warning:: {text}\n\nDo it."
    assert annotations.is_marked_deprecated(old)
    assert not annotations.is_marked_deprecated(called_with_warnings)


def test_deprecated_class_stays_itself():
    class Old:
        def __init__(self, x):
            self.x = x

    assert annotations.deprecated()(Old) is Old
    made, warned = called_with_warnings(Old, 3)
    assert made.x == 3
    assert [category for category, _ in warned] == [FutureWarning]


def test_deprecated_parameter_is_passed_on():
    @annotations.deprecated_parameter("old", "new", version="3")
    def function(new=None):
        return new

    text = (
        "Parameter 'old' is deprecated and will be removed in version 3. Please use 'new' instead."
    )
    assert called_with_warnings(function, old=3) == (3, [(FutureWarning, text)])
    assert called_with_warnings(function, new=3) == (3, [])
    with pytest.raises(ValueError, match="Cannot specify both 'old'"):
        function(old=1, new=2)


@pytest.mark.parametrize("decorator", [annotations.experimental, annotations.experimental()])
def test_experimental_function_says_so_and_stays_itself(decorator):
    def function():
        """Do it.

        Args: none.
        """

    assert decorator(function) is function
    assert inspect.getdoc(function).startswith(  # 3.13 dedents docstrings itself
        ".. Note:: Experimental: This function may change or be removed in a future "
        "release without warning.\n\nDo it."
    )
    assert called_with_warnings(function) == (None, [])


def test_keyword_only():
    class Holder:
        @annotations.keyword_only
        def method(self, a=1):
            return a

    assert Holder().method(a=4) == 4
    with pytest.raises(TypeError, match="Method method only takes keyword arguments."):
        Holder().method(4)


def test_encoder_of_numpy_values():
    np = pytest.importorskip("numpy")
    values = [
        np.float32(1.5),
        np.int64(3),
        np.bool_(True),
        np.array([[1, 2]]),
        np.array(["a"]),
        np.datetime64("2020-01-01T00:00:00"),
        np.datetime64("NaT"),
        datetime.datetime(2020, 1, 2, 3, 4, 5),
        datetime.date(2020, 1, 2),
        b"abc",
        np.array([b"ab"]),
    ]
    assert json.dumps(values, cls=NumpyEncoder) == (
        '[1.5, 3, true, [[1, 2]], ["a"], "2020-01-01T00:00:00", null, "2020-01-02T03:04:05", '
        '"2020-01-02", "YWJj\\n", ["YWI=\\n"]]'
    )
    with pytest.raises(TypeError, match="complex"):
        json.dumps(np.complex64(1), cls=NumpyEncoder)


def test_python_version():
    assert "{}.{}.{}".format(*sys.version_info) == utils.PYTHON_VERSION
