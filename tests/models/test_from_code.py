"""Models that are code."""

import sys

import pytest

from mlflow.exceptions import MlflowException
from mlflow.models import ModelConfig, set_model
from mlflow.models.from_code import load_model_code


@pytest.fixture
def code(tmp_path):
    def write(text, name="model.py"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_the_object_that_the_code_names_is_the_model(code):
    path = code("from mlflow.models import set_model\nset_model(lambda x: x + 1)\n")
    assert load_model_code(path)(1) == 2


def test_the_last_one_counts(code):
    path = code(
        "from mlflow.models import set_model\nset_model(lambda x: 1)\nset_model(lambda x: 2)\n"
    )
    assert load_model_code(path)(None) == 2


def test_two_files_of_one_name_are_two_models(tmp_path, code):
    (tmp_path / "other").mkdir()
    text = "import mlflow\nVALUE = {}\nmlflow.models.set_model(lambda x: VALUE)\n"
    first = load_model_code(code(text.format(1)))
    second = load_model_code(code(text.format(2), "other/model.py"))
    assert (first(0), second(0)) == (1, 2)


def test_what_the_model_needs_later_stays_importable(code):
    path = code(
        "import mlflow\nclass M:\n    def predict(self, x):\n        return type(self).__module__\n"
        "mlflow.models.set_model(M())\n"
    )
    module = load_model_code(path).predict(0)
    assert sys.modules[module].M


def test_code_that_names_no_model_is_refused(code):
    set_model(len)
    with pytest.raises(MlflowException, match="set_model") as e:
        load_model_code(code("x = 1\n"))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("text", ["raise ValueError('no')", "import (", "import nothing_here"])
def test_code_that_fails_says_where(code, text):
    before = set(sys.modules)
    with pytest.raises(MlflowException, match="model.py"):
        load_model_code(code(text))
    assert [name for name in set(sys.modules) - before if name.startswith("code_model_")] == []


def test_settings_are_there_while_the_code_runs(code):
    path = code(
        "import mlflow\nk = mlflow.models.ModelConfig(development_config={'k': 'dev'}).get('k')\n"
        "mlflow.models.set_model(lambda x: k)\n"
    )
    assert load_model_code(path)(0) == "dev"
    assert load_model_code(path, {"k": "given"})(0) == "given"
    with pytest.raises(FileNotFoundError):
        ModelConfig()


def test_code_may_load_another_model_that_is_code(code):
    inner = code("import mlflow\nmlflow.models.set_model(lambda x: 'inner')\n", "inner.py")
    outer = code(
        "import mlflow\nfrom mlflow.models.from_code import load_model_code\n"
        f"inner = load_model_code({inner!r})\n"
        "mlflow.models.set_model(lambda x: 'outer of ' + inner(x))\n",
        "outer.py",
    )
    assert load_model_code(outer)(0) == "outer of inner"


def test_code_can_be_refused(code, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_CODE", "none")
    path = code("raise SystemExit('it ran')")
    with pytest.raises(MlflowException, match="HEADRACE_MODEL_CODE"):
        load_model_code(path)


def test_other_files_are_refused(code):
    with pytest.raises(MlflowException, match="notebook"):
        load_model_code(code("{}", "model.ipynb"))
    with pytest.raises(MlflowException, match="no file of Python"):
        load_model_code(code("x", "model.txt"))
