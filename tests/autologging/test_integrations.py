"""What `autolog()` functions have in common, and `mlflow.autolog`, which calls them all."""

import json
import subprocess
import sys
import textwrap

import pytest

import mlflow
from mlflow.utils.autologging_utils import (
    AUTOLOGGING_INTEGRATIONS,
    AutologgingEventLogger,
    autologging_integration,
    autologging_is_disabled,
    disable_discrete_autologging,
    gen_autologging_package_version_requirements_doc,
    get_autolog_function,
    get_autologging_config,
    get_min_max_version_and_pip_release,
    is_autolog_supported,
    is_flavor_supported_for_associated_package_versions,
)
from mlflow.utils.autologging_utils.config import AutoLoggingConfig
from mlflow.utils.autologging_utils.imports import when_imported
from tests.optional import optional


@pytest.fixture
def calls():
    return []


@pytest.fixture
def autolog(calls):
    @autologging_integration("toy")
    def autolog(a=1, *, disable=False, silent=False, disable_for_unsupported_versions=False):
        """Toys."""
        calls.append(a)
        return "done"

    yield autolog
    AUTOLOGGING_INTEGRATIONS.pop("toy", None)


def test_arguments_are_the_configuration(autolog, calls):
    assert autolog.integration_name == "toy"
    assert autolog.__doc__ == "Toys."
    assert autologging_is_disabled("toy")
    assert autolog(2) == "done"
    assert calls == [2]
    assert AUTOLOGGING_INTEGRATIONS["toy"] == {
        "a": 2,
        "disable": False,
        "silent": False,
        "disable_for_unsupported_versions": False,
    }
    assert get_autologging_config("toy", "a") == 2
    assert get_autologging_config("toy", "b", 3) == 3
    assert get_autologging_config("none", "a", 4) == 4
    assert not autologging_is_disabled("toy")
    assert autolog(disable=True) is None
    assert calls == [2]
    assert autologging_is_disabled("toy")


def test_a_wrong_argument_changes_nothing(autolog):
    autolog(2)
    with pytest.raises(TypeError):
        autolog(b=1)
    assert get_autologging_config("toy", "a") == 2


@pytest.mark.parametrize(
    "function",
    [
        lambda silent=False: None,
        lambda disable=False: None,
        lambda disable=True, silent=False: None,
        lambda disable, silent: None,
    ],
)
def test_an_autolog_function_needs_disable_and_silent(function):
    with pytest.raises(Exception, match="must specify a '(disable|silent)' argument"):
        autologging_integration("wrong")(function)
    assert "wrong" not in AUTOLOGGING_INTEGRATIONS


def test_what_it_raises_is_raised():
    @autologging_integration("bad")
    def autolog(disable=False, silent=False):
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        autolog()
    AUTOLOGGING_INTEGRATIONS.pop("bad")


def test_shared_settings(autolog):
    autolog()
    config = AutoLoggingConfig.init("toy")
    assert (config.log_traces, config.log_models, config.extra_tags) == (True, True, None)


def test_events_are_told_to_the_logger(autolog):
    told = []

    class Listener(AutologgingEventLogger):
        def log_autolog_called(self, integration, call_args, call_kwargs):
            told.append((integration, call_args, call_kwargs))
            raise RuntimeError("must not matter")

    AutologgingEventLogger.set_logger(Listener())
    try:
        autolog(2, silent=True)
    finally:
        AutologgingEventLogger.set_logger(None)
    assert told == [("toy", (2,), {"silent": True})]


def test_every_event_of_a_patched_call(autolog):
    from mlflow.utils.autologging_utils import revert_patches, safe_patch

    class Thing:
        def do(self):
            return 1

    told = []

    class Listener(AutologgingEventLogger):
        def __getattribute__(self, name):
            if name.startswith("log_"):
                told.append(name)
            return super().__getattribute__(name)

    autolog()
    safe_patch("toy", Thing, "do", lambda original, self: original(self))
    AutologgingEventLogger.set_logger(Listener())
    try:
        Thing().do()
    finally:
        AutologgingEventLogger.set_logger(None)
        revert_patches("toy")
    assert told == [
        "log_patch_function_start",
        "log_original_function_start",
        "log_original_function_success",
        "log_patch_function_success",
    ]


# Versions


@pytest.mark.parametrize(
    ("version", "known", "old_enough"),
    [
        ("1.5.9", False, False),
        ("1.6.0", True, True),
        ("1.6", True, True),
        ("1.9.1", True, True),
        ("1.9.7", False, True),
        ("1.10.0", False, True),
        ("1.9.1+cu", False, True),
        ("1.9.1.dev0", False, False),
        ("1.7rc1", False, False),
        ("weird", False, False),
    ],
)
def test_versions(version, known, old_enough, monkeypatch):
    sklearn = optional("sklearn")
    monkeypatch.setattr(sklearn, "__version__", version)
    assert is_flavor_supported_for_associated_package_versions("sklearn") == known
    assert (
        is_flavor_supported_for_associated_package_versions("sklearn", check_max_version=False)
        == old_enough
    )


