"""Which logged models runs made: what a run measures at the step of one is of that model, too.

The active run remembers what it made. Of other runs, this process knows what the store said less
than a second ago and what it logged itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mlflow.entities import LoggedModelOutput
    from mlflow.tracking.client import MlflowClient

#: Asking the store before every metric would double the time that logging one by a run's id takes.
_FRESH_SECONDS = 1.0
_MOST_RUNS = 1000


class _Known(NamedTuple):
    asked: float
    outputs: tuple[LoggedModelOutput, ...]


_known: dict[tuple[str, str], _Known] = {}


def made_by(
    client: MlflowClient, run_id: str, in_background: bool = False
) -> Sequence[LoggedModelOutput]:
    """What a run made.

    Args:
        in_background: The store must not be waited for: it may be out of reach.
    """
    key = client.tracking_uri, run_id
    known = _known.get(key)
    if in_background:
        return known.outputs if known else ()
    now = time.monotonic()
    if known is None or now - known.asked >= _FRESH_SECONDS:
        outputs = client.get_run(run_id).outputs
        known = _Known(now, tuple(outputs.model_outputs) if outputs else ())
        _keep(key, known)
    return known.outputs


def note_made(client: MlflowClient, run_id: str, outputs: Iterable[LoggedModelOutput]) -> None:
    """This process logged that a run made these."""
    key = client.tracking_uri, run_id
    known = _known.get(key)
    _keep(key, _Known(float("-inf"), (*(known.outputs if known else ()), *outputs)))


def _keep(key: tuple[str, str], known: _Known) -> None:
    if len(_known) >= _MOST_RUNS:
        _known.clear()
    _known[key] = known


def made_at(outputs: Iterable[LoggedModelOutput], step: int) -> str | None:
    """The id of the first of these models that was made at this step."""
    return next((output.model_id for output in outputs if output.step == step), None)
