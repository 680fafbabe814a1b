"""Digest, schema, profile and source, against what the reference recorded for the same data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.datasets import recipes
from tests.optional import optional

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "data" / "dataset-golden.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module", autouse=True)
def _libraries():
    optional("numpy")
    optional("pandas")


@pytest.fixture(scope="module")
def datasets():
    return dict(recipes.cases())


@pytest.fixture(scope="module")
def evaluations():
    return dict(recipes.evaluation_cases())


def hashed_otherwise(name):
    """True when this release of pandas hashes the case's data in another way."""
    release = optional("pandas").__version__
    return name in recipes.HASH_OF_THE_RELEASE and release != GOLDEN["pandas version"]


@pytest.mark.parametrize("name", GOLDEN["datasets"])
def test_dataset_is_recorded_as_the_reference_records_it(datasets, name):
    found = recipes.outcome(datasets[name], lambda one: one.to_dict())
    fact = dict(GOLDEN["datasets"][name])
    if hashed_otherwise(name):
        fact["digest"] = found["digest"]
    assert found == fact


@pytest.mark.parametrize("name", GOLDEN["evaluation hashes"])
def test_evaluation_dataset_has_the_same_hash(evaluations, name):
    found = recipes.outcome(evaluations[name], lambda one: one.hash)
    assert len(found) == 32
    assert found == GOLDEN["evaluation hashes"][name] or hashed_otherwise(name)


@pytest.mark.parametrize("name", GOLDEN["polars"])
def test_polars_dataset_is_recorded_as_the_reference_records_it(name):
    polars = optional("polars")
    fact = dict(GOLDEN["polars"][name])
    dataset = dict(recipes.polars_cases())[name]()
    found = dataset.to_dict()
    if polars.__version__ != GOLDEN["polars version"]:  # hashes are of that release
        fact["digest"] = str(dataset.df.hash_rows().sum())
    assert found == fact


@pytest.mark.parametrize("raw", recipes.RAW_SOURCES, ids=str)
def test_source_is_resolved_as_the_reference_resolves_it(raw):
    assert recipes.resolved(raw) == GOLDEN["sources"][str(raw)]


def test_every_record_has_its_recipe(datasets, evaluations):
    optional("polars")
    assert set(datasets) == set(GOLDEN["datasets"])
    assert set(evaluations) == set(GOLDEN["evaluation hashes"])
    assert set(dict(recipes.polars_cases())) == set(GOLDEN["polars"])
    assert {str(raw) for raw in recipes.RAW_SOURCES} == set(GOLDEN["sources"])
