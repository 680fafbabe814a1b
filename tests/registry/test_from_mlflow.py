"""The registry of databases that MLflow made, brought over."""

from __future__ import annotations

import pytest

from mlflow.store.db import upgrade
from mlflow.store.model_registry.resolve import registry_store
from tests.store.test_from_mlflow import KINDS, MADE, NEWEST, old


def rows(database, query: str) -> list[tuple]:
    with database.read() as tx:
        return [tuple(row) for row in tx.execute(query).fetchall()]


@pytest.mark.parametrize(("version", "kind"), MADE)
def test_models_versions_tags_and_aliases_come_over(version, kind, tmp_path):
    with old(version, kind, tmp_path) as made:
        upgrade(made.uri)
        registry = registry_store(made.uri)
        tables = registry.db.dialect.table_names(registry._home.db._writer())
        models = {model.name: model for model in registry.search_registered_models()}
        if "registered_models" not in tables:
            assert models == {}
            return
        theirs = rows(registry.db, "select name, description from registered_models")
        assert theirs and {name: m.description for name, m in models.items()} == dict(theirs)
        versions = {(v.name, v.version): v for v in registry.search_model_versions()}
        kept = rows(
            registry.db,
            "select name, version, current_stage, source, run_id from model_versions "
            "where current_stage <> 'Deleted_Internal'",
        )
        assert kept and sorted(kept) == sorted(
            (*key, v.current_stage, v.source, v.run_id) for key, v in versions.items()
        )
        tags = rows(registry.db, 'select name, version, "key", value from model_version_tags')
        assert sorted(tags) == sorted(
            (*key, *tag) for key, v in versions.items() for tag in v.tags.items()
        )
        tags = rows(registry.db, 'select name, "key", value from registered_model_tags')
        assert sorted(tags) == sorted(
            (name, *tag) for name, m in models.items() for tag in m.tags.items()
        )
        if "registered_model_aliases" in tables:
            query = "select name, alias, version from registered_model_aliases"
            assert sorted(rows(registry.db, query)) == sorted(
                (name, *alias) for name, m in models.items() for alias in m.aliases.items()
            )
        for name, last in rows(
            registry.db, "select name, max(version) from model_versions group by name"
        ):
            new = registry.create_model_version(name, "s3://bucket/new")
            assert new.version == last + 1
        for (name, number), v in versions.items():
            first = registry.get_registry_history(name, number)[0]
            assert (first.action, first.after) == ("import", {"stage": v.current_stage})
            assert first.timestamp == v.last_updated_timestamp
        registry._home.dispose()


def test_the_oldest_has_no_registry_and_the_newest_has():
    assert ("1.0", "sqlite") in MADE
    assert {(NEWEST, kind) for kind in KINDS} <= set(MADE)
