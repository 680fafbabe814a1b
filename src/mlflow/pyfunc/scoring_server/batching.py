"""Requests that wait together, answered with one prediction.

Nothing is held back for this: while the model is busy requests pile up, and what has piled up goes
to it at once. Rows are put together only where columns, types and params are the same. Predictions
that do not fall into the same number of rows, and a group in which one request makes the model
fail, are asked for one by one, so nobody gets another's answer or error.

It is for models that look at each row by itself, which nearly all do; hence off by default.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlflow.pyfunc.scoring_server import ParsedJsonInput, ask
from mlflow.pyfunc.scoring_server.served import Answer, Question, Served, Stream

Outcome = Any  # an Answer, a Stream, or an exception


class Waiting:
    """A request that waits.

    Args:
        served: The model that is to answer.
    """

    __slots__ = ("late", "question", "served")

    def __init__(self, served: Served, question: Question):
        self.served = served
        self.question = question
        self.late = False
        """Nobody waits for the answer any more."""

    def __call__(self) -> Answer | Stream | None:
        return None if self.late else self.served.answer(self.question)


def answer_together(waiting: Sequence[Waiting], most_rows: int) -> list[Outcome]:
    """The outcome of each, in the same order.

    Args:
        most_rows: In one prediction; a request that brings more is answered alone.
    """
    if len(waiting) == 1:
        return [_alone(waiting[0])]
    outcomes: list[Outcome] = [None] * len(waiting)
    groups: dict[Any, list[tuple[int, Any, int]]] = {}
    for i, one in enumerate(waiting):
        if one.late:
            continue
        kind = None
        if one.served.splits and "event-stream" not in one.question.accept:
            try:
                asked = one.served.understand(one.question)
            except Exception as error:
                outcomes[i] = error
                continue
            kind, rows = _kind(asked)
        if kind is None or rows > most_rows:
            outcomes[i] = _alone(one)
        else:
            groups.setdefault((id(one.served), kind), []).append((i, asked, rows))
    for members in groups.values():
        for part in _parts(members, most_rows):
            for i, outcome in zip((i for i, _, _ in part), _ask_group(waiting, part)):
                outcomes[i] = outcome
    return outcomes


def _alone(one: Waiting) -> Outcome:
    try:
        return one()
    except Exception as error:
        return error


def _parts(members: list[tuple[int, Any, int]], most_rows: int) -> list[list[Any]]:
    """The members in groups of no more than `most_rows` rows."""
    parts: list[list[Any]] = [[]]
    total = 0
    for member in members:
        if parts[-1] and total + member[2] > most_rows:
            parts.append([])
            total = 0
        parts[-1].append(member)
        total += member[2]
    return parts


def _ask_group(waiting: Sequence[Waiting], part: list[tuple[int, Any, int]]) -> list[Outcome]:
    first = waiting[part[0][0]]
    served = first.served
    if len(part) > 1:
        try:
            predictions = _split(_predict(served, [asked for _, asked, _ in part]), part)
        except Exception:  # whose fault it is shows when they are asked one by one
            predictions = None
        else:
            served.splits = predictions is not None
        if predictions is not None:
            return [
                _encoded(waiting[i], prediction) for (i, _, _), prediction in zip(part, predictions)
            ]
    return [_alone(waiting[i]) for i, _, _ in part]


def _encoded(one: Waiting, prediction: Any) -> Outcome:
    try:
        return one.served.encode(prediction, False, one.question)
    except Exception as error:
        return error


def _kind(asked: Any) -> tuple[Any, int]:
    """What has to be the same to go together, None for what cannot; and how many rows it has."""
    if type(asked) is not ParsedJsonInput:  # rows of a QuickRows
        return "rows", len(asked)
    if asked.is_unified_llm_input:
        return None, 0
    params = json.dumps(asked.params, sort_keys=True) if asked.params is not None else None
    data = asked.data
    name = type(data).__name__
    if name == "DataFrame":
        columns = tuple(map(str, data.columns))
        return ("frame", params, columns, tuple(map(str, data.dtypes))), len(data)
    if name == "ndarray" and data.ndim and data.dtype.kind in "iufb":
        return ("array", params, data.shape[1:], data.dtype), len(data)
    return None, 0


def _predict(served: Served, together: list[Any]) -> Any:
    first = together[0]
    if type(first) is not ParsedJsonInput:
        import numpy as np

        return served.ask_quick(np.concatenate(together))
    parts = [asked.data for asked in together]
    if type(first.data).__name__ == "DataFrame":
        import pandas as pd

        data = pd.concat(parts, ignore_index=True)
    else:
        import numpy as np

        data = np.concatenate(parts)
    return ask(served.model, ParsedJsonInput(data, first.params, False))


def _split(predictions: Any, part: list[tuple[int, Any, int]]) -> list[Any] | None:
    """Each request's share; None if predictions do not belong to rows."""
    ends = [0]
    for _, _, rows in part:
        ends.append(ends[-1] + rows)
    name = type(predictions).__name__
    if name not in ("ndarray", "DataFrame", "Series", "list"):
        return None
    if (name == "ndarray" and predictions.ndim == 0) or len(predictions) != ends[-1]:
        return None
    rows = predictions.iloc if name in ("DataFrame", "Series") else predictions
    return [rows[begin:end] for begin, end in zip(ends, ends[1:])]