def test_nothing_is_claimed_of_what_was_not_tested():
    assert is_flavor_supported_for_associated_package_versions("toy")
    with pytest.raises(KeyError):
        get_min_max_version_and_pip_release("xgboost")
    oldest, newest, package = get_min_max_version_and_pip_release("sklearn")
    assert package == "scikit-learn"
    assert oldest in gen_autologging_package_version_requirements_doc("sklearn")
    assert newest in gen_autologging_package_version_requirements_doc("sklearn")


def test_an_untested_version_is_warned_of_or_left_alone(monkeypatch, capsys):
    sklearn = optional("sklearn")
    optional("sklearn.linear_model")

    import mlflow.sklearn
    from mlflow.utils.autologging_utils.safety import _AUTOLOGGING_PATCHES

    monkeypatch.setattr(sklearn, "__version__", "0.1")
    mlflow.sklearn.autolog()
    assert "the installed version is 0.1" in capsys.readouterr().err
    assert _AUTOLOGGING_PATCHES["sklearn"]
    mlflow.sklearn.autolog(disable_for_unsupported_versions=True)
    assert autologging_is_disabled("sklearn")
    assert "sklearn" not in _AUTOLOGGING_PATCHES
    mlflow.sklearn.autolog(silent=True)
    assert "0.1" not in capsys.readouterr().err


# Some integrations off for a while


def test_disabled_integrations_come_back_as_they_were():
    optional("sklearn")
    import mlflow.sklearn

    mlflow.sklearn.autolog(log_models=False)
    before = dict(AUTOLOGGING_INTEGRATIONS["sklearn"])
    with disable_discrete_autologging(["sklearn"]):
        assert autologging_is_disabled("sklearn")
    assert AUTOLOGGING_INTEGRATIONS["sklearn"] == before
    mlflow.sklearn.autolog(disable=True)
    with disable_discrete_autologging(["sklearn"]):
        pass
    assert autologging_is_disabled("sklearn")


def test_functions_by_name():
    optional("sklearn")
    import mlflow.sklearn

    assert get_autolog_function("sklearn") is mlflow.sklearn.autolog
    assert is_autolog_supported("sklearn")
    assert not is_autolog_supported("toy")
    assert get_autolog_function("artifacts") is None


# `mlflow.autolog`


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_libraries_are_turned_on_when_they_are_imported():
    optional("sklearn")
    code = """
        import json, sys, mlflow
        from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS as config
        mlflow.autolog(log_models=False)
        found = ["sklearn" in sys.modules, config.get("sklearn")]
        import sklearn
        found.append([config["sklearn"][k] for k in ("log_models", "globally_configured")])
        loader = type(sklearn.__loader__).__name__
        import sklearn.linear_model
        found += [hasattr(sklearn.linear_model.Ridge.fit, "__wrapped__"), loader]
        print(json.dumps(found))
    """
    found, messages = run(code)
    assert found == [False, None, [False, True], True, "SourceFileLoader"]
    assert messages.count("Autologging successfully enabled for sklearn.") == 1


def test_who_configured_what():
    optional("sklearn")
    code = """
        import json, sklearn, mlflow
        from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS as config
        found = []
        def note():
            one = config.get("sklearn", {})
            keys = ("log_models", "log_datasets", "disable", "globally_configured")
            found.append([one.get(k) for k in keys])
        mlflow.autolog(log_models=False); note()
        mlflow.autolog(); note()
        mlflow.autolog(disable=True); note()
        mlflow.sklearn.autolog(log_datasets=False); note()
        mlflow.autolog(log_models=False); note()
        mlflow.autolog(disable=True); note()
        mlflow.sklearn.autolog(disable=True)
        mlflow.autolog(); note()
        print(json.dumps(found))
    """
    found, _ = run(code)
    assert found == [
        [False, True, False, True],
        [True, True, False, True],
        [True, True, True, True],
        [True, False, False, None],
        [True, False, False, None],
        [True, False, False, None],
        [True, True, True, None],
    ]


def test_excluded_and_silent():
    optional("sklearn")
    code = """
        import json, sklearn, mlflow
        from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS as config
        mlflow.autolog(exclude_flavors=["sklearn"])
        found = [config.get("sklearn")]
        mlflow.autolog(silent=True)
        found.append(config["sklearn"]["silent"])
        print(json.dumps(found))
    """
    found, messages = run(code)
    assert found == [None, True]
    assert messages == ""


def test_imports_are_told_of_once_and_no_more_when_that_has_ended(tmp_path, monkeypatch):
    for name in ("headrace_a", "headrace_b"):
        (tmp_path / f"{name}.py").write_text("value = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    finders, told = list(sys.meta_path), []

    def failing(module):
        told.append((module.__name__, module.value))
        raise RuntimeError("must not matter")

    end = when_imported("headrace_a", failing)
    import headrace_a

    assert told == [("headrace_a", 1)]
    when_imported("headrace_a", failing)()
    assert told == [("headrace_a", 1)] * 2
    end()
    end = when_imported("headrace_b", failing)
    end()
    import headrace_b

    assert headrace_a.value == headrace_b.value
    assert len(told) == 2
    assert sys.meta_path == finders


def test_the_face_has_it():
    assert mlflow.autolog.integration_name == "mlflow"
