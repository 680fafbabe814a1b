"""Webhooks in every registry, on the wire, and as values."""

from __future__ import annotations

import json
import re
import sys
import uuid
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import mlflow
from mlflow.entities import Webhook, WebhookEvent, WebhookStatus, WebhookTestResult
from mlflow.entities.webhook import VALID_ENTITY_ACTIONS, WebhookAction, WebhookEntity
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry import secrets
from mlflow.webhooks import types
from tests.optional import optional  # noqa: F401
from tests.server.replay import send

RECORDED = json.loads((Path(__file__).parents[1] / "data/webhooks-golden.json").read_text("utf-8"))
URL = "https://example.com/h"
CREATED = WebhookEvent.from_str("registered_model.created")
TAGGED = WebhookEvent.from_str("model_version_tag.set")


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql", "rest"])
def stores(request, tmp_path_factory):
    from mlflow.store.model_registry.resolve import registry_store

    if request.param == "rest":
        return registry_store(request.getfixturevalue("shared_server").uri)
    if request.param == "sqlite":
        return registry_store(f"sqlite:///{tmp_path_factory.mktemp('hooks')}/store.db")
    return registry_store(request.getfixturevalue(f"{request.param}_uri"))


def test_webhook_from_its_making_to_its_end(stores):
    made = stores.create_webhook("hook", URL, [TAGGED, CREATED, CREATED], "d", "secret")
    assert str(uuid.UUID(made.webhook_id)) == made.webhook_id
    assert (made.name, made.url, made.description) == ("hook", URL, "d")
    assert (made.status, made.secret, made.workspace) == (WebhookStatus.ACTIVE, None, "default")
    assert list(map(str, made.events)) == ["model_version_tag.set", "registered_model.created"]
    assert made.creation_timestamp == made.last_updated_timestamp
    assert repr(stores.get_webhook(made.webhook_id)) == repr(made)

    changed = stores.update_webhook(made.webhook_id, name="new", events=[CREATED])
    assert (changed.name, changed.url, changed.events) == ("new", URL, [CREATED])
    assert changed.last_updated_timestamp >= made.last_updated_timestamp
    disabled = stores.update_webhook(made.webhook_id, status=WebhookStatus.DISABLED)
    assert not disabled.status.is_active()
    assert stores.update_webhook(made.webhook_id, description="").description in ("", None)

    stores.delete_webhook(made.webhook_id)
    for call in (
        stores.get_webhook,
        stores.delete_webhook,
        stores.update_webhook,
        stores.test_webhook,
    ):
        with pytest.raises(MlflowException, match=f"{made.webhook_id} not found") as caught:
            call(made.webhook_id)
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_pages_are_newest_first(stores):
    for old in stores.list_webhooks(max_results=1000):
        stores.delete_webhook(old.webhook_id)
    names = [f"hook{number}" for number in range(5)]
    for name in names:
        stores.create_webhook(name, URL, [CREATED])
    found, token = [], None
    while True:
        page = stores.list_webhooks(max_results=2, page_token=token)
        found += [one.name for one in page]
        token = page.token
        if not token:
            break
    assert found == names[::-1]
    assert [one.name for one in stores.list_webhooks()] == names[::-1]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("name", "a b"),
        ("name", "-a"),
        ("name", "a_"),
        ("name", "a" * 64),
        ("name", "a\n"),
        ("url", "http://example.com/"),
        ("url", "example.com"),
        ("url", "https://"),
        ("url", "https://ex ample.com/"),
        ("url", "https://example.com\\@evil.com/"),
        ("url", "https://example.com/\r\nX: y"),
        ("url", "https://example.com:99999/"),
        ("url", f"https://example.com/{'x' * 500}"),
        ("description", "x" * 1001),
    ],
)
def test_parts_that_are_not_valid(stores, part, value):
    with pytest.raises(MlflowException) as caught:
        stores.create_webhook(**{"name": "n", "url": URL, "events": [CREATED], part: value})
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    made = stores.create_webhook("n", URL, [CREATED])
    with pytest.raises(MlflowException):
        stores.update_webhook(made.webhook_id, **{part: value})


@pytest.mark.parametrize("name", ["a", "a.b", "a_b-c", "a" * 63, "9"])
def test_names_that_are_valid(stores, name):
    assert stores.create_webhook(name, URL, [CREATED]).name == name


@pytest.mark.parametrize("size", [-1, 1001])
def test_page_size_is_bounded(stores, size):
    with pytest.raises(MlflowException, match="between 1 and 1000"):
        stores.list_webhooks(max_results=size)
    with pytest.raises(MlflowException, match="page token"):
        stores.list_webhooks(page_token="zzz")


