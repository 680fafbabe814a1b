"""Signatures and input examples of all kinds, against what the reference makes of them."""

import json
import subprocess
from pathlib import Path

import pytest

from mlflow.models import ModelSignature, infer_signature
from tests.conftest import REFERENCE, needs_reference
from tests.models import cases
from tests.models.toy import Doubler, Toy

RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "model-cases.json").read_text(encoding="utf-8")
)


def save_toy(path, example):
    Toy().save(Doubler(), path, input_example=example, signature=False, pip_requirements=[])


@pytest.mark.filterwarnings("ignore:Hint")
@pytest.mark.parametrize("name", cases.SIGNATURES)
def test_signature_is_the_same(name):
    mine = cases.attempt(cases.signature, cases.SIGNATURES[name])
    assert mine == RECORDED["signatures"][name]
    if "error" not in mine:
        signature = infer_signature(*cases.SIGNATURES[name])
        assert ModelSignature.from_dict(mine) == signature
        assert ModelSignature.from_dict(mine).to_dict() == mine


@pytest.mark.parametrize("name", cases.EXAMPLES)
def test_serving_input_is_the_same(name):
    mine = cases.attempt(cases.serving, cases.EXAMPLES[name])
    assert mine == RECORDED["serving"][name]


@pytest.mark.parametrize("name", cases.EXAMPLES)
def test_saved_example_is_the_same(name):
    mine = cases.attempt(cases.saved, cases.EXAMPLES[name], save_toy)
    assert mine == RECORDED["saved"][name]


@needs_reference
def test_the_record_is_what_the_reference_says():
    done = subprocess.run(
        [REFERENCE, cases.__file__], capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(done.stdout) == RECORDED
