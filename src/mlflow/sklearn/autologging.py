"""Autologging of scikit-learn: what is patched, and what a patched `fit` logs."""

from __future__ import annotations

import copy
import functools
import inspect
import logging
import os
import tempfile
from collections.abc import Callable
from types import ModuleType
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.sklearn import post_training, search
from mlflow.sklearn.datasets import dataset_input, dataset_of
from mlflow.sklearn.estimators import (
    estimator_tags,
    estimators_in,
    is_search,
    params_of,
    training_data,
)
from mlflow.sklearn.flavor import FLAVOR_NAME
from mlflow.sklearn.metrics import Evaluation
from mlflow.sklearn.plots import write_diagram, write_plots
from mlflow.utils.autologging_utils import (
    INPUT_EXAMPLE_SAMPLE_ROWS,
    MlflowAutologgingQueueingClient,
    _get_new_training_session_class,
    get_autologging_config,
    resolve_input_example_and_signature,
    safe_patch,
    with_managed_run,
)
from mlflow.utils.autologging_utils.client import fitting
from mlflow.utils.autologging_utils.imports import when_imported
from mlflow.utils.autologging_utils.safety import on_revert, own_tags
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

_logger = logging.getLogger("mlflow.sklearn")

_TRAINING = ("fit", "fit_transform", "fit_predict")
_PREDICTION = ("predict", "predict_proba", "predict_log_proba", "transform")
_NOT_METRICS = {"check_scoring", "get_scorer", "get_scorer_names", "make_scorer"}
_WITHOUT_LOGGING = (
    "cross_validate",
    "cross_val_predict",
    "cross_val_score",
    "learning_curve",
    "permutation_test_score",
    "validation_curve",
)

TrainingSession = _get_new_training_session_class()


def turn_on(
    *,
    flavor_name: str = FLAVOR_NAME,
    max_tuning_runs: int | None,
    extra_tags: dict[str, str] | None,
) -> None:
    """Patch scikit-learn: the modules that are imported, and the others as soon as they are.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if `max_tuning_runs` is negative.
    """
    if max_tuning_runs is not None and max_tuning_runs < 0:
        raise MlflowException.invalid_parameter_value(
            f"`max_tuning_runs` must be non-negative, instead got {max_tuning_runs}."
        )
    tags = own_tags(extra_tags)
    done: set[str] = set()

    def patch(module: ModuleType) -> None:
        if module.__name__ not in done:
            done.add(module.__name__)
            _patch_module(module, flavor_name, tags)

    on_revert(flavor_name, when_imported("sklearn", patch))


def _patch_module(module: ModuleType, flavor_name: str, tags: dict[str, str]) -> None:
    fit = functools.partial(patched_fit, flavor_name, tags)
    for estimator in estimators_in(module):
        patches: list[tuple[tuple[str, ...], Callable[..., Any]]] = [
            (_TRAINING, fit),
            (_PREDICTION, post_training.patched_predict),
            (("score",), post_training.patched_score),
        ]
        for names, function in patches:
            for name in names:
                if inspect.getattr_static(estimator, name, None) is not None:
                    safe_patch(flavor_name, estimator, name, function)
    if module.__name__ == "sklearn.metrics":
        for name in module.__all__:
            if name not in _NOT_METRICS and inspect.isfunction(getattr(module, name)):
                safe_patch(flavor_name, module, name, post_training.patched_metric)
    if module.__name__ == "sklearn.model_selection":
        for name in _WITHOUT_LOGGING:
            safe_patch(flavor_name, module, name, post_training.patched_without_logging)


