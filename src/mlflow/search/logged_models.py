"""Filters and orders of logged models. The language is a small one of its own:

    filter     = comparison { AND comparison }
    comparison = key operator value
    key        = name | attributes.name | metrics.key | params.key | tags.key

Names and keys may stand in backticks or double quotes. Texts need no quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlflow.exceptions import MlflowException
from mlflow.search.errors import shorten
from mlflow.search.lexer import check_characters, quoted_end
from mlflow.search.tree import Comparison

MAX_COMPARISONS = 1000
MAX_ORDERS = 50

_TEXTS = ("=", "!=", "LIKE", "ILIKE", "IN", "NOT IN")
_NUMBERS = ("<", "<=", ">", ">=", "=", "!=")

#: Attributes that are texts, by the names that stores know as well.
TEXTS = (
    "name",
    "model_id",
    "model_type",
    "status",
    "source_run_id",
    "experiment_id",
    "artifact_location",
    "lifecycle_stage",
    "status_message",
)
#: Attributes that are numbers, by the names that stores know.
TIMES = {
    "creation_timestamp": "creation_time",
    "creation_timestamp_ms": "creation_time",
    "creation_time": "creation_time",
    "last_updated_timestamp": "last_update_time",
    "last_updated_timestamp_ms": "last_update_time",
}
_TIMES_IN_MESSAGES = {
    "creation_time": "creation_timestamp_ms",
    "last_update_time": "last_updated_timestamp_ms",
}
_ENTITIES = {"attributes": "attribute", "metrics": "metric", "params": "param", "tags": "tag"}

# Each is a run of one class of characters, so that reading takes linear time.
_BLANKS = re.compile(r"\s*")
_NAME = re.compile(r'`[^`]*`|"[^"]*"|[\w\-/]+')
_SIGNS = re.compile(r"[<>=!~]+")
_WORD = re.compile(r"[^\s()'\"`,;]+")
_WORD_OPERATOR = re.compile(
    r"(NOT\s+(?:LIKE|ILIKE|IN)|LIKE|ILIKE|IN|IS\s+NOT\s+NULL|IS\s+NULL)\b", re.I
)


class DatasetFilter(NamedTuple):
    """A dataset on which metrics were measured."""

    name: str
    digest: str | None = None
    """None for any."""

    def has(self, name: str | None, digest: str | None) -> bool:
        """Whether a metric was measured on it."""
        return name == self.name and self.digest in (None, digest)


@dataclass(frozen=True)
class ModelOrder:
    """One thing to sort logged models by. Models without it come last in both directions, and
    those where it is NaN before them."""

    entity: str
    """`attribute` or `metric`."""
    key: str
    ascending: bool = True
    dataset_name: str | None = None
    """Of a metric: only what was measured on it counts."""
    dataset_digest: str | None = None

    def counts(self, name: str | None, digest: str | None) -> bool:
        """Whether a metric measured on a dataset counts."""
        return (self.dataset_name in (None, name)) and (self.dataset_digest in (None, digest))


# Filters.


def parse_filter(text: str | None) -> list[Comparison]:
    """The comparisons that must all hold; none for None and "".

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no filter of logged models.
    """
    if not text:
        return []
    if not isinstance(text, str):
        raise MlflowException.invalid_parameter_value(
            f"Invalid filter string: {shorten(repr(text))}. A string is needed."
        )
    check_characters(text)
    if not text.strip():
        raise MlflowException.invalid_parameter_value(
            f"Invalid filter string: {text!r}. Expected a single SQL expression."
        )
    found = list(_Reader(text).comparisons())
    if not found:
        raise _Reader(text).refusal()
    if len(found) > MAX_COMPARISONS:
        raise MlflowException.invalid_parameter_value(
            f"The filter has {len(found)} comparisons; {MAX_COMPARISONS} are allowed."
        )
    return found


class _Reader:
    """Reads a filter from left to right."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def comparisons(self) -> Any:
        while self._skip_blanks():
            if not self._take_and():
                yield self._comparison()

    def refusal(self) -> MlflowException:
        return MlflowException.invalid_parameter_value(
            f"Invalid filter string: {shorten(self.text)!r}. Expected a list of comparisons "
            "separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01')."
        )

    def _comparison(self) -> Comparison:
        start = self.at
        entity, key = self._key()
        written = self.text[start : self.at]
        self._skip_blanks()
        operator = self._operator()
        if operator.startswith("IS "):
            raise MlflowException.invalid_parameter_value(
                f"Invalid comparison: {shorten(written)}{operator}. "
                "Expected a comparison with 3 tokens."
            )
        self._skip_blanks()
        value = self._value()
        return _checked(entity, key, operator, value, start)

    def _key(self) -> tuple[str, str]:
        """The entity and the key, without backticks."""
        first = self._name()
        if not self.text.startswith(".", self.at):
            return "attributes", first
        self.at += 1
        parts = [self._name()]
        while self.text.startswith(".", self.at):
            self.at += 1
            parts.append(self._name())
        if first not in _ENTITIES:
            raise MlflowException.invalid_parameter_value(
                f"Invalid entity type: {shorten(first)!r}. Expected one of {list(_ENTITIES)}."
            )
        return first, ".".join(parts)

    def _name(self) -> str:
        match = _NAME.match(self.text, self.at)
        if match is None:
            raise self.refusal()
        self.at = match.end()
        name = match.group()
        return name[1:-1] if name[0] in '`"' else name

    def _operator(self) -> str:
        match = _SIGNS.match(self.text, self.at) or _WORD_OPERATOR.match(self.text, self.at)
        if match is None:
            raise self.refusal()
        self.at = match.end()
        return " ".join(match.group().upper().split())

    def _value(self) -> str | tuple[str, ...]:
        """A text, as it stands between its quotes or without any; or the texts of a list."""
        if self.text.startswith("(", self.at):
            return self._list()
        return self._text()

    def _text(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if quote in ("'", '"') and quote:
            end = quoted_end(self.text, self.at)
            if not end:
                raise self.refusal()
            start, self.at = self.at + 1, end
            return _Quoted(self.text[start : end - 1])
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise self.refusal()
        self.at = match.end()
        return match.group()

    def _list(self) -> tuple[str, ...]:
        found: list[str] = []
        self.at += 1
        while True:
            self._skip_blanks()
            if self.text.startswith(")", self.at):
                self.at += 1
                return tuple(found)
            found.append(str(self._text()))
            self._skip_blanks()
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith(")", self.at):
                raise self.refusal()

    def _take_and(self) -> bool:
        word = self.text[self.at : self.at + 3]
        behind = self.text[self.at + 3 : self.at + 4]
        if word.upper() != "AND" or (behind and not behind.isspace()):
            return False
        self.at += 3
        return True

    def _skip_blanks(self) -> bool:
        """Whether something follows them."""
        self.at = _BLANKS.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.at < len(self.text)


class _Quoted(str):
    """A text that stood in quotes."""

    __slots__ = ()


def _checked(
    entity: str, key: str, operator: str, value: str | tuple[str, ...], position: int
) -> Comparison:
    name = TIMES.get(key, key) if entity == "attributes" else key
    is_number = entity == "metrics" or (entity == "attributes" and key in TIMES)
    allowed = _NUMBERS if is_number else _TEXTS
    shown = f"{entity}.{_TIMES_IN_MESSAGES.get(name, key) if entity == 'attributes' else key}"
    if operator not in allowed:
        raise MlflowException.invalid_parameter_value(
            f"Invalid comparison operator for {shorten(shown)}: {operator!r}. "
            f"Expected one of {allowed}."
        )
    if entity == "attributes" and key not in TEXTS and key not in TIMES:
        raise MlflowException.invalid_parameter_value(
            f"Invalid attribute {shorten(key)!r}. Expected one of {[*TEXTS, *TIMES]}."
        )
    is_list = isinstance(value, tuple)
    if is_list != (operator in ("IN", "NOT IN")):
        needed = "a list in parentheses" if not is_list else "a single value"
        raise MlflowException.invalid_parameter_value(
            f"Invalid value for {shorten(shown)} {operator}: {needed} is needed."
        )
    kept: Any = (
        value if is_list else (_number(shown, str(value), value) if is_number else str(value))
    )
    return Comparison(_ENTITIES[entity], name, operator, kept, position)


def _number(shown: str, text: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, _Quoted) else float(text)
    except ValueError:
        number = math.nan
    if number != number:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {shorten(text)!r} for {shorten(shown)}; a number without quotes is "
            "needed."
        )
    return number


