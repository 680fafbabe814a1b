"""Saving and loading scikit-learn models in each format."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.optional import missing, optional

np = optional("numpy")
optional("sklearn")
optional("skops")
optional("cloudpickle")

from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.ensemble import RandomForestClassifier, VotingClassifier  # noqa: E402
from sklearn.linear_model import LinearRegression, LogisticRegression  # noqa: E402
from sklearn.preprocessing import FunctionTransformer, StandardScaler  # noqa: E402
from sklearn.tree import DecisionTreeClassifier  # noqa: E402

import mlflow.pyfunc  # noqa: E402
import mlflow.sklearn  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models.trust import came_from  # noqa: E402
from mlflow.sklearn.flavor import _told  # noqa: E402

X, y = load_iris(return_X_y=True)
FORMATS = ["skops", "cloudpickle", "pickle"]


@pytest.fixture(scope="module")
def model():
    return LogisticRegression(max_iter=300).fit(X, y)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "model")


def mlmodel(path):
    return yaml.safe_load(Path(path, "MLmodel").read_text("utf-8"))


class Mine(ClassifierMixin, BaseEstimator):
    """An estimator of the user's own."""

    def __init__(self, k=1):
        self.k = k

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


@pytest.mark.parametrize("form", [None, *FORMATS])
def test_there_and_back(model, path, form):
    mlflow.sklearn.save_model(model, path, serialization_format=form, input_example=X[:3])
    assert (mlflow.sklearn.load_model(path).predict(X) == model.predict(X)).all()
    loaded = mlflow.pyfunc.load_model(path)
    assert (loaded.predict(X) == model.predict(X)).all()
    file = "model.skops" if form in (None, "skops") else "model.pkl"
    described = mlmodel(path)
    assert described["flavors"]["sklearn"] == {
        "code": None,
        "pickled_model": file,
        "serialization_format": form or "skops",
        "sklearn_version": optional("sklearn").__version__,
        "skops_trusted_types": None,
    }
    pyfunc = described["flavors"]["python_function"]
    assert pyfunc["loader_module"] == "mlflow.sklearn"
    assert pyfunc["model_path"] == file
    assert pyfunc["predict_fn"] == "predict"
    assert described["signature"]["inputs"]
    required = Path(path, "requirements.txt").read_text("utf-8")
    assert "scikit-learn==" in required
    assert ("skops==" in required) == (file == "model.skops")
    assert ("cloudpickle==" in required) == (form == "cloudpickle")


@pytest.mark.parametrize("name", ["predict_proba", "predict_log_proba", "predict"])
def test_pyfunc_calls_the_method_asked_for(model, path, name):
    mlflow.sklearn.save_model(model, path, pyfunc_predict_fn=name, input_example=X[:2])
    assert mlmodel(path)["flavors"]["python_function"]["predict_fn"] == name
    found = mlflow.pyfunc.load_model(path).predict(X[:5])
    np.testing.assert_allclose(found, getattr(model, name)(X[:5]))
    shape = json.loads(mlmodel(path)["signature"]["outputs"])[0]["tensor-spec"]["shape"]
    assert len(shape) == (1 if name == "predict" else 2)


@pytest.mark.parametrize(
    ("estimator", "name"), [(LinearRegression(), "predict_proba"), (StandardScaler(), "predict")]
)
def test_without_the_method_there_is_no_pyfunc(estimator, name, path, capsys):
    mlflow.sklearn.save_model(estimator.fit(X, y), path, pyfunc_predict_fn=name)
    assert list(mlmodel(path)["flavors"]) == ["sklearn"]
    assert f"missing function: {name}" in capsys.readouterr().err
    mlflow.sklearn.load_model(path)


def test_raw_model_behind_pyfunc(model, path):
    mlflow.sklearn.save_model(model, path)
    wrapper = mlflow.pyfunc.load_model(path)._model_impl
    assert isinstance(wrapper.get_raw_model(), LogisticRegression)
    assert wrapper.predict_proba(X[:1]).shape == (1, 3)
    assert (wrapper.predict(X[:3], params={"other": 1}) == model.predict(X[:3])).all()


@pytest.mark.parametrize(
    ("estimator", "unknown"),
    [
        (Mine().fit(X, y), f"{__name__}.Mine"),
        (VotingClassifier([("a", Mine()), ("b", DecisionTreeClassifier())]), f"{__name__}.Mine"),
        (FunctionTransformer(lambda x: x), "<lambda>"),
    ],
)
def test_skops_refuses_what_it_does_not_know(estimator, unknown, path):
    with pytest.raises(MlflowException, match="untrusted types") as error:
        mlflow.sklearn.save_model(estimator.fit(X, y), path)
    assert error.value.error_code == "INTERNAL_ERROR"
    assert unknown in error.value.message
    assert "skops_trusted_types" in error.value.message
    assert not os.path.exists(path)


