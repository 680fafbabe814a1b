"""Models saved here load in the reference, and the other way round."""

import json
import subprocess
import sys

import pytest

from tests.conftest import REFERENCE, needs_reference
from tests.models import exchange

pytestmark = needs_reference


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory):
    """What each of the two says of the models that each has saved."""
    found = {}
    for writer, interpreter in (("ours", sys.executable), ("theirs", REFERENCE)):
        folder = tmp_path_factory.mktemp(writer)
        command = [interpreter, exchange.__file__, "save", str(folder)]
        subprocess.run(command, check=True, timeout=300)
        for reader, other in (("ours", sys.executable), ("theirs", REFERENCE)):
            command = [other, exchange.__file__, "load", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
            found[writer, reader] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", exchange.models())
@pytest.mark.parametrize("part", ["prediction", "model", "requirements", "example", "native"])
@pytest.mark.parametrize("writer", ["ours", "theirs"])
def test_both_read_the_same(exchanged, writer, part, name):
    ours, theirs = exchanged[writer, "ours"][name], exchanged[writer, "theirs"][name]
    assert ours[part] == theirs[part]


@pytest.mark.parametrize("name", exchange.models())
@pytest.mark.parametrize("part", ["prediction", "model", "files"])
def test_both_write_the_same(exchanged, part, name):
    assert exchanged["ours", "ours"][name][part] == exchanged["theirs", "ours"][name][part]


@pytest.mark.parametrize("name", exchange.models())
def test_all_that_the_reference_requires_is_required_here(exchanged, name):
    """Besides what happens to be installed and is loaded by another library."""
    by_chance = {"psutil", "polars", *(["pandas"] if name == "typed" else [])}
    theirs = set(exchanged["theirs", "ours"][name]["requirements"])
    theirs = {one for one in theirs if one.partition("==")[0] not in by_chance}
    assert theirs <= set(exchanged["ours", "ours"][name]["requirements"])
