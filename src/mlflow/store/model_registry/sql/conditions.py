"""From a search tree to SQL: conditions on `registered_model m` and `model_version v`."""

from __future__ import annotations

from mlflow.search.tree import Comparison
from mlflow.store.tracking.sql.conditions import Condition, Conditions

_COLUMN_OF = {
    "name": "m.name",
    "run_id": "v.run_uuid",
    "source_path": "v.source",
    "version_number": "v.version",
}


class ModelConditions(Conditions):
    """Conditions on `registered_model m`."""

    _tags = "registered_model_tag t where t.model_id = m.id"

    def _comparison(self, c: Comparison) -> Condition:
        if c.entity == "attribute":
            return self._column(_COLUMN_OF[c.key], c.op, c.value)
        has = f"select 1 from {self._tags} and t.name = ?"
        if c.op in ("IS NULL", "IS NOT NULL"):
            return Condition(f"{'not ' if c.op == 'IS NULL' else ''}exists ({has})", [c.key])
        text, params = self._column("t.value", c.op, c.value)
        return Condition(f"exists ({has} and {text})", [c.key, *params])


class VersionConditions(ModelConditions):
    """Conditions on `model_version v join registered_model m`."""

    _tags = "model_version_tag t where t.model_id = v.model_id and t.version = v.version"