@pytest.mark.parametrize("form", [None, "skops"])
def test_types_of_sklearn_itself_are_trusted(form, path, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_CODE", "none")
    forest = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, y)
    mlflow.sklearn.save_model(forest, path, serialization_format=form)
    trusted = mlmodel(path)["flavors"]["sklearn"]["skops_trusted_types"]
    assert trusted == ["sklearn.tree._tree.Tree"]
    assert (mlflow.sklearn.load_model(path).predict(X) == forest.predict(X)).all()
    assert (mlflow.pyfunc.load_model(path).predict(X) == forest.predict(X)).all()


def test_types_of_sklearn_from_elsewhere_are_loaded_like_code(path, monkeypatch, caplog):
    mlflow.sklearn.save_model(DecisionTreeClassifier().fit(X, y), path)
    came_from(path, "https://models.example.org/forest")
    mlflow.sklearn.load_model(path)
    assert "models.example.org" in caplog.text
    monkeypatch.setenv("HEADRACE_MODEL_CODE", "own")
    with pytest.raises(MlflowException, match="disallowed.*_tree.Tree"):
        mlflow.sklearn.load_model(path)


def test_a_list_of_the_user_is_all_that_is_trusted(path):
    forest = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, y)
    with pytest.raises(MlflowException, match="_tree.Tree"):
        mlflow.sklearn.save_model(forest, path, skops_trusted_types=[f"{__name__}.Mine"])


def test_types_that_the_user_trusts(path):
    forest = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, y)
    trusted = ["sklearn.tree._tree.Tree"]
    mlflow.sklearn.save_model(forest, path, skops_trusted_types=trusted)
    assert mlmodel(path)["flavors"]["sklearn"]["skops_trusted_types"] == trusted
    assert (mlflow.sklearn.load_model(path).predict(X) == forest.predict(X)).all()


def test_skops_loads_only_what_is_listed(path):
    forest = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, y)
    mlflow.sklearn.save_model(forest, path, skops_trusted_types=["sklearn.tree._tree.Tree"])
    file = Path(path, "MLmodel")
    text = file.read_text("utf-8")
    file.write_text(text.replace("- sklearn.tree._tree.Tree", "- other.Type"), "utf-8")
    for load in (mlflow.sklearn.load_model, mlflow.pyfunc.load_model):
        with pytest.raises(MlflowException, match="_tree.Tree"):
            load(path)


@pytest.mark.parametrize("setting", ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "HEADRACE_MODEL_CODE"])
def test_pickles_are_loaded_only_if_that_is_allowed(model, tmp_path, setting, monkeypatch):
    for form in FORMATS:
        mlflow.sklearn.save_model(model, str(tmp_path / form), serialization_format=form)
    trusted = str(tmp_path / "trusted")
    mlflow.sklearn.save_model(Mine().fit(X, y), trusted, skops_trusted_types=[f"{__name__}.Mine"])
    pickles_only = setting.startswith("MLFLOW")
    monkeypatch.setenv(setting, "false" if pickles_only else "none")
    mlflow.sklearn.load_model(str(tmp_path / "skops"))
    if pickles_only:
        mlflow.sklearn.load_model(trusted)
    for folder in ("cloudpickle", "pickle", *(() if pickles_only else ("trusted",))):
        for load in (mlflow.sklearn.load_model, mlflow.pyfunc.load_model):
            with pytest.raises(MlflowException, match="disallowed"):
                load(str(tmp_path / folder))


def test_formats_that_there_are_not(model, path):
    with pytest.raises(MlflowException, match="serialization format: odd") as error:
        mlflow.sklearn.save_model(model, path, serialization_format="odd")
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    assert not os.path.exists(path)
    mlflow.sklearn.save_model(model, path)
    file = Path(path, "MLmodel")
    text = file.read_text("utf-8").replace("serialization_format: skops", "serialization_format: q")
    file.write_text(text, "utf-8")
    with pytest.raises(MlflowException, match="serialization format: q"):
        mlflow.sklearn.load_model(path)


def test_what_cannot_be_pickled(path):
    class Local(LogisticRegression):
        pass

    with pytest.raises(pickle.PicklingError, match="custom sklearn model Local"):
        mlflow.sklearn.save_model(Local(), path, serialization_format="pickle")
    assert not os.path.exists(path)
    mlflow.sklearn.save_model(Local(), path, serialization_format="cloudpickle")


