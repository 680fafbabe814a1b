"""The base of all values: what they hold is read-only, can be iterated and prints itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any

DEFAULT_WORKSPACE = "default"


class _MlflowObject:
    """A value with named parts.

    A class lists its parts as annotations without values and its constructor sets `_<name>` for
    each; the base makes the property `<name>`, read-only unless it is among `settable`.
    `dict(value)` gives the parts by name. The annotations of a dataclass (`fields=True`) are its
    fields, and only its own properties are parts.
    """

    __slots__ = ()
    _parts: tuple[str, ...] = ()

    def __init_subclass__(
        cls, settable: Iterable[str] = (), fields: bool = False, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        for name in () if fields else cls.__annotations__:
            if not name.startswith("_") and name not in cls.__dict__:
                setter = _setter_of(f"_{name}") if name in settable else None
                part = property(attrgetter(f"_{name}"), setter)
                part.__set_name__(cls, name)
                setattr(cls, name, part)
        names = {*vars(cls), *cls._parts}
        cls._parts = tuple(sorted(n for n in names if isinstance(getattr(cls, n), property)))

    @classmethod
    def _properties(cls) -> list[str]:
        return list(cls._parts)

    @classmethod
    def from_dictionary(cls, the_dict: dict[str, Any]):
        """The value with these parts; keys that name no part are passed over."""
        return cls(**{name: part for name, part in the_dict.items() if name in cls._parts})

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self._parts)

    def __repr__(self) -> str:
        # Sorts the keys of tags and params; here because few programs print values.
        from pprint import pformat

        parts = (f"{name}={pformat(part, width=2**31)}" for name, part in self)
        return f"<{type(self).__name__}: {', '.join(parts)}>"


class _Comparable(_MlflowObject):
    """A value that equals another one of the same class with the same parts."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and dict(self) == dict(other)


def _setter_of(attribute: str) -> Callable[[Any, Any], None]:
    return lambda value, part: setattr(value, attribute, part)
