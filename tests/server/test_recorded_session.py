"""A recorded session of the reference's own client with its server, had again with ours.

`data/session-tracking.jsonl` has, in wire order, every recorded exchange about experiments, runs,
metrics, inputs, artifacts, logged models and the server itself: 200 of 330. Left out are the model
registry, but for one version that is made of a logged model, and what is not here yet: prompts,
traces, assessments, webhooks, evaluation datasets and GraphQL. Nothing that is kept needs what is
left out: artifacts of traces are files like others.

Every difference fails the test, but for the ids that a server makes, the times of its clock, and
`DEVIATIONS`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import Server
from tests.server.replay import Replay

EXCHANGES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/session-tracking.jsonl").read_text().splitlines()
]

_PLAIN = ["content-type: text/plain; charset=utf-8 instead of text/html; charset=utf-8"]
_ABILITIES = [".features_enabled.gateway: False instead of True"]
DEVIATIONS = {
    # The version is plain text and says so.
    2: _PLAIN,
    258: _PLAIN,
    # A server says only what it can do, so that clients do not try the rest.
    3: _ABILITIES,
    113: _ABILITIES,
}


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
    assert differences[recorded["n"]] == DEVIATIONS.get(recorded["n"], [])


def test_the_session_is_there():
    assert len(EXCHANGES) == 200
    assert set(DEVIATIONS) <= {recorded["n"] for recorded in EXCHANGES}
