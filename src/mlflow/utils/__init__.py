"""Small things that several floors need. Its modules are found when first asked for."""

# Without `from __future__ import annotations`: that name is one of our modules.
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from packaging.version import Version

PYTHON_VERSION = ".".join(map(str, sys.version_info[:3]))


def __getattr__(name: str) -> Any:
    # `import mlflow; mlflow.utils.validation.MAX_...` is how transformers and optuna reach them.
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def chunk_list(l: Sequence[T], chunk_size: int) -> Iterator[Sequence[T]]:  # noqa: E741
    """The list in pieces of `chunk_size`; the last one may be shorter."""
    for start in range(0, len(l), chunk_size):
        yield l[start : start + chunk_size]


def get_results_from_paginated_fn(
    paginated_fn: Callable[[int, str | None], Any],
    max_results_per_page: int,
    max_results: int | None = None,
) -> list[Any]:
    """All items of all pages.

    Args:
        paginated_fn: Given a page size and a token, answers one page with the next `.token`.
        max_results_per_page: Size of the pages asked for.
        max_results: Stop after that many items; None for all.
    """
    items: list[Any] = []
    token = None
    while max_results is None or len(items) < max_results:
        size = max_results_per_page
        if max_results is not None:
            size = min(size, max_results - len(items))
        page = paginated_fn(size, token)
        items.extend(page)
        token = page.token
        if not token:
            break
    return items


def merge_dicts(
    dict_a: dict[Any, Any], dict_b: dict[Any, Any], raise_on_duplicates: bool = True
) -> dict[Any, Any]:
    """Both as one; where a key is in both, the value of `dict_b`.

    Raises:
        ValueError: If a key is in both and `raise_on_duplicates`.
    """
    if raise_on_duplicates and (both := dict_a.keys() & dict_b.keys()):
        raise ValueError(f"The two merging dictionaries contains duplicate keys: {both}.")
    return {**dict_a, **dict_b}


def is_iterator(obj: Any) -> bool:
    """Whether `next(obj)` works."""
    return isinstance(obj, Iterator)


def is_port_available(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_port_connectivity() -> bool:
    """Whether one process can reach another over TCP on this machine."""
    import socket

    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as listening,
            socket.create_connection(listening.getsockname(), timeout=5),
        ):
            return True
    except OSError:
        return False


def get_major_minor_py_version(py_version: str) -> str:
    """The first two numbers of a version: "3.12" of "3.12.4"."""
    return ".".join(py_version.split(".")[:2])


def get_installed_version(dist_name: str) -> "Version | None":
    """The version of an installed distribution; None if there is none of that name."""
    from importlib.metadata import PackageNotFoundError, version

    from mlflow.utils.optional import require

    try:
        return require("packaging.version", None, "reading versions").Version(version(dist_name))
    except PackageNotFoundError:
        return None


def get_parent_module(module: str) -> str:
    """The module that a module is in.

    Raises:
        ValueError: If it is in none.
    """
    return module[: module.rindex(".")]


def is_uuid(s: str) -> bool:
    """Whether this is the text of a UUID, with or without dashes."""
    import uuid

    try:
        uuid.UUID(s)
    except ValueError:
        return False
    return True


def reraise(
    tp: type[BaseException], value: BaseException | None, tb: TracebackType | None = None
) -> None:
    """Raise `value`, or a new exception of type `tp`, as if it came from where `tb` shows."""
    error = tp() if value is None else value
    raise error if error.__traceback__ is tb else error.with_traceback(tb)


class AttrDict(dict[Any, Any]):
    """A dictionary whose values are also its attributes, in dictionaries within it too."""

    def __getattr__(self, attr: str) -> Any:
        if attr not in self:
            raise AttributeError(f"'AttrDict' object has no attribute '{attr}'")
        value = self[attr]
        return AttrDict(value) if type(value) is dict else value
