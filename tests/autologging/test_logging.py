"""What integrations log with: queues and batches, arguments as params, examples."""

import logging

import pytest

import mlflow
from mlflow.entities import Dataset, DatasetInput
from mlflow.exceptions import MlflowException
from mlflow.utils.autologging_utils import (
    ExceptionSafeAbstractClass,
    ExceptionSafeClass,
    InputExampleInfo,
    MlflowAutologgingQueueingClient,
    batch_metrics_logger,
    get_instance_method_first_arg_value,
    get_method_call_arg_value,
    get_mlflow_run_params_for_fn_args,
    log_fn_args_as_params,
    picklable_exception_safe_function,
    resolve_input_example_and_signature,
)
from mlflow.utils.autologging_utils.metrics_queue import add_to_metrics_queue, flush_metrics_queue


def points(run_id, key):
    history = mlflow.MlflowClient().get_metric_history(run_id, key)
    return [(metric.value, metric.step) for metric in history]


# The queueing client


def test_all_of_a_run_is_sent_in_one_go():
    client = MlflowAutologgingQueueingClient()
    run_id = client.create_run("0", tags={"x": "y"}, run_name="queued")
    client.log_params(run_id, {f"p{i}": i for i in range(150)})
    client.log_metrics(run_id, {"m": 1.5}, step=3)
    client.set_tags(run_id, {"long": "x" * 9000, "k" * 300: 1})
    client.log_inputs(run_id, [DatasetInput(Dataset("d", "1", "code", "{}"))])
    client.set_terminated(run_id, "FINISHED")
    assert mlflow.search_runs(output_format="list") == []
    client.flush()
    (run,) = mlflow.search_runs(output_format="list")
    assert run.info.run_name == "queued"
    assert run.info.status == "FINISHED"
    assert len(run.data.params) == 150
    assert points(run.info.run_id, "m") == [(1.5, 3)]
    assert run.data.tags["x"] == "y"
    assert len(run.data.tags["long"]) == 8000
    assert sorted(map(len, run.data.tags))[-1] == 250
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["d"]


def test_what_cannot_be_stored_is_named_and_the_rest_is_stored():
    with mlflow.start_run() as run:
        run_id = run.info.run_id
    client = MlflowAutologgingQueueingClient()
    client.log_params("f" * 32, {"a": 1})
    client.log_metrics(run_id, {"m": 1})
    with pytest.raises(MlflowException, match="f" * 32):
        client.flush()
    assert points(run_id, "m") == [(1.0, 0)]
    client.flush()  # nothing is left


def test_in_the_background():
    with mlflow.start_run() as run:
        client = MlflowAutologgingQueueingClient()
        client.log_metrics(run.info.run_id, {"m": 1})
        client.flush(synchronous=False).await_completion()
        client.log_params("f" * 32, {"a": 1})
        with pytest.raises(MlflowException, match="not found"):
            client.flush(synchronous=False).await_completion()
    assert points(run.info.run_id, "m") == [(1.0, 0)]


def test_a_with_block_sends_unless_it_fails():
    with mlflow.start_run() as run, MlflowAutologgingQueueingClient() as client:
        client.log_metrics(run.info.run_id, {"m": 1})
    with pytest.raises(ValueError), MlflowAutologgingQueueingClient() as client:
        client.log_metrics(run.info.run_id, {"m": 2})
        raise ValueError
    assert points(run.info.run_id, "m") == [(1.0, 0)]


# Batches of metrics


def test_batches_of_metrics():
    with mlflow.start_run() as run:
        with batch_metrics_logger(run.info.run_id) as logger:
            for step in range(5):
                logger.record_metrics({"a": step, "b": 0.5}, step)
            logger.record_metrics({"c": 1})
        assert logger.data == []
        with pytest.raises(ValueError), batch_metrics_logger() as logger:
            logger.record_metrics({"d": 1}, 1)
            logger.record_metrics({"d": 2}, 2)
            raise ValueError
    assert points(run.info.run_id, "a") == [(float(i), i) for i in range(5)]
    assert points(run.info.run_id, "c") == [(1.0, 0)]
    assert points(run.info.run_id, "d") == [(1.0, 1), (2.0, 2)]


def test_sending_takes_a_small_share_of_the_time(monkeypatch):
    sent = []
    with mlflow.start_run() as run, batch_metrics_logger(run.info.run_id) as logger:
        monkeypatch.setattr(logger, "_timed_log_batch", lambda: sent.append(len(logger.data)))
        logger.total_log_batch_time = 1.0
        logger.record_metrics({"a": 1})
        assert sent == []
        logger.total_training_time = 10.0
        logger.record_metrics({"a": 1})
        assert sent == [2]


