"""What messages tell, by event."""

from __future__ import annotations

from typing import Literal, TypedDict

from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent

_TAG = {"key": "example_key", "value": "example_value"}
_TAGS = {"example_key": "example_value"}

# A class of TypedDict has no methods for type checkers, but it has for Python.


class RegisteredModelCreatedPayload(TypedDict):
    """There is a new registered model."""

    name: str
    tags: dict[str, str]
    description: str | None

    @classmethod
    def example(cls) -> RegisteredModelCreatedPayload:
        return cls(
            name="example_model", tags=dict(_TAGS), description="An example registered model"
        )


class ModelVersionCreatedPayload(TypedDict):
    """There is a new version of a registered model."""

    name: str
    version: str
    source: str
    run_id: str | None
    tags: dict[str, str]
    description: str | None

    @classmethod
    def example(cls) -> ModelVersionCreatedPayload:
        return cls(
            name="example_model",
            version="1",
            source="models:/123",
            run_id="abcd1234abcd5678",
            tags=dict(_TAGS),
            description="An example model version",
        )


class ModelVersionTagSetPayload(TypedDict):
    """A version has a tag."""

    name: str
    version: str
    key: str
    value: str

    @classmethod
    def example(cls) -> ModelVersionTagSetPayload:
        return cls(name="example_model", version="1", **_TAG)


class ModelVersionTagDeletedPayload(TypedDict):
    """A version has lost a tag."""

    name: str
    version: str
    key: str

    @classmethod
    def example(cls) -> ModelVersionTagDeletedPayload:
        return cls(name="example_model", version="1", key="example_key")


class ModelVersionAliasCreatedPayload(TypedDict):
    """An alias stands for a version."""

    name: str
    alias: str
    version: str

    @classmethod
    def example(cls) -> ModelVersionAliasCreatedPayload:
        return cls(name="example_model", alias="example_alias", version="1")


class ModelVersionAliasDeletedPayload(TypedDict):
    """An alias stands for nothing any more."""

    name: str
    alias: str

    @classmethod
    def example(cls) -> ModelVersionAliasDeletedPayload:
        return cls(name="example_model", alias="example_alias")


class PromptCreatedPayload(TypedDict):
    """There is a new prompt."""

    name: str
    tags: dict[str, str]
    description: str | None

    @classmethod
    def example(cls) -> PromptCreatedPayload:
        return cls(name="example_prompt", tags=dict(_TAGS), description="An example prompt")


class PromptVersionCreatedPayload(TypedDict):
    """There is a new version of a prompt."""

    name: str
    version: str
    template: str
    tags: dict[str, str]
    description: str | None

    @classmethod
    def example(cls) -> PromptVersionCreatedPayload:
        return cls(
            name="example_prompt",
            version="1",
            template="Hello {{name}}!",
            tags=dict(_TAGS),
            description="An example prompt version",
        )


class PromptTagSetPayload(TypedDict):
    """A prompt has a tag."""

    name: str
    key: str
    value: str

    @classmethod
    def example(cls) -> PromptTagSetPayload:
        return cls(name="example_prompt", **_TAG)


class PromptTagDeletedPayload(TypedDict):
    """A prompt has lost a tag."""

    name: str
    key: str

    @classmethod
    def example(cls) -> PromptTagDeletedPayload:
        return cls(name="example_prompt", key="example_key")


class PromptVersionTagSetPayload(TypedDict):
    """A version of a prompt has a tag."""

    name: str
    version: str
    key: str
    value: str

    @classmethod
    def example(cls) -> PromptVersionTagSetPayload:
        return cls(name="example_prompt", version="1", **_TAG)


class PromptVersionTagDeletedPayload(TypedDict):
    """A version of a prompt has lost a tag."""

    name: str
    version: str
    key: str

    @classmethod
    def example(cls) -> PromptVersionTagDeletedPayload:
        return cls(name="example_prompt", version="1", key="example_key")


class PromptAliasCreatedPayload(TypedDict):
    """An alias stands for a version of a prompt."""

    name: str
    alias: str
    version: str

    @classmethod
    def example(cls) -> PromptAliasCreatedPayload:
        return cls(name="example_prompt", alias="example_alias", version="1")


