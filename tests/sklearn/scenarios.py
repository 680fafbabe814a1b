"""Trainings under autologging, written for MLflow and run unchanged on whatever `mlflow` this
interpreter imports.

    python scenarios.py [NAME...]        prints what each of them logs, as JSON

Without machine-dependent parts: ids, times, names of users.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import sklearn
import sklearn.metrics
import sklearn.model_selection
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import mlflow
import mlflow.sklearn

X, y = load_iris(return_X_y=True)
XF, yf = load_iris(return_X_y=True, as_frame=True)
XD, yd = load_diabetes(return_X_y=True)
uneven = np.r_[0:60, 100:115]  # a rare third class

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


autolog = mlflow.sklearn.autolog
NO_MODELS = {"log_models": False}


def logistic(**params):
    return LogisticRegression(**{"max_iter": 200, **params})


class Mine(ClassifierMixin, BaseEstimator):
    """An estimator of the user's own."""

    def __init__(self, k=1):
        self.k = k

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


class Derived(LogisticRegression):
    """One that inherits `fit`."""


class Extended(LogisticRegression):
    """One with a `fit` that calls the inherited one."""

    def fit(self, X, y):
        return super().fit(X, y)


@scenario
def classifier():
    autolog()
    logistic().fit(X, y)


@scenario
def classes_of_different_size():
    autolog(**NO_MODELS)
    logistic().fit(X[uneven], y[uneven])


@scenario
def frame_with_example_as_skops():
    autolog(log_input_examples=True, serialization_format="skops")
    logistic().fit(XF, yf)


@scenario
def without_signature():
    autolog(log_model_signatures=False, serialization_format="pickle")
    Ridge().fit(XD, yd)


@scenario
def forest_in_parallel():
    autolog(**NO_MODELS)
    RandomForestClassifier(n_estimators=5, random_state=0, n_jobs=2).fit(X, y)


@scenario
def binary():
    autolog(**NO_MODELS)
    logistic().fit(X[:100], y[:100])


@scenario
def binary_with_positive_class():
    autolog(pos_label=1, **NO_MODELS)
    logistic().fit(X[50:], y[50:])


@scenario
def binary_without_probabilities():
    autolog(**NO_MODELS)
    SVC().fit(X[:100], y[:100])


@scenario
def names_of_classes():
    autolog(log_input_examples=True)
    data = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1.0, 2.0, 3.0, 4.0]})
    DecisionTreeClassifier(random_state=0).fit(data, pd.Series(list("xyxy"), name="t"))


@scenario
def regression():
    autolog()
    LinearRegression().fit(XD, yd)


@scenario
def sample_weight():
    autolog(**NO_MODELS)
    SVR().fit(XD, yd, sample_weight=np.linspace(1, 2, len(yd)))
    logistic().fit(X, y, np.linspace(1, 2, len(y)))


@scenario
def arguments_by_name():
    autolog(**NO_MODELS)
    Ridge().fit(y=yd, X=XD, sample_weight=None)


@scenario
def several_outputs():
    autolog(**NO_MODELS)
    LinearRegression().fit(XD, np.c_[yd, yd])
    KNeighborsClassifier().fit(X, np.c_[y, y])


@scenario
def clustering():
    autolog()
    KMeans(3, random_state=0, n_init=1).fit(X)
    KMeans(3, random_state=0, n_init=1).fit_predict(X)


@scenario
def outliers():
    autolog()
    IsolationForest(random_state=0, n_estimators=5).fit(X)
    LocalOutlierFactor().fit_predict(X)


@scenario
def transformers():
    autolog()
    StandardScaler().fit_transform(X)
    OneHotEncoder().fit(X)
    MinMaxScaler().fit(X)
    PCA(2).fit_transform(X)


@scenario
def pipelines():
    autolog()
    make_pipeline(StandardScaler(), logistic()).fit(X, y)
    make_pipeline(StandardScaler(), KMeans(3, random_state=0, n_init=1)).fit_predict(X)


@scenario
def estimators_in_estimators():
    autolog(**NO_MODELS)
    tree = DecisionTreeClassifier(random_state=0)
    VotingClassifier([("a", logistic()), ("b", tree)]).fit(X, y)
    CalibratedClassifierCV(logistic(), cv=2).fit(X, y)


