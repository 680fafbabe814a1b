#!/usr/bin/env python3
"""Write `ui/src/api/types.gen.ts`: what the server's RPCs take and answer, as TypeScript types.

They are made from the declarations in `src/mlflow/rpc/`, so the UI's compiler sees every change
of them. The file is not committed; `npm run check` writes it anew. With an argument, it goes there.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "ui/src/api/types.gen.ts"

_LAST_TRY = "_HEADRACE_UI_TYPES_LAST_TRY"
sys.path.insert(0, str(ROOT / "src"))
try:
    import msgspec

    from mlflow.rpc import all_rpcs
    from mlflow.rpc.declare import FIELD, Rpc
    from mlflow.rpc.export import streams
    from mlflow.rpc.wire import Wire
except ImportError as _missing:
    # An editor or a shell may call this with another python than the one of the checkout.
    _others = [os.environ.get("HEADRACE_PYTHON"), str(ROOT / ".venv/bin/python")]
    _other = next((p for p in _others if p and Path(p).exists()), None)
    if __name__ == "__main__" and _other and _LAST_TRY not in os.environ:
        _env = {**os.environ, _LAST_TRY: "1"}
        sys.exit(subprocess.run([_other, *sys.argv], env=_env).returncode)
    raise SystemExit(
        f"{sys.executable} cannot read the server's RPCs ({_missing}), from which the UI's types "
        "are made. Activate the environment that Headrace is installed in, or name its python by "
        "HEADRACE_PYTHON."
    ) from None

HEAD = """\
// Written by scripts/ui_types.py from src/mlflow/rpc/. Do not change it by hand.

