"""A store with something of everything, for looking at the web UI and for its tests.

    python -m tests.ui.seed FOLDER     # makes it in some seconds, and says how to serve it

All of it is logged through the SDK. The same names are there each time; ids of runs differ and are
in `FOLDER/seed.json` (`Seed.load(folder).runs["sweep"]`). Times are relative to now.

Experiments, by id:

0. `Default`: no runs.
1. `vision/churn`: 41 runs, and 2 deleted ones (`seed_runs.py`):

   * `sweep` → `cnn-lr=0.01`, … (6: cnn, mlp × 0.1, 0.01, 0.001) → `cnn-lr=0.01/fold-0` … `fold-2`:
     three deep, 25 runs. Params `model_type` (CNN, MLP), `learning_rate`, `batch_size`, `fold`,
     `epochs` (the same everywhere), `config` (nested JSON), `optimizer.name`, `optimizer.momentum`
     (dotted). Metrics `train/loss`, `val/accuracy` (`val/f1` on children) of 100 steps (folds), 200
     (children), 500 (`sweep`). Best `val/accuracy`: `cnn-lr=0.01/fold-1`, 0.95 at the last step.
   * `baseline`: all that a run page shows: a note in Markdown with hostile parts, tags, two
     datasets with schema, git tags, system metrics (`system/…`), nested config, two logged models.
   * `failed`, `killed`, `running` (RUNNING, loss of 120 steps), `running-fresh` (RUNNING, nothing
     logged), `scheduled`, `nan-inf` (NaN, Infinity and -Infinity inside, last value NaN), `gaps`
     (steps 0-99, 300-399 and 1000; others negative and repeated), `silent` (nothing logged),
     `näme-ünïcode-日本-🚀`, `<b>markup</b> & "quotes"`, `long-name-…` (250 characters, params of
     6000), `prod-3`, `many-tags` (60 tags and params), `nested-outside` (child of a deleted run),
     `image-series`.
   * Deleted: `deleted-1`, `deleted-2`.

2. `bulk`: 10 000 runs `bulk-0000` (oldest) … `bulk-9999`. Params `model` (cnn, mlp, forest, linear,
   boosting: 2000 each), `optimizer` (adam, sgd, lion), `batch_size`, `learning_rate`, `seed` (all
   different), `data` (the same everywhere). Metrics `accuracy` (missing on every tenth; best:
   `bulk-7777`, 0.9999), `loss`, `auc` (on half), `epoch`. 100 FAILED (`bulk-…00`).
3. `long`: run `million`: metric `signal` of 1 000 000 points, between -2 and 2, but 1000 at step
   654 321 (`SPIKE`).
4. `vision/files`: runs `every-kind`, `hostile`, `big` (`big.log`: 100 MiB), `same-kinds` (like
   `every-kind` with other content, to compare) (`seed_files.py`).
5. `empty`: no runs, with a note.
6. `names/<b>&"' #?%` and more: an experiment with an ugly name, and one run in it.
7. `vision/grid`: 100 runs `grid-00` … with the same 20 metrics `m/00` … `m/19`, 50 steps each.
8. `wide`: 20 runs `wide-00` … with 1000 metrics and 1000 params between them.
9. `nlp/summaries`: 3 runs.
10. `vision/old`: deleted.
11. `nlp/assistant`: 198 traces (`seed_traces.py`; `Seed.traces`); 5 more are in `vision/churn`.

Registered models (`seed_models.py`): `churn` (versions 1 to 4: stages, aliases, tags, descriptions,
a history by ann, bo and Zoë), `fraud detector é & <b>` (1 version), `unused` (no versions).
Logged models in `vision/churn`: `classifier` of `baseline` and of 3 folds (with files, signature,
input example), `agent` (type agent, no files), `broken` (FAILED), with metrics on the datasets.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

SPIKE = 654_321
"""Step of the one point of `signal` that is 1000."""
POINTS = 1_000_000
BULK = 10_000

UGLY = "names/<b>&\"' #?% ünï/\u202eabc"
"""Name of an experiment that breaks whoever does not escape it."""

_MINUTE = 60_000


@dataclass
class Seed:
    """What a seeded folder holds."""

    folder: str
    now: int
    """When it was seeded, in milliseconds since the Unix epoch."""
    experiments: dict[str, str] = field(default_factory=dict)
    """Ids by name."""
    runs: dict[str, str] = field(default_factory=dict)
    """Ids by name; of `bulk` only 0000, 0001, 7777 and 9999."""
    models: dict[str, str] = field(default_factory=dict)
    """Ids of logged models, by name or, of those of a fold, by `name of run/classifier`."""
    traces: dict[str, str] = field(default_factory=dict)
    """Ids by name, of those that differ from the others."""

    @classmethod
    def load(cls, folder: str | Path) -> Seed:
        """What `fill` wrote there."""
        said = json.loads(Path(folder, "seed.json").read_text())
        return cls(**{**said, "folder": str(folder)})

    def save(self) -> None:
        Path(self.folder, "seed.json").write_text(json.dumps(asdict(self), indent=1))

    @property
    def database(self) -> str:
        return f"sqlite:///{Path(self.folder).resolve()}/mlflow.db?synchronous=NORMAL"


def serve_arguments(folder: str | Path) -> list[str]:
    """Arguments of `mlflow server` to serve a seeded folder."""
    root = Path(folder).resolve()
    store = f"sqlite:///{root}/mlflow.db?synchronous=NORMAL"
    return ["--backend-store-uri", store, "--artifacts-destination", str(root / "mlartifacts")]


def fill(folder: Path) -> Seed:
    """Make the store in `folder`, which is made if it is not there.

    Raises:
        FileExistsError: If there is a database already.
    """
    from mlflow import MlflowClient
    from mlflow.store.tracking.resolve import tracking_store
    from tests.conftest import Server
    from tests.ui import seed_files, seed_models, seed_runs, seed_traces

    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "mlflow.db").exists():
        raise FileExistsError(f"{folder}/mlflow.db is there already; name a new folder.")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    seed = Seed(str(folder), int(time.time() * 1000))
    server = Server(folder, *serve_arguments(folder)).start()
    try:
        client = MlflowClient(server.uri)
        _experiments(client, seed)
        aside = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=aside) as pool:
            bulk = pool.submit(_bulk, seed)
            seed_runs.log(MlflowClient(seed.database), seed)
            seed_files.log(client, seed)
            seed_models.log(client, seed)
            seed_traces.log(tracking_store(seed.database), seed)
            direct = MlflowClient(seed.database)
            _grid(direct, seed)
            _wide(direct, seed)
            _rest(direct, seed)
            _long(direct, seed)
            seed.runs |= bulk.result()
    finally:
        server.stop()
        os.environ.pop("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", None)
    seed.save()
    return seed


def _experiments(client, seed: Seed) -> None:
    """All of them, through the server, so that their files are its."""
    names = ("vision/churn", "bulk", "long", "vision/files", "empty", UGLY)
    names += ("vision/grid", "wide", "nlp/summaries", "vision/old", "nlp/assistant")
    seed.experiments["Default"] = "0"
    for name in names:
        seed.experiments[name] = client.create_experiment(name)
    ids = seed.experiments
    note = "Who leaves, and **why**?\n\nSee [the plan](https://example.com/plan)."
    client.set_experiment_tag(ids["vision/churn"], "mlflow.note.content", note)
    client.set_experiment_tag(ids["vision/churn"], "team", "retention")
    client.set_experiment_tag(ids["empty"], "mlflow.note.content", "Nothing here *yet*.")
    client.set_experiment_tag(ids[UGLY], "mlflow.note.content", "<script>alert('note')</script>")
    client.delete_experiment(ids["vision/old"])


class _BulkRun(NamedTuple):
    """What is logged for one of the runs of `bulk`."""

    metrics: dict[str, float]
    params: dict[str, str]


def _bulk_run(i: int, rng: random.Random) -> _BulkRun:
    accuracy = 0.9999 if i == 7777 else 0.5 + 0.49 * rng.random()
    metrics = {"accuracy": accuracy, "loss": -math.log(accuracy), "epoch": 1.0 + i % 50}
    if i % 2:
        metrics["auc"] = 0.5 + accuracy / 2
    if i % 10 == 0:
        del metrics["accuracy"]
    params = {
        "model": ("cnn", "mlp", "forest", "linear", "boosting")[i % 5],
        "optimizer": ("adam", "sgd", "lion")[i // 5 % 3],
        "batch_size": str(16 << i % 6),
        "learning_rate": f"{10 ** (-1 - 4 * rng.random()):.4g}",
        "seed": str(i),
        "data": "s3://bucket/churn/v12/part-000.parquet",
    }
    return _BulkRun(metrics, params)


def _bulk(seed: Seed) -> dict[str, str]:
    """The runs of `bulk`; ids of some by name."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client, rng = MlflowClient(seed.database), random.Random(2)
    experiment, named = seed.experiments["bulk"], {}
    for i in range(BULK):
        start = seed.now - (BULK - i) * _MINUTE
        name = f"bulk-{i:04}"
        tags = {"mlflow.user": ("ann", "bo", "Zoë")[i % 3], "mlflow.source.name": "train.py"}
        run = client.create_run(experiment, start, tags, name).info.run_id
        end = start + 30_000 + i % 60_000
        logged = _bulk_run(i, rng)
        metrics = [Metric(key, value, end, 10) for key, value in logged.metrics.items()]
        client.log_batch(run, metrics, [Param(key, v) for key, v in logged.params.items()])
        client.set_terminated(run, "FINISHED" if i % 100 else "FAILED", end)
        if i in (0, 1, 7777, 9999):
            named[name] = run
    return named


