"""Digests, paths that stay in the folder, and the decision whether code may run."""

import os

import pytest
import yaml

from mlflow.exceptions import MlflowException
from mlflow.models import Model, digests, trust
from mlflow.models.flavor import fetch_model
from mlflow.utils.model_utils import path_inside
from tests.models.test_format import GOLDEN, GOLDEN_MODELS
from tests.models.toy import Doubler, Toy


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(trust, "_warned", set())


@pytest.fixture
def saved(tmp_path):
    (tmp_path / "helper_of_toy.py").write_text("x = 1\n")
    path = tmp_path / "model"
    Toy().save(Doubler(), str(path), code_paths=[str(tmp_path / "helper_of_toy.py")])
    return path


def edit(folder, change):
    form = yaml.safe_load((folder / "MLmodel").read_text())
    change(form)
    (folder / "MLmodel").write_text(yaml.safe_dump(form))


# Digests.


@pytest.mark.parametrize("name", ["model.pkl", "code/helper_of_toy.py"])
@pytest.mark.parametrize("change", ["appended", "emptied", "removed"])
def test_a_file_that_changed_is_named_and_nothing_is_loaded(saved, name, change, monkeypatch):
    monkeypatch.setattr(Toy, "read", lambda *_: pytest.fail("it was loaded"))
    path = saved / name
    if change == "removed":
        path.unlink()
    else:
        path.write_bytes(b"" if change == "emptied" else path.read_bytes() + b"x")
    with pytest.raises(MlflowException, match=f"'{name}'") as e:
        Toy().load(str(saved))
    assert e.value.error_code == "INVALID_STATE"


def test_what_is_said_about_a_model_may_be_changed(saved):
    for name in ("requirements.txt", "conda.yaml", "python_env.yaml"):
        (saved / name).write_text("changed")
    edit(saved, lambda form: form.update(metadata={"a": 1}))
    assert Toy().load(str(saved)).predict(2) == 4


@pytest.mark.parametrize("name", GOLDEN_MODELS)
def test_models_without_digests_are_fetched(name):
    folder, model = fetch_model(str(GOLDEN / name))
    assert folder == str(GOLDEN / name)
    assert model.flavors["python_function"]


def test_a_digest_of_a_file_elsewhere_is_refused(saved, tmp_path):
    (tmp_path / "secret").write_text("x")
    edit(saved, lambda form: form[digests.KEY].update({"../secret": "0"}))
    with pytest.raises(MlflowException, match="outside its folder"):
        Toy().load(str(saved))


@pytest.mark.parametrize("value", [[], "x", 3])
def test_digests_of_another_form_are_refused(saved, value):
    edit(saved, lambda form: form.update({digests.KEY: value}))
    with pytest.raises(MlflowException, match="sha256"):
        Toy().load(str(saved))


# Paths.


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "a\0b", "..", "link/x", "link"]
)
def test_paths_stay_in_the_folder(tmp_path, name):
    folder = tmp_path / "model"
    (folder / "a").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(MlflowException, match="outside its folder") as e:
        path_inside(str(folder), name)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("name", ["a", "a/b", "./a", "a/../b", "", "..."])
def test_paths_in_the_folder_are_found(tmp_path, name):
    assert path_inside(str(tmp_path), name) == os.path.join(str(tmp_path), name)


@pytest.mark.parametrize("place", ["/tmp", "../outside", "code/../../outside"])
def test_code_elsewhere_is_not_put_on_the_path(saved, tmp_path, place, monkeypatch):
    (tmp_path / "outside").mkdir()
    monkeypatch.setattr("sys.path", [])
    edit(saved, lambda form: form["flavors"]["toy"].update(code=place))
    with pytest.raises(MlflowException, match="outside its folder"):
        Toy().load(str(saved))
    import sys

    assert sys.path == []


