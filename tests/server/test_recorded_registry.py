"""A recorded session of the reference's own client with its server about the model registry, had
again with ours.

`data/session-registry.jsonl` has, in wire order, every recorded exchange about registered models
and their versions, prompts kept as such among them, and what these need: two experiments, a run,
and a logged model with its files. Every difference fails the test, but for the ids that a server
makes and the times of its clock.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import Server
from tests.server.replay import Replay

EXCHANGES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/session-registry.jsonl").read_text().splitlines()
]


@pytest.fixture(scope="module")
def differences(tmp_path_factory) -> dict[int, list[str]]:
    """What is different in each exchange of the whole session."""
    server = Server(tmp_path_factory.mktemp("session")).start()
    replay = Replay(server.port)
    found = {recorded["n"]: replay.differences(recorded) for recorded in EXCHANGES}
    server.stop()
    return found


@pytest.mark.parametrize(
    "recorded", EXCHANGES, ids=lambda r: f"{r['n']}-{r['method']}-{r['path'].rpartition('/')[2]}"
)
def test_exchange(differences, recorded):
    assert differences[recorded["n"]] == []


def test_the_session_is_there():
    topics = ("registered-models", "model-versions")
    assert len([r for r in EXCHANGES if any(topic in r["path"] for topic in topics)]) == 86
