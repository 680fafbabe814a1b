"""Webhooks: who wants to hear of what happens in the registry."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from mlflow.entities._mlflow_object import DEFAULT_WORKSPACE
from mlflow.exceptions import MlflowException

WebhookEventStr = Literal[
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
    "budget_policy.exceeded",
]


class _Name(str, Enum):
    """A member is its own text, also when it is printed."""

    def __str__(self) -> str:
        return self.value

    __format__ = str.__format__


class WebhookStatus(_Name):
    """Whether a webhook is told of events."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"

    def is_active(self) -> bool:
        """True if it is."""
        return self is WebhookStatus.ACTIVE


class WebhookEntity(_Name):
    """What an event happens to."""

    REGISTERED_MODEL = "registered_model"
    MODEL_VERSION = "model_version"
    MODEL_VERSION_TAG = "model_version_tag"
    MODEL_VERSION_ALIAS = "model_version_alias"
    PROMPT = "prompt"
    PROMPT_VERSION = "prompt_version"
    PROMPT_TAG = "prompt_tag"
    PROMPT_VERSION_TAG = "prompt_version_tag"
    PROMPT_ALIAS = "prompt_alias"
    BUDGET_POLICY = "budget_policy"


class WebhookAction(_Name):
    """What happens to it."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    SET = "set"
    EXCEEDED = "exceeded"


_CREATED, _DELETED, _SET = WebhookAction.CREATED, WebhookAction.DELETED, WebhookAction.SET

VALID_ENTITY_ACTIONS: dict[WebhookEntity, set[WebhookAction]] = {
    WebhookEntity.REGISTERED_MODEL: {_CREATED},
    WebhookEntity.MODEL_VERSION: {_CREATED},
    WebhookEntity.MODEL_VERSION_TAG: {_SET, _DELETED},
    WebhookEntity.MODEL_VERSION_ALIAS: {_CREATED, _DELETED},
    WebhookEntity.PROMPT: {_CREATED},
    WebhookEntity.PROMPT_VERSION: {_CREATED},
    WebhookEntity.PROMPT_TAG: {_SET, _DELETED},
    WebhookEntity.PROMPT_VERSION_TAG: {_SET, _DELETED},
    WebhookEntity.PROMPT_ALIAS: {_CREATED, _DELETED},
    WebhookEntity.BUDGET_POLICY: {WebhookAction.EXCEEDED},
}


class WebhookEvent:
    """Something that a webhook can be told of.

    Raises:
        ValueError: If there is no such entity or action.
        MlflowException: INVALID_PARAMETER_VALUE if the action does not happen to the entity.
    """

    def __init__(self, entity: str | WebhookEntity, action: str | WebhookAction):
        self._entity = WebhookEntity(entity)
        self._action = WebhookAction(action)
        valid = VALID_ENTITY_ACTIONS[self._entity]
        if self._action not in valid:
            raise MlflowException.invalid_parameter_value(
                f"Invalid action '{self._action}' for entity '{self._entity}'. "
                f"Valid actions are: {sorted(one.value for one in valid)}"
            )

    @property
    def entity(self) -> WebhookEntity:
        """What it happens to."""
        return self._entity

    @property
    def action(self) -> WebhookAction:
        """What happens."""
        return self._action

    @classmethod
    def from_str(cls, event_str: WebhookEventStr) -> WebhookEvent:
        """The event of that name, such as "model_version.created".

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is none.
        """
        entity, dot, action = event_str.partition(".")
        if not dot or "." in action:
            raise MlflowException.invalid_parameter_value(
                f"Invalid event string format: {event_str}. Expected format: 'entity.action' "
                "(e.g., 'registered_model.created')"
            )
        try:
            return cls(entity, action)
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(
                f"Invalid entity or action in event string: {event_str}. Error: {error}"
            ) from error

    def __str__(self) -> str:
        return f"{self.entity}.{self.action}"

    def __repr__(self) -> str:
        return f"WebhookEvent(entity={self.entity}, action={self.action})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WebhookEvent) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Webhook:
    """Where to send which events.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there are no events.
    """

    def __init__(
        self,
        webhook_id: str,
        name: str,
        url: str,
        events: list[WebhookEvent],
        creation_timestamp: int,
        last_updated_timestamp: int,
        description: str | None = None,
        status: str | WebhookStatus = WebhookStatus.ACTIVE,
        secret: str | None = None,
        workspace: str | None = None,
    ):
        if not events:
            raise MlflowException.invalid_parameter_value("Webhook events cannot be empty")
        self._webhook_id = webhook_id
        self._name = name
        self._url = url
        self._events = events
        self._description = description
        self._status = WebhookStatus(status) if status is not None else None
        self._secret = secret
        self._creation_timestamp = creation_timestamp
        self._last_updated_timestamp = last_updated_timestamp
        self._workspace = workspace or DEFAULT_WORKSPACE

    @property
    def webhook_id(self) -> str:
        """A UUID."""
        return self._webhook_id

    @property
    def name(self) -> str:
        """For people; several may have the same."""
        return self._name

    @property
    def url(self) -> str:
        """Where events are sent."""
        return self._url

    @property
    def events(self) -> list[WebhookEvent]:
        """What is sent, ordered by name."""
        return self._events

    @property
    def description(self) -> str | None:
        """For people."""
        return self._description

    @property
    def status(self) -> WebhookStatus:
        """Whether anything is sent."""
        return self._status

    @property
    def secret(self) -> str | None:
        """The key that messages are signed with; servers never tell it."""
        return self._secret

    @property
    def creation_timestamp(self) -> int:
        """Milliseconds since the Unix epoch."""
        return self._creation_timestamp

    @property
    def last_updated_timestamp(self) -> int:
        """Milliseconds since the Unix epoch."""
        return self._last_updated_timestamp

    @property
    def workspace(self) -> str:
        """The workspace whose events are sent."""
        return self._workspace

    def __repr__(self) -> str:
        return (
            f"Webhook(webhook_id='{self.webhook_id}', name='{self.name}', url='{self.url}', "
            f"status='{self.status}', workspace='{self.workspace}', events={self.events}, "
            f"creation_timestamp={self.creation_timestamp}, "
            f"last_updated_timestamp={self.last_updated_timestamp})"
        )


class WebhookTestResult:
    """What became of a test message."""

    def __init__(
        self,
        success: bool,
        response_status: int | None = None,
        response_body: str | None = None,
        error_message: str | None = None,
    ):
        self._success = success
        self._response_status = response_status
        self._response_body = response_body
        self._error_message = error_message

    @property
    def success(self) -> bool:
        """True if the receiver answered with a status of 200 to 299."""
        return self._success

    @property
    def response_status(self) -> int | None:
        """The HTTP status; None if there was no answer."""
        return self._response_status

    @property
    def response_body(self) -> str | None:
        """The beginning of the answer."""
        return self._response_body

    @property
    def error_message(self) -> str | None:
        """Why there was no answer."""
        return self._error_message

    def __repr__(self) -> str:
        return (
            f"WebhookTestResult(success={self.success!r}, "
            f"response_status={self.response_status!r}, response_body={self.response_body!r}, "
            f"error_message={self.error_message!r})"
        )
