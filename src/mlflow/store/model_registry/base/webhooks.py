"""The contract of webhooks."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mlflow.entities.webhook import Webhook, WebhookEvent, WebhookStatus, WebhookTestResult
from mlflow.environment_variables import _MLFLOW_WEBHOOK_ALLOWED_SCHEMES
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.store.entities.paged_list import PagedList

WEBHOOKS_PAGE, MOST_WEBHOOKS = 100, 1000

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?")
_LONGEST_URL, _LONGEST_DESCRIPTION = 500, 1000


class Webhooks:
    """Who is told of events. A store that cannot tell anybody refuses."""

    def create_webhook(
        self,
        name: str,
        url: str,
        events: list[WebhookEvent],
        description: str | None = None,
        secret: str | None = None,
        status: WebhookStatus | None = None,
    ) -> Webhook:
        """A new webhook.

        Args:
            name: Up to 63 letters, digits, dots, underscores and hyphens.
            url: Where to send events; https.
            events: At least one.
            secret: The key that messages are signed with.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if a part is not valid.
        """
        raise _none_here(self)

    def get_webhook(self, webhook_id: str) -> Webhook:
        """One webhook.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none.
        """
        raise _none_here(self)

    def list_webhooks(
        self, max_results: int | None = None, page_token: str | None = None
    ) -> PagedList[Webhook]:
        """Webhooks, newest first.

        Args:
            max_results: Page size, 1 to 1000; 100 if it is None.
        """
        raise _none_here(self)

    def list_webhooks_by_event(
        self, event: WebhookEvent, max_results: int | None = None, page_token: str | None = None
    ) -> PagedList[Webhook]:
        """Those that are active and told of an event."""
        raise _none_here(self)

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
        """Change what is not None."""
        raise _none_here(self)

    def delete_webhook(self, webhook_id: str) -> None:
        """Send nothing more, not even what waits."""
        raise _none_here(self)

    def test_webhook(self, webhook_id: str, event: WebhookEvent | None = None) -> WebhookTestResult:
        """Send an example of an event, at once and only once.

        Args:
            event: None for one of its own.
        """
        raise _none_here(self)


def _none_here(store: Webhooks) -> MlflowNotImplementedException:
    return MlflowNotImplementedException(
        f"{type(store).__name__} keeps no webhooks; they need a registry in a database."
    )


def check_name(name: str) -> None:
    """Raise unless a webhook may have that name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MlflowException.invalid_parameter_value(
            f"Webhook name '{name}' is invalid. It must start and end with a letter or digit, be "
            "less than 63 characters long, and contain only letters, digits, dots (.), underscores "
            "(_), and hyphens (-)."
        )


def check_url(url: str) -> None:
    """Raise unless events may be sent to that URL.

    Which addresses its host has is known only when something is sent, and looked at then.
    """
    allowed = _MLFLOW_WEBHOOK_ALLOWED_SCHEMES.get()
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except (ValueError, AttributeError, TypeError) as error:
        raise MlflowException.invalid_parameter_value(
            f"Invalid webhook URL {url!r}: {error}"
        ) from error
    if scheme not in allowed:
        raise MlflowException.invalid_parameter_value(
            f"Invalid webhook URL scheme: '{scheme}'. Allowed schemes are: {', '.join(allowed)}."
        )
    if not host:
        raise MlflowException.invalid_parameter_value(
            f"Webhook URL must include a hostname: '{url}'"
        )
    if not _is_host(host) or port == 0 or any(c <= " " or c in "\\\x7f" for c in url):
        raise MlflowException.invalid_parameter_value(
            f"Invalid webhook URL {url!r}: it must be a plain URL with a host name or address."
        )
    if len(url) > _LONGEST_URL:
        raise MlflowException.invalid_parameter_value(
            f"A webhook URL may have up to {_LONGEST_URL} characters, this one has {len(url)}."
        )


def _is_host(host: str) -> bool:
    """An address, or a name of letters, digits and hyphens. What else resolvers take for addresses,
    such as `0x7f.1`, is looked at after it is resolved."""
    import ipaddress  # clients have no other use for it

    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        return all(re.fullmatch(r"[\w-]{1,63}", label) for label in host.rstrip(".").split("."))


def check_description(text: str | None) -> None:
    """Raise if it is too long."""
    if text and len(text) > _LONGEST_DESCRIPTION:
        raise MlflowException.invalid_parameter_value(
            f"A webhook's description may have up to {_LONGEST_DESCRIPTION} characters, this one "
            f"has {len(text)}."
        )


def check_max_results(max_results: int | None) -> int:
    """The page size.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE unless it is 1 to 1000 or None.
    """
    if max_results is None:
        return WEBHOOKS_PAGE
    if not isinstance(max_results, int) or not 1 <= max_results <= MOST_WEBHOOKS:
        raise MlflowException.invalid_parameter_value(
            f"max_results must be between 1 and {MOST_WEBHOOKS}."
        )
    return max_results
