"""Metrics, params and tags."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.optional import optional

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

np = optional("numpy")


@pytest.fixture
def run_id():
    with mlflow.start_run() as run:
        yield run.info.run_id


def last(run_id: str, key: str = "m") -> Metric:
    return mlflow.MlflowClient().get_metric_history(run_id, key)[-1]


def test_logging_without_a_run_starts_one():
    mlflow.log_metric("m", 1)
    run = mlflow.active_run()
    assert last(run.info.run_id).value == 1.0


class WithItem:
    def item(self):
        return 3.5


class WithFloat:
    def __float__(self):
        return 4.5


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (1, 1.0),
        (True, 1.0),
        (-0.5, -0.5),
        ("1.5", 1.5),
        (np.float32(1.5), 1.5),
        (np.int64(7), 7.0),
        (np.array(1.5), 1.5),
        (np.array([1.5]), 1.5),
        (Decimal("1.25"), 1.25),
        (Fraction(1, 4), 0.25),
        (WithItem(), 3.5),
        (WithFloat(), 4.5),
    ],
)
def test_anything_with_one_number_is_a_metric(run_id, value, stored):
    mlflow.log_metric("m", value)
    found = last(run_id).value
    assert found == stored
    assert type(found) is float


def test_nan_is_kept(run_id):
    mlflow.log_metric("m", float("nan"))
    assert math.isnan(last(run_id).value)


@pytest.mark.parametrize("value", ["high", None, [1], 1j, object(), 10**400, np.array([1.0, 2.0])])
@pytest.mark.parametrize("synchronous", [True, False])
def test_anything_else_is_refused_at_once(run_id, value, synchronous):
    with pytest.raises(MlflowException) as error:
        mlflow.log_metric("m", value, synchronous=synchronous)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(MlflowException):
        mlflow.log_metrics({"ok": 1, "m": value})
    assert mlflow.get_run(run_id).data.metrics == {}


def test_refusal_names_the_value(run_id):
    with pytest.raises(MlflowException, match="Invalid value \"high\" for parameter 'value'"):
        mlflow.log_metric("m", "high")
    with pytest.raises(MlflowException, match="can only convert an array of size 1"):
        mlflow.log_metric("m", np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("step", "stored"), [(None, 0), (3, 3), (-4, -4), (np.int64(5), 5), (2.0, 2), (2**63 - 1,) * 2]
)
def test_step(run_id, step, stored):
    mlflow.log_metric("m", 1, step=step)
    assert last(run_id).step == stored


@pytest.mark.parametrize("step", ["4", 2**63, float("nan")])
def test_step_that_is_no_integer_is_refused(run_id, step):
    with pytest.raises(MlflowException, match="Step must be a valid long"):
        mlflow.log_metric("m", 1, step=step)


def test_timestamp(run_id):
    mlflow.log_metric("m", 1, timestamp=0)
    mlflow.log_metric("m", 2, timestamp=np.int64(5))
    client = mlflow.MlflowClient()
    assert [p.timestamp for p in client.get_metric_history(run_id, "m")] == [0, 5]
    mlflow.log_metric("now", 1)
    assert last(run_id, "now").timestamp > 1_700_000_000_000
    with pytest.raises(MlflowException, match="Timestamp must be a nonnegative long"):
        mlflow.log_metric("m", 1, timestamp=-1)


def test_metrics_of_one_call_share_step_and_time(run_id):
    mlflow.log_metrics({"a": 1, "b": np.float32(2)}, step=3, timestamp=99)
    found = [last(run_id, key) for key in ("a", "b")]
    assert [(p.value, p.step, p.timestamp) for p in found] == [(1.0, 3, 99), (2.0, 3, 99)]


def test_calls_may_name_another_run(client, run_id):
    other = client.create_run("0").info.run_id
    mlflow.log_metric("m", 1, run_id=other)
    mlflow.log_metrics({"n": 2}, run_id=other)
    mlflow.log_params({"p": 3}, run_id=other)
    data = client.get_run(other).data
    assert (data.metrics, data.params) == ({"m": 1.0, "n": 2.0}, {"p": "3"})
    assert mlflow.get_run(run_id).data.metrics == {}


def test_history_spans_pages(client, run_id):
    client.log_batch(run_id, metrics=[Metric("m", i, i, i) for i in range(2500)])
    history = client.get_metric_history(run_id, "m")
    assert [p.step for p in history] == list(range(2500))
    assert client.get_metric_history(run_id, "none") == []


def test_param_is_given_back_and_stored_as_text(run_id):
    value = {"a": 1}
    assert mlflow.log_param("p", value) is value
    assert mlflow.log_param("p", value) is value
    assert mlflow.log_params({"q": None, "r": 1.0}) is None
    assert mlflow.get_run(run_id).data.params == {"p": "{'a': 1}", "q": "None", "r": "1.0"}


def test_param_cannot_change(run_id):
    mlflow.log_param("p", 1)
    with pytest.raises(MlflowException) as error:
        mlflow.log_param("p", 2)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    assert error.value.message.startswith(
        "Changing param values is not allowed. Param with key='p' was already logged with value="
        f"'1' for run ID='{run_id}'. Attempted logging new value '2'."
    )
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        mlflow.log_params({"p": 3, "new": 1})
    assert mlflow.get_run(run_id).data.params == {"p": "1"}


def test_tags_can_change(run_id):
    assert mlflow.set_tag("t", 1) is None
    mlflow.set_tags({"t": 2, "u": [3]})
    tags = mlflow.get_run(run_id).data.tags
    assert (tags["t"], tags["u"]) == ("2", "[3]")
    mlflow.delete_tag("t")
    assert "t" not in mlflow.get_run(run_id).data.tags
    with pytest.raises(MlflowException, match="No tag with name: t"):
        mlflow.delete_tag("t")


def test_any_number_at_once(run_id):
    mlflow.log_params({f"p{i}": i for i in range(250)})
    mlflow.set_tags({f"t{i}": i for i in range(250)})
    mlflow.log_metrics({f"m{i}": i for i in range(2100)})
    data = mlflow.get_run(run_id).data
    assert (len(data.params), len(data.metrics)) == (250, 2100)
    assert sum(key.startswith("t") for key in data.tags) == 250


def test_batch_of_everything(client, run_id):
    client.log_batch(
        run_id,
        metrics=(Metric("m", i, 1, i) for i in range(1000)),
        params=[Param(f"p{i}", "x") for i in range(101)],
        tags=[RunTag(f"t{i}", "x") for i in range(101)],
    )
    data = client.get_run(run_id).data
    assert (len(data.params), data.metrics) == (101, {"m": 999.0})
    assert len(client.get_metric_history(run_id, "m")) == 1000


def test_batch_of_nothing_still_needs_a_run(client):
    with pytest.raises(MlflowException, match="not found"):
        client.log_batch("f" * 32)


def test_batch_that_fits_is_logged_whole_or_not_at_all(client, run_id):
    with pytest.raises(MlflowException, match=r"params\[1\]\.key"):
        client.log_batch(run_id, params=[Param("ok", "1"), Param("q$", "1")])
    assert client.get_run(run_id).data.params == {}


# What was measured on what


def test_dataset_of_a_metric_becomes_an_input(client, run_id):
    dataset = mlflow.entities.Dataset("data", "abc", "local", "{}")
    mlflow.log_metric("m", 1, dataset=dataset)
    mlflow.log_metrics({"n": 1, "o": 2}, dataset=dataset)
    inputs = client.get_run(run_id).inputs.dataset_inputs
    assert [i.dataset.name for i in inputs] == ["data"]
    assert last(run_id).value == 1.0


def test_dataset_made_from_data(client, run_id):
    dataset = mlflow.data.from_numpy(np.zeros(3), name="zeros")
    mlflow.log_input(dataset, "test")
    mlflow.log_metric("m", 1, dataset=dataset)
    (found,) = client.get_run(run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("zeros", dataset.digest)
    assert "features_shape" in found.dataset.profile


def test_inputs_with_context_and_tags(client, run_id):
    dataset = mlflow.entities.Dataset("data", "abc", "local", "{}")
    mlflow.log_input(dataset, context="train", tags={"split": 1})
    (found,) = client.get_run(run_id).inputs.dataset_inputs
    assert {t.key: t.value for t in found.tags} == {"mlflow.data.context": "train", "split": "1"}
    mlflow.log_input()
    assert len(client.get_run(run_id).inputs.dataset_inputs) == 1


def test_several_inputs(client, run_id):
    datasets = [mlflow.entities.Dataset(n, n, "local", "{}") for n in ("a", "b")]
    mlflow.log_inputs(datasets, ["train", None], [None, {"k": "v"}])
    found = client.get_run(run_id).inputs.dataset_inputs
    assert sorted(i.dataset.name for i in found) == ["a", "b"]
    with pytest.raises(MlflowException, match="have the same length"):
        mlflow.log_inputs(datasets, ["train"], [None])
