"""Webhooks behind a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities.webhook import Webhook, WebhookEvent, WebhookStatus, WebhookTestResult
from mlflow.rpc import webhooks as rpcs
from mlflow.rpc.declare import Rpc
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry.base.webhooks import Webhooks


class RestWebhooks(Webhooks):
    def _call(self, request: Rpc) -> Any:
        raise NotImplementedError

    def create_webhook(
        self,
        name: str,
        url: str,
        events: list[WebhookEvent],
        description: str | None = None,
        secret: str | None = None,
        status: WebhookStatus | None = None,
    ) -> Webhook:
        request = rpcs.CreateWebhook(
            name=name,
            url=url,
            events=_events(events),
            description=description,
            secret=secret,
            status=status.value if status else None,
        )
        return self._call(request).webhook.as_entity()

    def get_webhook(self, webhook_id: str) -> Webhook:
        return self._call(rpcs.GetWebhook(webhook_id=webhook_id)).webhook.as_entity()

    def list_webhooks(
        self, max_results: int | None = None, page_token: str | None = None
    ) -> PagedList[Webhook]:
        page = self._call(rpcs.ListWebhooks(max_results=max_results, page_token=page_token))
        return PagedList([one.as_entity() for one in page.webhooks], page.next_page_token)

    def update_webhook(
        self,
        webhook_id: str,
        name: str | None = None,
        description: str | None = None,
        url: str | None = None,
        events: list[WebhookEvent] | None = None,
        secret: str | None = None,
        status: WebhookStatus | None = None,
    ) -> Webhook:
        request = rpcs.UpdateWebhook(
            webhook_id=webhook_id,
            name=name,
            description=description,
            url=url,
            events=_events(events or ()),
            secret=secret,
            status=status.value if status else None,
        )
        return self._call(request).webhook.as_entity()

    def delete_webhook(self, webhook_id: str) -> None:
        self._call(rpcs.DeleteWebhook(webhook_id=webhook_id))

    def test_webhook(self, webhook_id: str, event: WebhookEvent | None = None) -> WebhookTestResult:
        wanted = rpcs.WebhookEvent.of(event) if event is not None else None
        request = rpcs.TestWebhook(webhook_id=webhook_id, event=wanted)
        return self._call(request).result.as_entity()


def _events(events: Sequence[WebhookEvent]) -> list[rpcs.WebhookEvent]:
    return [rpcs.WebhookEvent.of(event) for event in events]
