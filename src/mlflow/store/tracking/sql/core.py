"""What the topics of the SQL store share: finding rows by public ids, key ids, and the audit
trail."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, TypeVar

from mlflow.entities import RunStatus
from mlflow.store.db.database import Database
from mlflow.store.tracking.base.checks import check_run_is_active, no_run
from mlflow.store.tracking.base.checks import experiment_key as experiment_key
from mlflow.store.tracking.base.checks import no_experiment as no_experiment

T = TypeVar("T")

#: A run's status, from the number in its row.
STATUS_NAMES = {number: RunStatus.to_string(number) for number in RunStatus.all_status()}


def now_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def marks(values: Collection[Any]) -> str:
    """One parameter mark for each value."""
    return ",".join("?" * len(values))


class RunRow(NamedTuple):
    """The row of a run."""

    id: int
    uuid: str
    experiment_id: int
    name: str | None
    user_id: str | None
    status: int
    start_time: int | None
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str | None


RUN_COLUMNS = ", ".join(f"r.{name}" for name in RunRow._fields)


class SqlCore:
    """Base of the topics."""

    db: Database
    artifact_root_uri: str
    _key_ids: dict[str, int]
    _key_names: dict[int, str]

    # -- runs by their public id ------------------------------------------------------------

    def _run_row(self, tx: Any, run_id: str) -> RunRow:
        row = tx.execute(f"select {RUN_COLUMNS} from run r where r.uuid = ?", (run_id,)).fetchone()
        if row is None:
            raise no_run(run_id)
        return RunRow(*row)

    def _run_to_write(self, tx: Any, run_id: str) -> int:
        """The integer id of an active run that this transaction will log to."""
        query = "select id, lifecycle_stage, status from run where uuid = ?"
        row = tx.execute(query + self.db.dialect.share_lock, (run_id,)).fetchone()
        if row is None:
            raise no_run(run_id)
        key, stage, status = row
        check_run_is_active(run_id, stage)
        if RunStatus.is_terminated(status):
            # Nobody can put it back before this transaction ends: packing needs the whole lock.
            tx.execute("delete from packed_run where run_id = ?", (key,))
        return key

    # -- key names --------------------------------------------------------------------------

    def _write_with_keys(self, names: Iterable[str], work: Callable[[Any, dict[str, int]], T]) -> T:
        """`work(tx, ids)` in a write, where `ids` has the id of each name; new names get one."""
        names = set(names)
        known = self._key_ids
        fresh: dict[str, int] = {}

        def write(tx: Any) -> T:
            missing = [n for n in names if n not in known]
            if not missing:
                return work(tx, known)
            fresh.clear()
            for name in sorted(
                missing
            ):  # in one order everywhere, or two writers wait for each other
                tx.execute(
                    "insert into key_name (name) values (?) on conflict (name) do nothing", (name,)
                )
                (fresh[name],) = tx.execute(
                    "select id from key_name where name = ?", (name,)
                ).fetchone()
            return work(tx, {**{n: known[n] for n in names if n in known}, **fresh})

        # only then: a transaction that failed has given no ids
        return self.db.write(write, then=lambda: self._remember_keys(fresh))

    def _remember_keys(self, ids: dict[str, int]) -> None:
        for name, key in ids.items():
            self._key_names[key] = name
            self._key_ids[name] = key

    def _key_id(self, tx: Any, name: str) -> int | None:
        """The id of a key; None if nothing was ever logged under it."""
        key = self._key_ids.get(name)
        if key is None:
            row = tx.execute("select id from key_name where name = ?", (name,)).fetchone()
            if row is None:
                return None
            key = row[0]
            self._remember_keys({name: key})
        return key

    def _names_of(self, tx: Any, keys: Iterable[int]) -> dict[int, str]:
        """The name of each key, read from the database where it is not remembered."""
        names = self._key_names
        missing = [k for k in set(keys) if k not in names]
        for i in range(0, len(missing), 500):
            part = missing[i : i + 500]
            rows = tx.execute(f"select name, id from key_name where id in ({marks(part)})", part)
            self._remember_keys(dict(rows.fetchall()))
        return names

    # -- audit ------------------------------------------------------------------------------

    def _audit(
        self,
        tx: Any,
        action: str,
        entity: str,
        entity_id: str,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        tx.execute(
            'insert into audit (time, actor, action, entity, entity_id, "before", "after") '
            "values (?, ?, ?, ?, ?, ?, ?)",
            (now_ms(), _actor(), action, entity, entity_id, before, after),
        )


def _actor() -> str | None:
    """Who runs this process. Accounts of a server's callers come with accounts."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None
