"""Stores with random content, and random changes of it."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from mlflow.entities import (
    Dataset,
    DatasetInput,
    ExperimentTag,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.tracking.abstract_store import AbstractStore

TIME = 1_700_000_000_000
KEYS = ("loss", "val/loss", "a b.c-d:e")
VALUES = (0.0, -0.0, 1.5, -1e300, 5e-324, math.nan, math.inf, -math.inf, 2.0**60)
TEXTS = ("", "x", "ünïcode ☃", "line\nbreak", "'quotes\"", "y" * 3000)


class Filler:
    """Does random things to a store. The same seed does the same things."""

    def __init__(self, store: AbstractStore, uri: str, seed: int, *, odd_keys: bool = True):
        self.store, self.uri, self.random = store, uri, random.Random(seed)
        self._odd_keys = odd_keys  # which a folder of files cannot keep
        self._names = 0

    def work(self, steps: int) -> None:
        """So many things."""
        deeds: list[Callable[[], None]] = [
            *[self.add_experiment] * 2,
            *[self.add_run] * 5,
            *[self.log] * 10,
            *[self.log_inputs] * 2,
            *[self.log_file] * 4,
            *[self.change_run] * 3,
            *[self.change_tag] * 3,
            self.change_experiment,
        ]
        if not list(self._experiments()):
            self.add_experiment()
        for _ in range(steps):
            self.random.choice(deeds)()

    def add_experiment(self) -> None:
        self._names += 1
        tags = [ExperimentTag("team", self.random.choice(TEXTS))]
        name = f"{self.random.choice(('exp', 'ünï/code'))} {self._names}"
        self.store.create_experiment(name, None, self.random.choice(([], tags)))

    def add_run(self) -> None:
        experiment = self.random.choice(list(self._experiments()))
        tags = [RunTag("mlflow.source.name", self.random.choice(TEXTS))]
        if self._odd_keys and self.random.random() < 0.2:
            tags.append(RunTag("any key? yes!", "given at the start"))
        others = self._runs(experiment)
        if others and self.random.random() < 0.4:
            tags.append(RunTag("mlflow.parentRunId", self.random.choice(others)))
        # later than its parent, or earlier
        start = TIME + self.random.randrange(100_000)
        self._names += 1
        self.store.create_run(experiment, "ann", start, tags, f"run {self._names}")

    def log(self) -> None:
        if run := self._run():
            number = self.random.choice((0, 1, 7, 300))
            points = [self._point() for _ in range(number)]
            tags = [RunTag(f"tag{self.random.randrange(4)}", self.random.choice(TEXTS))]
            self._names += 1
            params = [Param(f"p{self._names}", self.random.choice(TEXTS))]
            self.store.log_batch(run, points, params, tags)

    def _point(self) -> Metric:
        random = self.random
        value = random.choice(VALUES) if random.random() < 0.3 else random.uniform(-1, 1)
        timestamp = TIME + random.randrange(20)
        return Metric(random.choice(KEYS), value, timestamp, random.randrange(-5, 60))

    def log_inputs(self) -> None:
        if run := self._run():
            number = self.random.randrange(3)
            dataset = Dataset(f"d{number}", f"digest{number}", "local", '{"uri": "x"}', None, "{}")
            use = DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])
            self.store.log_inputs(run, [use], [LoggedModelInput(f"m-{number}")])
            made = self.store.get_run(run).outputs.model_outputs
            if not made:  # the reference fails when it is told a second time
                self.store.log_outputs(run, [LoggedModelOutput(f"m-{number}", number)])

    def log_file(self) -> None:
        if run := self._run():
            uri = self.store.get_run(run).info.artifact_uri
            repository = get_artifact_repository(uri, tracking_uri=self.uri)
            folder = self.random.choice((None, "plots", "deep/er"))
            with tempfile.TemporaryDirectory() as local:
                path = Path(local) / self.random.choice(("a.txt", "b c.bin", "ü%.json"))
                path.write_bytes(self.random.randbytes(self.random.randrange(500)))
                repository.log_artifact(str(path), folder)

    def change_run(self) -> None:
        run = self._run(active=False)
        if run is None:
            return
        deed = self.random.randrange(4)
        if deed == 0:
            self.store.delete_run(run)
        elif deed == 1:
            self.store.restore_run(run)
        elif self.store.get_run(run).info.lifecycle_stage == "active":
            if deed == 2:
                status = self.random.choice(RunStatus.all_status())
                self.store.update_run_info(run, status, TIME + 10**6, None)
            else:
                self._names += 1
                self.store.update_run_info(run, None, None, f"renamed {self._names}")

    def change_tag(self) -> None:
        if run := self._run():
            mine = [k for k in self.store.get_run(run).data.tags if k.startswith("tag")]
            if mine:
                self.store.delete_tag(run, self.random.choice(mine))

    def change_experiment(self) -> None:
        mine = [e for e in self._experiments(active=False) if e != "0"]
        if not mine:
            return
        experiment = self.random.choice(mine)
        active = self.store.get_experiment(experiment).lifecycle_stage == "active"
        deed = self.random.randrange(4)
        if not active:
            self.store.restore_experiment(experiment)
        elif deed == 0:
            self.store.delete_experiment(experiment)
        elif deed == 1:
            self._names += 1
            self.store.rename_experiment(experiment, f"other name {self._names}")
        elif deed == 2:
            self.store.set_experiment_tag(experiment, ExperimentTag("stage", "late"))
        else:
            try:
                self.store.delete_experiment_tag(experiment, "team")
            except MlflowException as e:
                assert e.error_code == "RESOURCE_DOES_NOT_EXIST"

    def _experiments(self, *, active: bool = True) -> list[str]:
        view = ViewType.ACTIVE_ONLY if active else ViewType.ALL
        found = self.store.search_experiments(view, order_by=["experiment_id ASC"])
        return [e.experiment_id for e in found]

    def _runs(self, experiment: str, *, active: bool = True) -> list[str]:
        view = ViewType.ACTIVE_ONLY if active else ViewType.ALL
        found = self.store.search_runs([experiment], None, view, order_by=["start_time ASC"])
        return [run.info.run_id for run in found]

    def _run(self, *, active: bool = True) -> str | None:
        experiment = self.random.choice(self._experiments(active=active) or ["0"])
        runs = self._runs(experiment, active=active)
        return self.random.choice(runs) if runs else None
