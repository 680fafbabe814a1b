"""Models of one's own: saved, loaded, asked."""

import functools
import logging
import os
import sys
import threading
import warnings
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import yaml

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature, infer_signature
from mlflow.pyfunc import (
    ChatAgent,
    ChatModel,
    Context,
    PyFuncModel,
    PythonModel,
    ResponsesAgent,
    set_prediction_context,
)
from mlflow.pyfunc.context import get_prediction_context
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.type_hints import TypeFromExample

pytestmark = pytest.mark.filterwarnings("ignore:Add type hints", "ignore:.*is deprecated")


class Echo(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


class Hinted(PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [text.upper() for text in model_input]


class Streams(PythonModel):
    def predict(self, context, model_input):
        return model_input

    def predict_stream(self, context, model_input, params=None):
        yield params
        yield get_prediction_context().model_id
        yield from model_input


@pytest.fixture
def save(tmp_path):
    """A function that saves a model in a new folder, and gives the folder."""
    count = iter(range(100))

    def make(model=None, **options):
        folder = tmp_path / f"model{next(count)}"
        if model is not None:
            options["python_model"] = model
        mlflow.pyfunc.save_model(str(folder), pip_requirements=["numpy"], **options)
        return str(folder)

    return make


@pytest.fixture
def load(save):
    """A function that saves a model and loads it."""
    return lambda model, **options: mlflow.pyfunc.load_model(save(model, **options))


@pytest.fixture
def own_path(monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])


# Saving.


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, MlflowException, "Either `loader_module` or `python_model`"),
        ({"python_model": Echo(), "loader_module": "x"}, MlflowException, "together"),
        ({"python_model": Echo(), "data_path": "x"}, MlflowException, "together"),
        ({"loader_module": "x", "artifacts": {"a": "b"}}, MlflowException, "together"),
        ({"python_model": Echo}, MlflowException, "exactly one argument. Found 0"),
        ({"python_model": 3}, MlflowException, "PythonModel instance, callable"),
        ({"python_model": lambda a, b: 1}, MlflowException, "Found 2"),
        ({"python_model": "nowhere.py"}, MlflowException, "does not exist"),
        ({"python_model": Echo(), "artifacts": ["x"]}, MlflowException, "`artifacts` must be"),
        ({"python_model": Echo(), "artifacts": {"a": 3}}, MlflowException, "`artifacts` must be"),
        ({"python_model": Echo(), "model_config": [1]}, MlflowException, "model_config"),
        ({"python_model": Echo(), "model_config": "no.yaml"}, MlflowException, "no.yaml"),
        ({"python_model": Echo(), "code_paths": "x"}, TypeError, "list"),
        ({"python_model": Echo(), "unknown": 1}, TypeError, "unknown"),
    ],
)
def test_refused_and_nothing_is_left(tmp_path, options, error, message):
    folder = tmp_path / "model"
    with pytest.raises(error, match=message):
        mlflow.pyfunc.save_model(str(folder), pip_requirements=["numpy"], **options)
    assert list(tmp_path.iterdir()) == []


def test_missing_artifact_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(MlflowException) as caught:
        mlflow.pyfunc.save_model(
            str(tmp_path / "m"), python_model=Echo(), artifacts={"a": str(tmp_path / "none")}
        )
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_pickled_is_refused(save):
    model = Echo()
    model.lock = threading.Lock()
    with pytest.raises(MlflowException, match=r"lock.*Save it as code"):
        save(model)


def test_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MlflowException) as caught:
        mlflow.pyfunc.save_model(str(tmp_path), python_model=Echo())
    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_path_may_be_a_path(tmp_path):
    mlflow.pyfunc.save_model(tmp_path / "m", python_model=Echo(), pip_requirements=["numpy"])
    assert mlflow.pyfunc.load_model(tmp_path / "m").predict(1) == 1


def test_description_has_what_was_given(save):
    model = Model.load(save(Streams(), metadata={"team": "core"}, model_config={"k": 1}))
    conf = model.flavors["python_function"]
    assert conf["loader_module"] == "mlflow.pyfunc.model"
    assert conf["streamable"] is True
    assert conf["config"] == {"k": 1}
    assert conf["cloudpickle_version"] == cloudpickle.__version__
    assert model.metadata == {"team": "core"}
    assert (
        Model.load(save(Streams(), streamable=False)).flavors["python_function"]["streamable"]
        is False
    )