def test_an_input_example_elsewhere_is_not_read(saved, tmp_path):
    (tmp_path / "secret.json").write_text("[1]")
    model = Model.load(saved)
    model.saved_input_example_info = {"artifact_path": "../secret.json", "type": "json_object"}
    with pytest.raises(MlflowException, match="outside its folder"):
        model.load_input_example(str(saved))
    model.saved_input_example_info["serving_input_path"] = "../secret.json"
    with pytest.raises(MlflowException, match="outside its folder"):
        model.get_serving_input(str(saved))


# Code.


def test_models_of_ones_own_load_in_silence(saved, caplog):
    Toy().load(str(saved))
    assert caplog.text == ""


def test_pickles_can_be_refused(saved, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with pytest.raises(MlflowException, match="skops") as e:
        Toy().load(str(saved))
    assert e.value.error_code == "INTERNAL_ERROR"
    assert "MLFLOW_ALLOW_PICKLE_DESERIALIZATION" in e.value.message
    trust.allow_code("code", str(saved), pickled=False)


@pytest.mark.parametrize("policy", ["own", "none"])
def test_all_code_from_elsewhere_can_be_refused(policy, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_CODE", policy)
    with pytest.raises(MlflowException, match=f"'HEADRACE_MODEL_CODE' is '{policy}'"):
        trust.allow_code("code", "s3://bucket/model", pickled=False)


@pytest.mark.parametrize(("policy", "refused"), [("any", False), ("own", False), ("none", True)])
def test_code_of_ones_own_is_refused_only_if_all_is(saved, policy, refused, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_CODE", policy)
    if not refused:
        assert Toy().load(str(saved)).predict(1) == 2
        return
    with pytest.raises(MlflowException, match="disallowed"):
        Toy().load(str(saved))


def test_a_policy_that_is_none_is_refused(saved, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_CODE", "sometimes")
    with pytest.raises(ValueError, match="HEADRACE_MODEL_CODE"):
        Toy().load(str(saved))


def test_code_from_elsewhere_gives_one_warning_that_names_the_switch(caplog):
    for _ in range(3):
        trust.allow_code("code", "https://example.com/model")
    assert caplog.text.count("HEADRACE_MODEL_CODE=own") == 1
    trust.allow_code("code", "https://example.com/other")
    assert caplog.text.count("HEADRACE_MODEL_CODE=own") == 2


def test_a_fetched_model_is_judged_by_where_it_came_from(tmp_path, caplog):
    trust.came_from(str(tmp_path / "fetched"), "s3://bucket/model")
    (tmp_path / "fetched" / "data").mkdir(parents=True)
    trust.allow_code("code", str(tmp_path / "fetched" / "data" / "model.pkl"))
    assert "s3://bucket/model" in caplog.text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
def test_files_of_another_user_are_not_ones_own(saved, caplog):
    os.chown(saved / "model.pkl", 65534, 65534)
    Toy().load(str(saved))
    assert "not a place of your own" in caplog.text


DEEP = "a: " + "[" * 3000


@pytest.mark.parametrize("name", ["python_env.yaml", "conda.yaml"])
def test_environments_nested_too_deeply_are_refused(name, tmp_path):
    from mlflow.utils.virtualenv import python_version

    (tmp_path / name).write_text(DEEP)
    with pytest.raises(MlflowException, match=name):
        python_version(tmp_path)


@pytest.mark.parametrize("content", [DEEP, "a: [1"])
def test_other_yaml_that_cannot_be_read_is_refused(content, tmp_path):
    from mlflow.models import ModelConfig
    from mlflow.models.resources import _ResourceBuilder
    from mlflow.pyfunc.loading import read_settings
    from mlflow.utils.conda import definition
    from mlflow.utils.environment import _from_conda

    path = tmp_path / "some.yaml"
    path.write_text(content)
    readers = (
        lambda: ModelConfig(development_config=str(path)).to_dict(),
        lambda: _ResourceBuilder.from_yaml_file(str(path)),
        lambda: read_settings(str(path)),
        lambda: definition(path),
        lambda: _from_conda(str(path)),
    )
    for read in readers:
        with pytest.raises(MlflowException) as error:
            read()
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"
