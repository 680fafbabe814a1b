"""The runs of `vision/churn`; `tests/ui/seed.py` says what they are for."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

if TYPE_CHECKING:
    from tests.ui.seed import Seed

_MINUTE = 60_000
_COMMIT = "3f2a9c1e5b7d48f0a6c2e4b8d0f1a3c5e7092b4d"

NOTE = """# Baseline

Accuracy is *good enough* to ship, see [the report](https://example.com/report?a=1&b=2).

| split | rows |
|---|---|
| train | 800 |
| test | 200 |

- [x] cleaned
- [ ] reviewed

```python
model.fit(x, y)
```

Hostile parts, which must stay inert:

<script>window.pwned = 'note script'</script>
<img src="x" onerror="window.pwned = 'note img'">
[click me](javascript:window.pwned='note-link') [data](data:text/html,<script>alert(1)</script>)
![picture](https://example.com/pixel.png)
"""


def config(kind: str, rate: float, batch: int) -> str:
    """A nested settings object, as people log it: JSON in one param."""
    return json.dumps(
        {
            "model": {"type": kind, "layers": [{"units": 64}, {"units": 32}], "dropout": 0.1},
            "optimizer": {"name": "adam", "lr": rate, "betas": [0.9, 0.999]},
            "data": {"batch_size": batch, "augment": {"flip": True, "crop": None}},
        }
    )


class _Runs:
    """Makes runs one after the other and remembers their ids."""

    def __init__(self, client: MlflowClient, seed: Seed):
        self.client, self.seed = client, seed
        self.experiment = seed.experiments["vision/churn"]

    def make(
        self,
        name: str,
        ago: int,
        *,
        parent: str | None = None,
        user: str = "ann",
        params: dict[str, Any] | None = None,
        metrics: list[Metric] | None = None,
        tags: dict[str, str] | None = None,
        status: str | None = "FINISHED",
        minutes: float = 12,
    ) -> str:
        """A run that began `ago` minutes before the seeding; its id.

        Args:
            status: None to leave it RUNNING.
        """
        start = self.start(ago)
        kept = {"mlflow.user": user, "mlflow.source.name": "train.py", **(tags or {})}
        kept |= {"mlflow.source.type": "LOCAL", "mlflow.source.git.commit": _COMMIT}
        if parent:
            kept["mlflow.parentRunId"] = parent
        run = self.client.create_run(self.experiment, start, kept, name).info.run_id
        logged = [Param(key, str(value)) for key, value in (params or {}).items()]
        self.client.log_batch(run, metrics or [], logged)
        if status:
            self.client.set_terminated(run, status, start + int(minutes * _MINUTE))
        self.seed.runs[name] = run
        return run

    def start(self, ago: int) -> int:
        return self.seed.now - ago * _MINUTE


def curves(steps: int, start: int, best: float, rng: random.Random) -> list[Metric]:
    """A falling loss and a rising accuracy that ends at `best`."""
    made = []
    for step in range(steps):
        done = (step + 1) / steps
        loss = 2.3 * math.exp(-4 * done) + 0.1 * rng.random() * (1 - done) + 0.02
        accuracy = best - (best - 0.5) * math.exp(-5 * done) - 0.02 * rng.random()
        if step == steps - 1:
            accuracy = best
        made.append(Metric("train/loss", loss, start + 1000 * step, step))
        made.append(Metric("val/accuracy", accuracy, start + 1000 * step, step))
    return made


def log(client: MlflowClient, seed: Seed) -> None:
    """All runs, without files and models."""
    runs = _Runs(client, seed)
    _sweep(runs)
    _baseline(runs)
    _states(runs)
    _odd_series(runs)
    _odd_names(runs)
    _deleted(runs)


def _settings(kind: str, rate: float, batch: int) -> dict[str, Any]:
    return {
        "model_type": kind,
        "learning_rate": rate,
        "batch_size": batch,
        "epochs": 100,
        "optimizer.name": "adam" if kind == "CNN" else "sgd",
        "optimizer.momentum": 0.9,
        "config": config(kind, rate, batch),
    }


def _sweep(runs: _Runs) -> None:
    rng = random.Random(1)
    ago = 3 * 24 * 60
    whole = curves(500, runs.start(ago), 0.94, rng)
    search = {"method": "grid", "epochs": 100, "trials": 6}
    parent = runs.make("sweep", ago, params=search, metrics=whole, minutes=300, user="bo")
    number = 0
    for kind in ("CNN", "MLP"):
        for rate in (0.1, 0.01, 0.001):
            number += 1
            batch = 32 << number % 3
            began = ago - 10 * number
            best = 0.9 - 0.05 * abs(math.log10(rate) + 2) - (0.08 if kind == "MLP" else 0)
            points = curves(200, runs.start(began), best, rng)
            points += [Metric("val/f1", m.value - 0.03, m.timestamp, m.step) for m in points[1::2]]
            name = f"{kind.lower()}-lr={rate}"
            settings = _settings(kind, rate, batch)
            child = runs.make(
                name, began, parent=parent, params=settings, metrics=points, user="bo"
            )
            for fold in range(3):
                top = 0.95 if (kind, rate, fold) == ("CNN", 0.01, 1) else best + 0.01 * (fold - 1)
                points = curves(100, runs.start(began - fold), top, rng)
                each = {**settings, "fold": fold}
                part = f"{name}/fold-{fold}"
                runs.make(part, began - fold, parent=child, params=each, metrics=points, user="bo")


def _baseline(runs: _Runs) -> None:
    rng, start = random.Random(7), runs.start(600)
    system = ("cpu_utilization_percentage", "system_memory_usage_megabytes", "gpu_0_memory_usage")
    metrics = curves(300, start, 0.93, rng)
    for name in system:
        metrics += [
            Metric(
                f"system/{name}", 50 + 30 * math.sin(i / 9) + rng.random(), start + 10_000 * i, i
            )
            for i in range(60)
        ]
    metrics.append(Metric("test/auc", 0.971234567, start + 300_000, 0))
    tags = {
        "mlflow.note.content": NOTE,
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.repoURL": "https://example.com/team/churn.git",
        "stage": "candidate",
        "review: tag/1": "<img src=x onerror=\"window.pwned = 'tag'\">",
    }
    params = {**_settings("CNN", 0.02, 64), "notes": "long " * 400, "ünï": "日本 🚀"}
    params["odd key: a/b.c-d"] = "<script>window.pwned = 'param'</script>"
    runs.make("baseline", 600, params=params, metrics=metrics, tags=tags, minutes=42)
    start = runs.start(90)
    settings = _settings("CNN", 0.015, 64)
    runs.make("prod-3", 90, params=settings, metrics=curves(250, start, 0.935, rng), user="Zoë")


def _states(runs: _Runs) -> None:
    rng = random.Random(8)
    small = _settings("MLP", 0.05, 16)
    points = curves(300, runs.start(400), 0.8, rng)
    runs.make("failed", 400, params=small, metrics=points[:90], status="FAILED", minutes=2)
    points = curves(300, runs.start(380), 0.82, rng)
    runs.make("killed", 380, params=small, metrics=points[:200], status="KILLED", minutes=4.5)
    points = curves(300, runs.start(4), 0.9, rng)
    runs.make("running", 4, params=small, metrics=points[:240], status=None, user="Zoë")
    runs.make("running-fresh", 1, status=None)
    run = runs.make("scheduled", 2, params=small, status=None)
    runs.client.update_run(run, status="SCHEDULED")
    runs.make("silent", 350, minutes=0.01)


def _odd_series(runs: _Runs) -> None:
    start = runs.start(330)
    odd = {50: math.nan, 51: math.nan, 52: math.nan, 100: math.inf, 150: -math.inf, 199: math.nan}
    points = [
        Metric("train/loss", odd.get(i, 2 / (i + 1)), start + 1000 * i, i) for i in range(200)
    ]
    runs.make("nan-inf", 330, metrics=points, params={"learning_rate": "nan", "batch_size": 8})
    start = runs.start(320)
    steps = [*range(100), *range(300, 400), 1000]
    points = [Metric("train/loss", 1 / (i + 1), start + 1000 * i, i) for i in steps]
    points += [Metric("backwards", float(i), start + i, -i) for i in range(50)]
    points += [Metric("repeated", float(i), start + i, i // 10) for i in range(100)]
    points += [Metric("huge", 1e300 * i, start + i, i * 10**15) for i in range(20)]
    runs.make("gaps", 320, metrics=points)


def _odd_names(runs: _Runs) -> None:
    small = {"learning_rate": 0.3}
    runs.make("näme-ünïcode-日本-🚀", 310, params=small, user="日本")
    runs.make('<b>markup</b> & "quotes"', 300, params=small, user="<i>eve</i>")
    name = "long-name-" + "x" * 240
    runs.make(name, 290, params={"blob": "0123456789" * 600, **small})
    runs.seed.runs["long-name"] = runs.seed.runs.pop(name)
    tags = {f"tag-{i:02}": f"value {i}" for i in range(60)}
    runs.make("many-tags", 280, tags=tags, params={f"p{i:02}": i for i in range(60)})
    runs.make("image-series", 260, params=small)


def _deleted(runs: _Runs) -> None:
    for i in (1, 2):
        run = runs.make(f"deleted-{i}", 270 - i, params={"learning_rate": 0.1 * i})
        runs.client.delete_run(run)
    runs.make("nested-outside", 250, parent=runs.seed.runs["deleted-1"])
