"""What can be searched and sorted by: one table for each kind of thing.

To make another kind searchable, add its `Grammar` here and say in `evaluate.py` where its values
are. Whatever is not in a table is refused, with the table's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlflow.search.tree import OrderBy

#: The tag that tells prompts, which are kept like models, from models.
PROMPT_TAG = "mlflow.prompt.is_prompt"

COMPARE = ("=", "!=", ">", ">=", "<", "<=")
MATCH = ("=", "!=", "LIKE", "ILIKE")
ONE_OF = ("IN", "NOT IN")
PRESENT = ("IS NULL", "IS NOT NULL")

TEXT = "text"
NUMBER = "number"
INTEGER_TEXT = "integer in quotes"


@dataclass(frozen=True, eq=False)
class Key:
    """What one key may be compared with."""

    kind: str
    """TEXT, NUMBER or INTEGER_TEXT."""
    operators: tuple[str, ...]
    name: str = ""
    """The spelling that stores know; "" for the one used."""
    wrong_operator: str = "Invalid comparator '{op}' not one of '{valid}'"
    or_number: bool = False
    """A TEXT key that can also be compared (COMPARE) with a bare number."""
    or_quoted: bool = False
    """A NUMBER key whose numbers may be in quotes."""


@dataclass(frozen=True, eq=False)
class Entity:
    """A family of keys, such as the metrics of runs."""

    name: str
    """In the tree."""
    aliases: tuple[str, ...]
    """In filters, before the dot."""
    keys: Mapping[str, Key] | Key
    """By spelling; or one Key for any spelling."""
    order_keys: tuple[str, ...] | Mapping[str, Key] | None = None
    """Spellings that can be sorted by; None for all. With their keys where filters do not know
    them."""
    label: str = ""
    """In messages; "" for the name."""
    text_label: str = "{label} (e.g. 'my-value')"
    expected_text: str = "a quoted string value"
    number_label: str = "{label}"

    def __post_init__(self) -> None:
        label = self.label or self.name
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "text_label", self.text_label.format(label=label))

    def key(self, spelling: str) -> Key | None:
        if isinstance(self.keys, Key):
            return self.keys
        return self.keys.get(spelling)

    def operators(self, key: Key) -> tuple[str, ...]:
        """What a message offers for a key: the operators of all keys of its kind."""
        if isinstance(self.keys, Key):
            return key.operators
        number = key.kind == NUMBER
        alike = [other for other in self.keys.values() if (other.kind == NUMBER) == number]
        return tuple({op for other in alike for op in other.operators})

    def list_keys(self) -> list[str]:
        """Spellings that take IN."""
        if isinstance(self.keys, Key):
            return []
        return [spelling for spelling, key in self.keys.items() if "IN" in key.operators]


@dataclass(frozen=True, eq=False)
class Grammar:
    """All that filters and orders on one kind of thing may say, and how they are refused."""

    name: str
    entities: tuple[Entity, ...]
    default_order: tuple[OrderBy, ...]
    """When none is asked for."""
    ties: tuple[OrderBy, ...]
    """Among items that are equal in the order asked for."""
    unknown_entity: str
    null_refused: str
    order_refused: str
    clause: str = "{}"
    """How an invalid clause is written in a list of them."""
    repeated_order: bool = False
    """Whether a key may be sorted by twice; the second one says nothing."""
    unknown_order: str = ""
    """How a key that cannot be sorted by is refused, whatever its entity; "" for as in a filter."""
    _by_alias: dict[str, Entity] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_alias.update((alias, e) for e in self.entities for alias in e.aliases)

    def entity(self, alias: str) -> Entity | None:
        """The entity of that name, if there is one; keys without a dot belong to `attribute`."""
        return self._by_alias.get(alias)


# The reference forgets the last quote where metrics, times and tags of runs are concerned.
_UNCLOSED = "Invalid comparator '{op}' not one of '{valid}"
_NUMBER = Key(NUMBER, COMPARE, wrong_operator=_UNCLOSED)
_START_TIME = Key(NUMBER, COMPARE, name="start_time", wrong_operator=_UNCLOSED)
_TEXT = Key(TEXT, MATCH)
_RUN_NAME = Key(TEXT, MATCH, name="run_name")
_DATASET_KEY = Key(TEXT, MATCH + ONE_OF)

RUNS = Grammar(
    name="runs",
    entities=(
        Entity("metric", ("metric", "metrics"), _NUMBER),
        Entity(
            "param",
            ("param", "params", "parameter", "parameters"),
            Key(TEXT, MATCH + PRESENT, or_number=True),
            label="parameter",
        ),
        Entity("tag", ("tag", "tags"), Key(TEXT, MATCH + PRESENT, wrong_operator=_UNCLOSED)),
        Entity(
            "attribute",
            ("attribute", "attributes", "attr", "run"),
            {
                "artifact_uri": _TEXT,
                "created": _START_TIME,
                "Created": _START_TIME,
                "end_time": _NUMBER,
                "run_id": Key(TEXT, MATCH + ONE_OF),
                "run_name": _RUN_NAME,
                "run name": _RUN_NAME,
                "Run name": _RUN_NAME,
                "Run Name": _RUN_NAME,
                "start_time": _START_TIME,
                "status": _TEXT,
                "user_id": _TEXT,
            },
            order_keys=(
                "artifact_uri",
                "created",
                "Created",
                "end_time",
                "run_id",
                "run_name",
                "start_time",
                "status",
                "user_id",
            ),
            text_label="attributes",
            number_label="numeric attribute: {key}",
        ),
        Entity(
            "dataset",
            ("dataset", "datasets"),
            {"context": _DATASET_KEY, "digest": _DATASET_KEY, "name": _DATASET_KEY},
            order_keys=(),
            text_label="dataset attributes",
        ),
    ),
    default_order=(OrderBy("attribute", "start_time", False), OrderBy("attribute", "run_id")),
    ties=(OrderBy("attribute", "start_time", False), OrderBy("attribute", "run_id")),
    unknown_entity="Invalid entity type '{entity}'. "
    "Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
    null_refused="IS NULL / IS NOT NULL is only supported for tags and params, "
    "not for '{label}' '{key}'",
    order_refused="Invalid identifier type '{label}'",
    clause="'{}'",
)

EXPERIMENTS = Grammar(
    name="experiments",
    entities=(
        Entity(
            "attribute",
            ("attribute",),
            {
                "creation_time": _NUMBER,
                "experiment_id": Key(
                    INTEGER_TEXT,
                    ("=", "!=", *ONE_OF),
                    wrong_operator="Invalid comparator for experiment_id: {op}",
                ),
                "last_update_time": _NUMBER,
                "name": _TEXT,
            },
            text_label="attributes",
            number_label="numeric attribute: {key}",
        ),
        Entity(
            "tag",
            ("tag", "tags"),
            Key(TEXT, MATCH + PRESENT, wrong_operator="Invalid comparator for tag: {op}"),
            order_keys=(),
        ),
    ),
    default_order=(
        OrderBy("attribute", "creation_time", False),
        OrderBy("attribute", "experiment_id"),
    ),
    ties=(OrderBy("attribute", "experiment_id", False),),
    unknown_entity="Invalid entity type '{entity}'. "
    "Valid entity types are ('attribute', 'tag', 'tags')",
    null_refused="IS NULL / IS NOT NULL is only supported for tags, not for {label} '{key}'",
    order_refused="Invalid order_by entity: {label}",
    repeated_order=True,
)

_NO_COMPARATOR = "Invalid comparator for attribute: {op}"
_NAME = Key(TEXT, MATCH + ONE_OF, wrong_operator=_NO_COMPARATOR)
_TEXT_OR_LIST = "a quoted string value or a list of quoted string values"
_TIME = Key(NUMBER, COMPARE)
_REGISTRY_TAG = Entity(
    "tag",
    ("tag", "tags"),
    Key(TEXT, MATCH + PRESENT, wrong_operator="Invalid comparator for tag: {op}"),
    order_keys=(),
)

REGISTERED_MODELS = Grammar(
    name="registered models",
    entities=(
        Entity(
            "attribute",
            ("attribute",),
            {"name": _NAME},
            order_keys={
                "name": _NAME,
                "timestamp": Key(NUMBER, (), name="last_updated_timestamp"),
                "last_updated_timestamp": _TIME,
            },
            text_label="attributes",
            expected_text=_TEXT_OR_LIST,
        ),
        _REGISTRY_TAG,
    ),
    default_order=(OrderBy("attribute", "name"),),
    ties=(OrderBy("attribute", "name"),),
    unknown_entity="Invalid entity type '{entity}'. "
    "Valid entity types are ('attribute', 'tag', 'tags')",
    null_refused="IS NULL / IS NOT NULL is only supported for tags, not for {label} '{key}'",
    order_refused="",
    unknown_order="Invalid order by key '{key}' specified. "
    "Valid keys are '{{'name', 'timestamp'}}'",
    repeated_order=True,
)

MODEL_VERSIONS = Grammar(
    name="model versions",
    entities=(
        Entity(
            "attribute",
            ("attribute",),
            {
                "name": _NAME,
                "run_id": _NAME,
                "source_path": Key(TEXT, MATCH, wrong_operator=_NO_COMPARATOR),
                "version_number": Key(
                    NUMBER,
                    COMPARE,
                    wrong_operator="Invalid comparator for attribute version_number: {op}",
                    or_quoted=True,
                ),
            },
            order_keys={
                "name": _NAME,
                "version_number": _TIME,
                "creation_timestamp": _TIME,
                "last_updated_timestamp": _TIME,
            },
            text_label="attributes",
            expected_text=_TEXT_OR_LIST,
            number_label="numeric attribute: {key}",
        ),
        _REGISTRY_TAG,
    ),
    default_order=(
        OrderBy("attribute", "last_updated_timestamp", False),
        OrderBy("attribute", "name"),
        OrderBy("attribute", "version_number", False),
    ),
    ties=(
        OrderBy("attribute", "last_updated_timestamp", False),
        OrderBy("attribute", "name"),
        OrderBy("attribute", "version_number", False),
    ),
    unknown_entity="Invalid entity type '{entity}'. "
    "Valid entity types are ('attribute', 'tag', 'tags')",
    null_refused="IS NULL / IS NOT NULL is only supported for tags, not for {label} '{key}'",
    order_refused="Invalid order by key '{key}' specified. Valid keys are "
    "{{'creation_timestamp', 'last_updated_timestamp', 'name', 'version_number'}}",
    repeated_order=True,
)