@pytest.mark.parametrize(
    ("method", "ending"), [("gzip", ".gz"), ("lzma", ".xz"), ("bzip2", ".bz2"), ("zip", "")]
)
def test_pickles_may_be_compressed(save, monkeypatch, caplog, method, ending):
    monkeypatch.setenv("MLFLOW_LOG_MODEL_COMPRESSION", method)
    folder = save(Echo())
    assert os.path.exists(f"{folder}/python_model.pkl{ending}")
    assert mlflow.pyfunc.load_model(folder).predict(2) == 2
    assert ("Unrecognized compression method 'zip'" in caplog.text) == (ending == "")


def test_artifacts_of_one_name_stay_apart(save, tmp_path):
    class Reads(PythonModel):
        def load_context(self, context):
            self.texts = {k: Path(p).read_text() for k, p in context.artifacts.items()}

        def predict(self, context, model_input):
            return self.texts

    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.txt").write_text(name)
    folder = save(Reads(), artifacts={n: str(tmp_path / n / "same.txt") for n in "ab"})
    assert mlflow.pyfunc.load_model(folder).predict(None) == {"a": "a", "b": "b"}


def test_code_of_the_working_directory_is_found(save, tmp_path, monkeypatch, own_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("from . import deep\n")
    (tmp_path / "pack" / "deep.py").write_text("VALUE = 3\n")
    (tmp_path / "pack" / "unused.py").write_text("")
    (tmp_path / "inferred_helper.py").write_text("from pack.deep import VALUE\n")
    (tmp_path / "own_model.py").write_text(
        "import inferred_helper\n"
        "from mlflow.models import set_model\n"
        "set_model(lambda model_input: inferred_helper.VALUE)\n"
    )
    monkeypatch.chdir(tmp_path)
    sys.path.insert(0, str(tmp_path))
    folder = Path(save("own_model.py", infer_code_paths=True))
    found = {str(p.relative_to(folder / "code")) for p in folder.glob("code/**/*.py")}
    assert found == {"inferred_helper.py", "pack/__init__.py", "pack/deep.py"}
    assert (folder / "own_model.py").exists()
    with pytest.raises(MlflowException, match="code_paths"):
        save("own_model.py", infer_code_paths=True, code_paths=["inferred_helper.py"])


@pytest.fixture
def uv_project(tmp_path, monkeypatch):
    """A folder that is a uv project, and a program that says what its lock file pins."""
    folder, program = tmp_path / "project", tmp_path / "bin" / "uv"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    (folder / "uv.lock").write_text('version = 1\nrequires-python = ">=3.10"\n')
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nif [ "$1" = "--version" ]; then echo "uv 99.0.0"; else echo numpy==1.2.3; fi\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.parametrize("detected", [True, False])
def test_requirements_come_from_a_uv_project(uv_project, tmp_path, monkeypatch, detected):
    if detected:
        monkeypatch.chdir(uv_project)
    mlflow.pyfunc.save_model(
        tmp_path / "m",
        python_model=Echo(),
        uv_project_path=None if detected else str(uv_project),
        extra_pip_requirements=["scipy"],
    )
    lines = (tmp_path / "m" / "requirements.txt").read_text().splitlines()
    assert lines[1:] == [f"cloudpickle=={cloudpickle.__version__}", "numpy==1.2.3", "scipy"]
    assert (tmp_path / "m" / "uv.lock").exists()


def test_uv_projects_may_be_left_alone(uv_project, save, monkeypatch):
    monkeypatch.chdir(uv_project)
    monkeypatch.setenv("MLFLOW_UV_AUTO_DETECT", "false")
    assert not os.path.exists(f"{save(Echo())}/uv.lock")


# Signatures.


def test_signature_comes_from_type_hints(save):
    model = Model.load(save(Hinted()))
    assert model.signature == ModelSignature(
        Schema([ColSpec("string")]), Schema([ColSpec("string")])
    )
    assert model.signature._is_signature_from_type_hint


def test_type_hints_win_over_a_signature(save, caplog):
    model = Model.load(save(Hinted(), signature=infer_signature([1])))
    assert model.signature.inputs == Schema([ColSpec("string")])
    assert "does not match" in caplog.text


def test_hint_that_is_no_list_gives_no_signature(save):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        class Single(PythonModel):
            def predict(self, model_input: str) -> str:
                return model_input

    with pytest.warns(UserWarning, match=r"list\[str\]"):
        folder = save(Single())
    assert Model.load(folder).signature is None


def test_output_without_a_usable_hint_is_anything(save):
    class Odd(PythonModel):
        def predict(self, model_input: list[int]) -> set:
            return set(model_input)

    assert str(Model.load(save(Odd())).signature.outputs) == "[Any (required)]"


def test_signature_comes_from_the_example(save):
    frame = pd.DataFrame({"a": [1.5]})
    signature = Model.load(save(Echo(), input_example=(frame, {"k": 2}))).signature
    assert signature.inputs == signature.outputs == Schema([ColSpec("double", "a")])
    assert signature.params == ParamSchema([ParamSpec("k", "long", 2)])


def test_signature_can_be_declined(save):
    assert Model.load(save(Echo(), signature=False, input_example=[1])).signature is None


def test_example_that_fails_is_a_warning(save, caplog):
    class Fails(PythonModel):
        def predict(self, context, model_input):
            return 1 / 0

    assert Model.load(save(Fails(), input_example=[1.0])).signature is None
    assert "division by zero" in caplog.text


def test_data_is_brought_into_the_form_of_the_example(load):
    class FromExample(PythonModel):
        def predict(self, model_input: TypeFromExample):
            return [type(model_input).__name__, *map(str, model_input)]

    listed = load(FromExample(), input_example=["a", "b"])
    assert listed.metadata.signature._is_type_hint_from_example
    assert listed.predict(["x"]) == ["list", "x"]
    assert listed.predict(pd.DataFrame({"c": ["x"]})) == ["list", "x"]
    table = load(FromExample(), input_example=pd.DataFrame({"a": [1]}))
    assert table.predict({"a": [1]}) == ["DataFrame", "a"]


# Asking.


def test_type_hints_are_enforced(load):
    model = load(Hinted())
    assert model.predict(["a"]) == ["A"]
    assert model.predict(pd.DataFrame({"any": ["a", "b"]})) == ["A", "B"]
    with pytest.raises(MlflowException, match=r"list\[str\]"):
        model.predict([1])


def test_functions_are_models_too(load):
    def double(model_input: list[int]) -> list[int]:
        return [2 * number for number in model_input]

    model = load(double)
    assert model.predict([1, 2]) == [2, 4]
    with pytest.raises(MlflowException, match=r"list\[int\]"):
        model.predict(["x"])


class Callable:
    def __call__(self, numbers: list[int]) -> list[int]:
        return [number + 1 for number in numbers]


def test_objects_that_can_be_called_are_functions(load):
    model = load(Callable())
    assert model.metadata.signature.inputs == Schema([ColSpec("long")])
    assert model.predict([1]) == [2]
    with pytest.raises(MlflowException, match=r"list\[int\]"):
        model.predict(["x"])


def test_functions_without_annotations_of_their_own(load):
    assert load(len).predict([1, 2]) == 2
    assert load(functools.partial(divmod, 7)).predict(2) == (3, 1)


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_predict_may_be_no_method_of_an_instance(load, kind):
    class Own(PythonModel):
        if kind is staticmethod:

            @staticmethod
            def predict(model_input):
                return 5
        else:

            @classmethod
            def predict(cls, model_input):
                return 5

    assert load(Own()).predict(1) == 5


def test_hints_of_a_base_class_hold(load):
    class Derived(Hinted):
        def predict(self, model_input: list[str]) -> list[str]:
            return [*super().predict(model_input), "!"]

    assert load(Derived()).predict(["a"]) == ["A", "!"]


@pytest.mark.parametrize("names", ["context, model_input", "c, data", "model_input, context"])
def test_context_may_have_any_place(load, names):
    scope = {"PythonModel": PythonModel}
    one = names.split(", ")
    data = next(n for n in one if n in ("model_input", "data"))
    context = next(n for n in one if n != data)
    code = f"class M(PythonModel):\n def predict(self, {names}):\n"
    code += f"  return [type({context}).__name__, {data}]"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, scope)
    assert load(scope["M"]()).predict(5) == ["PythonModelContext", 5]


