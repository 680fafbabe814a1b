"""`scripts/ui_types.py`: the RPCs as TypeScript types."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import Endpoint, Rpc
from mlflow.rpc.export import streams
from mlflow.rpc.wire import Double, Int64, Needed, Wire
from tests.optional import missing

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "ui_types.py"
TSC = ROOT / "ui" / "node_modules" / "typescript" / "bin" / "tsc"

_spec = importlib.util.spec_from_file_location("ui_types", SCRIPT)
ui_types = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ui_types)


class Cell(Wire):
    """A value */ in a table."""

    value: Double | None


class Base(Rpc, kw_only=True):
    ids: list[str] = []
    """Which; at most 100."""


class Find(Base, kw_only=True):
    """Find them.

    In the order asked for.
    """

    owner: str = ""
    """Of the path."""
    name: Needed
    count: Int64 | None = None
    view: Literal["ALL", "it's"] | None = None
    exact: bool = False


class Found(Wire):
    columns: dict[str, list[Double | None]]
    """By name."""
    parents: list[str | None]
    cells: list[Cell] = []
    pair: tuple[int, str] | None = None
    raw: Any = None
    last: Cell | None = None


class Whole(Wire, omit_defaults=False):
    note: str | None = None


class Nothing(Rpc):
    """Find nothing."""


Find.response, Nothing.response = Found, Whole
Find.endpoints = (Endpoint("POST", "/mlflow/{owner}/find", "3.0", False),)
Nothing.endpoints = (Endpoint("GET", "/mlflow/nothing", "2.0", True),)


def declared(name: str, text: str) -> str:
    """The body of an interface, without comments."""
    body = re.search(rf"export interface {name} {{\n(.*?)^}}", text, re.S | re.M)[1]
    return re.sub(r"^ *(/\*\*.*?\*/)?\n", "", body, flags=re.S | re.M).replace("  ", "")


def comment_of(name: str, text: str) -> str:
    """The comment right above a field."""
    return re.search(rf"/\*\* ([^\n]*) \*/\n *{name}\??:", text)[1]


def test_request():
    text = ui_types.module([Find], [])
    assert declared("Find", text).splitlines() == [
        "ids?: string[];",
        "owner: string;",  # has a default, but the path needs it
        "name: string;",
        "count?: number;",
        "view?: 'ALL' | 'it\\'s';",
        "exact?: boolean;",
    ]
    assert comment_of("ids", text) == "Which; at most 100."
    assert comment_of("owner", text) == "Of the path."
    assert (
        "/**\n * Find them.\n *\n * In the order asked for.\n */\nexport interface Find {" in text
    )


def test_answer():
    text = ui_types.module([Find], [])
    assert declared("Found", text).splitlines() == [
        "columns: Record<string, (Double | null)[]>;",
        "parents: (string | null)[];",
        "cells?: Cell[];",
        "pair?: [number, string];",
        "raw?: unknown;",
        "last?: Cell;",
    ]
    assert declared("Cell", text) == "value: Double | null;\n"
    assert "/** A value * / in a table. */\nexport interface Cell {" in text


def test_null_where_defaults_are_written_out():
    assert declared("Whole", ui_types.module([Nothing], [])) == "note?: string | null;\n"


def test_rpcs_are_found_by_method_and_path_below_ajax_api():
    text = ui_types.module([Find, Nothing], [])
    assert declared("Rpcs", text).splitlines() == [
        "'GET 2.0/mlflow/nothing': { request: Nothing; response: Whole };",
        "'POST 3.0/mlflow/{owner}/find': { request: Find; response: Found };",
    ]
    assert "export type Nothing = Record<string, never>;" in text
    assert declared("Streams", ui_types.module([], [Find])) == (
        "'POST 3.0/mlflow/{owner}/find': { request: Find };\n"
    )


def test_messages_of_one_name_keep_apart():
    class Row(Wire):
        a: int

    class Other(Wire):
        b: int
        row: Row

    here, there = Row, Other
    there.__name__, there.__module__ = "Row", "mlflow.rpc.ui.runs"
    here.__module__ = "mlflow.rpc.model_versions"
    assert ui_types._names([here, there]) == {here: "ModelVersionsRow", there: "UiRunsRow"}


def test_type_without_counterpart_is_named():
    with pytest.raises(TypeError, match=r"Odd\.when is <class 'complex'>"):
        ui_types._written([complex], {}, "Odd.when")


def test_every_rpc_is_there():
    text = ui_types.module(all_rpcs(), streams())
    for table, classes in (("Rpcs", all_rpcs()), ("Streams", streams())):
        body = declared(table, text)
        urls = [(e.method, url) for cls in classes for e in cls.endpoints for url in e.urls()]
        below = [f"'{m} {url[10:]}': {{" for m, url in urls if url.startswith("/ajax-api/")]
        assert len(below) >= len(classes)
        assert [key for key in below if key not in body] == []
        assert len(body.splitlines()) == len(below)


def test_file_that_is_the_same_keeps_its_time(tmp_path):
    target = tmp_path / "new" / "types.gen.ts"
    subprocess.run([sys.executable, SCRIPT, target], check=True)
    assert "export interface Rpcs {" in target.read_text()
    os.utime(target, ns=(1, 1))
    subprocess.run([sys.executable, SCRIPT, target], check=True)
    assert target.stat().st_mtime_ns == 1
    assert [file.name for file in target.parent.iterdir()] == ["types.gen.ts"]


def test_python_without_headrace_is_told_what_to_do(tmp_path):
    target = tmp_path / "types.gen.ts"
    env = {**os.environ, "HEADRACE_PYTHON": "", "_HEADRACE_UI_TYPES_LAST_TRY": "1"}
    command = [sys.executable, "-S", SCRIPT, target]  # without what is installed
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 1
    assert "cannot read the server's RPCs" in done.stderr and "HEADRACE_PYTHON" in done.stderr
    assert "Traceback" not in done.stderr and not target.exists()
    env = {**os.environ, "HEADRACE_PYTHON": sys.executable}
    subprocess.run(command, check=True, env=env)
    assert target.exists()


def test_compiler_takes_it(tmp_path):
    if not TSC.exists():
        missing("the TypeScript compiler", "npm --prefix ui ci")
    (tmp_path / "types.ts").write_text(ui_types.module(all_rpcs(), streams()))
    (tmp_path / "use.ts").write_text(
        "import type { Rpcs } from './types'\n"
        "type Answer = Rpcs['GET 2.0/mlflow/runs/get']['response']\n"
        "export const name = (a: Answer): string | undefined => a.run.info.run_name\n"
        "// @ts-expect-error there is no such field\n"
        "export const none = (a: Answer) => a.run.info.nothing\n"
    )
    command = ["node", TSC, "--noEmit", "--strict", "--target", "es2022", "use.ts", "types.ts"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
