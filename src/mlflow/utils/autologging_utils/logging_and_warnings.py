"""Where warnings and the log go while autologging is at work.

Python has one `warnings.showwarning` for all threads. It is replaced while anyone wants a warning
dropped or sent to the log, and put back when the last one leaves.
"""

from __future__ import annotations

import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import mlflow.version
from mlflow.utils.logging_utils import MLFLOW_LOGGING_STREAM

_logger = logging.getLogger("mlflow.utils.autologging_utils")
_HERE = str(Path(mlflow.version.__file__).parent)


class _Wishes:
    """How many want something: everywhere, and in each thread."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.silent_log = self.drop_ours = self.log_ours = 0
        # Of a thread: whether warnings that are not ours are dropped, and whether they are logged.
        self.others: dict[int, tuple[bool, bool]] = {}
        self._shown_by: Any = None

    def update(self) -> None:
        """Replace `showwarning`, or put it back. To be called with the lock held."""
        wanted = bool(self.drop_ours or self.log_ours or self.others)
        if wanted and self._shown_by is None:
            self._shown_by = warnings.showwarning
            warnings.showwarning = self.show
        elif not wanted and self._shown_by is not None:
            if warnings.showwarning == self.show:
                warnings.showwarning = self._shown_by
            self._shown_by = None

    def show(
        self,
        message: Any,
        category: type[Warning],
        filename: str,
        lineno: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        show = self._shown_by or warnings._showwarning_orig
        if str(filename).startswith(_HERE):
            drop, log, whose = self.drop_ours, self.log_ours, "MLflow autologging"
        else:
            drop, log = self.others.get(threading.get_ident(), (False, False))
            whose = "A library that autologging used"
        if drop:
            return
        if log:
            text = '%s warned: "%s:%d: %s: %s"'
            _logger.warning(text, whose, filename, lineno, category.__name__, message)
            return
        show(message, category, filename, lineno, *args, **kwargs)


_wishes = _Wishes()


class MlflowEventsAndWarningsBehaviorGlobally:
    """Within the block, what `mlflow` itself logs and warns of, in all threads.

    Args:
        disable_event_logs: Nothing is logged.
        disable_warnings: Its warnings are dropped.
        reroute_warnings: Its warnings go to the log.
    """

    def __init__(self, disable_event_logs: bool, disable_warnings: bool, reroute_warnings: bool):
        self._silent_log = bool(disable_event_logs)
        self._drop = bool(disable_warnings)
        self._log = bool(reroute_warnings)

    def _change(self, by: int) -> None:
        with _wishes.lock:
            before = _wishes.silent_log
            _wishes.silent_log += by * self._silent_log
            if bool(before) != bool(_wishes.silent_log):
                MLFLOW_LOGGING_STREAM.enabled = not _wishes.silent_log
            _wishes.drop_ours += by * self._drop
            _wishes.log_ours += by * self._log
            _wishes.update()

    def __enter__(self) -> None:
        self._change(+1)

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        self._change(-1)

    async def __aenter__(self) -> None:
        self._change(+1)

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        self._change(-1)


class NonMlflowWarningsBehaviorForCurrentThread:
    """Within the block, what other code warns of in this thread.

    Args:
        disable_warnings: It is dropped.
        reroute_warnings: It goes to the log.
    """

    def __init__(self, disable_warnings: bool, reroute_warnings: bool):
        self._wish = (bool(disable_warnings), bool(reroute_warnings))
        self._before: tuple[bool, bool] | None = None

    def _set(self, wish: tuple[bool, bool] | None) -> None:
        thread = threading.get_ident()
        with _wishes.lock:
            self._before = _wishes.others.pop(thread, None)
            if wish is not None and any(wish):
                _wishes.others[thread] = wish
            _wishes.update()

    def __enter__(self) -> None:
        self._set(self._wish)

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        self._set(self._before)

    async def __aenter__(self) -> None:
        self._set(self._wish)

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        self._set(self._before)
