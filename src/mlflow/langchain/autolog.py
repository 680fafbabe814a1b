"""Traces of what LangChain and LangGraph do."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from mlflow.utils.autologging_utils import autologging_integration, autologging_is_disabled
from mlflow.utils.autologging_utils.safety import on_revert

_FLAVOR = "langchain"

#: What LangChain asks for its handler, in every thread; None while nothing is traced.
_handler: ContextVar[Any] | None = None
_shared: Any = None


@autologging_integration(_FLAVOR)
def autolog(
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    log_traces: bool = True,
    run_tracer_inline: bool = False,
) -> None:
    """Trace chains, graphs, models, tools and retrievers from now on.

    Args:
        disable: Trace nothing from now on.
        exclusive: Not used.
        disable_for_unsupported_versions: Leave versions alone that were not tested.
        silent: Show no messages and warnings of autologging.
        log_traces: Whether to trace.
        run_tracer_inline: Whether what asynchronous chains do is noted in the task that does it, so
            that functions with `@mlflow.trace` in them become spans below.
    """
    global _shared
    from mlflow.langchain.langchain_tracer import MlflowLangchainTracer

    _register()
    _shared = MlflowLangchainTracer(run_inline=run_tracer_inline) if log_traces else None
    on_revert(_FLAVOR, _take_off)


def _take_off() -> None:
    global _shared
    _shared = None


class _Everywhere:
    """Like a ContextVar, but the same in every context: LangChain asks it for a handler whenever
    something begins, in whatever thread."""

    name = "mlflow_langchain_tracer"

    def get(self, default: Any = None) -> Any:
        traced = _shared is not None and not autologging_is_disabled(_FLAVOR)
        return _shared if traced else default

    def set(self, value: Any) -> None:
        """Not used."""


def _register() -> None:
    """Let LangChain ask for our handler; once, since this cannot be taken back."""
    global _handler
    if _handler is None:
        from langchain_core.tracers.context import register_configure_hook

        _handler = _Everywhere()  # type: ignore[assignment]
        register_configure_hook(_handler, inheritable=True)  # type: ignore[arg-type]
