"""Files of environment variables, as `--env-file` takes them.

One `NAME=value` a line, `export` before it allowed. A value may be in quotes and then span lines;
double quotes know backslash escapes. `${NAME}` and `${NAME:-default}` are replaced. `#` begins a
comment.
"""

from __future__ import annotations

import os
import re

_ENTRY = re.compile(
    r"""
    [ \t]* (?:export[ \t]+)? (?P<name>[^\s=\#'"]+) [ \t]*
    (?: = [ \t]* (?:
        '(?P<single>(?:\\'|[^'])*)'
      | "(?P<double>(?:\\.|[^"\\])*)"
      | (?P<bare>(?!['"])[^\n\r]*?)
    ) )?
    [ \t]* (?:(?:(?<=\s)|(?<==))\#[^\n\r]*)? (?:\r?\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_NOTHING = re.compile(r"[ \t]*(?:\#[^\n\r]*)?(?:\r?\n|\Z)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_REFERENCE = re.compile(r"\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")


def load(path: str) -> None:
    """Put the variables of the file into the environment; those already set stay as they are.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is not understood; nothing was set.
    """
    with open(path, encoding="utf-8-sig") as file:
        values = parse(file.read())
    for name, value in values.items():
        os.environ.setdefault(name, value)


def parse(text: str) -> dict[str, str]:
    """The variables in `text`, in their order.

    A name without `=` sets nothing.

    Raises:
        ValueError: Naming the line that is not understood.
    """
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _NOTHING.match(text, position)
        if found is None:
            found = _ENTRY.match(text, position)
            if found is None:
                line = text.count("\n", 0, position) + 1
                raise ValueError(f"line {line} is not of the form NAME=value")
            value = _value(found)
            if value is not None:
                values[found["name"]] = _REFERENCE.sub(lambda m: _referred(m, values), value)
        position = found.end()
    return values


def _value(entry: re.Match[str]) -> str | None:
    if entry["double"] is not None:
        return re.sub(
            r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), entry["double"], flags=re.DOTALL
        )
    if entry["single"] is not None:
        return entry["single"].replace("\\'", "'")
    return entry["bare"]


def _referred(reference: re.Match[str], values: dict[str, str]) -> str:
    name = reference["name"]
    known = os.environ.get(name, values.get(name))
    return known if known is not None else reference["default"] or ""
