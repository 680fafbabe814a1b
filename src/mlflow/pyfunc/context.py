"""What a model can find out about the prediction that it is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(init=False)
class Context:
    """One prediction.

    Args:
        request_id: The id of the request that asks for it.
        is_evaluate: Whether it is made to evaluate the model.
        dependencies_schemas: Schemas of what the model retrieves.
        model_id: The logged model.
        endpoint_name: The endpoint that serves it.
        kwargs: Taken and ignored, for other versions have more parts.
    """

    request_id: str | None = None
    is_evaluate: bool = False
    dependencies_schemas: dict[str, Any] | None = None
    model_id: str | None = None
    endpoint_name: str | None = None

    def __init__(
        self,
        request_id: str | None = None,
        is_evaluate: bool = False,
        dependencies_schemas: dict[str, Any] | None = None,
        model_id: str | None = None,
        endpoint_name: str | None = None,
        **kwargs: Any,
    ):
        self.request_id = request_id
        self.is_evaluate = is_evaluate
        self.dependencies_schemas = dependencies_schemas
        self.model_id = model_id
        self.endpoint_name = endpoint_name

    def update(self, **kwargs: Any) -> None:
        """Change parts of it.

        Raises:
            AttributeError: If it has no such part.
        """
        for name, value in kwargs.items():
            if not hasattr(self, name):
                raise AttributeError(f"Context has no attribute named '{name}'")
            setattr(self, name, value)


# Each task and thread has its own.
_context: ContextVar[Context | None] = ContextVar("headrace_prediction", default=None)


@contextlib.contextmanager
def set_prediction_context(context: Context | None) -> Iterator[None]:
    """A block in which models that are asked find this context.

    Args:
        context: None changes nothing.

    Raises:
        TypeError: If it is something else.
    """
    if context is not None and not isinstance(context, Context):
        raise TypeError(f"Expected context to be an instance of Context, but got: {context}")
    token = _context.set(context) if context is not None else None
    try:
        yield
    finally:
        if token is not None:
            _context.reset(token)


def get_prediction_context() -> Context | None:
    """The prediction that is being made; None outside of one."""
    return _context.get()
