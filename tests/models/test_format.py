"""The MLmodel file, and the folder it is in."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature, get_model_info, infer_signature
from mlflow.models.model import METADATA_FILES, set_model
from tests.models.toy import Doubler, Toy

GOLDEN = Path(__file__).parents[1] / "data" / "models-golden"
GOLDEN_MODELS = sorted(path.parent.name for path in GOLDEN.glob("*/MLmodel"))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model"
    Toy().save(Doubler(), str(path), input_example=np.ones((2, 2)), metadata={"team": "core"})
    return path


# The file.


@pytest.mark.parametrize("name", GOLDEN_MODELS)
def test_what_the_reference_wrote_is_read_and_written_the_same(name, tmp_path):
    model = Model.load(GOLDEN / name)
    wanted = yaml.safe_load((GOLDEN / name / "MLmodel").read_text())
    model.save(tmp_path / "MLmodel")
    assert yaml.safe_load((tmp_path / "MLmodel").read_text()) == wanted
    assert Model.load(tmp_path) == model


@pytest.mark.parametrize("name", GOLDEN_MODELS)
def test_input_examples_of_the_reference_are_read(name):
    folder = GOLDEN / name
    model = Model.load(folder)
    if model.saved_input_example_info is None:
        assert model.load_input_example(str(folder)) is None
        assert model.get_serving_input(str(folder)) is None
        return
    example = model.load_input_example(str(folder))
    serving = json.loads(model.get_serving_input(str(folder)))
    again = json.loads(mlflow.models.convert_input_example_to_serving_input(example))
    assert again == serving


def test_a_new_model_has_little():
    model = Model(model_uuid="x", utc_time_created="t")
    assert str(model) == (
        "flavors: {}\nmlflow_version: 3.17.2\nmodel_id: null\nmodel_uuid: x\n"
        "prompts: null\nutc_time_created: t\n"
    )
    assert len(Model().model_uuid) == 32
    assert Model(model_uuid=None).model_uuid is None
    assert Model(model_uuid=lambda: "q").model_uuid == "q"


def test_json_has_the_same_parts():
    model = Model("place", "r", "t", model_uuid="x", model_size_bytes=3, env_vars=["A"])
    assert json.loads(model.to_json()) == {
        "run_id": "r",
        "artifact_path": "place",
        "utc_time_created": "t",
        "flavors": {},
        "model_uuid": "x",
        "mlflow_version": "3.17.2",
        "prompts": None,
        "model_id": None,
        "model_size_bytes": 3,
        "env_vars": ["A"],
    }


def test_what_is_not_known_is_kept():
    form = Model.from_dict({"flavors": {}, "zz": 3}).to_dict()
    assert form["zz"] == 3
    assert form["model_uuid"] is None
    assert "mlflow_version" not in form


def test_the_short_form_leaves_out_configuration_and_signature():
    model = Model("p", "r", "t", model_uuid="x", signature=infer_signature(1), model_size_bytes=2)
    model.add_flavor("python_function", config=3, loader_module="m").add_flavor("toy")
    assert model.get_tags_dict() == {
        "run_id": "r",
        "artifact_path": "p",
        "utc_time_created": "t",
        "model_uuid": "x",
        "flavors": {"python_function": {"loader_module": "m"}, "toy": {}},
    }


def test_names_of_variables_must_be_a_list_of_texts():
    with pytest.raises(TypeError, match="must be a list of strings. Got: 3"):
        Model(env_vars=3)


def test_without_a_file_there_is_no_model(tmp_path):
    with pytest.raises(MlflowException, match="Could not find") as e:
        Model.load(tmp_path)
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "a: [",
        "!!python/object/apply:os.getpid []",
        "\xff",
        "[" * 100_000,
        "1: 2",
        "self: 1",
        "to_dict: 1",
        "flavors: 3",
        "flavors: {a: 3}",
        "env_vars: 3",
        "signature: {inputs: 3}",
        "signature: {inputs: 'x'}",
        "signature: {inputs: '[{}]'}",
        "signature: {inputs: '[]'}",
        "signature: {}",
        "signature: {params: '[3]'}",
        "2020-13-45: 1",
    ],
)
def test_a_file_with_something_else_is_refused(tmp_path, text):
    (tmp_path / "MLmodel").write_bytes(text.encode("latin-1"))
    with pytest.raises(MlflowException) as e:
        Model.load(tmp_path)
    assert e.value.error_code != "RESOURCE_DOES_NOT_EXIST"


def test_writing_it_again_never_shows_half_of_it(saved):
    model = Model.load(saved)
    model.metadata = {"long": "x" * 100_000}
    broken, done = [], threading.Event()

    def read():
        while not done.is_set():
            try:
                Model.load(saved)
            except MlflowException as e:
                broken.append(e)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        model.save(saved / "MLmodel")
    done.set()
    reader.join()
    assert broken == []
    assert sorted(p.name for p in saved.iterdir() if p.name.startswith("MLmodel")) == ["MLmodel"]


# The folder.


def test_a_saved_model_has_all_files(saved):
    names = sorted(os.listdir(saved))
    assert names == sorted(
        [*METADATA_FILES, "input_example.json", "model.pkl", "serving_input_example.json"]
    )
    model = Model.load(saved)
    assert model.metadata == {"team": "core"}
    assert model.flavors["toy"] == {"pickled_model": "model.pkl", "code": None}
    function = model.flavors["python_function"]
    assert function["loader_module"] == "mlflow.toy"
    assert function["env"] == {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    assert model.model_size_bytes == sum(
        os.path.getsize(saved / name) for name in names if name not in METADATA_FILES
    )
    assert model.signature == infer_signature(np.ones((2, 2)), np.ones((2, 2)))
    assert (model.load_input_example(str(saved)) == np.ones((2, 2))).all()
    assert Toy().load(str(saved)).predict(3) == 6


def test_its_description_can_be_asked_for(saved):
    info = get_model_info(str(saved))
    assert info.flavors == Model.load(saved).flavors
    assert info.signature == Model.load(saved).signature
    assert info.model_id is None
    assert info.metrics is None


def test_a_folder_with_files_is_not_overwritten(saved):
    before = sorted(os.listdir(saved))
    with pytest.raises(MlflowException, match="already exists and is not empty") as e:
        Toy().save(Doubler(), str(saved))
    assert e.value.error_code == "RESOURCE_ALREADY_EXISTS"
    assert sorted(os.listdir(saved)) == before
    assert os.listdir(saved.parent) == ["model"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "model").mkdir()
    Toy().save(Doubler(), str(tmp_path / "model"))
    assert Model.load(tmp_path / "model").flavors


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="on fire"):
        Toy().save(Doubler(), str(tmp_path / "model"), fails=True)
    assert os.listdir(tmp_path) == []


def test_a_model_of_another_flavor_is_refused(saved):
    class Other(Toy):
        name = "other"

    with pytest.raises(MlflowException, match='does not have the "other" flavor') as e:
        Other().load(str(saved))
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_code_comes_with_a_model(tmp_path, monkeypatch):
    package = tmp_path / "mine_only_here"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("value = 42\n")
    (package / "__pycache__" / "x.pyc").write_text("")
    single = tmp_path / "single_only_here.py"
    single.write_text("value = 43\n")
    path = tmp_path / "model"
    Toy().save(Doubler(), str(path), code_paths=[str(package), str(single)])
    assert sorted(p.name for p in (path / "code").rglob("*")) == [
        "__init__.py",
        "mine_only_here",
        "single_only_here.py",
    ]
    model = Model.load(path)
    assert model.flavors["toy"]["code"] == "code"
    assert model.flavors["python_function"]["code"] == "code"
    monkeypatch.setattr("sys.path", [])
    Toy().load(str(path))
    import sys

    assert sys.path == [str(path / "code")]


def test_code_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MlflowException, match="nowhere") as e:
        Toy().save(Doubler(), str(tmp_path / "model"), code_paths=["nowhere.py"])
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(TypeError, match="code_paths should be a list"):
        Toy().save(Doubler(), str(tmp_path / "model"), code_paths="nowhere.py")
    assert os.listdir(tmp_path) == []


def test_extra_files_come_with_a_model(tmp_path):
    (tmp_path / "labels.txt").write_text("a")
    Toy().save(Doubler(), str(tmp_path / "model"), extra_files=[(tmp_path / "labels.txt").as_uri()])
    assert (tmp_path / "model" / "extra_files" / "labels.txt").read_text() == "a"
    conf = Model.load(tmp_path / "model").flavors["toy"]
    assert conf["extra_files"] == [{"path": "extra_files/labels.txt"}]


# What a model says about itself.


@pytest.mark.parametrize("reads", [["TOY_API_KEY", "TOY_API_TOKEN", "TOY_COLOUR", "NO_API_KEY"]])
def test_variables_that_a_logged_model_reads_are_noted(tmp_path, monkeypatch, reads):
    for name in reads[:-1]:
        monkeypatch.setenv(name, "1")
    model = Doubler()
    model.reads = reads
    record = Model(model_id="m-1")
    Toy().save(model, str(tmp_path / "m"), mlflow_model=record, input_example=np.ones(2))
    assert record.env_vars == ["TOY_API_KEY", "TOY_API_TOKEN"]
    lines = (tmp_path / "m" / "environment_variables.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == record.env_vars
    monkeypatch.setenv("MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING", "false")
    record = Model(model_id="m-1")
    Toy().save(model, str(tmp_path / "n"), mlflow_model=record, input_example=np.ones(2))
    assert record.env_vars is None


def test_a_given_signature_holds_and_false_means_none(tmp_path):
    given = infer_signature("x", "y")
    Toy().save(Doubler(), str(tmp_path / "a"), signature=given, input_example=np.ones(2))
    assert Model.load(tmp_path / "a").signature == given
    Toy().save(Doubler(), str(tmp_path / "b"), signature=False, input_example=np.ones(2))
    assert Model.load(tmp_path / "b").signature is None


class Picky(Doubler):
    def predict(self, data):
        raise ValueError("not this")


def test_an_example_that_the_model_cannot_take_gives_no_signature(tmp_path, caplog):
    Toy().save(Picky(), str(tmp_path / "m"), input_example=np.ones(2))
    assert Model.load(tmp_path / "m").signature is None
    assert Model.load(tmp_path / "m").saved_input_example_info["type"] == "ndarray"
    assert "not this" in caplog.text


class Slow(Doubler):
    def predict(self, data):
        threading.Event().wait(20)


def test_a_model_that_takes_too_long_gives_no_signature(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_INPUT_EXAMPLE_INFERENCE_TIMEOUT", "1")
    Toy().save(Slow(), str(tmp_path / "m"), input_example=np.ones(2))
    assert Model.load(tmp_path / "m").signature is None
    assert "longer than 1 seconds" in caplog.text


@pytest.mark.parametrize("model", [3, "x", None])
def test_not_everything_can_be_a_model(model):
    with pytest.raises(MlflowException, match="Model should either be an instance of"):
        set_model(model)


def test_a_signature_says_what_kinds_it_is_made_of():
    with pytest.raises(ValueError, match="At least one of inputs, outputs or params"):
        ModelSignature()
    with pytest.raises(TypeError, match="inputs must be either None"):
        ModelSignature(inputs=3)
    with pytest.raises(TypeError, match="If params are provided"):
        ModelSignature(inputs=infer_signature(1).inputs, params=3)
    with pytest.raises(ValueError, match="At least one"):
        ModelSignature.from_dict({"inputs": None})


def test_integer_columns_are_warned_of():
    with pytest.warns(UserWarning, match="integer column"):
        infer_signature(pd.DataFrame({"a": [1]}))
