"""From a server of the reference to one of ours and back to another of the reference, by command:

HEADRACE_REFERENCE=/path/to/environment/bin/python pytest tests/interop
"""

from __future__ import annotations

import pytest
from tests.conftest import needs_reference
from tests.dump import differences, dump
from tests.sync.filling import Filler

from mlflow.entities import RunTag
from mlflow.store.tracking.resolve import tracking_store
from mlflow.sync import sync

pytestmark = needs_reference


def everything(uri: str) -> dict:
    return dump(tracking_store(uri), uri, ids=False)


def copy(source: str, destination: str) -> None:
    """Copy once, and once more, to see that nothing is left to be done."""
    assert sync(source, destination).problems == []
    again = sync(source, destination)
    assert again.problems == [] and not again.counts.any_change(), again.counts


@pytest.mark.parametrize("seed", [1, 2])
def test_there_and_back_and_there_again(make_reference_server, make_server, seed):
    first, ours, last = make_reference_server(), make_server().uri, make_reference_server()
    filler = Filler(tracking_store(first), first, seed)
    for _ in range(2):
        filler.work(80)
        copy(first, ours)
        assert differences(everything(first), everything(ours)) == []
        copy(ours, last)
        assert differences(everything(first), everything(last)) == []


def test_runs_keep_their_ids_where_that_is_possible(make_reference_server, make_server):
    first, ours = make_reference_server(), make_server().uri
    store = tracking_store(first)
    run_id = store.create_run("0", "ann", 5, [], "r").info.run_id
    copy(first, ours)
    assert tracking_store(ours).get_run(run_id).info.run_name == "r"


def test_copy_of_a_run_gets_its_own_id_again(make_server, make_reference_server, tmp_path):
    """A run goes to the reference, which gives it another id, and comes home, and goes elsewhere:
    it is the same run everywhere."""
    home, abroad = make_server().uri, make_reference_server()
    store = tracking_store(home)
    parent = store.create_run("0", "ann", 5, [], "parent").info.run_id
    tags = [RunTag("mlflow.parentRunId", parent)]
    child = store.create_run("0", "ann", 4, tags, "child").info.run_id
    copy(home, abroad)
    before = everything(home)
    copy(abroad, home)
    assert everything(home) == before
    elsewhere = f"sqlite:///{tmp_path}/elsewhere/store.db"
    copy(abroad, elsewhere)
    there = tracking_store(elsewhere, str(tmp_path / "elsewhere/mlruns"))
    assert there.get_run(child).data.tags["mlflow.parentRunId"] == parent
