"""From a change of the registry to whoever wants to know."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import threading
import time

import pytest

import mlflow
from mlflow.entities import WebhookEvent, WebhookStatus
from mlflow.entities.webhook import WebhookEventStr
from mlflow.store.model_registry.resolve import registry_store
from mlflow.webhooks.delivery import Deliverer

pytestmark = pytest.mark.usefixtures("trusting")

CREATED = WebhookEvent.from_str("registered_model.created")
ALL_OF_MODELS = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
]


@pytest.fixture
def quick(monkeypatch):
    """Waits between attempts are short."""
    monkeypatch.setattr("mlflow.webhooks.delivery._FIRST_WAIT", 0.02)


@pytest.fixture
def deliverer(registry, quick):
    made = Deliverer(registry)
    yield made
    made.close()


def waiting(registry):
    with registry.db.read() as tx:
        return tx.execute("select count(*) from webhook_delivery").fetchone()[0]


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_event_tells_what_the_reference_tells(registry, deliverer, receiver):
    events = [WebhookEvent.from_str(name) for name in ALL_OF_MODELS]
    registry.create_webhook("hook", f"{receiver.url}/all", events, secret="topsecret")
    from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag

    registry.create_registered_model("m", [RegisteredModelTag("a", "b")], "dd")
    registry.create_registered_model("plain")
    registry.create_model_version("m", "s3://b/k", None, [ModelVersionTag("t", "u")], None, "vd")
    registry.set_model_version_tag("m", "1", ModelVersionTag("k", "v"))
    registry.delete_model_version_tag("m", "1", "k")
    registry.set_registered_model_alias("m", "al", "1")
    registry.delete_registered_model_alias("m", "al")
    told = [json.loads(one.body) for one in receiver.wait_for(7, "/all")]
    assert {json.dumps([one["entity"], one["action"], one["data"]]) for one in told} == {
        json.dumps(one)
        for one in [
            [
                "registered_model",
                "created",
                {"name": "m", "tags": {"a": "b"}, "description": "dd"},
            ],
            ["registered_model", "created", {"name": "plain", "tags": {}, "description": ""}],
            [
                "model_version",
                "created",
                {
                    "name": "m",
                    "version": "1",
                    "source": "s3://b/k",
                    "run_id": None,
                    "tags": {"t": "u"},
                    "description": "vd",
                },
            ],
            [
                "model_version_tag",
                "set",
                {"name": "m", "version": "1", "key": "k", "value": "v"},
            ],
            ["model_version_tag", "deleted", {"name": "m", "version": "1", "key": "k"}],
            ["model_version_alias", "created", {"name": "m", "alias": "al", "version": "1"}],
            ["model_version_alias", "deleted", {"name": "m", "alias": "al"}],
        ]
    }
    assert all(list(one) == ["entity", "action", "timestamp", "data"] for one in told)
    wait_until(lambda: waiting(registry) == 0)


def test_receivers_can_verify_who_sent_it(registry, deliverer, receiver):
    registry.create_webhook("signed", f"{receiver.url}/signed", [CREATED], secret="topsecret")
    registry.create_webhook("unsigned", f"{receiver.url}/unsigned", [CREATED])
    registry.create_registered_model("m")
    [message] = receiver.wait_for(1, "/signed")
    told = message.headers
    text = f"{told['X-MLflow-Delivery-Id']}.{told['X-MLflow-Timestamp']}.{message.body}"
    digest = hmac.new(b"topsecret", text.encode(), hashlib.sha256).digest()
    assert told["X-MLflow-Signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert told["Content-Type"] == "application/json"
    assert abs(int(told["X-MLflow-Timestamp"]) - time.time()) < 60
    [message] = receiver.wait_for(1, "/unsigned")
    assert "X-MLflow-Signature" not in message.headers


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again_with_the_same_id(registry, deliverer, receiver, status):
    receiver.answer("/flaky", status, status)
    registry.create_webhook("hook", f"{receiver.url}/flaky", [CREATED])
    registry.create_registered_model("m")
    messages = receiver.wait_for(3, "/flaky")
    assert len({one.headers["X-MLflow-Delivery-Id"] for one in messages}) == 1
    assert len({one.body for one in messages}) == 1
    wait_until(lambda: waiting(registry) == 0)
    assert len(receiver.messages) == 3


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (404, 1), (410, 1), (302, 1)])
def test_attempts_are_bounded(registry, deliverer, receiver, monkeypatch, caplog, status, attempts):
    monkeypatch.setenv("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", "2")
    target = {"Location": f"{receiver.url}/target"}
    receiver.answer("/bad", *[(status, target)] * 9)
    registry.create_webhook("hook", f"{receiver.url}/bad", [CREATED], secret="topsecret")
    registry.create_registered_model("m")
    wait_until(lambda: waiting(registry) == 0)
    assert len(receiver.at("/bad")) == attempts
    assert receiver.at("/target") == []
    assert f"webhook 'hook' after attempt {attempts}: it answered {status}" in caplog.text
    assert "topsecret" not in caplog.text


def test_receiver_says_when_to_come_again(registry, deliverer, receiver):
    receiver.answer("/later", (503, {"Retry-After": "1"}))
    registry.create_webhook("hook", f"{receiver.url}/later", [CREATED])
    registry.create_registered_model("m")
    first, second = receiver.wait_for(2, "/later")
    assert second.at - first.at >= 0.9


def test_nobody_there_is_tried_again(registry, deliverer, receiver, monkeypatch):
    monkeypatch.setenv("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", "1")
    receiver.close()
    registry.create_webhook("hook", f"{receiver.url}/gone", [CREATED])
    registry.create_registered_model("m")
    wait_until(lambda: waiting(registry) == 0)


def test_no_thread_without_webhooks(registry, deliverer, receiver):
    deliverer.start()
    registry.create_registered_model("before")
    assert "webhooks" not in {one.name for one in threading.enumerate()}
    hook = registry.create_webhook("hook", f"{receiver.url}/one", [CREATED])
    registry.create_registered_model("m")
    receiver.wait_for(1, "/one")
    registry.delete_webhook(hook.webhook_id)
    deliverer.wake()
    wait_until(lambda: "webhooks" not in {one.name for one in threading.enumerate()})


def test_disabled_and_deleted_webhooks_are_told_nothing(registry, receiver, quick):
    hooks = [
        registry.create_webhook(name, f"{receiver.url}/{name}", [CREATED])
        for name in ("kept", "disabled", "deleted", "early")
    ]
    registry.update_webhook(hooks[3].webhook_id, status=WebhookStatus.DISABLED)
    registry.create_registered_model("m")
    assert waiting(registry) == 3
    registry.update_webhook(hooks[1].webhook_id, status=WebhookStatus.DISABLED)
    registry.delete_webhook(hooks[2].webhook_id)
    deliverer = Deliverer(registry)
    deliverer.start()
    receiver.wait_for(1, "/kept")
    wait_until(lambda: waiting(registry) == 0)
    deliverer.close()
    assert [one.path for one in receiver.messages] == ["/kept"]


def test_change_that_fails_is_not_told(registry):
    registry.create_webhook("hook", "https://example.com/h", [CREATED])
    registry.create_registered_model("m")
    with pytest.raises(mlflow.MlflowException):
        registry.create_registered_model("m")
    assert waiting(registry) == 1


def test_several_senders_send_each_message_once(registry, receiver, quick):
    registry.create_webhook("hook", f"{receiver.url}/once", [CREATED])
    for number in range(40):
        registry.create_registered_model(f"m{number}")
    senders = [Deliverer(registry) for _ in range(4)]
    for one in senders:
        one.start()
    receiver.wait_for(40, "/once")
    wait_until(lambda: waiting(registry) == 0)
    for one in senders:
        one.close()
    ids = [one.headers["X-MLflow-Delivery-Id"] for one in receiver.messages]
    assert len(ids) == len(set(ids)) == 40


def test_what_was_claimed_by_who_died_is_sent_later(registry, receiver, quick):
    registry.create_webhook("hook", f"{receiver.url}/late", [CREATED])
    registry.create_registered_model("m")
    assert len(registry.claim_deliveries(10, lease=300)) == 1
    assert registry.claim_deliveries(10, lease=300) == []
    deliverer = Deliverer(registry)
    deliverer.start()
    [message] = receiver.wait_for(1, "/late")
    deliverer.close()


def test_message_that_kills_whoever_sends_it_is_given_up(registry, deliverer, receiver):
    registry.create_webhook("hook", f"{receiver.url}/fatal", [CREATED])
    registry.on_delivery = None
    registry.create_registered_model("m")
    for _ in range(4):
        assert len(registry.claim_deliveries(10, lease=-1)) == 1
    deliverer.start()
    wait_until(lambda: waiting(registry) == 0)
    assert receiver.messages == []


def test_prompts_are_no_models(registry):
    from mlflow.entities.model_registry import RegisteredModelTag

    registry.create_webhook("hook", "https://example.com/h", [CREATED])
    registry.create_registered_model("p", [RegisteredModelTag("mlflow.prompt.is_prompt", "true")])
    assert waiting(registry) == 0


def test_server_sends_and_what_waits_survives_its_end(make_server, receiver, monkeypatch):
    server = make_server()
    client = mlflow.MlflowClient(server.uri)
    client.create_webhook("hook", f"{receiver.url}/up", ["registered_model.created"], secret="s")
    client.create_registered_model("m1")
    receiver.wait_for(1, "/up")
    receiver.answer("/up", (503, {"Retry-After": "3"}))
    client.create_registered_model("m2")
    receiver.wait_for(2, "/up")
    inside = registry_store(f"sqlite:///{server.folder}/mlflow.db")
    wait_until(lambda: inside.next_delivery() < 4000)  # the server has read the answer
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.start()
    messages = receiver.wait_for(3, "/up", seconds=30)
    ids = [one.headers["X-MLflow-Delivery-Id"] for one in messages]
    assert ids[1] == ids[2] != ids[0]


@pytest.mark.parametrize("event", WebhookEventStr.__args__)
def test_test_message_of_each_event(registry, receiver, event):
    hook = registry.create_webhook("hook", f"{receiver.url}/test", [CREATED], secret="topsecret")
    result = registry.test_webhook(hook.webhook_id, WebhookEvent.from_str(event))
    assert (result.success, result.response_status) == (True, 200)
    assert (result.response_body, result.error_message) == ('said "yes"', None)
    [message] = receiver.messages
    told = json.loads(message.body)
    assert f"{told['entity']}.{told['action']}" == event
    assert "X-MLflow-Signature" in message.headers


def test_test_message_that_fails(registry, receiver):
    hook = registry.create_webhook("hook", f"{receiver.url}/test", [CREATED])
    receiver.answer("/test", 500)
    result = registry.test_webhook(hook.webhook_id)
    assert (result.success, result.response_status) == (False, 500)
    assert len(receiver.messages) == 1
    receiver.close()
    result = registry.test_webhook(hook.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (False, None, None)
    assert result.error_message.startswith("Failed to test webhook: ConnectionRefusedError")