/** A double; JSON has no word for these three. */
export type Double = number | 'NaN' | 'Infinity' | '-Infinity';
"""
_DOUBLE = {"NaN", "Infinity", "-Infinity"}
_BROWSER = "/ajax-api/"
_WORDS: dict[Any, str] = {
    None: "null",
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    bytes: "string",
    Any: "unknown",
    object: "unknown",
    msgspec.Raw: "unknown",
}


def module(rpcs: Iterable[type[Rpc]], answered_by_streams: Iterable[type[Rpc]]) -> str:
    """The text of a TypeScript module.

    Raises:
        TypeError: Naming a field whose type has no counterpart.
    """
    rpcs, answered_by_streams = list(rpcs), list(answered_by_streams)
    found = _reached([*rpcs, *(cls.response for cls in rpcs), *answered_by_streams])
    names = _names(found)
    parts = [HEAD]
    for cls in sorted(found, key=names.__getitem__):
        parts.append(_interface(cls, names))
    parts.append(
        _table(
            "Rpcs",
            "Method and path below `ajax-api/` of each RPC: what it takes and what it answers.",
            rpcs,
            lambda cls: f"{{ request: {names[cls]}; response: {names[cls.response]} }}",
        )
    )
    parts.append(
        _table(
            "Streams",
            "The same for requests that are answered by a file of any length.",
            answered_by_streams,
            lambda cls: f"{{ request: {names[cls]} }}",
        )
    )
    return "\n".join(parts)


def _reached(roots: Iterable[type[Wire]]) -> set[type[Wire]]:
    """These messages and all that are parts of them."""
    found: set[type[Wire]] = set()
    waiting = list(roots)
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found.add(cls)
            waiting += [part for hint in _hints(cls).values() for part in _messages(hint)]
    return found


def _messages(hint: Any) -> list[type[Wire]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [cls for part in get_args(hint) for cls in _messages(part)]


def _names(found: Iterable[type[Wire]]) -> dict[type[Wire], str]:
    """A name for each message: its own or, where two have the same, with its module before it."""
    of_name: dict[str, list[type[Wire]]] = {}
    for cls in found:
        of_name.setdefault(cls.__name__, []).append(cls)
    return {
        cls: name if len(same) == 1 else _module_words(cls) + name
        for name, same in of_name.items()
        for cls in same
    }


def _module_words(cls: type) -> str:
    place = cls.__module__.removeprefix("mlflow.rpc.")
    return "".join(word.capitalize() for word in place.replace("_", ".").split("."))


def _interface(cls: type[Wire], names: Mapping[type[Wire], str]) -> str:
    """The declaration of one message."""
    fields = msgspec.structs.fields(cls)
    head = _comment(cls.__dict__.get("__doc__"))
    if not fields:
        return f"{head}export type {names[cls]} = Record<string, never>;\n"
    hints, said = _hints(cls), _field_docs(cls)
    leaves_out_defaults = cls.__struct_config__.omit_defaults
    in_path = _fields_in_path(cls)
    lines = []
    for field in fields:
        optional = not field.required and field.name not in in_path
        parts = _union(hints[field.name])
        if not field.required and field.default is None and leaves_out_defaults:
            parts = [part for part in parts if part is not type(None)]  # absent instead of null
        written = _written(parts, names, f"{cls.__name__}.{field.name}")
        mark = "?" if optional else ""
        lines.append(_comment(said.get(field.name), "  "))
        lines.append(f"  {_key(field.encode_name)}{mark}: {written};\n")
    return f"{head}export interface {names[cls]} {{\n{''.join(lines)}}}\n"


def _fields_in_path(cls: type[Wire]) -> set[str]:
    """Fields of a request that every caller must give, since its path has them."""
    endpoints = getattr(cls, "endpoints", ())
    return {name for endpoint in endpoints for name in FIELD.findall(endpoint.path)}


def _hints(cls: type[Wire]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in msgspec.structs.fields(cls)}


def _union(hint: Any) -> list[Any]:
    """The types of which a value is one."""
    if get_origin(hint) in (Union, types.UnionType):
        return list(get_args(hint))
    return [hint]


def _written(parts: Sequence[Any], names: Mapping[type[Wire], str], where: str) -> str:
    """A union in TypeScript; null comes last."""
    words = []
    is_double = float in parts and any(set(_choices(part)) >= _DOUBLE for part in parts)
    for part in parts:
        if is_double and (part is float or _choices(part)):
            words.append("Double")
        else:
            words.append(_one(part, names, where))
    unique = dict.fromkeys(words)
    return " | ".join(sorted(unique, key="null".__eq__))


def _choices(part: Any) -> tuple[Any, ...]:
    return get_args(part) if get_origin(part) is Literal else ()


def _one(part: Any, names: Mapping[type[Wire], str], where: str) -> str:
    if part in _WORDS:
        return _WORDS[part]
    if part in names:
        return names[part]
    if choices := _choices(part):
        return " | ".join(_quoted(c) if isinstance(c, str) else json.dumps(c) for c in choices)
    origin, inner = get_origin(part) or part, get_args(part)
    if origin is tuple and inner and inner[-1] is not ...:
        return f"[{', '.join(_written(_union(i), names, where) for i in inner)}]"
    if origin in (list, tuple, set, frozenset, Sequence):
        item = _written(_union(inner[0]), names, where) if inner else "unknown"
        return f"({item})[]" if " " in item else f"{item}[]"
    if origin in (dict, Mapping):
        value = _written(_union(inner[1]), names, where) if inner else "unknown"
        return f"Record<string, {value}>"
    raise TypeError(f"{where} is {part!r}, for which scripts/ui_types.py knows no TypeScript type.")


def _table(name: str, doc: str, rpcs: Iterable[type[Rpc]], row: Any) -> str:
    rows = {}
    for cls in rpcs:
        for endpoint in cls.endpoints:
            for url in endpoint.urls():
                if url.startswith(_BROWSER):
                    key = _quoted(f"{endpoint.method} {url.removeprefix(_BROWSER)}")
                    rows[key] = f"{_comment(cls.__doc__, '  ')}  {key}: {row(cls)};\n"
    body = "".join(text for _, text in sorted(rows.items()))
    return f"{_comment(doc)}export interface {name} {{\n{body}}}\n"


def _field_docs(cls: type) -> dict[str, str]:
    """The strings below the fields, which say what they mean."""
    said: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        if not issubclass(owner, Wire) or owner is Wire:
            continue
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        for field, below in zip(node.body, node.body[1:]):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                said[field.target.id] = below.value.value
    return said


def _comment(text: str | None, indent: str = "") -> str:
    if not text:
        return ""
    lines = inspect.cleandoc(text).replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _key(name: str) -> str:
    return name if name.isidentifier() else _quoted(name)


def _quoted(text: str) -> str:
    escaped = json.dumps(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{escaped}'"


def write(target: Path, text: str) -> None:
    """The file with this text. One that has it already keeps its time, so nothing is rebuilt."""
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, target)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET, module(all_rpcs(), streams()))
