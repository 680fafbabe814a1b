"""How well an estimator does on its training data."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

from mlflow.sklearn.estimators import takes_sample_weight

_logger = logging.getLogger("mlflow.sklearn.utils")


class Evaluation:
    """A fitted estimator and labelled data. Each prediction is made once, when first needed.

    Args:
        X, y: As `fit` was given them.
        sample_weight: None for equal weights.
        pos_label: The positive class of a binary classifier; None for metrics over all classes.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any, pos_label: Any):
        self.estimator = estimator
        self.X = X
        self.y = y
        self.sample_weight = sample_weight
        self.pos_label = pos_label

    @cached_property
    def prediction(self) -> Any:
        return self.estimator.predict(self.X)

    @cached_property
    def probabilities(self) -> Any:
        return self.estimator.predict_proba(self.X)

    def metrics(self, prefix: str = "training_") -> dict[str, float]:
        """Metric name to value. What cannot be computed is left out, with a warning."""
        from sklearn.base import is_classifier, is_regressor

        functions: dict[str, Callable[[], Any]] = {}
        try:
            if is_classifier(self.estimator):
                _ = self.prediction
                functions = self._of_classifier()
            elif is_regressor(self.estimator):
                _ = self.prediction
                functions = self._of_regressor()
        except Exception as error:
            _logger.warning(
                "Failed to autolog metrics for %s. Logging error: %s",
                type(self.estimator).__name__,
                error,
            )
        values = {}
        for name, function in functions.items():
            try:
                values[prefix + name] = float(function())
            except Exception as error:
                text = "The metric %s cannot be computed and will not be recorded. Metric error: %s"
                _logger.warning(text, prefix + name, error)
        if hasattr(self.estimator, "score"):
            try:
                values[f"{prefix}score"] = float(self._score(values, prefix))
            except Exception as error:
                _logger.warning(
                    "%s.score failed. The '%sscore' metric will not be recorded. Scoring error: %s",
                    type(self.estimator).__name__,
                    prefix,
                    error,
                )
        return values

    def _of_classifier(self) -> dict[str, Callable[[], Any]]:
        from sklearn import metrics

        weight = {"sample_weight": self.sample_weight}
        mean = (
            {"average": "weighted"}
            if self.pos_label is None
            else {"average": "binary", "pos_label": self.pos_label}
        )
        given = (self.y, self.prediction)
        functions: dict[str, Callable[[], Any]] = {
            "precision_score": lambda: metrics.precision_score(*given, **mean, **weight),
            "recall_score": lambda: metrics.recall_score(*given, **mean, **weight),
            "f1_score": lambda: metrics.f1_score(*given, **mean, **weight),
            "accuracy_score": lambda: metrics.accuracy_score(*given, **weight),
        }
        if hasattr(self.estimator, "predict_proba"):
            functions["log_loss"] = lambda: metrics.log_loss(self.y, self.probabilities, **weight)
            functions["roc_auc"] = self._roc_auc
        return functions

    def _roc_auc(self) -> Any:
        from sklearn import metrics

        scores = self.probabilities
        if len(scores[0]) == 2:
            scores = scores[:, 1]
        return metrics.roc_auc_score(
            self.y, scores, average="weighted", sample_weight=self.sample_weight, multi_class="ovo"
        )

    def _of_regressor(self) -> dict[str, Callable[[], Any]]:
        from sklearn import metrics

        weight = {"sample_weight": self.sample_weight}
        mean = {"multioutput": "uniform_average"}
        given = (self.y, self.prediction)

        def squared() -> Any:
            return metrics.mean_squared_error(*given, **weight, **mean)

        return {
            "mean_squared_error": squared,
            "mean_absolute_error": lambda: metrics.mean_absolute_error(*given, **weight, **mean),
            "r2_score": lambda: metrics.r2_score(*given, **weight, **mean),
            "root_mean_squared_error": lambda: squared() ** 0.5,
        }

    def _score(self, known: dict[str, float], prefix: str) -> Any:
        from sklearn.base import ClassifierMixin, RegressorMixin

        own = inspect.unwrap(type(self.estimator).score)
        for mixin, same in ((ClassifierMixin, "accuracy_score"), (RegressorMixin, "r2_score")):
            # The same number, and predicting may take long
            if own is inspect.unwrap(mixin.score) and prefix + same in known:
                return known[prefix + same]
        if self.sample_weight is not None and takes_sample_weight(self.estimator.score):
            return self.estimator.score(self.X, self.y, sample_weight=self.sample_weight)
        return self.estimator.score(self.X, self.y)
