import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlflow import environment_variables as settings
from mlflow.environment_variables import (
    _BooleanEnvironmentVariable,
    _EnvironmentVariable,
    _split_strip,
)

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "environment-variables.json").read_text(encoding="utf-8")
)
TYPES = {"str": str, "int": int, "float": float, "bool": bool, "comma_list": _split_strip}
SECONDS = settings.MLFLOW_HTTP_REQUEST_TIMEOUT
SWITCH = settings.MLFLOW_ENABLE_ASYNC_LOGGING


def public(default):
    """A default as the facts write it."""
    home = os.path.expanduser("~")
    if isinstance(default, list):
        return str(default)
    if default == float("inf"):
        return {"repr": "inf"}
    if isinstance(default, str) and default.startswith(home + os.sep):
        return default.replace(home, "<home>").replace(os.sep, "/")
    return default


@pytest.mark.parametrize("name", FACTS)
def test_variable_is_declared_with_its_type_and_default(name):
    fact = FACTS[name]
    variable = getattr(settings, fact.get("python_name", name))
    assert variable.name == name
    assert variable.type is TYPES[fact["type"]]
    assert public(variable.default) == fact["default"]
    assert isinstance(variable, _BooleanEnvironmentVariable) == (fact["type"] == "bool")


def test_no_variable_beside_the_declared_ones():
    assert {variable.name for variable in settings.VARIABLES.values()} == set(FACTS)


@pytest.mark.parametrize(("text", "value"), [("5", 5), (" 7 ", 7)])
def test_get_turns_the_text_into_the_type(monkeypatch, text, value):
    monkeypatch.setenv(SECONDS.name, text)
    assert SECONDS.get() == value
    assert SECONDS.get_raw() == text


def test_unset_variable_has_its_default(monkeypatch):
    monkeypatch.delenv(SECONDS.name, raising=False)
    assert SECONDS.get() == 120
    assert SECONDS.get_raw() is None
    assert not SECONDS.defined
    assert not SECONDS.is_set()


def test_empty_text_is_set_and_is_no_number(monkeypatch):
    monkeypatch.setenv(SECONDS.name, "")
    assert SECONDS.is_set()
    with pytest.raises(ValueError, match="Failed to convert '' for MLFLOW_HTTP_REQUEST_TIMEOUT"):
        SECONDS.get()


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("TRUE", True), ("1", True), ("False", False), ("0", False)],
)
def test_switch_knows_four_words(monkeypatch, text, value):
    monkeypatch.setenv(SWITCH.name, text)
    assert SWITCH.get() is value


@pytest.mark.parametrize("text", ["yes", "on", "", " true"])
def test_switch_refuses_other_words(monkeypatch, text):
    monkeypatch.setenv(SWITCH.name, text)
    with pytest.raises(ValueError) as error:
        SWITCH.get()
    assert str(error.value) == (
        "MLFLOW_ENABLE_ASYNC_LOGGING value must be one of ['true', 'false', '1', '0'] "
        f"(case-insensitive), but got {text}"
    )


def test_list_is_split_at_commas(monkeypatch):
    monkeypatch.setenv("MLFLOW_ICON_URL_ALLOWED_SCHEMES", "a, b ,c")
    assert settings.MLFLOW_ICON_URL_ALLOWED_SCHEMES.get() == ["a", "b", "c"]


def test_set_and_unset_change_the_environment(monkeypatch):
    monkeypatch.setenv(SWITCH.name, "0")  # so that the fixture restores it
    SWITCH.set(True)
    assert os.environ[SWITCH.name] == "True"
    SWITCH.unset()
    SWITCH.unset()
    assert SWITCH.name not in os.environ


def test_texts_of_a_variable():
    assert str(SECONDS) == "MLFLOW_HTTP_REQUEST_TIMEOUT (default: 120)"
    assert repr(SECONDS) == "'MLFLOW_HTTP_REQUEST_TIMEOUT'"
    assert f"{SECONDS:>30}" == "   MLFLOW_HTTP_REQUEST_TIMEOUT"


def test_switch_must_be_declared_as_one():
    with pytest.raises(ValueError, match="Use _BooleanEnvironmentVariable instead"):
        _EnvironmentVariable("X", bool, False)
    with pytest.raises(ValueError, match="must be one of \\[True, False, None\\]"):
        _BooleanEnvironmentVariable("X", "true")


def test_old_name_of_the_logging_switch_is_heeded(monkeypatch):
    monkeypatch.setenv("MLFLOW_LOGGING_CONFIGURE_LOGGING", "false")
    with pytest.warns(FutureWarning, match="set MLFLOW_CONFIGURE_LOGGING instead"):
        assert settings.MLFLOW_CONFIGURE_LOGGING.get() is False


def test_import_brings_no_other_module_of_weight():
    code = (
        "import os, sys, mlflow; before = set(sys.modules)\n"
        "import mlflow.environment_variables\n"
        "print(*set(sys.modules) - before)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.stdout.split() == ["mlflow.environment_variables"]
