"""What a model needs besides its files: endpoints, tables, indexes and the like of Databricks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, ClassVar

DEFAULT_API_VERSION = "1"


class ResourceType(Enum):
    """Kinds of resources."""

    UC_CONNECTION = "uc_connection"
    VECTOR_SEARCH_INDEX = "vector_search_index"
    SERVING_ENDPOINT = "serving_endpoint"
    SQL_WAREHOUSE = "sql_warehouse"
    FUNCTION = "function"
    GENIE_SPACE = "genie_space"
    TABLE = "table"
    APP = "app"
    LAKEBASE = "lakebase"
    UC_MODEL_SERVICE = "uc_model_service"


class Resource(ABC):
    """Something that a model needs where it runs."""

    @property
    @abstractmethod
    def type(self) -> ResourceType:
        """Its kind."""

    @property
    @abstractmethod
    def target_uri(self) -> str:
        """Where it is; "databricks" for all there are."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """As `MLmodel` has it: its kind, with a list of one dictionary."""

    @classmethod
    @abstractmethod
    def from_dict(cls, data: dict[str, str]) -> Resource:
        """The resource of such an inner dictionary."""


class DatabricksResource(Resource, ABC):
    """A resource of Databricks, known by its name.

    Args:
        name: The resource's, or its id.
        on_behalf_of_user: Whether the model uses it with the rights of whoever asks the model.
    """

    _type: ClassVar[ResourceType]

    def __init__(self, name: str, on_behalf_of_user: bool | None = None):
        self.name = name
        self.on_behalf_of_user = on_behalf_of_user

    @property
    def target_uri(self) -> str:
        return "databricks"

    @property
    def type(self) -> ResourceType:
        return self._type

    def to_dict(self) -> dict[str, Any]:
        form: dict[str, Any] = {"name": self.name}
        if self.on_behalf_of_user is not None:
            form["on_behalf_of_user"] = self.on_behalf_of_user
        return {self.type.value: [form]}

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> DatabricksResource:
        return cls(data["name"], data.get("on_behalf_of_user"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatabricksResource) and self.to_dict() == other.to_dict()

    __hash__ = None


class DatabricksUCConnection(DatabricksResource):
    """A connection of Unity Catalog."""

    _type = ResourceType.UC_CONNECTION

    def __init__(self, connection_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(connection_name, on_behalf_of_user)


class DatabricksServingEndpoint(DatabricksResource):
    """An endpoint that serves a model."""

    _type = ResourceType.SERVING_ENDPOINT

    def __init__(self, endpoint_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(endpoint_name, on_behalf_of_user)


class DatabricksVectorSearchIndex(DatabricksResource):
    """An index for searching by vectors."""

    _type = ResourceType.VECTOR_SEARCH_INDEX

    def __init__(self, index_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(index_name, on_behalf_of_user)


class DatabricksSQLWarehouse(DatabricksResource):
    """A SQL warehouse, by its id."""

    _type = ResourceType.SQL_WAREHOUSE

    def __init__(self, warehouse_id: str, on_behalf_of_user: bool | None = None):
        super().__init__(warehouse_id, on_behalf_of_user)


class DatabricksFunction(DatabricksResource):
    """A function of Unity Catalog."""

    _type = ResourceType.FUNCTION

    def __init__(self, function_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(function_name, on_behalf_of_user)


class DatabricksGenieSpace(DatabricksResource):
    """A Genie space, by its id."""

    _type = ResourceType.GENIE_SPACE

    def __init__(self, genie_space_id: str, on_behalf_of_user: bool | None = None):
        super().__init__(genie_space_id, on_behalf_of_user)


class DatabricksTable(DatabricksResource):
    """A table."""

    _type = ResourceType.TABLE

    def __init__(self, table_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(table_name, on_behalf_of_user)


class DatabricksApp(DatabricksResource):
    """An app."""

    _type = ResourceType.APP

    def __init__(self, app_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(app_name, on_behalf_of_user)


class DatabricksLakebase(DatabricksResource):
    """A database instance."""

    _type = ResourceType.LAKEBASE

    def __init__(self, database_instance_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(database_instance_name, on_behalf_of_user)


class DatabricksUCModelService(DatabricksResource):
    """A model service of Unity Catalog."""

    _type = ResourceType.UC_MODEL_SERVICE

    def __init__(self, model_service_name: str, on_behalf_of_user: bool | None = None):
        super().__init__(model_service_name, on_behalf_of_user)


def _get_resource_class_by_type(target_uri: str, resource_type: str) -> type[Resource] | None:
    """The class of a kind, by the name that `MLmodel` has for it; None if there is none.

    Raises:
        ValueError: If the target is not "databricks".
    """
    if target_uri != "databricks":
        raise ValueError(f"Unsupported target URI: {target_uri}")
    classes = {cls._type.value: cls for cls in DatabricksResource.__subclasses__()}
    return classes.get(resource_type)


class _ResourceBuilder:
    """Resources in the form that `MLmodel` has: by target, then by kind."""

    @staticmethod
    def from_resources(
        resources: list[Resource], api_version: str = DEFAULT_API_VERSION
    ) -> dict[str, Any]:
        """Resources in that form."""
        form: dict[str, Any] = {}
        for resource in resources:
            kinds = form.setdefault(resource.target_uri, {})
            for kind, items in resource.to_dict().items():
                kinds.setdefault(kind, []).extend(items)
        return {**form, "api_version": api_version}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> dict[str, Any]:
        """The form itself, checked.

        Raises:
            KeyError: If there is no `api_version`, or a resource has no name.
            ValueError: If a target or a kind is not known.
        """
        resources = []
        for target, kinds in data.items():
            if target == "api_version":
                continue
            for kind, items in kinds.items():
                cls = _get_resource_class_by_type(target, kind)
                if cls is None:
                    raise ValueError(f"Unsupported resource type: {kind}")
                resources += [cls.from_dict(item) for item in items]
        return _ResourceBuilder.from_resources(resources, data["api_version"])

    @staticmethod
    def from_yaml_file(path: str) -> dict[str, Any]:
        """The form from a YAML file."""
        from mlflow.utils import safe_yaml

        return _ResourceBuilder.from_dict(safe_yaml.load_file(path))
