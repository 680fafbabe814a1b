"""Data of all kinds, as input and output of models and as input examples; run as a script with
whatever `mlflow` an interpreter has, it prints what that makes of them, as JSON."""

import datetime
import json
import logging
import os
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pydantic import BaseModel

import mlflow


class Record(BaseModel):
    a: int = 1
    b: str | None = None


DAY = datetime.date(2020, 1, 1)
MOMENT = datetime.datetime(2020, 1, 1, 10, 30)

#: Arguments of `infer_signature`.
SIGNATURES = {
    "table": (pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, None]}), np.array([1, 2])),
    "array": (np.ones((2, 3), dtype="float32"), np.ones(2)),
    "arrays by name": ({"a": np.ones((2, 3)), "b": np.array(["x"])}, {"q": np.ones(2)}),
    "dictionary": ({"a": [1, 2], "b": "x"}, ["a"]),
    "records": ([{"a": 1}, {"a": 2, "b": "z"}], [1.0]),
    "integer": (3, "x"),
    "text": ("x", b"y"),
    "boolean": (True, None),
    "moment": (MOMENT, pd.Series([1, 2], name="s")),
    "sparse": (sp.csr_matrix(np.eye(3)), sp.csc_matrix(np.eye(3))),
    "series": (pd.Series([1, 2]), pd.Series(["a"])),
    "nested": ({"a": {"b": [1, 2]}, "c": [{"d": 1}]}, None),
    "output only": (None, [1]),
    "texts": (["a", "b"], ["c"]),
    "lists": ([[1, 2], [3, 4]], None),
    "objects": (np.array(["a", None], dtype=object), None),
    "odd columns": (
        pd.DataFrame(
            {
                "d": pd.to_datetime(["2020-01-01"]),
                "e": pd.Categorical(["x"]),
                "f": [b"x"],
                "g": [[1, 2]],
            }
        ),
        None,
    ),
    "durations": (pd.DataFrame({"d": [pd.Timedelta(1)]}), None),
    "numbered columns": (pd.DataFrame({0: [1, 2], 1: [3, 4]}), None),
    "complex": (np.ones(2, dtype=complex), None),
    "set": ({1, 2}, None),
    "tuple": ((1, 2), None),
    "empty list": ([], None),
    "empty dictionary": ({}, None),
    "dictionaries in a column": (pd.DataFrame({"a": [{"x": 1}, {"x": 2, "y": "q"}]}), None),
    "nothing": (None, None),
    "params": ("x", "y", {"a": 1, "b": "x", "c": [1, 2], "d": 1.5, "e": True, "f": DAY}),
    "params only": (None, None, {"a": {"x": 1}}),
    "numpy param": ("x", "y", {"a": np.float32(1)}),
    "no params": ("x", "y", {}),
    "missing param": ("x", "y", {"a": None}),
    "params in a list": ("x", "y", [1]),
}

EXAMPLES = {
    "table": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    "table with index": pd.DataFrame({"a": [1, 2]}, index=["p", "q"]),
    "moments": pd.DataFrame({"a": pd.to_datetime(["2020-01-01 10:00:00.123456"])}),
    "numbered columns": pd.DataFrame([[1, 2]]),
    "missing in a table": pd.DataFrame({"a": [1.0, None]}),
    "bytes in a table": pd.DataFrame({"a": [b"x\xff"]}),
    "arrays in a table": pd.DataFrame({"a": [{"x": np.array([1, 2])}]}),
    "array": np.array([[1.5, 2]]),
    "integers": np.arange(3),
    "array of texts": np.array(["a", "b"]),
    "days": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "missing in an array": np.array([1.0, np.nan, np.inf]),
    "arrays by name": {"a": np.ones((1, 2)), "b": np.array([1])},
    "dictionary": {"a": 1, "b": [1, 2]},
    "array among others": {"a": np.ones(2), "b": "x"},
    "chat": {"messages": [{"role": "user", "content": "hi"}]},
    "prompt": {"prompt": "x"},
    "input": {"input": ["a"]},
    "inputs": {"inputs": [1, 2]},
    "list": [1, 2, 3],
    "records": [{"a": 1}, {"a": 2}],
    "arrays in a list": [np.ones(2)],
    "text": "hello",
    "bytes": b"he\xff",
    "integer": 3,
    "boolean": True,
    "none": None,
    "moment": MOMENT,
    "csr": sp.csr_matrix(np.eye(3)),
    "csc": sp.csc_matrix(np.eye(3)),
    "table and params": (pd.DataFrame({"a": [1]}), {"p": 1}),
    "array and params": (np.ones(2), {"p": [1, 2], "q": "x"}),
    "text and params": ("x", {"p": 1}),
    "dictionary and params": ({"a": 1}, {"p": np.float64(1)}),
    "tuple": (1, 2, 3),
    "tuple with none": ("x", None),
    "series": pd.Series([1, 2]),
    "set": {1},
    "object": object(),
    "empty list": [],
    "empty dictionary": {},
    "numpy scalar": np.float64(1.5),
    "array of no dimension": np.array(3),
    "pydantic": Record(),
    "list of pydantic": [Record(a=2), Record()],
}


def attempt(make, *arguments):
    """The result, or the kind of error and its code."""
    try:
        return make(*arguments)
    except Exception as e:
        return {"error": type(e).__name__, "code": getattr(e, "error_code", None)}


def signature(arguments):
    return mlflow.models.infer_signature(*arguments).to_dict()


def serving(example):
    return mlflow.models.convert_input_example_to_serving_input(example)


def save_pyfunc(path, example):
    class Anything(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return [1]

    mlflow.pyfunc.save_model(
        path,
        python_model=Anything(),
        input_example=example,
        signature=False,
        pip_requirements=[],
    )


def saved(example, save=save_pyfunc):
    """What a model's folder has of an example, and what is read back from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        save(path, example)
        model = mlflow.models.Model.load(path)
        names = ("input_example.json", "serving_input_example.json")
        files = {}
        for name in names:
            if os.path.exists(os.path.join(path, name)):
                with open(os.path.join(path, name)) as file:
                    files[name] = file.read()
        again = model.load_input_example(path)
        return {
            "files": files,
            "info": model.saved_input_example_info,
            "again": [type(again).__name__, str(again)],
            "params": model.load_input_example_params(path),
        }


if __name__ == "__main__":
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    found = {
        "signatures": {k: attempt(signature, each) for k, each in SIGNATURES.items()},
        "serving": {k: attempt(serving, each) for k, each in EXAMPLES.items()},
        "saved": {k: attempt(saved, each) for k, each in EXAMPLES.items()},
    }
    json.dump(found, sys.stdout, indent=1)
