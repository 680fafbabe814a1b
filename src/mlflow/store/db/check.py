"""Looking for damage in a database: pages, chunks of points, rows and files that belong to
nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from mlflow.store.artifact.artifact_repo import files_below
from mlflow.store.artifact.location import Location
from mlflow.store.db.chunks import SUMMARY_COLUMNS
from mlflow.store.db.database import Database
from mlflow.store.db.points import Points, Summary, decode, summary

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")

#: (table, column, table it points at, column there, what the rows are)
_REFERENCES = (
    ("run", "experiment_id", "experiment", "id", "runs of an experiment that is not there"),
    ("experiment_tag", "experiment_id", "experiment", "id", "tags of no experiment"),
    ("dataset", "experiment_id", "experiment", "id", "datasets of no experiment"),
    ("param", "run_id", "run", "id", "params of no run"),
    ("param", "key_id", "key_name", "id", "params without a name"),
    ("tag", "run_id", "run", "id", "tags of no run"),
    ("tag", "key_id", "key_name", "id", "tags without a name"),
    ("series", "run_id", "run", "id", "metrics of no run"),
    ("series", "key_id", "key_name", "id", "metrics without a name"),
    ("packed_run", "run_id", "run", "id", "packed runs of no run"),
    ("model_metric", "run_id", "run", "id", "model metrics of no run"),
    ("run_model", "run_id", "run", "id", "models of no run"),
    ("logged_model", "experiment_id", "experiment", "id", "logged models of no experiment"),
    ("logged_model_param", "model_id", "logged_model", "id", "params of no logged model"),
    ("logged_model_tag", "model_id", "logged_model", "id", "tags of no logged model"),
    ("run_dataset", "run_id", "run", "id", "inputs of no run"),
    ("run_dataset", "dataset_id", "dataset", "id", "inputs that name no dataset"),
    ("run_dataset_tag", "run_dataset_id", "run_dataset", "id", "tags of no input"),
)


def check(database: Database, *, progress: Callable[[int, int], None] | None = None) -> list[str]:
    """Everything that is wrong with a database, a line each; empty when all is well. It changes
    nothing, and others may write meanwhile.

    Args:
        progress: Called with (series done, series in all) while points are looked at.
    """
    with database.read() as tx:
        if database.dialect.name == "sqlite":
            found = [f"the file is damaged: {line}" for line in _damage(tx)]
            if found:
                return found  # what is read from it below would be wrong, too
        return [*_orphans(tx), *_points(tx, progress)]


def check_files(database: Database, destination: str | None = None) -> list[str]:
    """Folders of runs and logged models that the database does not have, a line each with its size.
    Looks at the folders of this machine only.

    Args:
        destination: Where a server keeps the files that clients store through it.
    """
    with database.read() as tx:
        roots = tx.execute(
            "select artifact_location from experiment where artifact_location is not null"
        ).fetchall()
        known = {uuid for (uuid,) in tx.execute("select uuid from run").fetchall()}
        models = {uuid for (uuid,) in tx.execute("select uuid from logged_model").fetchall()}
    below = Location.parse(destination) if destination else None
    found = []
    for (text,) in roots:
        root = Location.parse(text)
        if root.scheme == "mlflow-artifacts" and below is not None:
            root = below.child(root.steps)
        if root.is_local:
            found += _unknown(root.path, _RUN_ID, known, "run")
            found += _unknown(os.path.join(root.path, "models"), _MODEL_ID, models, "logged model")
    return found


def _unknown(folder: str, pattern: re.Pattern[str], known: set[str], what: str) -> Iterator[str]:
    """The folders in a folder that are named like ids, but not like one that is known."""
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if (
                pattern.fullmatch(entry.name)
                and entry.name not in known
                and entry.is_dir(follow_symlinks=False)
                and (sizes := _file_sizes(entry.path))  # `mlflow gc` leaves empty folders
            ):
                yield f"files of no {what}: {entry.path} ({sum(sizes):,} bytes)"


def _file_sizes(path: str) -> list[int]:
    return [os.lstat(file).st_size for file, _ in files_below(path)]


def _damage(tx: Any) -> list[str]:
    lines = [row[0] for row in tx.execute("pragma integrity_check").fetchall()]
    return [] if lines == ["ok"] else lines


def _orphans(tx: Any) -> Iterator[str]:
    for table, column, other, key, what in _REFERENCES:
        (count,) = tx.execute(
            f"select count(*) from {table} t where not exists "
            f"(select 1 from {other} o where o.{key} = t.{column})"
        ).fetchone()
        if count:
            yield f"{count} {what} (table {table})"


def _points(tx: Any, progress: Callable[[int, int], None] | None) -> Iterator[str]:
    """Points that cannot be read, or that are not as many as their series says."""
    for table in ("tail", "chunk"):
        (count,) = tx.execute(
            f"select count(*) from (select distinct run_id, key_id from {table}) p "
            "where not exists "
            "(select 1 from series s where s.run_id = p.run_id and s.key_id = p.key_id)"
        ).fetchone()
        if count:
            yield f"points of {count} metrics that are not there (table {table})"
    (total,) = tx.execute("select count(*) from series").fetchone()
    done, last = 0, (-1, -1)
    while True:
        batch = tx.execute(
            "select s.run_id, s.key_id, s.points, r.uuid, k.name from series s "
            "join run r on r.id = s.run_id join key_name k on k.id = s.key_id "
            "where s.run_id > ? or (s.run_id = ? and s.key_id > ?) "
            "order by s.run_id, s.key_id limit 1000",
            (last[0], *last),
        ).fetchall()
        if not batch:
            return
        for run, key, points, uuid, name in batch:
            name_it = f"metric '{name}' of run {uuid}"
            there = 0
            for seq, content, *told in tx.execute(
                f"select seq, content, {SUMMARY_COLUMNS} from chunk "
                "where run_id = ? and key_id = ?",
                (run, key),
            ).fetchall():
                size = told[0]
                there += size
                try:
                    inside = decode(bytes(content))
                except ValueError as e:
                    yield f"{name_it}: chunk {seq} of {size} points: {e}"
                    continue
                if len(inside) != size:
                    yield f"{name_it}: chunk {seq} has not the {size} points that it should"
                elif wrong := _wrongly_told(told, inside):
                    yield f"{name_it}: chunk {seq} is not summed up rightly: {wrong}"
            (tail,) = tx.execute(
                "select count(*) from tail where run_id = ? and key_id = ?", (run, key)
            ).fetchone()
            if there + tail != points:
                yield f"{name_it}: {there + tail} points are there, of {points} that were logged"
        last = batch[-1][:2]
        done += len(batch)
        if progress:
            progress(done, total)


def _wrongly_told(told: list[Any], points: Points) -> str:
    """The columns of a chunk that do not tell what is in it."""
    return ", ".join(
        name
        for name, there, right in zip(Summary._fields, told, summary(points))
        # a sum depends on who added up; what version 1 did not know is NULL
        if name != "sum_value" and there != right and there is not None
    )