def patched_fit(
    flavor_name: str,
    tags: dict[str, str],
    original: Callable[..., Any],
    self: Any,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Log a training, if it is not part of another one."""
    if TrainingSession.is_active():
        return original(self, *args, **kwargs)
    with TrainingSession(self, allow_children=False):
        logged = functools.partial(_logged_fit, flavor_name, tags)
        return with_managed_run(flavor_name, logged, tags)(original, self, *args, **kwargs)


def _logged_fit(
    flavor_name: str,
    tags: dict[str, str],
    original: Callable[..., Any],
    self: Any,
    *args: Any,
    **kwargs: Any,
) -> Any:
    with post_training.quietly():
        log = _Training(flavor_name, tags, self, original, args, kwargs)
        failure = None
        try:
            log.before()
        except Exception as error:  # trained it is, whatever logging meets
            failure = error
        try:
            trained = original(self, *args, **kwargs)
        except BaseException:
            log.wait()
            raise
        log.after(failure)
    return trained


class _Training:
    """The log of one outermost training."""

    def __init__(
        self,
        flavor_name: str,
        tags: dict[str, str],
        estimator: Any,
        fit: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ):
        from mlflow.tracking import fluent

        self.setting = functools.partial(get_autologging_config, flavor_name)
        self.flavor_name = flavor_name
        self.tags = tags
        self.estimator = estimator
        bound = functools.partial(fit, estimator)
        self.X, self.y, self.sample_weight = training_data(bound, args, kwargs)
        self.run = fluent.active_run()
        self.run_id = self.run.info.run_id
        self.client = MlflowAutologgingQueueingClient()
        self.dataset: Any = None
        self.sent: Any = None

    # Before: what is known already, sent while the training runs

    def before(self) -> None:
        self.client.log_params(self.run_id, params_of(self.estimator))
        self.client.set_tags(self.run_id, {**self.tags, **estimator_tags(self.estimator)})
        if self.setting("log_datasets", True):
            try:
                self.dataset = dataset_of(self.X, self.y)
            except Exception as error:
                _logger.warning(
                    "Failed to log training dataset information to MLflow Tracking. Reason: %s",
                    error,
                )
        self.client.log_inputs(self.run_id, self._inputs())
        self.sent = self.client.flush(synchronous=False)

    def _inputs(self) -> list[Any]:
        return [dataset_input(self.dataset, "train")] if self.dataset is not None else []

    # After: the result

    def wait(self) -> Exception | None:
        """Until what was sent before is stored; why some of it is not."""
        try:
            if self.sent is not None:
                self.sent.await_completion()
        except Exception as error:  # such as a param that this run has with another value
            return error
        return None

    def after(self, failure: Exception | None) -> None:
        """Log the result.

        Raises:
            Exception: `failure`, or what went wrong meanwhile, when all else is logged.
        """
        failure = self.wait() or failure
        searched = is_search(self.estimator)
        with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
            model_id, best_model_id = self._log_models(searched)
            self._measure(searched, model_id, folder)
            self._log_files(folder)
        if searched:
            self._log_children(best_model_id)
        self.client.flush()
        if self.setting("log_post_training_metrics", True):
            self._register(model_id)
        if failure is not None:
            raise failure

    def _log_models(self, searched: bool) -> tuple[str | None, str | None]:
        """The ids of the logged model, and of that of a search's winner."""
        best_model_id = None
        log_models = self.setting("log_models", True)
        params = params_of(self.estimator)
        best = getattr(self.estimator, "best_estimator_", None) if searched else None
        if log_models and best is not None:
            # Before the run has params of the winner: they would become params of this model, too
            both = {**best.get_params(deep=True), **params}
            best_model_id = self._log_model(best, "best_estimator", both)
        if searched:
            won = search.best_params(self.estimator)
            params |= won
            self.client.log_params(self.run_id, won)
            self.client.flush()
        if not log_models:
            return None, best_model_id
        registered = self.setting("registered_model_name")
        return self._log_model(self.estimator, "model", params, registered), best_model_id

    def _log_model(
        self,
        model: Any,
        name: str,
        params: dict[str, Any],
        registered: str | None = None,
    ) -> str | None:
        import mlflow.sklearn

        example, signature = resolve_input_example_and_signature(
            lambda: copy.deepcopy(self.X[:INPUT_EXAMPLE_SAMPLE_ROWS]),
            lambda example: _signature(model, example),
            self.setting("log_input_examples", False),
            self.setting("log_model_signatures", True),
            _logger,
        )
        try:
            info = mlflow.sklearn.log_model(
                model,
                name=name,
                signature=signature,
                input_example=example,
                serialization_format=self.setting("serialization_format", "cloudpickle"),
                registered_model_name=registered,
                params=fitting(params, MAX_PARAM_VAL_LENGTH, warn=False),
            )
        except Exception as error:
            _logger.warning("Failed to log the model '%s': %s", name, error)
            return None
        return info.model_id

    def _measure(self, searched: bool, model_id: str | None, folder: str) -> None:
        """Queue metrics, and write what goes with them to files."""
        metrics: dict[str, float] = {}
        if self.y is None:
            _logger.warning(
                "Training metrics will not be recorded because training labels were not "
                "specified. To automatically record training metrics, provide training labels "
                "as inputs to the model training function."
            )
        else:
            evaluation = Evaluation(
                self.estimator, self.X, self.y, self.sample_weight, self.setting("pos_label")
            )
            metrics = evaluation.metrics()
            write_plots(evaluation, folder)
        _try(write_diagram, self.estimator, folder)
        if searched:
            metrics |= search.best_metrics(self.estimator)
            _try(_write_results, self.estimator, folder)
        self.client.log_metrics(self.run_id, metrics, dataset=self.dataset, model_id=model_id)

    def _log_files(self, folder: str) -> None:
        from mlflow.tracking.client import MlflowClient

        MlflowClient().log_artifacts(self.run_id, folder)

    def _log_children(self, best_model_id: str | None) -> None:
        try:
            search.log_children(
                self.client,
                self.estimator,
                self.run,
                self.setting("max_tuning_runs", 5),
                integration=self.flavor_name,
                inputs=self._inputs(),
                dataset=self.dataset,
                best_model_id=best_model_id,
            )
        except Exception as error:
            _logger.warning(
                "Encountered exception during creation of child runs for parameter search. "
                "Child runs may be missing. Exception: %s",
                error,
            )

    def _register(self, model_id: str | None) -> None:
        from mlflow.tracking._tracking_service.utils import get_tracking_uri

        training = post_training.Training(
            self.flavor_name, self.run_id, get_tracking_uri(), model_id
        )
        post_training.register(self.estimator, training)


def _signature(model: Any, example: Any) -> Any:
    from mlflow.models.signature import infer_signature

    for name in ("predict", "transform"):
        if hasattr(model, name):
            # A copy, because there are models that change what they are given.
            return infer_signature(example, getattr(model, name)(copy.deepcopy(example)))
    raise MlflowException(
        "the trained model does not have a `predict` or `transform` function, which is required "
        "in order to infer the signature"
    )


def _write_results(estimator: Any, folder: str) -> None:
    with open(os.path.join(folder, "cv_results.csv"), "w", encoding="utf-8", newline="") as file:
        file.write(search.results_as_csv(estimator))


def _try(function: Callable[..., None], *args: Any) -> None:
    try:
        function(*args)
    except Exception as error:
        _logger.warning("Failed to log artifacts of %s: %s", type(args[0]).__name__, error)
