"""Decorators that say how long a function can be relied on."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])

_MARK = "__deprecated"


def experimental(f: T | None = None, version: str | None = None, *, skip: bool = False) -> Any:
    """Say in the docstring that this may change; with and without parentheses.

    Args:
        f: A function or class.
        version: The version that brought it.
        skip: Without effect; callers may pass it.
    """

    def decorate(target: T) -> T:
        kind = "class" if isinstance(target, type) else "function"
        _note(
            target,
            f".. Note:: Experimental: This {kind} may change or be removed in a future release "
            "without warning.",
        )
        return target

    return decorate if f is None else decorate(f)


def developer_stable(func: T) -> T:
    """Mark what plug-ins may build upon."""
    return func


def deprecated(
    alternative: str | None = None, since: str | None = None, impact: str | None = None
) -> Callable[[T], T]:
    """Warn, when it is called, that a function or class will go.

    Args:
        alternative: What to use instead.
        since: The version that deprecated it.
        impact: What will happen to it, as a sentence.
    """

    def decorate(target: T) -> T:
        text = (
            f"``{target.__module__}.{target.__name__}`` is deprecated"
            f"{f' since {since}' if since else ''}. "
            f"{impact or 'This method will be removed in a future release.'}"
            f"{f' Use ``{alternative}`` instead.' if alternative else ''}"
        )
        decorated = _warning(target, text)
        _note(decorated, f".. Warning:: {text}")
        return mark_deprecated(decorated)

    return decorate


def deprecated_parameter(
    old_param: str, new_param: str, version: str | None = None
) -> Callable[[T], T]:
    """Take `old_param` for `new_param` and warn.

    Args:
        old_param: The name that will go.
        new_param: The name of now.
        version: The version that removes the old one; None for some future one.
    """
    when = f"in version {version}" if version else "in a future release"

    def decorate(target: T) -> T:
        @functools.wraps(target)
        def renamed(*args: Any, **kwargs: Any) -> Any:
            if old_param in kwargs:
                if new_param in kwargs:
                    raise ValueError(
                        f"Cannot specify both '{old_param}' (deprecated) and '{new_param}'. "
                        f"Use '{new_param}' only."
                    )
                warnings.warn(
                    f"Parameter '{old_param}' is deprecated and will be removed {when}. "
                    f"Please use '{new_param}' instead.",
                    FutureWarning,
                    stacklevel=2,
                )
                kwargs[new_param] = kwargs.pop(old_param)
            return target(*args, **kwargs)

        _note(
            renamed,
            f".. Note:: Parameter ``{old_param}`` is deprecated. Use ``{new_param}`` instead.",
        )
        return renamed  # type: ignore[return-value]

    return decorate


def mark_deprecated(func: T) -> T:
    """Mark without a warning; `is_marked_deprecated` sees it."""
    setattr(func, _MARK, True)
    return func


def is_marked_deprecated(func: Callable[..., Any]) -> bool:
    """Whether `deprecated` or `mark_deprecated` was put on it."""
    return getattr(func, _MARK, False)


def keyword_only(func: T) -> T:
    """Refuse positional arguments, save `self`."""

    @functools.wraps(func)
    def by_keyword(*args: Any, **kwargs: Any) -> Any:
        names = func.__code__.co_varnames[: func.__code__.co_argcount]
        if len(args) > (1 if names[:1] == ("self",) else 0):
            raise TypeError(f"Method {func.__name__} only takes keyword arguments.")
        return func(*args, **kwargs)

    _note(by_keyword, ".. note:: This method requires all argument be specified by keyword.")
    return by_keyword  # type: ignore[return-value]


def _warning(target: Any, text: str) -> Any:
    """`target`, warning first; a class is changed in its place, so that it stays itself."""
    function = target.__init__ if isinstance(target, type) else target

    @functools.wraps(function)
    def warned(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(text, FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    if isinstance(target, type):
        target.__init__ = warned  # type: ignore[misc]
        return target
    return warned


def _note(target: Any, text: str) -> None:
    """Put `text` above the docstring, as far in as the docstring's second line."""
    docstring = target.__doc__ or ""
    below = [line for line in docstring.splitlines()[1:] if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in below), default=0)
    target.__doc__ = f"{' ' * indent}{text}\n\n{' ' * indent}{docstring}"