@scenario
def threads_of_joblib():
    import joblib

    autolog(**NO_MODELS)
    with joblib.parallel_backend("threading"):
        BaggingClassifier(logistic(), n_estimators=2, n_jobs=2, random_state=0).fit(X, y)


@scenario
def of_the_user():
    autolog()
    Mine().fit(X, y)
    Derived(max_iter=200).fit(X, y)
    Extended(max_iter=200).fit(X, y)
    make_pipeline(StandardScaler(), Mine()).fit(X, y)


@scenario
def partial_fit():
    autolog()
    SGDClassifier(random_state=0).partial_fit(X, y, classes=[0, 1, 2])


@scenario
def grid_search():
    autolog(max_tuning_runs=2)
    GridSearchCV(SVC(), {"C": [0.1, 1, 10], "kernel": ["linear"]}, cv=3).fit(X, y)


@scenario
def grid_search_with_all_children():
    autolog(max_tuning_runs=None, **NO_MODELS)
    GridSearchCV(logistic(), {"C": [0.1, 1, 10]}, cv=3).fit(X, y)


@scenario
def grid_search_without_children():
    autolog(max_tuning_runs=0, **NO_MODELS)
    GridSearchCV(logistic(), {"C": [0.1, 1]}, cv=3).fit(X, y)


@scenario
def grid_search_with_scores():
    autolog(**NO_MODELS)
    grid = [{"C": [0.1, 1]}, {"fit_intercept": [False]}]
    scoring = {"scoring": ["accuracy", "f1_macro"], "refit": "accuracy"}
    GridSearchCV(logistic(), grid, cv=3, return_train_score=True, **scoring).fit(X, y)


@scenario
def grid_search_without_winner():
    autolog()
    GridSearchCV(logistic(), {"C": [0.1, 1]}, cv=3, refit=False).fit(X, y)


@scenario
def grid_search_of_pipelines_in_parallel():
    autolog()
    pipeline = make_pipeline(StandardScaler(), SVC())
    GridSearchCV(pipeline, {"svc__C": [0.1, 1]}, cv=3, n_jobs=2).fit(X, y)


@scenario
def randomized_search():
    autolog()
    params = {"alpha": [0.1, 1, 10]}
    RandomizedSearchCV(Ridge(), params, n_iter=2, cv=3, random_state=0).fit(XD, yd)


@scenario
def in_a_run_of_the_user():
    autolog(**NO_MODELS)
    with mlflow.start_run(run_name="mine"):
        mlflow.log_param("mine", 1)
        logistic().fit(X, y)
        mlflow.log_metric("after", 1)


@scenario
def twice_in_a_run():
    autolog(**NO_MODELS)
    with mlflow.start_run():
        Ridge(alpha=1).fit(XD, yd)
        Ridge(alpha=2).fit(XD, yd)


@scenario
def exclusive():
    autolog(exclusive=True, **NO_MODELS)
    with mlflow.start_run():
        Ridge().fit(XD, yd)
    Ridge().fit(XD, yd)


@scenario
def off_and_on():
    autolog(**NO_MODELS)
    Ridge(alpha=1).fit(XD, yd)
    autolog(disable=True)
    Ridge(alpha=2).fit(XD, yd)
    autolog(**NO_MODELS)
    Ridge(alpha=3).fit(XD, yd)


@scenario
def without_data():
    autolog(log_datasets=False, **NO_MODELS)
    Ridge().fit(XD, yd)


@scenario
def extra_tags():
    autolog(extra_tags={"team": "x", "mlflow.autologging": "forged"}, **NO_MODELS)
    GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=3).fit(XD, yd)


@scenario
def registered():
    autolog(registered_model_name="iris")
    Ridge().fit(XD, yd)


@scenario
def after_the_training():
    autolog()
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = logistic().fit(X_train, y_train)
    model.score(X_test, y_test)
    model.score(X_test, y_test)
    pred = model.predict(X_test)
    metrics = sklearn.metrics
    metrics.accuracy_score(y_test, pred)
    metrics.f1_score(y_test, pred, average="macro")
    metrics.confusion_matrix(y_test, pred)
    metrics.accuracy_score(y_test, y_test)
    proba = model.predict_proba(X_test)
    metrics.log_loss(y_true=y_test, y_pred=proba)
    X2 = X_test.copy()
    model.score(X2, y=y_test)
    model.score(X_test.copy(), y_test)
    metrics.mean_squared_error(y_test, model.predict(X_test))
    metrics.make_scorer(metrics.f1_score, average="macro")(model, X_test, y_test)


