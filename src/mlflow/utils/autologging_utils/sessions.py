"""Which piece of work a patched call belongs to.

A session begins with the outermost patched call and reaches as far as what that call does: deeper
patched calls, also in asyncio tasks and in the workers of thread pools that it makes (joblib's
threading backend), belong to it. What other threads do meanwhile does not.
"""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class AutologgingSession:
    """One piece of work under autologging.

    Args:
        integration: Whose patch began it.
        id_: Unique.
    """

    def __init__(self, integration: str, id_: str):
        self.integration = integration
        self.id = id_


class _Inherited:
    """A value of this thread or task, which workers of thread pools take from whoever made the
    pool."""

    def __init__(self, name: str):
        self._here: ContextVar[Any] = ContextVar(name, default=None)
        self._of_threads: weakref.WeakKeyDictionary[threading.Thread, Any] = (
            weakref.WeakKeyDictionary()
        )

    def get(self) -> Any:
        value = self._here.get()
        if value is not None or not self._of_threads:
            return value
        thread = threading.current_thread()
        # `multiprocessing.pool.ThreadPool` notes on each worker which thread made it
        while thread := getattr(thread, "_parent", None):
            if (value := self._of_threads.get(thread)) is not None:
                return value
        return None

    @contextmanager
    def set(self, value: Any) -> Iterator[None]:
        thread = threading.current_thread()
        before = self._of_threads.get(thread)
        token = self._here.set(value)
        self._of_threads[thread] = value
        try:
            yield
        finally:
            self._here.reset(token)
            if before is None:
                self._of_threads.pop(thread, None)
            else:
                self._of_threads[thread] = before


_session = _Inherited("autologging_session")


class _AutologgingSessionManager:
    """The session of the work at hand."""

    @classmethod
    @contextmanager
    def start_session(cls, integration: str) -> Iterator[AutologgingSession]:
        """The session that this work is part of, or else a new one for the block."""
        session = _session.get()
        if session is not None:
            yield session
            return
        session = AutologgingSession(integration, uuid.uuid4().hex)
        with _session.set(session):
            yield session

    @classmethod
    def active_session(cls) -> AutologgingSession | None:
        """The session that this work is part of; None outside of patched calls."""
        return _session.get()


def _get_new_training_session_class() -> type:
    """A class of sessions of one integration, of which only the outermost logs.

    Fitting a pipeline or a search fits other estimators; each is a session, and only the first
    `should_log()`.
    """
    current = _Inherited("training_session")

    class _TrainingSession:
        """Being in its block is being inside the training of `estimator`.

        Args:
            estimator: What is trained.
            allow_children: Let trainings of other classes inside this one log, too.
        """

        def __init__(self, estimator: Any, allow_children: bool = True):
            self.allow_children = allow_children
            self.estimator = estimator
            self._parent: Any = None

        def __enter__(self) -> _TrainingSession:
            self._parent = current.get()
            self._set = current.set(self)
            self._set.__enter__()
            return self

        def __exit__(self, *exc_info: Any) -> None:
            self._set.__exit__(*exc_info)

        def should_log(self) -> bool:
            """Whether this is the outermost, or one that the outer ones let log."""
            parent = self._parent
            if parent is None:
                return True
            return (
                parent.allow_children
                and parent.should_log()
                and type(parent.estimator) is not type(self.estimator)
            )

        @staticmethod
        def is_active() -> bool:
            """Whether this work is part of a training already."""
            return current.get() is not None

    return _TrainingSession
