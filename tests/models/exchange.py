"""Saves models of several kinds, or loads them; with whatever `mlflow` an interpreter has.

python exchange.py save FOLDER
python exchange.py load FOLDER      prints what they are and what they predict, as JSON
"""

import json
import logging
import os
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

import mlflow
from mlflow.models import Model, infer_signature

TABLE = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]})
ARRAY = TABLE.to_numpy()


class Shift(mlflow.pyfunc.PythonModel):
    def __init__(self, by=1):
        self.by = by

    def predict(self, context, model_input, params=None):
        return np.asarray(model_input) + self.by + (params or {}).get("more", 0)


class Typed(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [text.upper() for text in model_input]


def models():
    """What saves each, and what each is asked."""
    linear = LinearRegression().fit(ARRAY, [1.0, 2.0])
    logistic = LogisticRegression().fit(TABLE, [0, 1])
    pyfunc, sklearn = mlflow.pyfunc.save_model, mlflow.sklearn.save_model
    shift = infer_signature(ARRAY, ARRAY, {"more": 1.0})
    return {
        "skops": (lambda p: sklearn(linear, p, input_example=ARRAY), ARRAY),
        "pickle": (
            lambda p: sklearn(
                logistic,
                p,
                serialization_format="pickle",
                input_example=TABLE,
                signature=infer_signature(TABLE, [[0.5, 0.5]]),
                pyfunc_predict_fn="predict_proba",
                metadata={"team": "core"},
            ),
            TABLE,
        ),
        "cloudpickle": (
            lambda p: sklearn(
                linear, p, serialization_format="cloudpickle", extra_pip_requirements=["pyyaml"]
            ),
            ARRAY,
        ),
        "class": (lambda p: pyfunc(p, python_model=Shift(), signature=shift), ARRAY),
        "example": (lambda p: pyfunc(p, python_model=Shift(2), input_example=TABLE), TABLE),
        "typed": (lambda p: pyfunc(p, python_model=Typed(), input_example=["x"]), ["a", "b"]),
        "code": (lambda p: pyfunc(p, python_model=CODE, input_example=TABLE), TABLE),
    }


CODE = os.path.join(os.path.dirname(__file__), "exchange_code.py")


def save(folder):
    for name, (make, _) in models().items():
        make(os.path.join(folder, name))


def load(folder):
    found = {}
    for name, (_, data) in models().items():
        path = os.path.join(folder, name)
        model = Model.load(path)
        with open(os.path.join(path, "requirements.txt")) as file:
            requirements = file.read().split()
        form = model.to_dict()
        for changing in ("utc_time_created", "model_uuid", "sha256", "model_size_bytes"):
            form.pop(changing, None)
        example = model.load_input_example(path)
        found[name] = {
            "prediction": np.asarray(mlflow.pyfunc.load_model(path).predict(data)).tolist(),
            "model": form,
            "requirements": requirements,
            "files": sorted(os.listdir(path)),
            "example": str(example),
            "native": type(mlflow.sklearn.load_model(path)).__name__ if name in SKLEARN else None,
        }
    return found


SKLEARN = ("skops", "pickle", "cloudpickle")

if __name__ == "__main__":
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    if sys.argv[1] == "save":
        save(sys.argv[2])
    else:
        json.dump(load(sys.argv[2]), sys.stdout, indent=1)