# Orders and datasets.


def parse_order(items: Sequence[Mapping[str, Any]] | None) -> list[ModelOrder]:
    """What to sort by, most important first; empty for the default.

    Args:
        items: Mappings with `field_name` and, if wanted, `ascending`, `dataset_name` and
            `dataset_digest`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no such list, or names what cannot be
            sorted by.
    """
    if len(items or ()) > MAX_ORDERS:
        raise MlflowException.invalid_parameter_value(
            f"order_by has {len(items or ())} items; {MAX_ORDERS} are allowed."
        )
    return [_parse_order_item(item) for item in items or ()]


def _parse_order_item(item: Mapping[str, Any]) -> ModelOrder:
    if not isinstance(item, Mapping):
        raise MlflowException.invalid_parameter_value(
            f"Invalid order by {shorten(repr(item))}; a dictionary with 'field_name' is needed."
        )
    name = item.get("field_name") or ""
    ascending = item.get("ascending")
    options = (
        True if ascending is None else bool(ascending),
        item.get("dataset_name") or None,
        item.get("dataset_digest") or None,
    )
    if not isinstance(name, str):
        name = str(name)
    entity, dot, key = name.partition(".")
    if dot:
        if entity != "metrics":
            raise _no_order(f"{name}. Only metrics are supported.")
        return ModelOrder("metric", key, *options)
    if name not in TEXTS and name not in TIMES:
        raise _no_order(name)
    return ModelOrder("attribute", TIMES.get(name, name), options[0])


def _no_order(rest: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"Invalid order by field name: {shorten(rest)}",
        sqlstate="KAM04",
        error_class="ATTRIBUTE_NOT_FOUND",
    )


def parse_datasets(items: Sequence[Mapping[str, Any]] | None) -> list[DatasetFilter]:
    """The datasets that metrics have to be measured on; empty for no such condition.

    Args:
        items: Mappings with `dataset_name` and, if wanted, `dataset_digest`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if one has no name.
    """
    found = []
    for item in items or ():
        name = item.get("dataset_name") if isinstance(item, Mapping) else None
        if not name:
            raise MlflowException.invalid_parameter_value(
                "`dataset_name` in the `datasets` clause must be specified."
            )
        found.append(DatasetFilter(str(name), item.get("dataset_digest") or None))
    return found