def test_who_wants_to_know_of_an_event(registry):
    hook = registry.create_webhook("hook", URL, [CREATED])
    registry.create_webhook("other", URL, [TAGGED])
    registry.create_webhook("off", URL, [CREATED], status=WebhookStatus.DISABLED)
    assert [one.name for one in registry.list_webhooks_by_event(CREATED)] == ["hook"]
    registry.delete_webhook(hook.webhook_id)
    assert registry.list_webhooks_by_event(CREATED) == []


def test_registry_in_a_folder_keeps_none(tmp_path):
    from mlflow.store.model_registry.resolve import registry_store

    registry = registry_store((tmp_path / "mlruns").as_uri())
    with pytest.raises(MlflowException, match="no webhooks") as caught:
        registry.create_webhook("hook", URL, [CREATED])
    assert caught.value.error_code == "NOT_IMPLEMENTED"


# -- secrets --------------------------------------------------------------------------------------


@pytest.fixture
def key(monkeypatch):
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", key)
    return key


def test_secrets_are_encrypted_as_the_reference_does(registry, key):
    hook = registry.create_webhook("hook", URL, [CREATED], secret="topsecret")
    with registry.db.read() as tx:
        [(stored,)] = tx.execute("select secret from webhook").fetchall()
    assert Fernet(key).decrypt(stored) == b"topsecret"
    registry.delete_webhook(hook.webhook_id)
    with registry.db.read() as tx:
        assert tx.execute("select secret from webhook").fetchall() == [(None,)]


def test_secret_that_is_no_text_is_refused_and_not_repeated(registry, key):
    with pytest.raises(MlflowException, match="surrogate") as refused:
        secrets.encrypt("\ud800")
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_secret_of_another_key_is_not_used(registry, key, monkeypatch):
    hook = registry.create_webhook("hook", URL, [CREATED], secret="topsecret")
    monkeypatch.setenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", Fernet.generate_key().decode())
    with pytest.raises(MlflowException, match="another key"):
        registry.test_webhook(hook.webhook_id)


