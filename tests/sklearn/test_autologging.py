"""What autologging of scikit-learn keeps to besides what it logs."""

import copy
import inspect
import pickle
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import pytest
from tests.optional import optional

np = optional("numpy")
optional("sklearn")
cloudpickle = optional("cloudpickle")
joblib = optional("joblib")
optional("pandas")

import sklearn.metrics  # noqa: E402
import sklearn.model_selection  # noqa: E402
from sklearn.base import BaseEstimator, TransformerMixin, clone  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.ensemble import StackingClassifier  # noqa: E402
from sklearn.experimental import enable_halving_search_cv  # noqa: E402, F401
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.metrics import accuracy_score as early_accuracy_score  # noqa: E402
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.svm import SVC  # noqa: E402

import mlflow  # noqa: E402
import mlflow.sklearn  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

X, y = load_iris(return_X_y=True)

pytestmark = pytest.mark.usefixtures("uri")


@pytest.fixture
def quick():
    """Autologging of what costs little."""
    mlflow.sklearn.autolog(log_models=False)


class Hook(TransformerMixin, BaseEstimator):
    """A step of a pipeline that calls a function while it trains."""

    def __init__(self, function=None):
        self.function = function

    def fit(self, X, y=None):
        self.function()
        return self

    def transform(self, X):
        return X


def runs():
    return mlflow.search_runs(output_format="list")


def test_looks_of_patched_methods_stay(quick):
    mlflow.sklearn.autolog(disable=True)
    before = (LogisticRegression.fit, sklearn.metrics.f1_score)
    mlflow.sklearn.autolog()
    after = (LogisticRegression.fit, sklearn.metrics.f1_score)
    for one, other in zip(before, after, strict=True):
        assert one is not other
        assert inspect.signature(one) == inspect.signature(other)
        assert (one.__name__, one.__doc__) == (other.__name__, other.__doc__)
    assert not hasattr(SVC(), "no_such_method")
    assert not hasattr(GridSearchCV(Ridge(), {}), "predict_proba")
    mlflow.sklearn.autolog(disable=True)
    assert (LogisticRegression.fit, sklearn.metrics.f1_score) == before


def test_trained_models_pickle_copy_and_clone(quick):
    model = LogisticRegression(max_iter=300).fit(X, y)
    assert not [name for name in vars(model) if "mlflow" in name]
    for again in (
        pickle.loads(pickle.dumps(model)),  # noqa: S301  (made here)
        cloudpickle.loads(cloudpickle.dumps(model)),
        copy.deepcopy(model),
    ):
        assert (again.predict(X) == model.predict(X)).all()
    assert clone(model).get_params() == model.get_params()
    bound = pickle.loads(pickle.dumps(model.predict_proba))  # noqa: S301
    assert (bound(X) == model.predict_proba(X)).all()


def test_patched_metrics_pickle(quick):
    for function in (sklearn.metrics.accuracy_score, sklearn.metrics.f1_score):
        assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301
        assert cloudpickle.loads(cloudpickle.dumps(function)) is function
    assert sklearn.metrics.accuracy_score is not early_accuracy_score
    scorer = sklearn.metrics.make_scorer(sklearn.metrics.f1_score, average="macro")
    search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2, scoring=scorer, n_jobs=2)
    search.fit(X, y)
    assert len([run for run in runs() if "mlflow.parentRunId" not in run.data.tags]) == 1


def test_fits_of_threads_are_runs_of_their_own(quick):
    """Both are inside `fit` at once."""
    barrier = threading.Barrier(2)

    def fit(alpha):
        make_pipeline(Hook(lambda: barrier.wait(20)), Ridge(alpha=alpha)).fit(X, y)

    threads = [threading.Thread(target=fit, args=(alpha,)) for alpha in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.data.params["ridge__alpha"] for run in runs()) == ["1.0", "2.0"]
    assert {run.info.status for run in runs()} == {"FINISHED"}


