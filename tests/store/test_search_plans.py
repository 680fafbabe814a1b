"""Searches of many runs: how each statement is carried out, and how much work a page takes. What is
asserted is the plan and the steps of the machine, never a time."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from benchmarks.generate import generate_runs
from benchmarks.search import SHAPES, Shape, experiments, values
from tests import databases

from mlflow.entities import ViewType
from mlflow.store.tracking.sql.store import SqlStore

RUNS = 4000
PAGE = 20

#: Shapes that no index helps with. They look at each run of the experiment, or of the key, once.
EACH_RUN = {
    "order by user",  # no index on users: `tags.mlflow.user` has one
    "order by long param",  # all values have the indexed beginning in common
    "three conditions",  # one run in a hundred fits, and each condition alone leads to many
    "conditions that exclude each other",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def store(request, tmp_path_factory) -> Iterator[SqlStore]:
    """Some thousand runs in each database."""
    with databases.new_database(request.param, tmp_path_factory.mktemp("plans")) as uri:
        store = SqlStore(uri, "/artifacts")
        generate_runs(store, RUNS, experiments=8, seed=0, packed=True)
        yield store
        store.dispose()


class Recorder:
    """A connection that keeps what is executed."""

    def __init__(self, connection: Any):
        self.connection = connection
        self.statements: list[tuple[str, list[Any]]] = []

    def execute(self, sql: str, params: Any = ()) -> Any:
        self.statements.append((sql, list(params)))
        return self.connection.execute(sql, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def plans(store: SqlStore, monkeypatch, shape: Shape) -> list[tuple[str, list[str]]]:
    """Each statement of a search, with the lines of its plan, made where it was executed."""
    found = []
    read = store.db.read

    @contextlib.contextmanager
    def recorded() -> Iterator[Any]:
        with read() as tx:
            recorder = Recorder(tx)
            yield recorder
            for sql, params in recorder.statements:
                if "set_config" not in sql:
                    found.append((sql, explain(store, tx, sql, params)))

    where = experiments(store)
    text = shape.filter.format(**values(store, where["big"][0]))
    with monkeypatch.context() as patch:
        if store.db.dialect.name == "postgresql":  # which takes no orders: say what is expected
            patch.setattr(store.db.dialect, "by_index", lambda t, index: f"{t} /* {index} */")
        patch.setattr(store.db, "read", recorded)
        store.search_runs(where[shape.where], text, ViewType.ACTIVE_ONLY, PAGE, list(shape.order))
    return found


def explain(store: SqlStore, tx: Any, sql: str, params: list[Any]) -> list[str]:
    dialect = store.db.dialect.name
    if dialect == "sqlite":
        return [row[3] for row in tx.execute(f"explain query plan {sql}", params)]
    if dialect == "postgresql":
        numbers = itertools.count(1)
        text = re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
        tx.raw.execute(f"prepare explained as {text}".encode())
        values = ", ".join(repr(v) if not isinstance(v, str) else quoted(v) for v in params)
        execute = f"execute explained ({values})" if params else "execute explained"
        lines = [row[0] for row in tx.raw.execute(f"explain {execute}".encode()).fetchall()]
        tx.raw.execute("deallocate explained")
        return lines
    rows = tx.execute(f"explain {sql}", params).fetchall()
    return [f"{table} {kind} {key}" for _, _, table, kind, _, key, *_ in rows]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def is_scan(dialect: str, sql: str, line: str) -> bool:
    """Whether a line of a plan reads a whole table, or a whole index to no purpose."""
    in_order = "order by v" in sql  # along an index, up to a limit
    if dialect == "sqlite":
        table = re.match(r"SCAN (run|r|param|tag|series|p|o\d|dataset)\b(.*)", line)
        return "AUTOMATIC" in line or bool(table and not (in_order and "INDEX" in table[2]))
    if dialect == "postgresql":
        return any(word in line for word in ("Seq Scan", "Bitmap", "Hash Join", "Merge Join"))
    table, kind, _ = line.split()
    if table.startswith("<") or table == "None":
        return False
    return kind == "ALL" or (kind == "index" and not in_order)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_statement_goes_by_an_index(store, monkeypatch, shape):
    dialect = store.db.dialect.name
    for sql, lines in plans(store, monkeypatch, shape):
        assert not [line for line in lines if is_scan(dialect, sql, line)], (sql, lines)
        for index in re.findall(r"/\* (\w+) \*/", sql):
            assert any(f" using {index} on " in line for line in lines), (index, sql, lines)


#: Some of the shapes for which an index of another table leads to the runs.
DRIVEN = {"rare metric", "tag =, few", "param =, one", "order by metric", "order by tag"}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_runs_are_looked_up_from_what_drives(store, monkeypatch, shape):
    """Where such an index leads to runs, it is read first, and `run` is looked up by its id."""
    dialect = store.db.dialect.name
    driven = [s for s in plans(store, monkeypatch, shape) if ") d " in s[0]]
    assert driven or shape.name not in DRIVEN
    for sql, lines in driven:
        if dialect == "sqlite":
            driver = next(i for i, line in enumerate(lines) if re.match(r"SCAN d\b", line))
            run = next(i for i, line in enumerate(lines) if line.startswith("SEARCH r "))
            assert driver < run and "INTEGER PRIMARY KEY" in lines[run], (sql, lines)
        elif dialect == "postgresql":
            assert any("using run_pkey on run r" in line for line in lines), (sql, lines)
        else:
            tables = [line.split()[0] for line in lines]
            assert tables.index("<derived2>") < tables.index("r"), (sql, lines)
            assert "r eq_ref PRIMARY" in lines, (sql, lines)


@pytest.fixture(scope="module")
def counted(tmp_path_factory) -> Iterator[tuple[SqlStore, list[int]]]:
    """A larger store, and the steps that SQLite's machine has taken, in tens."""
    store = SqlStore(f"sqlite:///{tmp_path_factory.mktemp('steps')}/store.db", "/artifacts")
    generate_runs(store, 4 * RUNS, experiments=8, seed=0, packed=True)
    steps = [0]

    def tick() -> None:
        steps[0] += 1

    connect = store.db.dialect.connect

    def counting(url: Any) -> Any:
        connection = connect(url)
        connection.set_progress_handler(tick, 10)
        return connection

    store.db.close()
    store.db.dialect.connect = counting
    yield store, steps
    store.dispose()


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_page_takes_few_steps(counted, shape):
    """A row costs some tens of steps: these are hundreds of rows, out of 16,000."""
    store, steps = counted
    where = experiments(store)
    text = shape.filter.format(**values(store, where["big"][0]))
    token, taken = None, []
    for _ in range(shape.pages):
        steps[0] = 0
        page = store.search_runs(
            where[shape.where], text, ViewType.ACTIVE_ONLY, PAGE, list(shape.order), token
        )
        taken.append(10 * steps[0])
        token = page.token
        if token is None:
            break
    assert max(taken) < (40 * 4 * RUNS if shape.name in EACH_RUN else 50_000)
