"""Models that the reference saved load here and answer as they did there."""

import importlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlflow

GOLDEN = Path(__file__).parents[1] / "data" / "models-golden"
RECORDED = json.loads((GOLDEN / "predictions.json").read_text())["models"]
PICKLE_NAMES = json.loads((GOLDEN / "pickle-names.json").read_text())
PYFUNC = sorted(name for name in RECORDED if name.startswith("pyfunc-"))


def data_of(form):
    if "dataframe_split" in form:
        return pd.DataFrame(**form["dataframe_split"])
    return form


def same(answer, recorded):
    if "series" in recorded:
        return isinstance(answer, pd.Series) and answer.tolist() == recorded["series"]
    if "ndarray" in recorded:
        return np.array_equal(answer, recorded["ndarray"])
    return answer == recorded


@pytest.mark.parametrize("name", PYFUNC)
def test_model_answers_as_recorded(name, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])
    folder = shutil.copytree(GOLDEN / name, tmp_path / name)
    fact = RECORDED[name]
    model = mlflow.pyfunc.load_model(str(folder))
    answer = model.predict(data_of(fact["input"]), params=fact["params"])
    assert type(answer).__name__ == fact["prediction_type"]
    assert same(answer, fact["prediction"])
    assert model.metadata.flavors["python_function"] == fact["pyfunc_flavor"]
    assert model.metadata.metadata == fact["metadata"]


@pytest.mark.parametrize("name", PYFUNC)
def test_input_example_can_be_asked(name, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])
    model = mlflow.pyfunc.load_model(str(GOLDEN / name))
    if model.input_example is None:
        assert name == "pyfunc-loader-module"
        return
    assert model.predict(model.input_example) is not None


@pytest.mark.parametrize(
    "name", sorted({n for names in PICKLE_NAMES.values() for n in names if n.startswith("mlflow.")})
)
def test_names_in_pickles_resolve(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)