def test_params_have_defaults_and_unknown_ones_are_ignored(load, caplog):
    class Says(PythonModel):
        def predict(self, context, model_input, params=None):
            return params

    schema = ParamSchema([ParamSpec("t", "double", 0.5)])
    model = load(Says(), signature=ModelSignature(Schema([ColSpec("long")]), params=schema))
    assert model.predict([1]) == {"t": 0.5}
    assert model.predict([1], params={"t": 2}) == {"t": 2.0}
    assert model.predict([1], params={"u": 2}) == {"t": 0.5}
    assert load(Says()).predict([1]) is None
    assert load(Says()).predict([1], {"t": 1}) == {}


def test_model_without_params_is_asked_without(load, caplog):
    class Without(PythonModel):
        def predict(self, context, model_input):
            return len(model_input)

    schema = ParamSchema([ParamSpec("t", "double", 0.5)])
    signature = ModelSignature(Schema([ColSpec("long")]), params=schema)
    assert load(Without(), signature=signature).predict([1], params={"t": 2}) == 1
    assert "will be ignored" in caplog.text


def test_streams(load):
    model = load(Streams())
    parts = model.predict_stream(["x", "y"])
    assert iter(parts) is parts
    assert list(parts) == [None, None, "x", "y"]
    with pytest.raises(MlflowException, match="predict_stream"):
        list(load(Echo()).predict_stream(1))


