"""Databases for tests: the ones that run on this machine or, where their programs are installed,
ones started here."""

from __future__ import annotations

import atexit
import contextlib
import functools
import getpass
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.optional import missing

_NAMES = {"postgresql": "PostgreSQL", "mysql": "MariaDB"}


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a database without tables, for as long as the block lasts. The test is skipped
    where there is no such database.

    Args:
        kind: "sqlite", "postgresql" or "mysql".
        folder: Where an SQLite file is made.
    """
    if kind == "sqlite":
        yield f"sqlite:///{folder}/store.db"
        return
    try:
        uri = create_postgresql() if kind == "postgresql" else create_mysql()
    except Unavailable as e:
        missing(_NAMES[kind], str(e))
    try:
        yield uri
    finally:
        (drop_postgresql if kind == "postgresql" else drop_mysql)(uri)


class Unavailable(Exception):
    """The database neither runs here nor can be started; the text says why."""


def create_postgresql() -> str:
    """The URL of a new, empty database in a PostgreSQL server."""
    server = _postgresql_server()
    name = f"headrace_{uuid.uuid4().hex[:12]}"
    _run(server, f"create database {name}")
    return f"{server}/{name}"


def drop_postgresql(uri: str) -> None:
    """Remove what `create_postgresql` made."""
    server, _, name = uri.rpartition("/")
    _run(server, f"drop database if exists {name} with (force)")


def _run(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement)


@functools.cache
def _postgresql_server() -> str:
    try:
        import psycopg
    except ImportError:
        raise Unavailable("psycopg is not installed") from None
    given = os.environ.get("HEADRACE_TEST_POSTGRESQL")
    if given:
        return given.rstrip("/")
    for user in ("postgres", os.environ.get("USER", "root")):
        server = f"postgresql://{user}@127.0.0.1:5432"
        try:
            psycopg.connect(f"{server}/postgres", connect_timeout=2).close()
            return server
        except psycopg.Error:
            continue
    return _start_postgresql()


def _start_postgresql() -> str:
    """Start a server of our own, in a folder that goes away with the tests."""
    found = shutil.which("initdb") or max(glob.glob("/usr/lib/postgresql/*/bin/initdb"), default="")
    if not found:
        raise Unavailable("no server at 127.0.0.1:5432, and PostgreSQL is not installed")
    if os.getuid() == 0:
        raise Unavailable("no server at 127.0.0.1:5432, and root may not start one")
    programs = os.path.dirname(found)
    folder = tempfile.mkdtemp(prefix="headrace-pg-")
    port = _free_port()
    subprocess.run(
        [found, "-D", f"{folder}/data", "-U", "postgres", "-A", "trust"],
        check=True,
        capture_output=True,
    )
    control = os.path.join(programs, "pg_ctl")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    subprocess.run(
        [control, "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start"],
        check=True,
        capture_output=True,
    )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(
        subprocess.run,
        [control, "-D", f"{folder}/data", "-m", "immediate", "stop"],
        capture_output=True,
    )
    return f"postgresql://postgres@127.0.0.1:{port}"


def create_mysql() -> str:
    """The URL of a new, empty database in a MariaDB or MySQL server."""
    server = _mysql_server()
    name = f"headrace_{uuid.uuid4().hex[:12]}"
    run_mysql(server, f"create database {name}")
    return f"{server}/{name}"


def drop_mysql(uri: str) -> None:
    """Remove what `create_mysql` made."""
    server, _, name = uri.rpartition("/")
    end_mysql_connections(uri)  # an open transaction would keep its tables for ever
    run_mysql(server, f"drop database if exists {name}")


def run_mysql(uri: str, statement: str) -> list[tuple]:
    """Run one statement of an administrator; its rows.

    Args:
        uri: Of a database, or of a server.
    """
    import pymysql

    parts = urlsplit(uri)
    with (
        pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=unquote(parts.password or ""),
            database=parts.path.strip("/") or None,
            autocommit=True,
            connect_timeout=5,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall())


def end_mysql_connections(uri: str) -> None:
    """What a restart of the server does to those who are connected to a database."""
    import pymysql

    server, _, name = uri.rpartition("/")
    for (thread,) in run_mysql(
        server, f"select id from information_schema.processlist where db = '{name}'"
    ):
        with contextlib.suppress(pymysql.err.Error):  # it has just gone by itself
            run_mysql(server, f"kill connection {thread}")


@functools.cache
def _mysql_server() -> str:
    try:
        import pymysql
    except ImportError:
        raise Unavailable("pymysql is not installed") from None
    given = os.environ.get("HEADRACE_TEST_MYSQL")
    if given:
        return given.rstrip("/")
    server = "mysql://root@127.0.0.1:3306"
    try:
        run_mysql(server, "select 1")
        return server
    except pymysql.err.Error:
        return _start_mariadb()


def _start_mariadb() -> str:
    """Start a server of our own, in a folder that goes away with the tests."""
    import pymysql

    program, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if not program or not install:
        raise Unavailable("no server at 127.0.0.1:3306, and MariaDB is not installed")
    folder = tempfile.mkdtemp(prefix="headrace-mariadb-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    port = _free_port()
    account = f"--user={getpass.getuser()}"  # without it, root is refused
    subprocess.run(
        [
            install,
            "--no-defaults",
            f"--datadir={folder}/data",
            "--auth-root-authentication-method=normal",
            account,
        ],
        check=True,
        capture_output=True,
    )
    with open(f"{folder}/log", "wb") as log:
        process = subprocess.Popen(
            [
                program,
                "--no-defaults",
                f"--datadir={folder}/data",
                f"--socket={folder}/socket",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                account,
            ],
            stdout=log,
            stderr=log,
        )
    atexit.register(process.wait)
    atexit.register(process.kill)
    server = f"mysql://root@127.0.0.1:{port}"
    for _ in range(300):
        try:
            run_mysql(server, "select 1")
            return server
        except pymysql.err.Error:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    with open(f"{folder}/log") as text:
        raise RuntimeError(f"MariaDB does not start:\n{text.read()}")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