def test_workers_of_a_fit_belong_to_it(quick):
    estimators = [("a", LogisticRegression(max_iter=300)), ("b", LogisticRegression(C=2))]
    with joblib.parallel_backend("threading"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        StackingClassifier(estimators, n_jobs=2, cv=2).fit(X, y)
    (run,) = runs()
    assert run.data.tags["estimator_name"] == "StackingClassifier"


def test_a_users_pool_of_threads_makes_runs(quick):
    with joblib.parallel_backend("threading"):
        fit = joblib.delayed(lambda alpha: Ridge(alpha=alpha).fit(X, y))
        joblib.Parallel(n_jobs=2)(fit(alpha) for alpha in (1.0, 2.0))
    assert len(runs()) == 2


def test_what_was_imported_before_autolog_and_what_comes_after(tmp_path):
    """In a process of its own, because imports cannot be undone."""
    code = f"""
        import sys, mlflow
        mlflow.set_tracking_uri("sqlite:///{tmp_path}/own.db")
        import sklearn.linear_model
        mlflow.sklearn.autolog(log_models=False)
        assert not {{"sklearn.naive_bayes", "sklearn.neighbors"}} & set(sys.modules)
        from sklearn.naive_bayes import GaussianNB
        import numpy as np
        GaussianNB().fit(np.eye(4), [0, 1, 0, 1])
        sklearn.linear_model.Ridge().fit(np.eye(4), [0, 1, 0, 1])
        print(len(mlflow.search_runs(output_format="list")))
        mlflow.sklearn.autolog(disable=True)
        from sklearn.neighbors import KNeighborsClassifier
        KNeighborsClassifier(1).fit(np.eye(4), [0, 1, 0, 1])
        GaussianNB().fit(np.eye(4), [0, 1, 0, 1])
        print(len(mlflow.search_runs(output_format="list")))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["2", "2"], done.stderr


def test_training_goes_on_whatever_happens_to_logging(tmp_path, capsys):
    mlflow.sklearn.autolog()
    (tmp_path / "file").touch()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/file/store.db")
    model = Ridge().fit(X, y)
    assert model.predict(X[:1]).shape == (1,)
    assert "error during sklearn autologging" in capsys.readouterr().err


def test_a_store_that_goes_away_during_training(quick, monkeypatch, capsys):
    def broken(*args, **kwargs):
        raise ConnectionError("the store is gone")

    def break_it():
        for name in ("log_batch", "log_inputs", "set_terminated", "log_artifacts"):
            monkeypatch.setattr(mlflow.MlflowClient, name, broken)

    pipeline = make_pipeline(Hook(break_it), Ridge())
    assert pipeline.fit(X, y).predict(X[:1]).shape == (1,)
    assert "the store is gone" in capsys.readouterr().err
    assert mlflow.active_run() is None
    monkeypatch.undo()


def test_what_fit_raises_is_raised(quick):
    with pytest.raises(ValueError, match="inconsistent"):
        Ridge().fit(X, y[:-1])
    (run,) = runs()
    assert run.info.status == "FAILED"
    assert run.data.params["alpha"] == "1.0"
    assert mlflow.active_run() is None


def test_a_model_that_skops_refuses_costs_only_the_model(capsys):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    optional("skops")
    mlflow.sklearn.autolog(serialization_format="skops")
    make_pipeline(FunctionTransformer(_doubled), Ridge()).fit(X, y)
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics["training_score"] > 0
    assert "untrusted types" in capsys.readouterr().err


def _doubled(data):
    return 2 * data


def test_params_are_there_while_it_trains(quick):
    seen = []

    def look():
        run_id = mlflow.active_run().info.run_id
        deadline = time.monotonic() + 20
        while not mlflow.get_run(run_id).data.params and time.monotonic() < deadline:
            time.sleep(0.01)
        seen.append(mlflow.get_run(run_id))

    make_pipeline(Hook(look), Ridge(alpha=3)).fit(X, y)
    assert seen[0].data.params["ridge__alpha"] == "3"
    assert seen[0].info.status == "RUNNING"


def test_searches_by_halving_have_children_too(quick):
    params = {"alpha": [0.1, 1, 10]}
    HalvingGridSearchCV(Ridge(), params, cv=3, random_state=0).fit(X, y)
    parents = [run for run in runs() if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs() if "mlflow.parentRunId" in run.data.tags]
    (parent,) = parents
    assert parent.data.params["best_alpha"] in ("0.1", "1", "10")
    assert parent.data.params["estimator__alpha"] == "1.0"
    assert "cv_results.csv" in [
        file.path for file in mlflow.artifacts.list_artifacts(run_id=parent.info.run_id)
    ]
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    assert all("mean_test_score" in child.data.metrics for child in children)


def test_metrics_belong_to_the_data_they_were_computed_on(quick):
    first, second = X[:60].copy(), X[60:].copy()
    model = LogisticRegression(max_iter=300).fit(X, y)
    one, two = model.predict(first), model.predict(second)
    sklearn.metrics.accuracy_score(y[:60], one)
    sklearn.metrics.accuracy_score(y[60:], two)
    other = two.copy()
    sklearn.metrics.accuracy_score(y[60:], other)
    (run,) = runs()
    found = [name for name in run.data.metrics if not name.startswith("training_")]
    assert sorted(found) == ["accuracy_score-2_second", "accuracy_score_first"]
    assert [each.tags[0].value for each in run.inputs.dataset_inputs].count("eval") == 2


def test_an_unpickled_or_other_model_is_not_the_trained_one(quick):
    model = Ridge().fit(X, y)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301  (made here)
    again.score(X, y)
    mlflow.sklearn.autolog(disable=True)
    model.score(X, y)
    (run,) = runs()
    assert not [name for name in run.data.metrics if not name.startswith("training_")]


def test_arguments_that_cannot_be():
    with pytest.raises(MlflowException, match="must be non-negative, instead got -1"):
        mlflow.sklearn.autolog(max_tuning_runs=-1)
    with pytest.raises(MlflowException, match="serialization format: odd"):
        mlflow.sklearn.autolog(serialization_format="odd")


def test_errors_in_patches_are_raised_in_tests_of_them(monkeypatch, quick):
    monkeypatch.setenv("MLFLOW_AUTOLOGGING_TESTING", "true")
    LogisticRegression(max_iter=300).fit(X, y)
    with mlflow.start_run():
        Ridge(alpha=1).fit(X, y)
        with pytest.raises(MlflowException, match="alpha"):
            Ridge(alpha=2).fit(X, y)


def test_it_costs_little(quick):
    """Not a benchmark: it would notice a second process, or a request for each value."""
    model = Ridge()
    model.fit(X, y)
    start = time.process_time()
    for _ in range(5):
        model.fit(X, y)
    assert (time.process_time() - start) / 5 < 0.5
