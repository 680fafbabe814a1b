from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mlflow.entities.span import LazySpan, Span

_INPUTS = "mlflow.spanInputs"
_OUTPUTS = "mlflow.spanOutputs"
_INTERMEDIATE_OUTPUTS = "mlflow.trace.intermediate_outputs"


@dataclass
class TraceData:
    """The spans of a trace."""

    spans: list[Span] = field(default_factory=list)

    def __init__(self, spans: list[Span] | None = None, **kwargs: Any):
        # Old files have `request` and `response` here, too; the root span has them anyway.
        self.spans = spans or []

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> TraceData:
        """Of its JSON form, old or new.

        Raises:
            TypeError: If it is no mapping.
            MlflowException: INVALID_PARAMETER_VALUE if a span in it cannot be read.
        """
        if not isinstance(d, dict):
            raise TypeError(f"TraceData.from_dict() expects a dictionary. Got: {type(d).__name__}")
        return cls(spans=[Span.from_dict(span) for span in d.get("spans", [])])

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"spans": [span.to_dict() for span in self.spans]}

    def to_json_bytes(self) -> bytes:
        """The JSON form, as a file has it. Spans that are kept as text are not read for it."""
        texts = [
            span.json_for_export()
            if isinstance(span, LazySpan)
            else json.dumps(span.to_dict(), separators=(",", ":"))
            for span in self.spans
        ]
        return f'{{"spans":[{",".join(texts)}]}}'.encode()

    @property
    def _root(self) -> Span | None:
        return next((span for span in self.spans if span.parent_id is None), None)

    @property
    def request(self) -> str | None:
        """The root span's inputs, as JSON text."""
        return self._of_root(_INPUTS)

    @property
    def response(self) -> str | None:
        """The root span's outputs, as JSON text."""
        return self._of_root(_OUTPUTS)

    def _of_root(self, key: str) -> str | None:
        root = self._root
        return None if root is None else root.to_dict()["attributes"].get(key)

    @property
    def intermediate_outputs(self) -> dict[str, Any] | None:
        """The outputs of the root's children by name, or what the root says they are."""
        root = self._root
        if root is None:
            return None
        said = root.get_attribute(_INTERMEDIATE_OUTPUTS)
        if said is not None:
            return said
        children = (span for span in self.spans if span.parent_id == root.span_id)
        return {span.name: span.outputs for span in children if span.outputs is not None}
