"""Databases for tests: the ones that run on this machine or, where their programs are installed,
ones started here."""

from __future__ import annotations

import atexit
import functools
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import uuid


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
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
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
