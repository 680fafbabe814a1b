"""RPCs of webhooks."""

from __future__ import annotations

from typing import Any, Literal

from mlflow.entities import webhook as e
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.wire import Int64, Needed, Wire

_USUAL = 100

StatusName = Literal["ACTIVE", "DISABLED"]
EntityName = Literal[
    "REGISTERED_MODEL",
    "MODEL_VERSION",
    "MODEL_VERSION_TAG",
    "MODEL_VERSION_ALIAS",
    "PROMPT",
    "PROMPT_VERSION",
    "PROMPT_TAG",
    "PROMPT_VERSION_TAG",
    "PROMPT_ALIAS",
    "BUDGET_POLICY",
]
ActionName = Literal["CREATED", "UPDATED", "DELETED", "SET", "EXCEEDED"]


class WebhookEvent(Wire, kw_only=True):
    """Something that a webhook can be told of."""

    entity: EntityName | None = None
    action: ActionName | None = None

    @classmethod
    def of(cls, event: e.WebhookEvent) -> WebhookEvent:
        return cls(entity=event.entity.name, action=event.action.name)  # type: ignore[arg-type]

    def as_entity(self) -> e.WebhookEvent:
        for name in ("entity", "action"):
            if getattr(self, name) is None:
                raise _missing(name)
        return e.WebhookEvent(e.WebhookEntity[self.entity], e.WebhookAction[self.action])


class Webhook(Wire, kw_only=True):
    """Where to send which events; without the secret, which is never told."""

    webhook_id: str | None = None
    name: str | None = None
    description: str | None = None
    url: str | None = None
    events: list[WebhookEvent] = []
    status: StatusName | None = None
    creation_timestamp: Int64 | None = None
    """Milliseconds since the Unix epoch; so is the next."""
    last_updated_timestamp: Int64 | None = None

    @classmethod
    def of(cls, w: e.Webhook) -> Webhook:
        return cls(
            webhook_id=w.webhook_id,
            name=w.name,
            description=w.description,
            url=w.url,
            events=[WebhookEvent.of(event) for event in w.events],
            status=w.status.value,  # type: ignore[arg-type]
            creation_timestamp=w.creation_timestamp,
            last_updated_timestamp=w.last_updated_timestamp,
        )

    def as_entity(self) -> e.Webhook:
        return e.Webhook(
            webhook_id=self.webhook_id or "",
            name=self.name or "",
            url=self.url or "",
            events=[event.as_entity() for event in self.events],
            creation_timestamp=self.creation_timestamp or 0,
            last_updated_timestamp=self.last_updated_timestamp or 0,
            description=self.description,
            status=self.status or e.WebhookStatus.ACTIVE,
        )


class WebhookAnswer(Wire):
    webhook: Webhook


class WebhookPage(Wire):
    webhooks: list[Webhook] = []
    next_page_token: str | None = None
    """Absent on the last page."""


class TestResult(Wire, kw_only=True):
    """What became of a test message."""

    success: bool | None = None
    response_status: int | None = None
    response_body: str | None = None
    error_message: str | None = None

    def as_entity(self) -> e.WebhookTestResult:
        return e.WebhookTestResult(
            bool(self.success), self.response_status, self.response_body, self.error_message
        )


class TestAnswer(Wire):
    result: TestResult


def _missing(name: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"Missing value for required parameter '{name}'. See the API docs for more information "
        "about request parameters."
    )


def _status(name: str | None) -> e.WebhookStatus | None:
    return e.WebhookStatus(name) if name else None


@rpc(
    "POST",
    "/mlflow/webhooks",
    needs=("webhook", "create"),
    response=WebhookAnswer,
    store="registry",
)
class CreateWebhook(Rpc, kw_only=True):
    """Have events sent to a URL."""

    name: Needed
    description: str | None = None
    url: Needed
    events: list[WebhookEvent] = []
    """At least one."""
    secret: str | None = None
    """The key that messages are signed with."""
    status: StatusName | None = None

    def answer(self, store: Any) -> WebhookAnswer:
        if not self.events:
            raise _missing("events")
        made = store.create_webhook(
            name=self.name,
            url=self.url,
            events=[event.as_entity() for event in self.events],
            description=self.description,
            secret=self.secret or None,
            status=_status(self.status),
        )
        return WebhookAnswer(webhook=Webhook.of(made))


@rpc("GET", "/mlflow/webhooks", needs=("webhook", "read"), response=WebhookPage, store="registry")
class ListWebhooks(Rpc, kw_only=True):
    """Webhooks, newest first."""

    max_results: int | None = None
    """1 to 1000; 100 if it is 0 or not given."""
    page_token: str | None = None

    def answer(self, store: Any) -> WebhookPage:
        page = store.list_webhooks(self.max_results or _USUAL, self.page_token or None)
        return WebhookPage(
            webhooks=[Webhook.of(one) for one in page], next_page_token=page.token or None
        )


@rpc(
    "GET",
    "/mlflow/webhooks/{webhook_id}",
    needs=("webhook", "read"),
    response=WebhookAnswer,
    store="registry",
)
class GetWebhook(Rpc, kw_only=True):
    """One webhook."""

    webhook_id: str = ""

    def answer(self, store: Any) -> WebhookAnswer:
        return WebhookAnswer(webhook=Webhook.of(store.get_webhook(self.webhook_id)))


@rpc(
    "PATCH",
    "/mlflow/webhooks/{webhook_id}",
    needs=("webhook", "edit"),
    response=WebhookAnswer,
    store="registry",
)
class UpdateWebhook(Rpc, kw_only=True):
    """Change what is given; what is absent or empty stays as it is."""

    webhook_id: str = ""
    name: str | None = None
    description: str | None = None
    url: str | None = None
    events: list[WebhookEvent] = []
    secret: str | None = None
    status: StatusName | None = None

    def answer(self, store: Any) -> WebhookAnswer:
        changed = store.update_webhook(
            webhook_id=self.webhook_id,
            name=self.name or None,
            description=self.description,
            url=self.url or None,
            events=[event.as_entity() for event in self.events] or None,
            secret=self.secret or None,
            status=_status(self.status),
        )
        return WebhookAnswer(webhook=Webhook.of(changed))


@rpc("DELETE", "/mlflow/webhooks/{webhook_id}", needs=("webhook", "delete"), store="registry")
class DeleteWebhook(Rpc, kw_only=True):
    """Send nothing more."""

    webhook_id: str = ""

    def answer(self, store: Any) -> None:
        store.delete_webhook(self.webhook_id)


@rpc(
    "POST",
    "/mlflow/webhooks/{webhook_id}/test",
    needs=("webhook", "edit"),
    response=TestAnswer,
    store="registry",
)
class TestWebhook(Rpc, kw_only=True):
    """Send an example of an event, at once and only once."""

    webhook_id: str = ""
    event: WebhookEvent | None = None
    """One of its own if it is not given."""

    def answer(self, store: Any) -> TestAnswer:
        event = self.event.as_entity() if self.event is not None else None
        result = store.test_webhook(self.webhook_id, event)
        return TestAnswer(
            result=TestResult(
                success=result.success,
                response_status=result.response_status,
                response_body=result.response_body,
                error_message=result.error_message,
            )
        )