def test_streamed_prediction_keeps_its_context_to_itself(load):
    parts = load(Streams()).predict_stream(["x"])
    next(parts)
    assert get_prediction_context() is None
    with set_prediction_context(Context(request_id="other")):
        next(parts)
        assert get_prediction_context().request_id == "other"


def test_prediction_has_a_context(load):
    class Asks(PythonModel):
        def predict(self, context, model_input):
            return get_prediction_context()

    model = load(Asks())
    assert model.predict(1) == Context()
    with set_prediction_context(Context(request_id="r", model_id="m")):
        assert model.predict(1) == Context(request_id="r", model_id="m")
    assert get_prediction_context() is None


def test_context_can_be_updated():
    context = Context(request_id="r", unknown=1)
    context.update(request_id="s", endpoint_name="e")
    assert (context.request_id, context.endpoint_name) == ("s", "e")
    with pytest.raises(AttributeError, match="unknown"):
        context.update(unknown=1)
    with pytest.raises(TypeError, match="Context"), set_prediction_context("x"):
        pass


# Loading.


def test_settings_can_be_given_others(save, tmp_path, caplog):
    class Settings(PythonModel):
        def predict(self, context, model_input):
            return context.model_config

    folder = save(Settings(), model_config={"a": 1, "b": 2})
    loaded = mlflow.pyfunc.load_model(folder, model_config={"b": 3, "z": 4})
    assert loaded.predict(None) == loaded.model_config == {"a": 1, "b": 3}
    assert "['z']" in caplog.text
    (tmp_path / "settings.yaml").write_text("a: 5\n")
    for path in (tmp_path / "settings.yaml", str(tmp_path / "settings.yaml")):
        assert mlflow.pyfunc.load_model(folder, model_config=path).predict(None)["a"] == 5
    assert mlflow.pyfunc.load_model(folder).predict(None) == {"a": 1, "b": 2}


def test_model_that_pyfunc_cannot_load_is_refused(tmp_path):
    Model(flavors={"other": {}}).save(str(tmp_path / "MLmodel"))
    with pytest.raises(MlflowException, match="python_function") as caught:
        mlflow.pyfunc.load_model(str(tmp_path))
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_module_that_loads_no_models_is_refused(save):
    folder = save(Echo())
    change(folder, loader_module="json")
    with pytest.raises(MlflowException, match="_load_pyfunc"):
        mlflow.pyfunc.load_model(folder)