def test_default_requirements():
    names = [text.partition("==")[0] for text in mlflow.sklearn.get_default_pip_requirements(True)]
    assert names == ["scikit-learn", "cloudpickle"]
    names = mlflow.sklearn.get_default_pip_requirements(include_skops=True)
    assert [text.partition("==")[0] for text in names] == ["scikit-learn", "skops"]
    conda = mlflow.sklearn.get_default_conda_env(include_cloudpickle=True)
    assert conda["dependencies"][-1]["pip"][1:] == mlflow.sklearn.get_default_pip_requirements(True)


@pytest.mark.parametrize(
    ("gone", "form"), [(["skops"], "cloudpickle"), (["skops", "cloudpickle"], "pickle")]
)
def test_without_skops_it_is_pickled_with_one_warning(gone, form, path):
    """In a process of its own, because libraries are hidden from it."""
    code = f"""
import sys
from sklearn.linear_model import LinearRegression
for name in {gone!r}:
    sys.modules[name] = None
import mlflow.sklearn
for i in range(2):
    mlflow.sklearn.save_model(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), {path!r} + str(i))
print(mlflow.sklearn.load_model({path!r} + "0").predict([[3.0]]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[3.]"
    assert done.stderr.count("pip install 'headrace[sklearn]'") == 1
    assert mlmodel(path + "0")["flavors"]["sklearn"]["serialization_format"] == form


def test_pickling_is_warned_of_once(model, tmp_path, capsys):
    _told.clear()
    for i in range(2):
        mlflow.sklearn.save_model(model, str(tmp_path / str(i)), serialization_format="pickle")
    assert capsys.readouterr().err.count("runs code when it is loaded") == 1


def test_logging_and_loading_by_uri(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/store.db")
    try:
        with mlflow.start_run() as run:
            info = mlflow.sklearn.log_model(
                model, name="iris", params={"depth": 4}, tags={"team": "x"}, metadata={"m": 1}
            )
        for uri in (info.model_uri, f"runs:/{run.info.run_id}/iris"):
            assert (mlflow.sklearn.load_model(uri).predict(X) == model.predict(X)).all()
        logged = mlflow.get_logged_model(info.model_id)
        assert logged.params["depth"] == "4"
        assert logged.tags["team"] == "x"
        assert logged.source_run_id == run.info.run_id
    finally:
        mlflow.set_tracking_uri("")


# Saved by the reference

GOLDEN = Path(__file__).parents[1] / "data" / "models-golden"


@pytest.mark.parametrize("name", ["sklearn-default", "sklearn-cloudpickle", "sklearn-pickle"])
def test_models_saved_by_the_reference_load_and_predict(name):
    pd = optional("pandas")
    recorded = json.loads((GOLDEN / "predictions.json").read_text("utf-8"))["models"][name]
    given = recorded["input"]
    if "ndarray" in given:
        data = np.array(given["ndarray"], given["dtype"])
    else:
        data = pd.DataFrame(**given["dataframe_split"])
    loaded = mlflow.pyfunc.load_model(str(GOLDEN / name))
    version = loaded.metadata.flavors["sklearn"]["sklearn_version"]
    if version != optional("sklearn").__version__:
        missing(f"scikit-learn {version}", "models of other versions need not predict the same")
    found = loaded.predict(data)
    assert type(found).__name__ == recorded["prediction_type"]
    assert str(found.dtype) == recorded["prediction"]["dtype"]
    np.testing.assert_allclose(found, recorded["prediction"]["ndarray"], rtol=1e-12)
    assert mlflow.sklearn.load_model(str(GOLDEN / name)).predict(data) is not None
    assert loaded.metadata.metadata == recorded["metadata"]


@pytest.mark.parametrize("name", ["sklearn-default", "sklearn-cloudpickle", "sklearn-pickle"])
def test_saved_again_the_description_is_the_same(name, path):
    from mlflow.models import Model

    theirs = mlmodel(str(GOLDEN / name))
    sklearn = theirs["flavors"]["sklearn"]
    described = Model.load(str(GOLDEN / name))
    mlflow.sklearn.save_model(
        mlflow.sklearn.load_model(str(GOLDEN / name)),
        path,
        serialization_format=sklearn["serialization_format"],
        pyfunc_predict_fn=theirs["flavors"]["python_function"]["predict_fn"],
        signature=described.signature,
        input_example=described.load_input_example(str(GOLDEN / name)),
        metadata=described.metadata,
    )
    ours = mlmodel(path)
    differ = {"model_uuid", "utc_time_created", "mlflow_version", "model_size_bytes", "sha256"}
    for side in (ours, theirs):
        for key in differ:
            side.pop(key, None)
        side["flavors"]["python_function"].pop("python_version")
        side["flavors"]["sklearn"].pop("sklearn_version")
    assert ours == theirs
