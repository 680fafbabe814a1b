from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.exceptions import MlflowException


class TraceLocationType(str, Enum):
    """The kind of place that traces are kept in; Headrace keeps them in experiments."""

    TRACE_LOCATION_TYPE_UNSPECIFIED = "TRACE_LOCATION_TYPE_UNSPECIFIED"
    MLFLOW_EXPERIMENT = "MLFLOW_EXPERIMENT"
    INFERENCE_TABLE = "INFERENCE_TABLE"
    UC_SCHEMA = "UC_SCHEMA"
    UC_TABLE_PREFIX = "UC_TABLE_PREFIX"

    @classmethod
    def from_proto(cls, proto: int) -> TraceLocationType:
        """The type with this number on the wire."""
        return list(cls)[proto]

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> TraceLocationType:
        """The type that `d["type"]` names; ValueError if there is none."""
        return cls(d["type"])


@dataclass
class TraceLocationBase(_MlflowObject, ABC, fields=True):
    """A place that traces are kept in."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Its parts by name."""

    @classmethod
    @abstractmethod
    def from_dict(cls, d: dict[str, Any]) -> TraceLocationBase:
        """The place with these parts."""


@dataclass
class MlflowExperimentLocation(TraceLocationBase, fields=True):
    """An experiment."""

    experiment_id: str

    def to_dict(self) -> dict[str, Any]:
        return {"experiment_id": self.experiment_id}

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> MlflowExperimentLocation:
        return cls(experiment_id=d["experiment_id"])


@dataclass
class InferenceTableLocation(TraceLocationBase, fields=True):
    """A table of Databricks."""

    full_table_name: str

    def to_dict(self) -> dict[str, Any]:
        return {"full_table_name": self.full_table_name}

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> InferenceTableLocation:
        return cls(full_table_name=d["full_table_name"])


@dataclass
class UCSchemaLocation(TraceLocationBase, fields=True):
    """A schema of Databricks' Unity Catalog."""

    catalog_name: str
    schema_name: str
    _otel_spans_table_name: str | None = "mlflow_experiment_trace_otel_spans"
    _otel_logs_table_name: str | None = "mlflow_experiment_trace_otel_logs"

    @property
    def schema_location(self) -> str:
        """`catalog.schema`."""
        return f"{self.catalog_name}.{self.schema_name}"

    @property
    def full_otel_spans_table_name(self) -> str | None:
        """Where the spans are."""
        table = self._otel_spans_table_name
        return f"{self.schema_location}.{table}" if table else None

    @property
    def full_otel_logs_table_name(self) -> str | None:
        """Where the logs are."""
        table = self._otel_logs_table_name
        return f"{self.schema_location}.{table}" if table else None

    def to_dict(self) -> dict[str, Any]:
        parts = {"catalog_name": self.catalog_name, "schema_name": self.schema_name}
        if self._otel_spans_table_name:
            parts["otel_spans_table_name"] = self._otel_spans_table_name
        if self._otel_logs_table_name:
            parts["otel_logs_table_name"] = self._otel_logs_table_name
        return parts

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> UCSchemaLocation:
        location = cls(d["catalog_name"], d["schema_name"])
        location._otel_spans_table_name = d.get(
            "otel_spans_table_name", location._otel_spans_table_name
        )
        location._otel_logs_table_name = d.get(
            "otel_logs_table_name", location._otel_logs_table_name
        )
        return location