@scenario
def after_the_training_in_a_run():
    autolog(**NO_MODELS)
    X_train, X_test, y_train, y_test = train_test_split(XD, yd, random_state=0)
    with mlflow.start_run():
        model = LinearRegression().fit(X_train, y_train)
        p = model.predict(X_test)
        sklearn.metrics.r2_score(y_test, p)
    sklearn.metrics.mean_squared_error(y_test, p)


@scenario
def nothing_after_the_training():
    autolog(log_post_training_metrics=False, **NO_MODELS)
    X_train, X_test, y_train, y_test = train_test_split(XD, yd, random_state=0)
    model = LinearRegression().fit(X_train, y_train)
    sklearn.metrics.r2_score(y_test, model.predict(X_test))
    model.score(X_test, y_test)


@scenario
def after_a_search():
    autolog(max_tuning_runs=0)
    X_train, X_test, y_train, y_test = train_test_split(XF, yf, random_state=0)
    model = GridSearchCV(logistic(), {"C": [0.1, 1]}, cv=3).fit(X_train, y_train)
    model.score(X_test, y_test)
    p = model.predict(X_test)
    sklearn.metrics.accuracy_score(y_test, p)
    sklearn.metrics.accuracy_score(y_test, model.best_estimator_.predict(X_test))


@scenario
def cross_validation():
    autolog(**NO_MODELS)
    sklearn.model_selection.cross_val_score(logistic(), X, y, cv=3)
    sklearn.model_selection.cross_validate(Ridge(), XD, yd, cv=3)


@scenario
def all_integrations():
    mlflow.autolog(log_models=False)
    Ridge().fit(XD, yd)


# What they logged


def _files(client, run_id, path=None):
    for file in client.list_artifacts(run_id, path):
        if file.is_dir:
            yield from _files(client, run_id, file.path)
        else:
            yield file.path


def _values(metrics):
    return {key: 0 if "time" in key else value for key, value in metrics.items()}


def _described(client, run):
    tags = {
        key: value
        for key, value in run.data.tags.items()
        if not key.startswith("mlflow.") or key == "mlflow.autologging"
    }
    files = sorted(_files(client, run.info.run_id))
    about = {}
    if "metric_info.json" in files:
        about = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/metric_info.json")
    return {
        "status": run.info.status,
        "child": "mlflow.parentRunId" in run.data.tags,
        "tags": tags,
        "params": run.data.params,
        "metrics": _values(run.data.metrics),
        "files": files,
        "calls": about,
        "inputs": [
            [each.dataset.name, each.dataset.digest, each.tags[0].value]
            for each in run.inputs.dataset_inputs
        ],
        "models": len(run.outputs.model_outputs),
    }


def _described_model(model):
    saved = mlflow.models.Model.load(model.artifact_location)
    files = mlflow.artifacts.list_artifacts(artifact_uri=model.artifact_location)
    return {
        "name": model.name,
        "status": str(model.status),
        "params": model.params,
        "metrics": _values({metric.key: metric.value for metric in model.metrics or []}),
        "on": sorted({str(metric.dataset_digest) for metric in model.metrics or []}),
        "files": sorted(file.path.rpartition("/")[2] for file in files),
        "flavors": saved.flavors,
        "signature": saved.signature and saved.signature.to_dict(),
        "example": saved.saved_input_example_info,
    }


def logged() -> dict:
    """All that is in the store, in an order that depends on nothing but what was logged."""
    client = mlflow.MlflowClient()
    runs = [_described(client, run) for run in client.search_runs(["0"])]
    models = [_described_model(model) for model in client.search_logged_models(["0"])]
    versions = [[v.name, int(v.version)] for v in client.search_model_versions()]
    found = {"runs": runs, "models": models, "versions": versions}
    for value in (runs, models):
        value.sort(key=lambda each: json.dumps(each, sort_keys=True, default=str))
    return json.loads(re.sub(r"0x[0-9a-f]+", "0x", json.dumps(found)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    results = {"scikit-learn": sklearn.__version__}
    for name in sys.argv[1:] or SCENARIOS:
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        mlflow.set_tracking_uri(f"sqlite:///{folder}/store.db")
        SCENARIOS[name]()
        results[name] = logged()
    print(json.dumps(results, indent=1, sort_keys=True))
    sys.stdout.flush()