def _long(client, seed: Seed) -> None:
    from mlflow.entities import Metric

    start, rng = seed.now - 40 * _MINUTE, random.Random(3)
    noise = [rng.uniform(-1, 1) for _ in range(8192)]
    tags = {"mlflow.user": "ann", "kind": "endless"}
    run = client.create_run(seed.experiments["long"], start, tags, "million").info.run_id
    wave = [math.sin(i * math.tau / 8192) for i in range(8192)]
    for begin in range(0, POINTS, 10_000):
        points = [
            Metric("signal", wave[s // 16 & 8191] + noise[s & 8191], start + 2 * s, s)
            for s in range(begin, begin + 10_000)
        ]
        if begin <= SPIKE < begin + 10_000:
            points[SPIKE - begin] = Metric("signal", 1000.0, start + 2 * SPIKE, SPIKE)
        client.log_batch(run, points)
    client.set_terminated(run, end_time=start + 2 * POINTS)
    seed.runs["million"] = run


def _grid(client, seed: Seed) -> None:
    from mlflow.entities import Metric, Param

    rng = random.Random(4)
    for i in range(100):
        start, name = seed.now - (500 + 3 * i) * _MINUTE, f"grid-{i:02}"
        tags = {"mlflow.user": "bo"}
        run = client.create_run(seed.experiments["vision/grid"], start, tags, name).info.run_id
        rate, depth, width = 10 ** (-1 - i % 5), 2 + i // 5 % 4, 32 << i // 20
        metrics = [
            Metric(
                f"m/{m:02}",
                math.exp(-step * rate * (1 + m)) * (1 + 0.1 * rng.random()) + depth / 100,
                start + 1000 * step,
                step,
            )
            for m in range(20)
            for step in range(50)
        ]
        params = {"learning_rate": rate, "depth": depth, "width": width, "seed": i, "epochs": 50}
        client.log_batch(run, metrics, [Param(key, str(v)) for key, v in params.items()])
        client.set_terminated(run, end_time=start + 60_000)
        seed.runs[name] = run


def _wide(client, seed: Seed) -> None:
    from mlflow.entities import Metric, Param

    for i in range(20):
        start, name = seed.now - (900 + i) * _MINUTE, f"wide-{i:02}"
        run = client.create_run(seed.experiments["wide"], start, {}, name).info.run_id
        keys = range(50 * i, 50 * i + 50)
        metrics = [Metric(f"layer{k // 50}/metric{k:04}", k / 7, start, 0) for k in keys]
        metrics.append(Metric("shared", float(i), start, 0))
        params = [Param(f"layer{k // 50}.param{k:04}", str(k % 7)) for k in keys]
        client.log_batch(run, metrics, params)
        client.set_terminated(run, end_time=start + 60_000)
        seed.runs[name] = run


def _rest(client, seed: Seed) -> None:
    """Small experiments that are there to be listed."""
    for i, (experiment, name) in enumerate(
        [(UGLY, "odd"), *[("nlp/summaries", f"summary-{i}") for i in range(3)]]
    ):
        start = seed.now - (3000 + 1500 * i) * _MINUTE
        run = client.create_run(seed.experiments[experiment], start, {}, name).info.run_id
        client.log_metric(run, "rouge", 0.4 + i / 100, start, 0)
        client.log_param(run, "odd: param", "<img src=x onerror=alert(1)>")
        client.set_terminated(run, end_time=start + 5 * _MINUTE)
        seed.runs[name] = run


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a store to look at the web UI with.")
    parser.add_argument("folder", type=Path, help="made anew; where the store goes")
    given = parser.parse_args()
    started = time.monotonic()
    try:
        seed = fill(given.folder)
    except FileExistsError as error:
        sys.exit(str(error))
    print(f"{time.monotonic() - started:.1f} s, {len(seed.experiments)} experiments. Serve it:\n")
    quoted = " ".join(
        f"'{word}'" if "?" in word else word for word in serve_arguments(given.folder)
    )
    print(f"  python -m mlflow server --port 5000 {quoted}\n")
    print("Then open, for example:\n")
    for path in ("experiments/1", f"experiments/1/runs/{seed.runs['baseline']}", "models/churn"):
        print(f"  http://127.0.0.1:5000/#/{path}")


if __name__ == "__main__":
    main()
