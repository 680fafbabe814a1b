"""One loaded model, and how one request is answered with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mlflow.pyfunc.scoring_server import (
    CONTENT_TYPE_JSON,
    ParsedJsonInput,
    _decode_json_input,
    ask,
    encode_answer,
    from_object,
    model_failed,
    parse,
)
from mlflow.pyfunc.scoring_server.arrow import CONTENT_TYPE_ARROW, from_arrow, to_arrow
from mlflow.pyfunc.scoring_server.quick_rows import QuickRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow.pyfunc import PyFuncModel

CONTENT_TYPE_EVENTS = "text/event-stream"


class Question(NamedTuple):
    """A request, as it came."""

    body: bytes
    mime_type: str
    accept: str
    """The `Accept` header, in small letters."""


class Answer(NamedTuple):
    """What is sent back."""

    body: bytes
    content_type: str = CONTENT_TYPE_JSON
    status: int = 200
    version: str | None = None
    """Which version of a registered model gave it, if that is known."""


@dataclass(frozen=True)
class Stream:
    """An answer that comes in pieces."""

    pieces: Iterator[Any]


class Served:
    """A model that answers requests. Threads share it.

    Args:
        model: The loaded model.
        version: Which version of a registered model it is; None when that is not known.
    """

    def __init__(self, model: PyFuncModel, version: str | None = None):
        self.model = model
        self.version = version
        self.metadata = model.metadata
        self.schema = model.metadata.get_input_schema()
        self.quick = QuickRows.of(model)
        self._streams = getattr(model, "_predict_stream_fn", None) is not None
        self.splits = True
        """Whether predictions for rows put together could be taken apart, as far as is known."""

    def answer(self, question: Question) -> Answer | Stream:
        """The prediction.

        Raises:
            MlflowException: What is wrong with the request, or went wrong in the model.
        """
        asked = self.understand(question)
        if type(asked) is not ParsedJsonInput:
            return self.encode(self.ask_quick(asked), False, question)
        if self._streams and _wants_events(question, asked):
            return Stream(self._stream(asked))
        return self.encode(ask(self.model, asked), asked.is_unified_llm_input, question)

    def understand(self, question: Question) -> Any:
        """What the model is asked: `ParsedJsonInput`, or rows for `self.quick`."""
        body, mime_type, _ = question
        if mime_type == CONTENT_TYPE_ARROW:
            return from_arrow(body)
        if mime_type != CONTENT_TYPE_JSON:
            return parse(body, mime_type, self.schema, self.metadata)
        decoded = _decode_json_input(body)
        if self.quick is not None and (rows := self.quick.rows(decoded)) is not None:
            return rows
        return from_object(decoded, self.metadata, self.schema)

    def ask_quick(self, rows: Any) -> Any:
        """The prediction for rows of `self.quick`."""
        assert self.quick is not None
        try:
            return self.quick.predict(rows)
        except Exception as error:
            raise model_failed(error) from error

    def encode(self, predictions: Any, unwrapped: bool, question: Question) -> Answer:
        """Predictions in the form that the client asked for."""
        if CONTENT_TYPE_ARROW in question.accept:
            return Answer(to_arrow(predictions), CONTENT_TYPE_ARROW, version=self.version)
        return Answer(encode_answer(predictions, unwrapped), version=self.version)

    def _stream(self, asked: ParsedJsonInput) -> Iterator[Any]:
        data = asked.data
        if asked.is_unified_llm_input:
            data = {name: value for name, value in data.items() if name != "stream"}
        return iter(self.model.predict_stream(data, params=asked.params))


def _wants_events(question: Question, asked: ParsedJsonInput) -> bool:
    """Whether the answer is to come in pieces: the body says `"stream": true`, and the client
    accepts `text/event-stream`. With the body alone it comes whole, as from the reference."""
    if CONTENT_TYPE_EVENTS not in question.accept or question.mime_type != CONTENT_TYPE_JSON:
        return False
    if asked.is_unified_llm_input:
        return asked.data.get("stream") is True
    return _decode_json_input(question.body).get("stream") is True
