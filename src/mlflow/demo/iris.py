"""Small networks that learn to tell three species of iris apart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlflow.entities import LifecycleStage
from mlflow.tracking import fluent
from mlflow.tracking.client import MlflowClient
from mlflow.utils.optional import require

EXPERIMENT = "Demo: iris"
_NOTE = """Which settings let a small network learn fastest to tell three species of iris apart?

Each run trains one for some epochs on 105 flowers and tests it on 45 others. Runs of the sweep are
part of one run above them. Try the search box: metrics."test/accuracy" > 0.95
"""


@dataclass(frozen=True)
class Settings:
    """What one run trains with."""

    name: str
    hidden_layers: tuple[int, ...]
    learning_rate: float
    solver: str = "adam"
    epochs: int = 40

    def params(self) -> dict[str, Any]:
        """As they are logged."""
        layers = "-".join(map(str, self.hidden_layers))
        return {
            "hidden_layers": layers,
            "learning_rate": self.learning_rate,
            "solver": self.solver,
            "epochs": self.epochs,
            "seed": _SEED,
        }


class Flowers(NamedTuple):
    """The data, split."""

    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any
    species: list[str]


_SEED = 7
_SINGLE = (
    Settings("plain-sgd", (16,), 0.02, solver="sgd"),
    Settings("learns-too-fast", (16,), 0.6, solver="sgd"),
)
_SWEEP = tuple(
    Settings(f"{width}-neurons-{rate}", (width,), rate)
    for width in (4, 16)
    for rate in (0.003, 0.03)
)


def log_runs(tracking_uri: str, refresh: bool = False) -> str:
    """Id of the demo's experiment, with its runs in the store at `tracking_uri`.

    Args:
        refresh: Log them again, and delete the older ones. Otherwise they stay if there are any.

    Raises:
        MlflowException: If scikit-learn is not installed.
    """
    require("sklearn", extra="demo", purpose="the demo")
    with _quietly_tracking_in(tracking_uri):
        client = MlflowClient()
        experiment_id = _experiment(client)
        older = client.search_runs([experiment_id])
        if older and not refresh:
            return experiment_id
        for run in older:
            client.delete_run(run.info.run_id)
        flowers = _flowers()
        for settings in _SINGLE:
            _train(settings, flowers, experiment_id)
        _sweep(flowers, experiment_id)
    return experiment_id


@contextmanager
def _quietly_tracking_in(uri: str) -> Iterator[None]:
    from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    quiet = MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT
    before = quiet.get_raw()
    quiet.set(True)
    try:
        with _use_tracking_uri(uri):
            yield
    finally:
        quiet.unset() if before is None else quiet.set(before)


def _experiment(client: MlflowClient) -> str:
    """The demo's experiment, made or restored when it is not there."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        experiment_id = client.create_experiment(EXPERIMENT)
        client.set_experiment_tag(experiment_id, "mlflow.note.content", _NOTE)
        return experiment_id
    if experiment.lifecycle_stage == LifecycleStage.DELETED:
        client.restore_experiment(experiment.experiment_id)
    return experiment.experiment_id


def _flowers() -> Flowers:
    from sklearn.datasets import load_iris
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    iris = load_iris()
    train_x, test_x, train_y, test_y = train_test_split(
        iris.data, iris.target, test_size=0.3, random_state=_SEED, stratify=iris.target
    )
    scaler = StandardScaler().fit(train_x)
    species = [str(name) for name in iris.target_names]
    return Flowers(scaler.transform(train_x), train_y, scaler.transform(test_x), test_y, species)


def _sweep(flowers: Flowers, experiment_id: str) -> None:
    """All settings of the sweep, each in a run of its own, and what was best in the one above."""
    with fluent.start_run(
        experiment_id=experiment_id,
        run_name="sweep",
        tags={"kind": "sweep"},
        description="Width and learning rate, each combination once.",
    ):
        found = {s: _train(s, flowers, experiment_id, nested=True) for s in _SWEEP}
        best = min(found, key=found.__getitem__)
        fluent.set_tag("best", best.name)
        fluent.log_metric("test/loss", found[best])


def _train(settings: Settings, flowers: Flowers, experiment_id: str, nested: bool = False) -> float:
    """Train with these settings in a run of their own; the last loss on the test flowers."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        hidden_layer_sizes=settings.hidden_layers,
        solver=settings.solver,
        learning_rate_init=settings.learning_rate,
        batch_size=15,
        random_state=_SEED,
    )
    with fluent.start_run(
        experiment_id=experiment_id,
        run_name=settings.name,
        nested=nested,
        tags={"kind": "training", "model": type(network).__name__},
    ):
        fluent.log_params(settings.params())
        _log_datasets(flowers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # too fast: weights overflow
            for epoch in range(settings.epochs):
                network.partial_fit(flowers.train_x, flowers.train_y, classes=[0, 1, 2])
                measured = _measure(network, flowers)
                fluent.log_metrics(measured, step=epoch)
        _log_report(network, flowers)
    return measured["test/loss"]


def _measure(network: Any, flowers: Flowers) -> dict[str, float]:
    import numpy as np

    chances = network.predict_proba(flowers.test_x)
    of_truth = np.clip(chances[np.arange(len(chances)), flowers.test_y], 1e-15, None)
    return {
        "train/loss": float(network.loss_),
        "test/loss": float(-np.log(of_truth).mean()),
        "test/accuracy": float((chances.argmax(axis=1) == flowers.test_y).mean()),
    }


def _log_datasets(flowers: Flowers) -> None:
    from mlflow.data.numpy_dataset import from_numpy

    source = "https://scikit-learn.org/stable/datasets/toy_dataset.html"
    train = from_numpy(flowers.train_x, source, flowers.train_y, name="iris-train")
    test = from_numpy(flowers.test_x, source, flowers.test_y, name="iris-test")
    fluent.log_input(train, context="training")
    fluent.log_input(test, context="testing")


def _log_report(network: Any, flowers: Flowers) -> None:
    """What the trained network gets right and wrong: as text, as data and as a figure."""
    from sklearn.metrics import classification_report, confusion_matrix

    predicted = network.predict(flowers.test_x)
    text = classification_report(
        flowers.test_y, predicted, target_names=flowers.species, zero_division=0
    )
    matrix = confusion_matrix(flowers.test_y, predicted, labels=[0, 1, 2]).tolist()
    fluent.log_text(text, "report.txt")
    fluent.log_dict({"species": flowers.species, "confusion": matrix}, "confusion.json")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    fluent.log_figure(_figure(Figure(figsize=(4, 3.6)), matrix, flowers.species), "confusion.png")


def _figure(figure: Any, matrix: list[list[int]], species: list[str]) -> Any:
    """How many flowers of each species (rows) were taken for which (columns)."""
    axes = figure.subplots()
    axes.imshow(matrix, cmap="Blues")
    for row, counts in enumerate(matrix):
        for column, count in enumerate(counts):
            colour = "white" if count > max(map(max, matrix)) / 2 else "black"
            axes.text(column, row, count, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(species)), species)
    axes.set_yticks(range(len(species)), species)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    figure.tight_layout()
    return figure
