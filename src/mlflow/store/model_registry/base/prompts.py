"""Prompts in the registry: what the contract of plug-ins names, and no registry here keeps yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow._later import NotAvailableYet

if TYPE_CHECKING:
    from pydantic import BaseModel

    from mlflow.store.entities.paged_list import PagedList


class Prompts:
    """Every method raises NotAvailableYet."""

    def create_prompt(
        self, name: str, description: str | None = None, tags: dict[str, str] | None = None
    ) -> Any:
        raise NotAvailableYet("AbstractStore.create_prompt")

    def search_prompts(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Any]:
        raise NotAvailableYet("AbstractStore.search_prompts")

    def delete_prompt(self, name: str) -> None:
        raise NotAvailableYet("AbstractStore.delete_prompt")

    def set_prompt_tag(self, name: str, key: str, value: str) -> None:
        raise NotAvailableYet("AbstractStore.set_prompt_tag")

    def delete_prompt_tag(self, name: str, key: str) -> None:
        raise NotAvailableYet("AbstractStore.delete_prompt_tag")

    def get_prompt(self, name: str) -> Any:
        raise NotAvailableYet("AbstractStore.get_prompt")

    def create_prompt_version(
        self,
        name: str,
        template: str | list[dict[str, Any]],
        description: str | None = None,
        tags: dict[str, str] | None = None,
        response_format: type[BaseModel] | dict[str, Any] | None = None,
        model_config: Any = None,
    ) -> Any:
        raise NotAvailableYet("AbstractStore.create_prompt_version")

    def get_prompt_version(self, name: str, version: str | int) -> Any:
        raise NotAvailableYet("AbstractStore.get_prompt_version")

    def delete_prompt_version(self, name: str, version: str | int) -> None:
        raise NotAvailableYet("AbstractStore.delete_prompt_version")

    def get_prompt_version_by_alias(self, name: str, alias: str) -> Any:
        raise NotAvailableYet("AbstractStore.get_prompt_version_by_alias")

    def set_prompt_alias(self, name: str, alias: str, version: str | int) -> None:
        raise NotAvailableYet("AbstractStore.set_prompt_alias")

    def delete_prompt_alias(self, name: str, alias: str) -> None:
        raise NotAvailableYet("AbstractStore.delete_prompt_alias")

    def search_prompt_versions(
        self, name: str, max_results: int | None = None, page_token: str | None = None
    ) -> PagedList[Any]:
        raise NotAvailableYet("AbstractStore.search_prompt_versions")

    def link_prompts_to_trace(self, prompt_versions: list[Any], trace_id: str) -> None:
        raise NotAvailableYet("AbstractStore.link_prompts_to_trace")

    def set_prompt_version_tag(self, name: str, version: str | int, key: str, value: str) -> None:
        raise NotAvailableYet("AbstractStore.set_prompt_version_tag")

    def delete_prompt_version_tag(self, name: str, version: str | int, key: str) -> None:
        raise NotAvailableYet("AbstractStore.delete_prompt_version_tag")

    def link_prompt_version_to_model(self, name: str, version: str, model_id: str) -> None:
        raise NotAvailableYet("AbstractStore.link_prompt_version_to_model")

    def link_prompt_version_to_run(self, name: str, version: str, run_id: str) -> None:
        raise NotAvailableYet("AbstractStore.link_prompt_version_to_run")