def test_key_that_is_none(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", "short")
    with pytest.raises(MlflowException, match="url-safe base64"):
        registry.create_webhook("hook", URL, [CREATED], secret="s")
    assert registry.list_webhooks() == []


def test_without_a_key_there_is_a_warning(registry, monkeypatch, caplog):
    monkeypatch.delenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", raising=False)
    secrets._cipher.cache_clear()
    registry.create_webhook("hook", URL, [CREATED], secret="s")
    assert "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY is not set" in caplog.text
    assert secrets.decrypt(secrets.encrypt("s")) == "s"


def test_without_the_library_secrets_are_refused(registry, key, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    secrets._cipher.cache_clear()
    with pytest.raises(MlflowException, match=r"headrace\[webhooks\]"):
        registry.create_webhook("hook", URL, [CREATED], secret="s")
    assert registry.create_webhook("hook", URL, [CREATED]).name == "hook"


# -- the wire -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def port(shared_server):
    return shared_server.port


def ask(port, method, path, body=None, query=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    text = None if body is None else json.dumps(body).encode()
    return send(port, method, path, query=query, headers=headers, body=text)


def test_recorded_session(port):
    ids = {}

    def ours(text):
        for recorded, mine in ids.items():
            text = text.replace(recorded, mine)
        return text

    def timeless(answer):
        return re.sub(r'(_timestamp": )\d+', r"\g<1>0", json.dumps(answer))

    for old in ask(port, "GET", "/api/2.0/mlflow/webhooks").json().get("webhooks", ()):
        ask(port, "DELETE", f"/api/2.0/mlflow/webhooks/{old['webhook_id']}")
    assert len(RECORDED["session"]) == 5
    for one in RECORDED["session"]:
        body = one.get("request", {}).get("json")
        answer = ask(port, one["method"], ours(one["path"]), body, one.get("query"))
        expected = one["response"]["json"]
        if one["method"] == "POST":
            ids[expected["webhook"]["webhook_id"]] = answer.json()["webhook"]["webhook_id"]
        assert answer.status == one["status"]
        assert timeless(answer.json()) == ours(timeless(expected))


@pytest.mark.parametrize("case", RECORDED["errors"], ids=lambda case: case["name"])
def test_recorded_errors(port, case):
    answer = ask(port, case["method"], case["path"], case.get("body"))
    assert answer.status == case["status"]
    expected = {"error_code": case["error_code"], "message": case["message"], **case["extra"]}
    assert answer.json() == expected


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([{"entity": "MODEL_VERSION"}], 400),
        ([{"action": "CREATED"}], 400),
        ([{}], 400),
        ([{"entity": "PROMPT", "action": "EXCEEDED"}], 400),
        ("x", 400),
        ([{"entity": "MODEL_VERSION", "action": "CREATED"}], 200),
        ([{"entity": 2, "action": 1}], 200),
    ],
)
def test_events_on_the_wire(port, events, status):
    body = {"name": "n", "url": URL, "events": events}
    assert ask(port, "POST", "/api/2.0/mlflow/webhooks", body).status == status


def test_secret_is_never_told(port):
    body = {
        "name": "n",
        "url": URL,
        "secret": "topsecret",
        "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
    }
    answers = [ask(port, "POST", "/api/2.0/mlflow/webhooks", body)]
    path = f"/api/2.0/mlflow/webhooks/{answers[0].json()['webhook']['webhook_id']}"
    answers += [
        ask(port, "GET", path),
        ask(port, "GET", "/ajax-api/2.0/mlflow/webhooks"),
        ask(port, "PATCH", path, {"secret": "topsecret2"}),
    ]
    for answer in answers:
        assert answer.status == 200
        assert b"secret" not in answer.body


def test_what_is_empty_is_not_changed(port):
    event = {"entity": "MODEL_VERSION", "action": "CREATED"}
    body = {"name": "n", "url": URL, "description": "d", "events": [event]}
    made = ask(port, "POST", "/api/2.0/mlflow/webhooks", body).json()["webhook"]
    path = f"/api/2.0/mlflow/webhooks/{made['webhook_id']}"
    for change in ({}, {"name": ""}, {"url": ""}, {"events": []}, {"webhook_id": "zz"}):
        changed = ask(port, "PATCH", path, change).json()["webhook"]
        assert {**changed, "last_updated_timestamp": 0} == {**made, "last_updated_timestamp": 0}


def test_client_takes_names_of_events_and_states(shared_server):
    client = mlflow.MlflowClient(shared_server.uri)
    made = client.create_webhook("c", URL, ["model_version.created", CREATED], status="DISABLED")
    assert made.status is WebhookStatus.DISABLED
    assert len(made.events) == 2
    changed = client.update_webhook(made.webhook_id, status="ACTIVE", events=[CREATED])
    assert (changed.status, changed.events) == (WebhookStatus.ACTIVE, [CREATED])
    assert client.get_webhook(made.webhook_id).name == "c"
    assert made.webhook_id in {one.webhook_id for one in client.list_webhooks(max_results=1000)}
    refused = client.test_webhook(made.webhook_id, "prompt.created")
    assert not refused.success
    client.delete_webhook(made.webhook_id)
    with pytest.raises(ValueError, match="'foo' is not a valid WebhookStatus"):
        client.create_webhook("c", URL, [CREATED], status="foo")


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("entity", WebhookEntity)
@pytest.mark.parametrize("action", WebhookAction)
def test_events_have_payloads_or_are_none(entity, action):
    if action in VALID_ENTITY_ACTIONS[entity]:
        event = WebhookEvent(entity.value, action.value)
        assert WebhookEvent.from_str(str(event)) == event
        payload = types.get_example_payload_for_event(event)
        fields = types.get_payload_class_for_event(event).__annotations__
        assert list(payload) == list(fields)
    else:
        with pytest.raises(MlflowException, match=f"Invalid action '{action}'"):
            WebhookEvent(entity, action)


@pytest.mark.parametrize("text", ["foo", "a.b.c", "", "foo.bar", "MODEL_VERSION.CREATED"])
def test_names_of_no_events(text):
    with pytest.raises(MlflowException, match="Invalid e"):
        WebhookEvent.from_str(text)


def test_values_print_themselves_without_the_secret():
    hook = Webhook("1", "n", "u", [CREATED], 1, 2, secret="topsecret")
    assert repr(hook) == (
        "Webhook(webhook_id='1', name='n', url='u', status='ACTIVE', workspace='default', "
        "events=[WebhookEvent(entity=registered_model, action=created)], creation_timestamp=1, "
        "last_updated_timestamp=2)"
    )
    assert hook.secret == "topsecret"
    assert repr(WebhookTestResult(False, 500, "b")) == (
        "WebhookTestResult(success=False, response_status=500, response_body='b', "
        "error_message=None)"
    )
    with pytest.raises(MlflowException, match="cannot be empty"):
        Webhook("1", "n", "u", [], 1, 2)


def test_public_names():
    facts = json.loads(
        (Path(__file__).parents[1] / "data/python-api-webhooks.json").read_text("utf-8")
    )
    for module, parts in facts.items():
        loaded = sys.modules[module]
        for kind in ("functions", "classes", "constants", "reexports"):
            for name in parts.get(kind, ()):
                found = getattr(loaded, name)
                for part in (
                    parts["classes"].get(name, {}).get("properties", ())
                    if (kind == "classes")
                    else ()
                ):
                    assert isinstance(vars(found)[part], property)
                if kind == "classes" and "members" in parts["classes"][name]:
                    assert set(found.__members__) == set(parts["classes"][name]["members"])
