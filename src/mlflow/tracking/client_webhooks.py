"""The part of the client that is about webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.entities.webhook import (
    Webhook,
    WebhookEvent,
    WebhookEventStr,
    WebhookStatus,
    WebhookTestResult,
)

if TYPE_CHECKING:
    from mlflow.store.entities.paged_list import PagedList
    from mlflow.store.model_registry.abstract_store import AbstractStore


class WebhooksClient:
    """Operations on webhooks."""

    _registry: AbstractStore

    def create_webhook(
        self,
        name: str,
        url: str,
        events: list[WebhookEventStr | WebhookEvent],
        description: str | None = None,
        secret: str | None = None,
        status: str | WebhookStatus | None = None,
    ) -> Webhook:
        """Have events of the registry sent to a URL.

        Messages are signed: `X-MLflow-Signature` is `v1,` and the HMAC-SHA256, in base64, of
        `<X-MLflow-Delivery-Id>.<X-MLflow-Timestamp>.<body>` with the secret. A receiver should
        refuse old timestamps, and ids that it has seen.

        Args:
            name: Up to 63 letters, digits, dots, underscores and hyphens.
            url: https. Addresses in private networks are refused when something is sent.
            events: Such as "model_version.created".
            description: For people.
            secret: The key of the signature; without one, messages are not signed.
            status: "ACTIVE", or "DISABLED" to send nothing for now.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if a part is not valid.
        """
        return self._registry.create_webhook(
            name, url, _events(events), description, secret, _status(status)
        )

    def get_webhook(self, webhook_id: str) -> Webhook:
        """One webhook.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none.
        """
        return self._registry.get_webhook(webhook_id)

    def list_webhooks(
        self, max_results: int | None = None, page_token: str | None = None
    ) -> PagedList[Webhook]:
        """Webhooks, newest first; `.token` of the list leads to the next page.

        Args:
            max_results: 1 to 1000; 100 if it is None.
        """
        return self._registry.list_webhooks(max_results, page_token)

    def update_webhook(
        self,
        webhook_id: str,
        name: str | None = None,
        description: str | None = None,
        url: str | None = None,
        events: list[WebhookEventStr | WebhookEvent] | None = None,
        secret: str | None = None,
        status: str | WebhookStatus | None = None,
    ) -> Webhook:
        """Change what is not None."""
        return self._registry.update_webhook(
            webhook_id,
            name,
            description,
            url,
            None if events is None else _events(events),
            secret,
            _status(status),
        )

    def delete_webhook(self, webhook_id: str) -> None:
        """Send nothing more, not even what waits."""
        self._registry.delete_webhook(webhook_id)

    def test_webhook(
        self, webhook_id: str, event: WebhookEventStr | WebhookEvent | None = None
    ) -> WebhookTestResult:
        """Send an example of an event, at once and only once.

        Args:
            event: None for one of its own.
        """
        wanted = None if event is None else _events([event])[0]
        return self._registry.test_webhook(webhook_id, wanted)


def _events(events: list[WebhookEventStr | WebhookEvent]) -> list[WebhookEvent]:
    return [
        event if isinstance(event, WebhookEvent) else WebhookEvent.from_str(event)
        for event in events
    ]


def _status(status: str | WebhookStatus | None) -> WebhookStatus | None:
    return None if status is None else WebhookStatus(status)
