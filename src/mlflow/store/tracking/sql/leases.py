"""Which of several processes does what only one shall do."""

from __future__ import annotations

from typing import Any

from mlflow.store.tracking.sql.core import SqlCore, now_ms


class SqlLeases(SqlCore):
    def take_lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether `holder` may do `name` for so long; it may ask again for longer, or for a moment
        only when it is done. Nobody else may meanwhile. Clocks of servers must agree to some
        seconds."""
        now = now_ms()

        def write(tx: Any) -> bool:
            tx.execute(
                "insert into lease (name, holder, expires) values (?, ?, 0) "
                "on conflict (name) do nothing",
                (name, holder),
            )
            taken = tx.execute(
                "update lease set holder = ?, expires = ? "
                "where name = ? and (holder = ? or expires <= ?)",
                (holder, now + int(seconds * 1000), name, holder, now),
            )
            return taken.rowcount > 0

        return self.db.write(write)