def test_absent_model_is_refused(tmp_path):
    with pytest.raises(MlflowException) as caught:
        mlflow.pyfunc.load_model(str(tmp_path / "none"))
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def change(folder, **conf):
    """Change what an MLmodel file says."""
    path = Path(folder) / "MLmodel"
    form = yaml.safe_load(path.read_text())
    form["flavors"]["python_function"].update(conf)
    path.write_text(yaml.safe_dump(form))


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "inside/../../outside"])
@pytest.mark.parametrize("part", ["python_model", "data", "code", "artifacts"])
def test_paths_out_of_the_folder_are_refused(save, name, part):
    folder = save(Echo())
    change(folder, **{part: {"a": {"path": name, "uri": ""}} if part == "artifacts" else name})
    with pytest.raises(MlflowException) as caught:
        mlflow.pyfunc.load_model(folder)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_code_of_a_model_is_looked_for_in_its_folder_only(save, tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit('was run')")
    folder = save(Echo())
    change(
        folder,
        loader_module="mlflow.pyfunc.loaders.code_model",
        model_code_path=str(tmp_path / "evil.py"),
    )
    with pytest.raises(MlflowException):
        mlflow.pyfunc.load_model(folder)


def test_pickles_can_be_refused(save, monkeypatch):
    folder = save(Echo())
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with pytest.raises(MlflowException, match="disallowed"):
        mlflow.pyfunc.load_model(folder)


def test_code_can_be_refused(save, tmp_path, monkeypatch):
    (tmp_path / "code.py").write_text("from mlflow.models import set_model\nset_model(len)\n")
    folder = save(tmp_path / "code.py")
    monkeypatch.setenv("HEADRACE_MODEL_CODE", "none")
    with pytest.raises(MlflowException, match="disallowed"):
        mlflow.pyfunc.load_model(folder)


def test_differences_are_told_unless_suppressed(save, caplog):
    folder = save(Echo())
    change(folder, python_version="2.7.18", cloudpickle_version="0.1")
    Path(folder, "requirements.txt").write_text("numpy==0.1\n")
    with caplog.at_level(logging.WARNING, logger="mlflow"):
        mlflow.pyfunc.load_model(folder)
    assert "Python 2.7.18" in caplog.text
    assert "CloudPickle 0.1" in caplog.text
    assert "numpy==0.1" in caplog.text
    caplog.clear()
    mlflow.pyfunc.load_model(folder, suppress_warnings=True)
    assert "numpy" not in caplog.text
    assert "2.7.18" not in caplog.text


def test_loader_modules(save, tmp_path, own_path):
    (tmp_path / "own_loader.py").write_text(
        "from pathlib import Path\n"
        "class M:\n"
        "    def __init__(self, text): self.text = text\n"
        "    def predict(self, data): return [self.text] * len(data)\n"
        "def _load_pyfunc(path): return M(Path(path, 'text').read_text())\n"
    )
    data = tmp_path / "data_folder"
    data.mkdir()
    (data / "text").write_text("hello")
    folder = save(
        loader_module="own_loader",
        data_path=str(data),
        code_paths=[str(tmp_path / "own_loader.py")],
    )
    model = mlflow.pyfunc.load_model(folder)
    assert model.predict([1, 2]) == ["hello", "hello"]
    assert model.loader_module == "own_loader"
    with pytest.raises(MlflowException, match="Unable to retrieve base model"):
        model.unwrap_python_model()


def test_saving_by_a_loader_module_returns_the_description(tmp_path):
    record = Model()
    returned = mlflow.pyfunc.save_model(
        str(tmp_path / "m"), loader_module="json", mlflow_model=record, pip_requirements=["numpy"]
    )
    assert returned is record


# The loaded model.


def test_parts_of_a_loaded_model(load):
    model = load(Echo(), input_example=pd.DataFrame({"a": [1.5]}))
    assert isinstance(model.unwrap_python_model(), Echo)
    assert model.metadata.signature.inputs == Schema([ColSpec("double", "a")])
    assert model.model_config == {}
    assert model.model_id is None
    assert model.input_example.equals(pd.DataFrame({"a": [1.5]}))
    model.input_example = 3
    assert model.input_example == 3
    assert repr(model) == "mlflow.pyfunc.loaded_model:\n  flavor: mlflow.pyfunc.model\n"
    with pytest.raises(NotImplementedError, match="get_raw_model"):
        model.get_raw_model()


def test_loaded_model_needs_its_parts():
    with pytest.raises(MlflowException, match="metadata"):
        PyFuncModel(None, Echo())
    with pytest.raises(MlflowException, match="predict"):
        PyFuncModel(Model(), object())


def test_raw_models_of_flavors_are_handed_on():
    class Impl:
        def predict(self, data):
            return data

        def get_raw_model(self):
            return "raw"

    assert PyFuncModel(Model(), Impl()).get_raw_model() == "raw"


# Chats and agents.


def test_agents_have_their_own_signature(save):
    class Responds(ResponsesAgent):
        def predict(self, request):
            return {"output": []}

    with pytest.raises(MlflowException, match="standard signature"):
        save(Responds(), signature=infer_signature([1]))
    model = Model.load(save(Responds(), metadata={"own": 1}))
    assert model.metadata == {"own": 1, "task": "agent/v1/responses"}
    assert model.flavors["python_function"]["streamable"] is True


def test_agents_take_dictionaries_directly():
    class Answers(ChatAgent):
        def predict(self, messages, context=None, custom_inputs=None):
            return [messages[0].role, custom_inputs]

    question = {"messages": [{"role": "user", "content": "x"}], "custom_inputs": {"k": 1}}
    assert Answers().predict(question) == ["user", {"k": 1}]
    with pytest.raises(MlflowException):
        Answers().predict({"messages": "x"})


def test_agents_that_answer_in_another_form_are_not_saved(save, tmp_path):
    class Wrong(ChatAgent):
        def predict(self, messages, context=None, custom_inputs=None):
            return {"messages": [{"role": "assistant", "content": "has no id"}]}

    class WrongChat(ChatModel):
        def predict(self, context, messages, params):
            return {"choices": []}

    for model in (Wrong(), WrongChat()):
        with pytest.raises(MlflowException, match="Failed to save"):
            save(model)
    assert list(tmp_path.iterdir()) == []


def test_agent_example_must_be_a_request(save):
    class Responds(ResponsesAgent):
        def predict(self, request):
            return {"output": []}

    with pytest.raises(MlflowException, match="Invalid input example"):
        save(Responds(), input_example={"input": "text"})


def test_agent_without_stream_says_so(load):
    class Responds(ResponsesAgent):
        def predict(self, request):
            return {"output": []}

    model = load(Responds())
    assert model.predict({"input": [{"role": "user", "content": "x"}]}) == {"output": []}
    with pytest.raises(NotImplementedError, match="predict_stream"):
        list(model.predict_stream({"input": [{"role": "user", "content": "x"}]}))


def test_of_several_requests_the_first_is_answered(load, caplog):
    class Answers(ChatAgent):
        def predict(self, messages, context=None, custom_inputs=None):
            return {"messages": [{"role": "assistant", "content": messages[0].content, "id": "1"}]}

    rows = [{"messages": [{"role": "user", "content": text}]} for text in ("x", "y")]
    model = load(Answers())
    for data in (rows, pd.DataFrame(rows)):
        assert model.predict(data)["messages"][0]["content"] == "x"
        assert "only the first" in caplog.text
        caplog.clear()


def test_answers_of_another_form_are_errors(load):
    class Breaks(ResponsesAgent):
        answer: dict = {"output": []}

        def predict(self, request):
            return self.answer

        def predict_stream(self, request):
            yield {"nothing": 1}

    model = load(Breaks())
    model.unwrap_python_model().answer = {"nothing": 1}
    question = {"input": [{"role": "user", "content": "x"}]}
    for ask in (model.predict, lambda data: list(model.predict_stream(data))):
        with pytest.raises(MlflowException, match="ResponsesAgent") as caught:
            ask(question)
        assert caught.value.error_code == "INTERNAL_ERROR"


# The rest.


def test_add_to_model():
    model = mlflow.pyfunc.add_to_model(
        Model(), "loader", data="d", conda_env="e.yaml", python_env="p.yaml", extra=3
    )
    assert model.flavors["python_function"] == {
        "loader_module": "loader",
        "python_version": mlflow.pyfunc.PYTHON_VERSION,
        "data": "d",
        "env": {"conda": "e.yaml", "virtualenv": "p.yaml"},
        "extra": 3,
    }


def test_model_dependencies(save):
    folder = save(Echo())
    assert Path(mlflow.pyfunc.get_model_dependencies(folder)).read_text().endswith("numpy")
    conda = yaml.safe_load(Path(mlflow.pyfunc.get_model_dependencies(folder, "conda")).read_text())
    assert "numpy" in conda["dependencies"][-1]["pip"]
    with pytest.raises(MlflowException, match="Illegal format argument 'x'"):
        mlflow.pyfunc.get_model_dependencies(folder, "x")


def test_default_environment():
    [requirement] = mlflow.pyfunc.get_default_pip_requirements()
    assert requirement == f"cloudpickle=={cloudpickle.__version__}"
    assert requirement in mlflow.pyfunc.get_default_conda_env()["dependencies"][-1]["pip"]


def test_old_name_of_load_model(save):
    with pytest.warns(FutureWarning, match="load_model"):
        assert mlflow.pyfunc.load_pyfunc(save(Echo())).predict(1) == 1


def test_spark_is_asked_for_by_name(save):
    if mlflow.pyfunc.HAS_PYSPARK:
        pytest.skip("pyspark is there")
    with pytest.raises(MlflowException, match="pyspark is needed"):
        mlflow.pyfunc.spark_udf(None, save(Echo()))


def test_arrays_need_neither_pandas_nor_pydantic(tmp_path, run_without):
    (tmp_path / "code.py").write_text(
        "from mlflow.models import set_model\n"
        "from mlflow.pyfunc import PythonModel\n"
        "class Sums(PythonModel):\n"
        "    def predict(self, context, model_input): return model_input.sum(axis=1)\n"
        "set_model(Sums())\n"
    )
    code = f"""
sys.modules["pydantic"] = None
import mlflow, numpy as np
for model in ({str(tmp_path / "code.py")!r}, lambda model_input: model_input.sum(axis=1)):
    folder = {str(tmp_path)!r} + "/" + type(model).__name__
    mlflow.pyfunc.save_model(folder, python_model=model, input_example=np.ones((1, 2)))
    print(mlflow.pyfunc.load_model(folder).predict(np.ones((2, 2))).tolist())
"""
    assert run_without("pandas", code) == "[2.0, 2.0]\n" * 2


def test_logged_models_know_their_run(tmp_path):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/store.db")
    try:
        experiment = mlflow.create_experiment("e", artifact_location=(tmp_path / "a").as_uri())
        with mlflow.start_run(experiment_id=experiment) as run:
            info = mlflow.pyfunc.log_model(
                name="hinted",
                python_model=Hinted(),
                pip_requirements=["numpy"],
                registered_model_name="registered",
                params={"p": 1},
                tags={"t": "1"},
            )
        assert info.registered_model_version == 1
        for uri in (info.model_uri, f"runs:/{run.info.run_id}/hinted", "models:/registered/1"):
            model = mlflow.pyfunc.load_model(uri)
            assert model.predict(["a"]) == ["A"]
            assert model.model_id == info.model_id
            assert f"run_id: {run.info.run_id}" in repr(model)
    finally:
        mlflow.set_tracking_uri(None)


def test_one_row_is_answered_quickly(load):
    """A guard against work that should be done once: far above what it takes."""
    import time

    frame = pd.DataFrame(np.ones((1, 10)), columns=list("abcdefghij"))
    model = load(Echo(), signature=infer_signature(frame))
    model.predict(frame)
    started = time.process_time()
    for _ in range(100):
        model.predict(frame)
    assert (time.process_time() - started) / 100 < 0.001


def test_a_model_without_predict_is_saved_without_a_word_on_hints(save):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        save(PythonModel())


def test_warnings_on_hints_show_where_the_model_is_saved(tmp_path):
    class Wrong(PythonModel):
        def predict(self, model_input: int):
            return model_input

    with pytest.warns(UserWarning, match="Failed to infer signature") as seen:
        mlflow.pyfunc.save_model(
            str(tmp_path / "m"), python_model=Wrong(), pip_requirements=["numpy"]
        )
    assert [each.filename for each in seen if "Failed" in str(each.message)] == [__file__]
