"""Recipes of scikit-learn models; see `model_recipes.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from model_recipes import Recipe
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mlflow.sklearn
from mlflow.models import infer_signature

X, y = load_iris(return_X_y=True)
FRAME, CLASSES = load_iris(return_X_y=True, as_frame=True)
XD, yd = load_diabetes(return_X_y=True)
FEW = X[::40]
FEW_ROWS = FRAME.iloc[::40]


def _save(make: Callable[[], Any], **options: Any) -> Callable[[str], None]:
    return lambda folder: mlflow.sklearn.save_model(make(), folder, **options)


def _logistic(data: Any = X) -> Any:
    return LogisticRegression(max_iter=300).fit(data, y)


def _texts() -> Any:
    texts = ["red apple", "green apple", "blue sky", "grey sky"]
    return make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(texts, [0, 0, 1, 1])


_TRUSTED = {"skops_trusted_types": ["sklearn.tree._tree.Tree"]}

RECIPES = {
    "sklearn-array": Recipe(_save(_logistic, input_example=FEW), lambda: [(FEW, None)]),
    "sklearn-frame": Recipe(
        _save(lambda: _logistic(FRAME), signature=infer_signature(FRAME, y)),
        lambda: [(FEW_ROWS, None), (FEW_ROWS[FRAME.columns[::-1]], None)],
    ),
    "sklearn-probabilities": Recipe(
        _save(_logistic, pyfunc_predict_fn="predict_proba", input_example=FEW),
        lambda: [(FEW, None)],
    ),
    "sklearn-cloudpickle": Recipe(
        _save(_logistic, serialization_format="cloudpickle", metadata={"a": 1}),
        lambda: [(FEW, None)],
    ),
    "sklearn-pickle": Recipe(
        _save(lambda: LinearRegression().fit(XD, yd), serialization_format="pickle"),
        lambda: [(XD[:3], None)],
    ),
    "sklearn-forest": Recipe(
        _save(lambda: RandomForestClassifier(5, random_state=0).fit(X, y), **_TRUSTED),
        lambda: [(FEW, None)],
    ),
    "sklearn-pipeline": Recipe(
        _save(lambda: make_pipeline(StandardScaler(), SVC()).fit(X, y)), lambda: [(FEW, None)]
    ),
    "sklearn-texts": Recipe(
        _save(_texts),  # without a signature, which would make a frame of one column of the list
        lambda: [(["red sky", "apple"], None)],
    ),
}
