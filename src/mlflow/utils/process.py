"""Other programs: running them, and what is said when they fail. Never through a shell."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")

#: How much of a failed program's output an error holds: its end, where it says why.
_SHOWN = 4000


class ShellCommandException(Exception):
    """A program did not end with status 0."""

    @classmethod
    def from_completed_process(
        cls, process: subprocess.CompletedProcess[Any]
    ) -> ShellCommandException:
        """What a program that has ended said."""
        lines = [
            f"Non-zero exit code: {process.returncode}",
            f"Command: {process.args}",
        ]
        for name, output in (("STDOUT", process.stdout), ("STDERR", process.stderr)):
            if output:
                text = output if isinstance(output, str) else output.decode("utf-8", "replace")
                lines += ["", f"{name}:", text[-_SHOWN:]]
        return cls("\n".join(lines))


def _exec_cmd(
    cmd: Sequence[str | os.PathLike[str]],
    *,
    throw_on_error: bool = True,
    extra_env: Mapping[str, str] | None = None,
    capture_output: bool = True,
    synchronous: bool = True,
    stream_output: bool = False,
    **kwargs: Any,
) -> Any:
    """Run a program.

    Args:
        cmd: The program and its arguments. Text for a shell is refused: names of models and paths
            in it would be read as commands.
        throw_on_error: Whether a status other than 0 is an error.
        extra_env: Variables besides those of this process.
        capture_output: Keep its output instead of letting it through.
        synchronous: Wait for its end. Otherwise the `Popen` is returned at once.
        stream_output: Show its output on standard error, so that standard output stays free for
            results.
        kwargs: Further arguments of `subprocess.Popen`.

    Returns:
        The `CompletedProcess`, or the `Popen`.

    Raises:
        ShellCommandException: Its status was not 0.
        TypeError: `cmd` is text, or a shell is asked for.
    """
    if isinstance(cmd, (str, bytes)) or kwargs.get("shell"):
        raise TypeError(f"A program and its arguments are needed as a list; this is {cmd!r}.")
    if extra_env is not None:
        kwargs["env"] = {**(kwargs.get("env") or os.environ), **extra_env}
    argv = [os.fspath(part) for part in cmd]
    if capture_output and stream_output:
        raise ValueError("Output is either captured or streamed.")
    if capture_output:
        kwargs = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **kwargs}
    elif stream_output:
        kwargs = {"stdout": _standard_error(), **kwargs}
    if not synchronous:
        return subprocess.Popen(argv, **kwargs)
    done = subprocess.run(argv, check=False, **kwargs)
    if throw_on_error and done.returncode != 0:
        raise ShellCommandException.from_completed_process(done)
    return done


def _join_commands(*commands: str) -> list[str]:
    """The program and arguments that run commands of a shell one after the other, until one fails.
    For callers whose own interface takes such commands; nothing from a model may be put into
    them."""
    if os.name == "nt":
        return ["cmd", "/c", " & ".join(commands)]
    return ["bash", "-c", " && ".join(commands)]


def _standard_error() -> Any:
    try:
        sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # a notebook's or a test's has no number
        return subprocess.DEVNULL
    return sys.stderr


def cache_return_value_per_process(fn: Callable[..., _T]) -> Callable[..., _T]:
    """Have a function compute once for each set of arguments, and again after a fork. Arguments
    are positional."""
    values: dict[Any, _T] = {}

    @functools.wraps(fn)
    def cached(*args: Any, **kwargs: Any) -> _T:
        if kwargs:
            raise ValueError(f"{fn.__name__} takes positional arguments only.")
        key = (os.getpid(), *args)
        if key not in values:
            values[key] = fn(*args)
        return values[key]

    return cached
