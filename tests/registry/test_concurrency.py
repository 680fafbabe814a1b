"""Many clients at once: numbers are dense, no change is lost, and the trail has all of them in
order."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from mlflow.entities.model_registry import ModelVersionTag
from mlflow.store.model_registry.resolve import registry_store
from mlflow.store.model_registry.rest.store import RestRegistry
from tests.conftest import Server

CLIENTS = 32


def all_at_once(calls: list[Callable[[], None]]) -> None:
    """Every call in a thread of its own, begun together; their errors are raised."""
    errors: list[Exception] = []
    start = threading.Barrier(len(calls))

    def carry_out(call: Callable[[], None]) -> None:
        start.wait()
        try:
            call()
        except Exception as e:
            errors.append(e)

    threads = [threading.Thread(target=carry_out, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def check(clients: list, name: str) -> None:
    """What has to hold, whatever the order in which the clients came."""
    made: list[int] = []
    clients[0].create_registered_model(name)

    def create(client) -> None:
        for _ in range(3):
            made.append(int(client.create_model_version(name, "s3://bucket/x").version))

    all_at_once([lambda c=c: create(c) for c in clients])
    assert sorted(made) == list(range(1, 3 * len(clients) + 1))

    def move(client, number: int) -> None:
        client.set_registered_model_alias(name, "best", number)
        client.transition_model_version_stage(name, number, "Production", True)
        client.set_model_version_tag(name, 1, ModelVersionTag(f"by-{number}", "x"))

    all_at_once([lambda c=c, i=i: move(c, i + 1) for i, c in enumerate(clients)])
    model = clients[0].get_registered_model(name)
    history, token = [], None
    while True:
        page = clients[0].get_registry_history(name, None, 100, token)
        history += page
        token = page.token
        if not token:
            break
    assert len(clients[0].get_model_version(name, 1).tags) == len(clients)

    # Each change begins where the one before it ended, so none is missing or out of order.
    stages: dict[int, str] = {}
    alias = None
    for change in history[1:]:
        if change.action == "create":
            stages[change.version] = "None"
        elif change.action == "transition":
            assert change.before == {"stage": stages[change.version]}
            stages[change.version] = change.after["stage"]
        elif change.action == "set_alias":
            assert change.before == (alias and {"best": alias})
            alias = change.after["best"]
    assert [stage for stage in stages.values()].count("Production") == 1
    found = clients[0].search_model_versions(f"name = '{name}'")
    assert {int(mv.version): mv.current_stage for mv in found} == stages
    assert str(model.aliases["best"]) == str(alias)
    actions = [change.action for change in history]
    assert actions.count("create") == 1 + 3 * len(clients)
    assert actions.count("set_alias") == actions.count("set_tag") == len(clients)
    # each into Production, and all but the last out of it; one that comes twice stays
    assert actions.count("transition") == 2 * len(clients) - 1


def test_clients_of_one_server(shared_server, name):
    check([RestRegistry.for_uri(shared_server.uri) for _ in range(CLIENTS)], name)


def test_clients_of_two_servers_on_one_database(postgresql_uri, make_server, name):
    first, second = (make_server("--backend-store-uri", postgresql_uri) for _ in range(2))
    uris = [first.uri, second.uri] * (CLIENTS // 2)
    check([RestRegistry.for_uri(uri) for uri in uris], name)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_threads_of_one_process(kind, request, tmp_path, name):
    uri = f"sqlite:///{tmp_path}/store.db"
    if kind != "sqlite":
        uri = request.getfixturevalue(f"{kind}_uri")
    check([registry_store(uri)] * 8, name)


def test_threads_in_a_folder(tmp_path, name):
    registry = registry_store((tmp_path / "mlruns").as_uri())
    registry.create_registered_model(name)
    calls = [lambda: registry.create_model_version(name, "s3://bucket/x")] * 16
    all_at_once(calls)
    assert sorted(v.version for v in registry.search_model_versions()) == list(range(1, 17))


def test_a_killed_server_has_lost_no_version(tmp_path, name):
    """What was acknowledged is there, and the numbers go on behind it."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(folder).start()
    client = RestRegistry.for_uri(server.uri)
    client.create_registered_model(name)
    for _ in range(5):
        client.create_model_version(name, "s3://bucket/x")
    server.kill()
    server.start()
    assert int(client.create_model_version(name, "s3://bucket/x").version) == 6
    trail = client.get_registry_history(name)
    assert [c.version for c in trail] == [None, 1, 2, 3, 4, 5, 6]
    server.stop()