class PromptAliasDeletedPayload(TypedDict):
    """An alias of a prompt stands for nothing any more."""

    name: str
    alias: str

    @classmethod
    def example(cls) -> PromptAliasDeletedPayload:
        return cls(name="example_prompt", alias="example_alias")


class BudgetPolicyExceededPayload(TypedDict):
    """More was spent than a budget allows."""

    budget_policy_id: str
    budget_unit: Literal["USD"]
    budget_amount: float
    current_spend: float
    duration_unit: Literal["MINUTES", "HOURS", "DAYS", "WEEKS", "MONTHS"]
    duration_value: int
    target_scope: Literal["GLOBAL", "WORKSPACE", "ENDPOINT", "USER"]
    workspace: str
    target_value: str | None
    window_start: int
    """Milliseconds since the Unix epoch."""

    @classmethod
    def example(cls) -> BudgetPolicyExceededPayload:
        return cls(
            budget_policy_id="bp-abc123",
            budget_unit="USD",
            budget_amount=100.0,
            current_spend=105.5,
            duration_unit="MONTHS",
            duration_value=1,
            target_scope="ENDPOINT",
            workspace="default",
            target_value="ep-abc123",
            window_start=1704067200000,
        )


WebhookPayload = (
    RegisteredModelCreatedPayload
    | ModelVersionCreatedPayload
    | ModelVersionTagSetPayload
    | ModelVersionTagDeletedPayload
    | ModelVersionAliasCreatedPayload
    | ModelVersionAliasDeletedPayload
    | PromptCreatedPayload
    | PromptVersionCreatedPayload
    | PromptTagSetPayload
    | PromptTagDeletedPayload
    | PromptVersionTagSetPayload
    | PromptVersionTagDeletedPayload
    | PromptAliasCreatedPayload
    | PromptAliasDeletedPayload
    | BudgetPolicyExceededPayload
)

EVENT_TO_PAYLOAD_CLASS: dict[tuple[WebhookEntity, WebhookAction], type] = {
    (WebhookEntity.REGISTERED_MODEL, WebhookAction.CREATED): RegisteredModelCreatedPayload,
    (WebhookEntity.MODEL_VERSION, WebhookAction.CREATED): ModelVersionCreatedPayload,
    (WebhookEntity.MODEL_VERSION_TAG, WebhookAction.SET): ModelVersionTagSetPayload,
    (WebhookEntity.MODEL_VERSION_TAG, WebhookAction.DELETED): ModelVersionTagDeletedPayload,
    (WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.CREATED): ModelVersionAliasCreatedPayload,
    (WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.DELETED): ModelVersionAliasDeletedPayload,
    (WebhookEntity.PROMPT, WebhookAction.CREATED): PromptCreatedPayload,
    (WebhookEntity.PROMPT_VERSION, WebhookAction.CREATED): PromptVersionCreatedPayload,
    (WebhookEntity.PROMPT_TAG, WebhookAction.SET): PromptTagSetPayload,
    (WebhookEntity.PROMPT_TAG, WebhookAction.DELETED): PromptTagDeletedPayload,
    (WebhookEntity.PROMPT_VERSION_TAG, WebhookAction.SET): PromptVersionTagSetPayload,
    (WebhookEntity.PROMPT_VERSION_TAG, WebhookAction.DELETED): PromptVersionTagDeletedPayload,
    (WebhookEntity.PROMPT_ALIAS, WebhookAction.CREATED): PromptAliasCreatedPayload,
    (WebhookEntity.PROMPT_ALIAS, WebhookAction.DELETED): PromptAliasDeletedPayload,
    (WebhookEntity.BUDGET_POLICY, WebhookAction.EXCEEDED): BudgetPolicyExceededPayload,
}


def get_payload_class_for_event(event: WebhookEvent) -> type[WebhookPayload] | None:
    """What an event tells; None if it is none of these."""
    return EVENT_TO_PAYLOAD_CLASS.get((event.entity, event.action))


def get_example_payload_for_event(event: WebhookEvent) -> WebhookPayload:
    """An example of what an event tells.

    Raises:
        ValueError: If it is none of these.
    """
    payload = get_payload_class_for_event(event)
    if payload is None:
        raise ValueError(f"Unknown event: {event}")
    return payload.example()
