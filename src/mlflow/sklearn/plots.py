"""Pictures of a trained estimator, as files."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from mlflow.sklearn.metrics import Evaluation

_logger = logging.getLogger("mlflow.sklearn.utils")


def write_diagram(estimator: Any, folder: str) -> None:
    """`estimator.html`: its parts and params."""
    from sklearn.utils import estimator_html_repr

    with open(os.path.join(folder, "estimator.html"), "w", encoding="utf-8") as file:
        file.write(estimator_html_repr(estimator))


def write_plots(evaluation: Evaluation, folder: str, prefix: str = "training_") -> None:
    """Plots of a classifier as PNG; nothing for other estimators, or without matplotlib. What
    cannot be drawn is left out, with a warning."""
    from sklearn.base import is_classifier

    if not is_classifier(evaluation.estimator) or find_spec("matplotlib") is None:
        return
    plots: dict[str, Callable[[Any], None]] = {
        "confusion_matrix": lambda axes: _confusion_matrix(evaluation, axes)
    }
    if _is_binary(evaluation):
        plots["roc_curve"] = lambda axes: _roc_curve(evaluation, axes)
        plots["precision_recall_curve"] = lambda axes: _precision_recall_curve(evaluation, axes)
    for name, draw in plots.items():
        try:
            _draw(draw, os.path.join(folder, f"{prefix}{name}.png"))
        except Exception as error:
            _logger.warning(
                "The artifact %s%s cannot be drawn and will not be recorded. Artifact error: %s",
                prefix,
                name,
                error,
            )


def _is_binary(evaluation: Evaluation) -> bool:
    try:
        return len(set(evaluation.y)) == 2
    except TypeError:  # several labels for each row
        return False


def _draw(draw: Callable[[Any], None], path: str) -> None:
    # Without pyplot: its figures are for one thread, and belong to the user's windows.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    draw(figure.subplots())
    canvas.print_png(path)  # `savefig` draws everything twice


def _confusion_matrix(evaluation: Evaluation, axes: Any) -> None:
    from sklearn.metrics import ConfusionMatrixDisplay

    ConfusionMatrixDisplay.from_predictions(
        evaluation.y,
        evaluation.prediction,
        labels=getattr(evaluation.estimator, "classes_", None),
        sample_weight=evaluation.sample_weight,
        normalize="true",
        cmap="Blues",
        ax=axes,
    )
    axes.set_title("Normalized confusion matrix")


def _roc_curve(evaluation: Evaluation, axes: Any) -> None:
    from sklearn.metrics import RocCurveDisplay

    RocCurveDisplay.from_estimator(
        evaluation.estimator,
        evaluation.X,
        evaluation.y,
        sample_weight=evaluation.sample_weight,
        pos_label=evaluation.pos_label,
        ax=axes,
    )
    axes.set_title("ROC curve")


def _precision_recall_curve(evaluation: Evaluation, axes: Any) -> None:
    from sklearn.metrics import PrecisionRecallDisplay

    PrecisionRecallDisplay.from_estimator(
        evaluation.estimator,
        evaluation.X,
        evaluation.y,
        sample_weight=evaluation.sample_weight,
        pos_label=evaluation.pos_label,
        ax=axes,
    )
    axes.set_title("Precision recall curve")