def test_more_metrics_than_fit_in_one_batch():
    with mlflow.start_run() as run, batch_metrics_logger(run.info.run_id) as logger:
        logger.total_log_batch_time = 1.0
        for step in range(1500):
            logger.record_metrics({"a": step}, step)
    assert len(points(run.info.run_id, "a")) == 1500


def test_the_queue_of_metrics():
    with mlflow.start_run() as one, mlflow.start_run(nested=True) as two:
        pass
    for i, run in enumerate((one, two)):
        add_to_metrics_queue("a", i, 1, 1_700_000_000_000, run.info.run_id)
    assert points(one.info.run_id, "a") == []
    flush_metrics_queue()
    assert points(one.info.run_id, "a") == [(0.0, 1)]
    assert points(two.info.run_id, "a") == [(1.0, 1)]
    for i in range(501):
        add_to_metrics_queue("b", i, i, 1_700_000_000_000, one.info.run_id)
    assert len(points(one.info.run_id, "b")) == 501


# Arguments


def called(a, b=2, *rest, c=3, **more):
    """Nothing."""


def test_arguments_by_name():
    params = get_mlflow_run_params_for_fn_args
    assert params(called, (1,), {"c": 5, "z": 6}, ["b"]) == {"a": 1, "c": 5, "z": 6}
    assert params(called, (1, 4, 9, 9), {}) == {"a": 1, "b": 4, "c": 3}
    assert get_method_call_arg_value(1, "b", None, (1, 2), {}) == 2
    assert get_method_call_arg_value(1, "b", "none", (1,), {}) == "none"
    assert get_method_call_arg_value(1, "b", "none", (1,), {"b": 3}) == 3

    class Thing:
        def fit(self, X, y=None):
            """Nothing."""

    assert get_instance_method_first_arg_value(Thing.fit, (1, 2), {}) == 1
    assert get_instance_method_first_arg_value(Thing.fit, (), {"y": 1, "X": 2}) == 2
    assert get_instance_method_first_arg_value(Thing.fit, (), {"y": 1}) is None


def test_arguments_as_params():
    with mlflow.start_run() as run:
        log_fn_args_as_params(called, (1,), {"c": "x" * 9000, "z": None}, ["b"])
    params = mlflow.get_run(run.info.run_id).data.params
    assert {key: len(value) for key, value in params.items()} == {"a": 1, "c": 6000, "z": 4}


# Examples and signatures


def broken(*_):
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("example", "signature", "log_example", "log_signature", "result", "warned"),
    [
        (lambda: 1, lambda e: [e], True, True, (1, [1]), []),
        (lambda: 1, lambda e: [e], False, True, (None, [1]), []),
        (lambda: 1, lambda e: [e], True, False, (1, False), []),
        (broken, broken, False, False, (None, None), []),
        (broken, broken, True, True, (None, None), ["input example", "model signature"]),
        (broken, broken, False, True, (None, None), ["model signature"]),
        (lambda: 1, broken, True, True, (1, False), ["model signature"]),
        (lambda: 1, broken, False, True, (None, False), ["model signature"]),
    ],
)
def test_what_cannot_be_had_is_left_out(
    example, signature, log_example, log_signature, result, warned
):
    messages = []

    class Logger(logging.Logger):
        def warning(self, text, *args):
            messages.append(text % args)

    found = resolve_input_example_and_signature(
        example, signature, log_example, log_signature, Logger("test")
    )
    assert found == result
    assert len(messages) == len(warned)
    for message, part in zip(messages, warned, strict=True):
        assert part in message
        assert "broken" in message


def test_example_info():
    info = InputExampleInfo(error_msg="no")
    assert (info.input_example, info.error_msg) == (None, "no")


# Functions and classes that never raise


def test_exception_safe_functions_and_classes(monkeypatch):
    class Callback(metaclass=ExceptionSafeClass):
        def on_end(self):
            raise RuntimeError("callback")

    class Abstract(metaclass=ExceptionSafeAbstractClass):
        def on_end(self):
            raise RuntimeError("callback")

    def fails():
        raise RuntimeError("callback")

    safe = picklable_exception_safe_function(fails)
    assert safe.__name__ == "fails"
    for function in (safe, Callback().on_end, Abstract().on_end):
        monkeypatch.setenv("MLFLOW_AUTOLOGGING_TESTING", "false")
        assert function() is None
        monkeypatch.setenv("MLFLOW_AUTOLOGGING_TESTING", "true")
        with pytest.raises(RuntimeError, match="callback"):
            function()
