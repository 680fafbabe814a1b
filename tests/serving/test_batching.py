"""Requests that are answered together, and rows that need no DataFrame."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from starlette.testclient import TestClient

from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.pyfunc.scoring_server.batching import Waiting, answer_together
from mlflow.pyfunc.scoring_server.quick_rows import QuickRows
from mlflow.pyfunc.scoring_server.served import Question, Served
from mlflow.pyfunc.scoring_server.serving import ScoringApp
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from tests.optional import optional

#: Says with how many rows each row came, and refuses negative numbers.
ROWS = """
values = model_input["a"] if isinstance(model_input, pd.DataFrame) else model_input
if (np.asarray(values) < 0).any():
    raise ValueError("negative")
factor = (params or {}).get("factor", 1.0)
return [[float(v) * factor, len(values)] for v in values]
"""
FACTOR = ModelSignature(
    Schema([ColSpec("double", "a")]),
    params=ParamSchema([ParamSpec("factor", DataType.double, 1.0)]),
)


def ask(served, *bodies, most=100):
    waiting = [
        Waiting(served, Question(json.dumps(body).encode(), "application/json", ""))
        for body in bodies
    ]
    return [
        o if isinstance(o, Exception) else json.loads(o.body)["predictions"]
        for o in answer_together(waiting, most)
    ]


def records(*values, **more):
    return {"dataframe_records": [{"a": v} for v in values], **more}


def test_rows_go_together_and_come_back_to_whom_they_belong(load):
    served = Served(load(ROWS, signature=FACTOR))
    assert ask(served, records(1), records(2, 3), records(4)) == [
        [[1.0, 4]],
        [[2.0, 4], [3.0, 4]],
        [[4.0, 4]],
    ]


def test_arrays_go_together_by_shape_and_type(load):
    served = Served(load("return model_input * len(model_input)"))
    found = ask(served, {"inputs": [[1, 2]]}, {"inputs": [[3, 4]]}, {"inputs": [[5]]},
                {"inputs": [[0.5, 1]]}, {"inputs": 7})  # fmt: skip
    assert found[:4] == [[[2, 4]], [[6, 8]], [[5]], [[0.5, 1.0]]]
    assert isinstance(found[4], MlflowException)  # a number has no length


def test_params_are_never_mixed(load):
    served = Served(load(ROWS, signature=FACTOR))
    two, three = {"factor": 2.0}, {"factor": 3.0}
    assert ask(
        served, records(1, params=two), records(1, params=three), records(1, params=two), records(1)
    ) == [[[2.0, 2]], [[3.0, 1]], [[2.0, 2]], [[1.0, 1]]]


def test_bad_requests_fail_alone(load):
    served = Served(load(ROWS, signature=FACTOR))
    found = ask(served, records(1), records(-1), {"nonsense": 1}, records("x"), records(2))
    assert (found[0], found[4]) == ([[1.0, 1]], [[2.0, 1]])  # asked one by one, once it failed
    assert [e.error_code for e in found[1:4]] == ["BAD_REQUEST"] * 3
    assert ask(served, records(1), records(2)) == [[[1.0, 2]], [[2.0, 2]]]


def test_no_more_rows_than_allowed(load):
    served = Served(load(ROWS, signature=FACTOR))
    found = ask(served, records(1), records(2), records(3), records(4, 5, 6), most=2)
    assert [each[0][1] for each in found] == [2, 2, 1, 3]


def test_predictions_that_do_not_belong_to_rows(load):
    served = Served(load("return {'sum': float(model_input.sum())}"))
    assert ask(served, {"inputs": [1, 2]}, {"inputs": [3]}) == [{"sum": 3.0}, {"sum": 3.0}]
    assert not served.splits


@pytest.mark.parametrize(
    "lines",
    [
        "return model_input",
        "return model_input['a']",
        "return model_input['a'].tolist()",
        "return model_input['a'].to_numpy()",
    ],
)
def test_every_kind_of_rows_is_split(load, lines):
    served = Served(load(lines))
    together = ask(served, records(1, 2), records(3))
    assert served.splits
    assert together == [ask(served, records(1, 2))[0], ask(served, records(3))[0]]


def test_what_nobody_waits_for_is_left_out(load):
    served = Served(load(ROWS, signature=FACTOR))
    waiting = [
        Waiting(served, Question(json.dumps(records(v)).encode(), "application/json", ""))
        for v in (1, 2, 3)
    ]
    waiting[1].late = True
    first, none, third = answer_together(waiting, 10)
    assert none is None
    assert json.loads(first.body) == {"predictions": [[1.0, 2]]}
    assert json.loads(third.body) == {"predictions": [[3.0, 2]]}


def test_requests_that_wait_while_the_model_is_busy(load):
    model = load("time.sleep(0.2)\n" + ROWS, signature=FACTOR)
    answers = {}

    def post(value):
        answers[value] = client.post("/invocations", json=records(value)).json()["predictions"]

    with TestClient(ScoringApp(model, batch_rows=100)) as client:
        threads = [threading.Thread(target=post, args=[float(i)]) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {value: rows[0][0] for value, rows in answers.items()} == {float(i): i for i in range(8)}
    assert max(rows[0][1] for rows in answers.values()) > 1


# Rows of numbers.


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    """A function that saves a scikit-learn model and loads it."""
    optional("sklearn")
    pd = optional("pandas")
    import mlflow.sklearn

    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(60, 3)), columns=["p", "q", "r"])
    y = x.p * 2 + x.q

    def make(estimator, columns=("double",) * 3, **options):
        path = tmp_path_factory.mktemp("sklearn") / "model"
        signature = ModelSignature(
            Schema([ColSpec(t, n) for t, n in zip(columns, ("p", "q", "r"))])
        )
        mlflow.sklearn.save_model(
            estimator.fit(x, y > 0), path, signature=signature, serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"], **options,
        )  # fmt: skip
        return mlflow.pyfunc.load_model(str(path))

    return make


ROW = {"p": 0.25, "q": 1, "r": -3.5}


def usual(model, body):
    """The answer without the shortcut."""
    served = Served(model)
    served.quick = None
    return served.answer(Question(json.dumps(body).encode(), "application/json", "")).body


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_quick_rows_answer_the_same(iris, method):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    bodies = [
        {"dataframe_records": [ROW, {**ROW, "extra": "x"}]},
        {"dataframe_split": {"columns": ["p", "q", "r"], "data": [[1, 2, 3], [0.5, 1e30, -1]]}},
        {"dataframe_records": [ROW], "params": None},
        {"dataframe_records": [{"r": 1, "q": 2, "p": 3}]},
    ]
    for estimator in (
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(5, random_state=0),
    ):
        served = Served(iris(estimator, pyfunc_predict_fn=method))
        for body in bodies:
            assert served.quick.rows(body) is not None
            question = Question(json.dumps(body).encode(), "application/json", "")
            assert served.answer(question).body == usual(served.model, body)


@pytest.mark.filterwarnings("ignore")
def test_unusual_requests_take_the_usual_way(iris):
    from sklearn.linear_model import LogisticRegression

    quick = QuickRows.of(iris(LogisticRegression()))
    split = {"columns": ["p", "q", "r"], "data": [[1, 2, 3]]}
    for body in (
        {"dataframe_records": []},
        {"dataframe_records": {}},
        {"dataframe_records": [1]},
        {"dataframe_records": [{"p": 1, "q": 2}]},
        {"dataframe_records": [{**ROW, "p": True}]},
        {"dataframe_records": [{**ROW, "p": None}]},
        {"dataframe_records": [{**ROW, "p": "1"}]},
        {"dataframe_records": [{**ROW, "p": [1]}]},
        {"dataframe_records": [{**ROW, "p": 10**400}]},
        {"dataframe_records": [ROW], "params": {"x": 1}},
        {"dataframe_records": [ROW], "dataframe_split": split},
        {"dataframe_records": [ROW], "inputs": [1]},
        {"dataframe_records": [ROW], "messages": []},
        {"dataframe_split": {**split, "columns": ["q", "p", "r"]}},
        {"dataframe_split": {**split, "index": [0]}},
        {"dataframe_split": {**split, "data": [[1, 2]]}},
        {"dataframe_split": {**split, "data": [1]}},
        {"dataframe_split": {"data": [[1, 2, 3]]}},
        {"dataframe_split": []},
        {"inputs": [ROW]},
        {},
    ):
        assert quick.rows(body) is None, body


@pytest.mark.filterwarnings("ignore")
def test_models_that_look_at_more_than_numbers(iris):
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    columns = make_column_transformer((StandardScaler(), ["p"]))
    named = StandardScaler().set_output(transform="pandas")
    for first in (columns, FunctionTransformer(), named):
        assert QuickRows.of(iris(make_pipeline(first, LogisticRegression()))) is None
    assert QuickRows.of(iris(LogisticRegression(), columns=("double", "long", "double"))) is None
    assert QuickRows.of(iris(LogisticRegression(), columns=("float",) * 3)) is None
    assert QuickRows.of(iris(LogisticRegression(), columns=("string",) * 3)) is None


def test_models_of_python_have_no_quick_rows(load):
    assert QuickRows.of(load("return [1]", signature=ModelSignature(FACTOR.inputs))) is None
