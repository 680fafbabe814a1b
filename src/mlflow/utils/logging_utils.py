"""How the `mlflow` loggers speak: one line each on stderr.

Loading this module sets them up once, unless MLFLOW_CONFIGURE_LOGGING says no; so modules that log
take their logger from `get_logger`. A level that a program has set before, stays.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterator
from contextvars import ContextVar

from mlflow.environment_variables import MLFLOW_CONFIGURE_LOGGING, MLFLOW_LOGGING_LEVEL

LOGGING_LINE_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LOGGING_DATETIME_FORMAT = "%Y/%m/%d %H:%M:%S"

should_suppress_logs_in_thread: ContextVar[bool] = ContextVar("suppress_logs", default=False)
"""True while this thread or task keeps the `mlflow` loggers silent."""


class MlflowLoggingStream:
    """Writes to whatever `sys.stderr` is at the moment; nothing while not `enabled`."""

    def __init__(self) -> None:
        self._enabled = True

    @property
    def enabled(self) -> bool:
        """False makes it swallow everything."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value

    def write(self, text: str) -> None:
        """Write `text`, unless disabled."""
        if self._enabled and sys.stderr is not None:  # None in programs without a console
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush stderr, unless disabled."""
        if self._enabled and sys.stderr is not None:
            sys.stderr.flush()


MLFLOW_LOGGING_STREAM = MlflowLoggingStream()


class MlflowFormatter(logging.Formatter):
    """Shows records that carry a `color` (a name in `COLORS`) in that color."""

    COLORS = {
        prefix + name: first + i
        for prefix, first in (("", 30), ("light_", 90))
        for i, name in enumerate(
            ("black", "red", "green", "yellow", "blue", "purple", "cyan", "white")
        )
    }
    RESET = "\033[0m"

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        number = self.COLORS.get(getattr(record, "color", None))
        return text if number is None else f"\033[{number}m{text}{self.RESET}"


class SuppressLogFilter(logging.Filter):
    """Drops records of threads and tasks that want silence."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not should_suppress_logs_in_thread.get()


class LoggerMessageFilter(logging.Filter):
    """Drops the records of logger `module` whose message fits `filter_regex`."""

    def __init__(self, module: str, filter_regex: re.Pattern):
        super().__init__()
        self._module = module
        self._pattern = filter_regex

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name != self._module or not self._pattern.search(record.getMessage())


class SensitiveQueryParamFilter(logging.Filter):
    """Hides the signatures in presigned addresses: who has one may read or write the object."""

    _pattern = re.compile(
        r"(?<![\w-])((?:X-\w+-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|"
        r"GoogleAccessId|sig)=)[^&\s\"']+",
        re.IGNORECASE,
    )

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = self._pattern.sub(r"\1[REDACTED]", message)
        if hidden != message:
            record.msg, record.args = hidden, None
        return True


def get_logger(name: str) -> logging.Logger:
    """The logger called `name`, ready to speak."""
    return logging.getLogger(name)


def get_mlflow_log_level() -> str:
    """Name of the level that MLFLOW_LOGGING_LEVEL asks for; INFO when unset."""
    return (MLFLOW_LOGGING_LEVEL.get() or "INFO").upper()


def eprint(*args: object, **kwargs: object) -> None:
    """`print` to where the log goes."""
    print(*args, file=MLFLOW_LOGGING_STREAM, **kwargs)


def disable_logging() -> None:
    """Silence the log and `eprint`."""
    MLFLOW_LOGGING_STREAM.enabled = False


def enable_logging() -> None:
    """Undo `disable_logging`."""
    MLFLOW_LOGGING_STREAM.enabled = True


@contextlib.contextmanager
def suppress_logs(module: str, filter_regex: re.Pattern) -> Iterator[None]:
    """Drop the messages of logger `module` that fit `filter_regex`, within the block."""
    logger = logging.getLogger(module)
    drop = LoggerMessageFilter(module, filter_regex)
    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)


@contextlib.contextmanager
def suppress_logs_in_thread() -> Iterator[None]:
    """Silence the `mlflow` loggers for this thread or task, within the block."""
    token = should_suppress_logs_in_thread.set(True)
    try:
        yield
    finally:
        should_suppress_logs_in_thread.reset(token)


def _configure() -> None:
    """Give the `mlflow` logger its level and a handler, as far as the program has not."""
    logger = logging.getLogger("mlflow")
    if logger.level == logging.NOTSET:
        logger.setLevel(get_mlflow_log_level())
    handler = logging.StreamHandler(MLFLOW_LOGGING_STREAM)
    handler.setFormatter(MlflowFormatter(LOGGING_LINE_FORMAT, LOGGING_DATETIME_FORMAT))
    handler.addFilter(SuppressLogFilter())
    logger.addHandler(handler)
    logger.propagate = False
    # It logs each address at level DEBUG
    logging.getLogger("urllib3.connectionpool").addFilter(SensitiveQueryParamFilter())


if MLFLOW_CONFIGURE_LOGGING.get():
    _configure()
