"""Scores and metrics that are computed after the training, for the run of the training.

A model that was trained under autologging is known by its run; what it predicts, by the data it was
predicted from. So `accuracy_score(y_test, model.predict(X_test))` becomes the metric
`accuracy_score_X_test` of that run. `metric_info.json` says which call a metric came from.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Number
from types import FrameType
from typing import TYPE_CHECKING, Any

import mlflow.version
from mlflow.utils.autologging_utils import get_autologging_config

if TYPE_CHECKING:
    from mlflow.tracking.client import MlflowClient

_logger = logging.getLogger("mlflow.sklearn")

_HERE = os.path.dirname(os.path.abspath(mlflow.version.__file__)) + os.sep
_UNKNOWN = "unknown_dataset"
_METRIC_INFO = "metric_info.json"


class _ById:
    """Values for objects that need not be hashable, as long as these live."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[Any, Any]] = {}

    def get(self, key: Any) -> Any:
        found = self._values.get(id(key))
        return found[1] if found and found[0]() is key else None

    def set(self, key: Any, value: Any) -> None:
        number = id(key)
        try:
            reference = weakref.ref(key, lambda _: self._values.pop(number, None))
        except TypeError:  # a list: it cannot be told when it goes, so it is not remembered
            return
        self._values[number] = (reference, value)


@dataclass
class Training:
    """A training that was logged."""

    integration: str
    run_id: str
    tracking_uri: str
    model_id: str | None
    measured: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How often each metric was computed."""
    datasets: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """For each name of a variable, the data it was the name of."""
    calls: dict[str, str] = field(default_factory=dict)
    """For each metric, the call."""
    digests: set[str] = field(default_factory=set)
    """Data that is noted as input of the run."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def dataset_name(self, data: Any) -> str:
        """What the data is called in names of metrics."""
        name = variable_name(data) or _UNKNOWN
        with self.lock:
            known = self.datasets[name]
            if id(data) not in known:
                known.append(id(data))
            return _numbered(name, known.index(id(data)))

    def log_metric(self, name: str, dataset: str, call: str, value: float) -> None:
        """Log one value, and the call that it came from."""
        with self.lock:
            key = f"{_numbered(name, self.measured[name])}_{dataset}"
            self.measured[name] += 1
            self.calls[key] = call
            calls = dict(sorted(self.calls.items()))
        self._client.log_metric(self.run_id, key, float(value), model_id=self.model_id)
        self._client.log_dict(self.run_id, calls, _METRIC_INFO)

    @cached_property
    def _client(self) -> MlflowClient:
        from mlflow.tracking.client import MlflowClient

        return MlflowClient(self.tracking_uri)  # which remembers where the artifacts go


def _numbered(name: str, index: int) -> str:
    return f"{name}-{index + 1}" if index else name


_trainings = _ById()
_predictions = _ById()
_quiet = threading.local()


def register(model: Any, training: Training) -> None:
    """From now on, scores of this model belong to this training."""
    _trainings.set(model, training)


@contextmanager
def quietly() -> Iterator[None]:
    """What is computed in the block is not logged: it is part of something that is."""
    before = getattr(_quiet, "on", False)
    _quiet.on = True
    try:
        yield
    finally:
        _quiet.on = before


def _training_of(model: Any) -> Training | None:
    if getattr(_quiet, "on", False):
        return None
    training = _trainings.get(model)
    if training is None:
        return None
    wanted = get_autologging_config(training.integration, "log_post_training_metrics", True)
    return training if wanted else None


# Patch functions


def patched_predict(original: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    """Remember which data a prediction was made from."""
    training = _training_of(self)
    if training is None:
        return original(self, *args, **kwargs)
    with quietly():
        predicted = original(self, *args, **kwargs)
    data = args[0] if args else next(iter(kwargs.values()), None)
    if data is not None:
        _predictions.set(predicted, (training, training.dataset_name(data)))
        if get_autologging_config(training.integration, "log_datasets", True):
            _note_data(training, data)
    return predicted


def _note_data(training: Training, data: Any) -> None:
    from mlflow.sklearn.datasets import dataset_input, dataset_of
    from mlflow.tracking.client import MlflowClient

    dataset = dataset_of(data)
    if dataset is None:
        return
    with training.lock:
        if dataset.digest in training.digests:
            return
        training.digests.add(dataset.digest)
    MlflowClient(training.tracking_uri).log_inputs(
        training.run_id, [dataset_input(dataset, "eval")]
    )


def patched_score(original: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> Any:
    """Log what a model's `score` gives."""
    training = _training_of(self)
    if training is None:
        return original(self, *args, **kwargs)
    with quietly():
        value = original(self, *args, **kwargs)
    if is_loggable(value):
        data = args[0] if args else next(iter(kwargs.values()), None)
        name = f"{type(self).__name__}_score"
        call = call_text(original, (self, *args), kwargs, of=type(self).__name__)
        training.log_metric(name, training.dataset_name(data), call, value)
    return value


def patched_metric(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Log what a function of `sklearn.metrics` gives for a prediction."""
    if getattr(_quiet, "on", False):
        return original(*args, **kwargs)
    with quietly():
        value = original(*args, **kwargs)
    found = next(filter(None, map(_predictions.get, (*args, *kwargs.values()))), None)
    if found is None or not is_loggable(value):
        return value
    training, dataset = found
    if get_autologging_config(training.integration, "log_post_training_metrics", True):
        training.log_metric(original.__name__, dataset, call_text(original, args, kwargs), value)
    return value


def patched_without_logging(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Nothing within is logged: what cross validation trains is thrown away."""
    from mlflow.sklearn.autologging import TrainingSession

    with quietly(), TrainingSession(None, allow_children=False):
        return original(*args, **kwargs)


def is_loggable(value: Any) -> bool:
    """Whether it is one number."""
    return isinstance(value, Number) and not isinstance(value, (bool, complex))


# How a call was written


def call_text(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], of: str = ""
) -> str:
    """A call with names of variables, such as `f1_score(y_true=y_test, y_pred=pred)`.

    Args:
        of: The class, if `function` is a method; then the first of `args` is not shown.
    """
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    names += [f"arg{i}" for i in range(len(names), len(args))]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if of:
        given.pop(names[0])
    shown = ", ".join(f"{name}={_shown(value)}" for name, value in given.items())
    return f"{f'{of}.' if of else ''}{function.__name__}({shown})"


def _shown(value: Any) -> str:
    if value is None or isinstance(value, (str, bytes, Number)):
        return repr(value)
    return variable_name(value) or f"<{type(value).__name__}>"


def variable_name(value: Any) -> str | None:
    """The name of the variable that holds a value in the code that called us; where it was a
    parameter there, the name in the code that called that, and so on. None if there is none."""
    frame = sys._getframe(1)
    name = None
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_HERE):
            found = [key for key, each in frame.f_locals.items() if each is value]
            parameters = code.co_argcount + code.co_kwonlyargcount
            if found:
                name = found[0]
                if name not in code.co_varnames[:parameters]:
                    break
            elif not _passed_on(frame, parameters, value):
                break
        frame = frame.f_back
    return name


def _passed_on(frame: FrameType, parameters: int, value: Any) -> bool:
    """Whether it is among the `*args` or `**kwargs` of a function."""
    code = frame.f_code
    rest = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    for name in code.co_varnames[parameters : parameters + rest]:
        many = frame.f_locals.get(name, ())
        if any(each is value for each in (many.values() if isinstance(many, dict) else many)):
            return True
    return False