@dataclass(repr=False, eq=False)
class UnityCatalog(TraceLocationBase, fields=True):
    """Tables of Databricks' Unity Catalog whose names begin alike."""

    catalog_name: str
    schema_name: str
    table_prefix: str | None = None
    _otel_spans_table_name: str | None = None
    _otel_logs_table_name: str | None = None
    _annotations_table_name: str | None = None

    @property
    def schema_location(self) -> str:
        """`catalog.schema`."""
        return f"{self.catalog_name}.{self.schema_name}"

    @property
    def full_table_prefix(self) -> str:
        """`catalog.schema.prefix`."""
        if self.table_prefix is None:
            raise MlflowException.invalid_parameter_value(
                "table_prefix is required but was not set."
            )
        return f"{self.schema_location}.{self.table_prefix}"

    @property
    def full_otel_spans_table_name(self) -> str | None:
        """Where the spans are."""
        return self._otel_spans_table_name

    @property
    def full_otel_logs_table_name(self) -> str | None:
        """Where the logs are."""
        return self._otel_logs_table_name

    @property
    def full_annotations_table_name(self) -> str | None:
        """Where the assessments are."""
        return self._annotations_table_name

    def _named(self) -> tuple[str, str, str | None]:
        return self.catalog_name, self.schema_name, self.table_prefix

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnityCatalog) and self._named() == other._named()

    def __hash__(self) -> int:
        return hash(self._named())

    def __repr__(self) -> str:
        catalog, schema, prefix = self._named()
        return (
            f"UnityCatalog(catalog_name={catalog!r}, schema_name={schema!r}, "
            f"table_prefix={prefix!r})"
        )

    def to_dict(self) -> dict[str, Any]:
        parts = {
            "catalog_name": self.catalog_name,
            "schema_name": self.schema_name,
            "table_prefix": self.table_prefix,
            "otel_spans_table_name": self._otel_spans_table_name,
            "otel_logs_table_name": self._otel_logs_table_name,
            "annotations_table_name": self._annotations_table_name,
        }
        return {name: part for name, part in parts.items() if part is not None}

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> UnityCatalog:
        return cls(
            d["catalog_name"],
            d["schema_name"],
            d.get("table_prefix"),
            d.get("otel_spans_table_name"),
            d.get("otel_logs_table_name"),
            d.get("annotations_table_name"),
        )


#: The part of a TraceLocation that holds a place of this type.
_PARTS = {
    "mlflow_experiment": (TraceLocationType.MLFLOW_EXPERIMENT, MlflowExperimentLocation),
    "inference_table": (TraceLocationType.INFERENCE_TABLE, InferenceTableLocation),
    "uc_schema": (TraceLocationType.UC_SCHEMA, UCSchemaLocation),
    "uc_table_prefix": (TraceLocationType.UC_TABLE_PREFIX, UnityCatalog),
}


@dataclass
class TraceLocation(_MlflowObject, fields=True):
    """Where a trace is kept: a type, and the place of that type."""

    type: TraceLocationType
    mlflow_experiment: MlflowExperimentLocation | None = None
    inference_table: InferenceTableLocation | None = None
    uc_schema: UCSchemaLocation | None = None
    uc_table_prefix: UnityCatalog | None = None

    def __post_init__(self) -> None:
        given = [name for name in _PARTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise MlflowException.invalid_parameter_value(
                "Only one of mlflow_experiment, inference_table, uc_schema, or uc_table_prefix "
                "can be provided."
            )
        if given and _PARTS[given[0]][0] != self.type:
            raise MlflowException.invalid_parameter_value(
                f"Trace location type {self.type} does not match the provided location "
                f"{getattr(self, given[0])}."
            )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        places = {name: getattr(self, name) for name in _PARTS}
        return {
            "type": TraceLocationType(self.type).value,
            **{name: place.to_dict() for name, place in places.items() if place is not None},
        }

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> TraceLocation:
        """From its JSON form."""
        places = {
            name: place_class.from_dict(d[name])
            for name, (_, place_class) in _PARTS.items()
            if d.get(name) is not None
        }
        return cls(TraceLocationType(d["type"]), **places)

    @classmethod
    def from_experiment_id(cls, experiment_id: str) -> TraceLocation:
        """An experiment."""
        return cls(
            TraceLocationType.MLFLOW_EXPERIMENT,
            mlflow_experiment=MlflowExperimentLocation(experiment_id),
        )

    @classmethod
    def from_databricks_uc_schema(cls, catalog_name: str, schema_name: str) -> TraceLocation:
        """A schema of Databricks' Unity Catalog."""
        place = UCSchemaLocation(catalog_name, schema_name)
        return cls(TraceLocationType.UC_SCHEMA, uc_schema=place)

    @classmethod
    def from_databricks_uc_table_prefix(
        cls, catalog_name: str, schema_name: str, table_prefix: str
    ) -> TraceLocation:
        """Tables of Databricks' Unity Catalog whose names begin with `table_prefix`."""
        place = UnityCatalog(catalog_name, schema_name, table_prefix)
        return cls(TraceLocationType.UC_TABLE_PREFIX, uc_table_prefix=place)
