"""Bringing over MLflow's model registry, a part of `from_mlflow.py`."""

from __future__ import annotations

import json
from typing import Any

from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.store.model_registry.sql.core import MODEL, VERSION

#: MLflow's tables of its registry; versions before 1.0 have none, and aliases came with 2.3.
TABLES = (
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
)
_KEPT = f"coalesce(m.current_stage, 'None') <> '{STAGE_DELETED_INTERNAL}'"


class RegistryMove:
    """Registered models, versions, tags and aliases, from table to table.

    Versions that were deleted stay behind, but for their numbers, which are not given again. The
    audit trail begins with the stage that each version was in, at the time of its last change.
    """

    def __init__(self, move: Any, workspace: str):
        self.move = move
        self.tx = move.tx
        self._workspace = workspace

    def run(self) -> None:
        if not (self.move._has("registered_models") and self.move._has("model_versions")):
            return
        created, updated = "coalesce(r.creation_time, 0)", "r.last_updated_time"
        last = f"select max(v.version) from model_versions v where v.name = r.name{self._in('v')}"
        self.tx.execute(
            "insert into registered_model (name, description, last_version, creation_time, "
            f"last_update_time) select r.name, {self._column('registered_models', 'description')}, "
            f"coalesce(({last}), 0), {created}, coalesce({updated}, {created}) "
            f"from registered_models r where 1 = 1{self._in('r')} order by r.name"
        )
        self._versions()
        if self.move._has("registered_model_tags"):
            self.tx.execute(
                "insert into registered_model_tag (model_id, name, value) "
                f'select x.id, r."key", r.value from registered_model_tags r {self._model("r")}'
            )
        if self.move._has("model_version_tags"):
            self.tx.execute(
                "insert into model_version_tag (model_id, version, name, value) "
                f'select y.model_id, y.version, m."key", m.value from model_version_tags m '
                f"{self._version('m')}"
            )
        if self.move._has("registered_model_aliases"):
            self.tx.execute(
                "insert into registered_model_alias (model_id, name, version) "
                "select y.model_id, r.alias, y.version from registered_model_aliases r "
                f"{self._version('r')}"
            )
        self._begin_history()

    def _versions(self) -> None:
        def of(name: str) -> str:
            return self._column("model_versions", name)

        created = "coalesce(m.creation_time, 0)"
        logged = "case when m.source like 'models:/m-%' and length(m.source) = 42 "
        logged += "then substr(m.source, 9) end"
        self.tx.execute(
            "insert into model_version (model_id, version, stage, description, user_id, source, "
            "storage_location, run_uuid, run_link, logged_model, status, status_message, "
            "creation_time, last_update_time) "
            f"select x.id, m.version, coalesce(m.current_stage, 'None'), {of('description')}, "
            f"{of('user_id')}, m.source, {of('storage_location')}, coalesce(m.run_id, ''), "
            f"{of('run_link')}, {logged}, coalesce(m.status, 'READY'), {of('status_message')}, "
            f"{created}, coalesce(m.last_updated_time, {created}) "
            f"from model_versions m {self._model('m')} where {_KEPT}{self._in('m')} "
            "order by x.id, m.version"
        )

    def _begin_history(self) -> None:
        rows = [
            (created, MODEL, str(model), {"name": name})
            for model, name, created in self.tx.execute(
                "select id, name, creation_time from registered_model"
            ).fetchall()
        ]
        rows += [
            (changed, VERSION, f"{model}/{version}", {"stage": stage})
            for model, version, stage, changed in self.tx.execute(
                "select model_id, version, stage, last_update_time from model_version"
            ).fetchall()
        ]
        rows.sort(key=lambda row: row[0])
        if rows:
            self.tx.executemany(
                'insert into audit (time, action, entity, entity_id, "after") '
                "values (?, ?, ?, ?, ?)",
                [
                    (time, "import", entity, key, json.dumps(after, ensure_ascii=False))
                    for time, entity, key, after in rows
                ],
            )

    def lost(self, there: dict[str, int], counts: dict[str, int]) -> dict[str, int]:
        """How many rows of each table were not brought over, but for what was deleted."""
        ours = {
            "registered_models": "registered_model",
            "registered_model_tags": "registered_model_tag",
            "registered_model_aliases": "registered_model_alias",
            "model_versions": "model_version",
            "model_version_tags": "model_version_tag",
        }
        left = {name: there.get(name, 0) - counts[our] for name, our in ours.items()}
        if there.get("model_versions"):
            left["model_versions"] -= self._count(f"model_versions m where not {_KEPT}")
        if there.get("model_version_tags"):
            left["model_version_tags"] -= self._count(
                "model_version_tags t join model_versions m on m.name = t.name "
                f"and m.version = t.version{self._same_workspace()} where not {_KEPT}"
            )
        return left

    def _count(self, what: str) -> int:
        return self.tx.execute(f"select count(*) from {what}").fetchone()[0]

    # -- parts of statements ----------------------------------------------------------------

    def _column(self, table: str, column: str) -> str:
        return self.move._column(table, column)

    def _in(self, alias: str) -> str:
        """That a row is in the one workspace that comes over."""
        if not self.move._has("registered_models", "workspace"):
            return ""
        return f" and {alias}.workspace = '{self._workspace}'"

    def _same_workspace(self) -> str:
        has = self.move._has("registered_models", "workspace")
        return " and m.workspace = t.workspace" if has else ""

    def _model(self, alias: str) -> str:
        """The join with our row of the model of a row of theirs."""
        name = self.move._exact(f"{alias}.name")
        return f"join registered_model x on x.name = {name}{self._in(alias)}"

    def _version(self, alias: str) -> str:
        """The join with our row of the version of a row of theirs."""
        return (
            f"{self._model(alias)} join model_version y "
            f"on y.model_id = x.id and y.version = {alias}.version"
        )
