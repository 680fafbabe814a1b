"""Docstrings that are put together from parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])


class ParamDocs(dict[str, str]):
    """What there is to say of parameters, by their names."""

    def __repr__(self) -> str:
        return f"ParamDocs({super().__repr__()})"

    def format(self, **kwargs: str) -> ParamDocs:
        """The same, with `{{ name }}` replaced in each text."""
        return ParamDocs({name: _filled(text, kwargs) for name, text in self.items()})

    def format_docstring(self, docstring: str) -> str:
        """A docstring with `{{ name }}` replaced by what there is to say of it; further lines go in
        as far as those below a parameter."""
        return _filled(docstring, self, deeper=True)


def format_docstring(param_docs: Mapping[str, str]) -> Callable[[T], T]:
    """Replace `{{ name }}` in a docstring by the text of that name."""
    docs = ParamDocs(param_docs)

    def decorate(target: T) -> T:
        if target.__doc__:
            target.__doc__ = docs.format_docstring(target.__doc__)
        return target

    return decorate


def _filled(text: str, values: Mapping[str, str], deeper: bool = False) -> str:
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()) + 4) if deeper else ""

        def value(match: re.Match[str], indent: str = indent) -> str:
            known = values.get(match[1])
            return match[0] if known is None else known.replace("\n", f"\n{indent}")

        lines.append(re.sub(r"\{\{ (\w+) \}\}", value, line))
    return "\n".join(lines)


def get_module_min_and_max_supported_ranges(flavor_name: str) -> tuple[str, str, str]:
    """The package of a flavor, and the lowest and highest of its versions that are known to work.

    Raises:
        KeyError: If there is no such flavor.
    """
    from mlflow.utils.autologging_utils.versioning import (
        FLAVOR_TO_MODULE_NAME,
        get_min_max_version_and_pip_release,
    )

    lowest, highest, _ = get_min_max_version_and_pip_release(flavor_name, "models")
    return FLAVOR_TO_MODULE_NAME.get(flavor_name, flavor_name), lowest, highest


def docstring_version_compatibility_warning(integration_name: str) -> Callable[[T], T]:
    """Say in a docstring which versions of a package it is known to work with."""

    def decorate(target: T) -> T:
        from mlflow.utils.autologging_utils.versioning import get_min_max_version_and_pip_release

        lowest, highest, package = get_min_max_version_and_pip_release(integration_name, "models")
        note = (
            f".. Note:: The '{integration_name}' integration is known to work with "
            f"``{lowest}`` <= ``{package}`` <= ``{highest}``. Other versions may not work."
        )
        target.__doc__ = f"    {note}\n\n{target.__doc__ or ''}"
        return target

    return decorate
