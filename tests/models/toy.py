"""A flavor for tests: pickles of objects with `predict`."""

import os
import pickle

from mlflow.models import trust
from mlflow.models.flavor import Flavor, Written
from mlflow.utils.model_utils import path_inside


class Toy(Flavor):
    name = "toy"

    def write(self, model, folder, fails=False):
        with open(os.path.join(folder, "model.pkl"), "wb") as file:
            pickle.dump(model, file)
        if fails:
            raise RuntimeError("the disk is on fire")
        return Written({"pickled_model": "model.pkl"}, {"model_path": "model.pkl"})

    def read(self, folder, conf):
        path = path_inside(folder, conf["pickled_model"])
        trust.allow_code("a pickled toy", path)
        with open(path, "rb") as file:
            return pickle.load(file)  # noqa: S301

    def predictor(self, model, **options):
        return lambda data, params=None: model.predict(data)


class Doubler:
    """Its prediction is twice what it is asked."""

    reads = ()

    def predict(self, data):
        for name in self.reads:
            os.environ.get(name)
        return data * 2


def save_model(path, mlflow_model, model, **options):
    """Makes this module what `Model.log` takes as a flavor."""
    Toy().save(model, path, mlflow_model=mlflow_model, **options)
