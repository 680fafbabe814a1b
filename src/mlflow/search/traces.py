"""Filters and orders of traces: what they may say, and whether a trace fits.

Comparisons of spans that are joined by AND are about one span: the trace fits if there is a span
of which all of them hold. The text of a trace that has no spans is that of its previews.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.entities import TraceInfo
from mlflow.exceptions import MlflowException
from mlflow.search.evaluate import _COMPARE
from mlflow.search.filter import parse_filter
from mlflow.search.grammar import (
    COMPARE,
    MATCH,
    NUMBER,
    ONE_OF,
    PRESENT,
    TEXT,
    Entity,
    Grammar,
    Key,
)
from mlflow.search.like import like
from mlflow.search.regex import regex
from mlflow.search.tree import And, Comparison, Node, Not, Or, OrderBy

_WRONG = "Invalid comparator '{op}' not one of '{valid}'"
_TEXTS = (*MATCH, "RLIKE")
_OPTIONAL = Key(TEXT, (*_TEXTS, *PRESENT), wrong_operator=_WRONG)
_LISTED = Key(TEXT, (*_TEXTS, *ONE_OF), wrong_operator=_WRONG)
_SPAN_KEY = Key(
    TEXT, (*_TEXTS, *ONE_OF), wrong_operator="span.{key} comparator '{op}' not one of '{valid}'"
)
_CONTENT = Key(
    TEXT, ("LIKE", "ILIKE"), wrong_operator="span.content comparator '{op}' not one of '{valid}'"
)
_TIMESTAMP = Key(NUMBER, COMPARE, name="timestamp_ms", or_quoted=True)
_DURATION = Key(NUMBER, COMPARE, name="execution_time_ms", or_quoted=True)
_END = Key(NUMBER, COMPARE, name="end_time_ms", or_quoted=True)
_VALUE = Key(TEXT, (*_TEXTS, *PRESENT), or_number=True)
_ATTRIBUTES = "attributes."
#: Shorter texts are in most spans.
_WORTH_IT = 3


class _SpanKeys(Mapping):
    """The keys of spans: three of their own, their text, and any attribute."""

    _own = {"name": _SPAN_KEY, "type": _SPAN_KEY, "status": _SPAN_KEY, "content": _CONTENT}
    _attribute = Key(TEXT, _TEXTS)

    def __getitem__(self, spelling: str) -> Key:
        if spelling.startswith(_ATTRIBUTES) and len(spelling) > len(_ATTRIBUTES):
            return self._attribute
        return self._own[spelling]

    def __iter__(self) -> Any:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


TRACES = Grammar(
    name="traces",
    entities=(
        Entity(
            "attribute",
            ("attribute", "attributes", "trace"),
            {
                "client_request_id": _LISTED,
                "end_time": _END,
                "end_time_ms": _END,
                "execution_time": _DURATION,
                "execution_time_ms": _DURATION,
                "name": _OPTIONAL,
                "prompt": Key(
                    TEXT,
                    ("=",),
                    wrong_operator="Invalid comparator '{op}' for prompts filter. Only '=' is "
                    'supported with format: prompt = "name/version"',
                ),
                "request_id": _LISTED,
                "run_id": _OPTIONAL,
                "status": _LISTED,
                "text": _CONTENT,
                "timestamp": _TIMESTAMP,
                "timestamp_ms": _TIMESTAMP,
            },
            order_keys={
                "end_time": _END,
                "end_time_ms": _END,
                "execution_time": _DURATION,
                "execution_time_ms": _DURATION,
                "experiment_id": _LISTED,
                "name": _OPTIONAL,
                "request_id": _LISTED,
                "run_id": _OPTIONAL,
                "status": _LISTED,
                "timestamp": _TIMESTAMP,
                "timestamp_ms": _TIMESTAMP,
            },
            number_label="numeric attribute: {key}",
        ),
        Entity("tag", ("tag", "tags"), _OPTIONAL),
        Entity("metadata", ("metadata", "request_metadata"), _OPTIONAL, label="request_metadata"),
        Entity("span", ("span",), _SpanKeys(), order_keys=()),
        Entity("feedback", ("feedback",), _VALUE, order_keys=()),
        Entity("expectation", ("expectation",), _VALUE, order_keys=()),
        Entity("issue", ("issue",), {"id": Key(TEXT, ("=",))}, order_keys=()),
    ),
    default_order=(
        OrderBy("attribute", "timestamp_ms", False),
        OrderBy("attribute", "request_id"),
    ),
    ties=(OrderBy("attribute", "timestamp_ms", False), OrderBy("attribute", "request_id")),
    unknown_entity="Invalid entity type '{entity}'. Valid values are {{'attribute', "
    "'attributes', 'expectation', 'feedback', 'issue', 'metadata', 'request_metadata', 'span', "
    "'tag', 'tags', 'trace'}}",
    null_refused="{label}.{key} comparator 'IS NULL' / 'IS NOT NULL' is not supported",
    order_refused="Invalid order_by entity: {label}",
    repeated_order=True,
)


@dataclass
class Facts:
    """What a filter looks at."""

    info: TraceInfo | None
    """None where only spans are looked at."""
    runs: Sequence[str] = ()
    """Runs that the trace is linked to, beside the one in its metadata."""
    prompts: Sequence[str] = ()
    """Prompts that it is linked to, as `name/version`."""
    records: Sequence[dict[str, Any]] = ()
    """Its spans."""
    previews: Sequence[str] = ()
    """What it says of its request and response, if it has no spans."""


def is_about_span(node: Node) -> bool:
    """Whether it is a comparison with a part of a span."""
    return isinstance(node, Comparison) and (node.entity == "span" or is_about_text(node))


def is_about_text(node: Node) -> bool:
    """Whether it is a comparison with the text of the trace."""
    return isinstance(node, Comparison) and (node.entity, node.key) == ("attribute", "text")


def previews_of(info: TraceInfo) -> list[str]:
    """The `Facts.previews` of a trace."""
    if "mlflow.trace.spansLocation" in info.tags:
        return []
    return [text for text in (info.request_preview, info.response_preview) if text]


def text_in_all(tree: Node) -> tuple[str, bool] | None:
    """A text that the spans' JSON has in it, somewhere, in every trace with spans that fits, and
    whether capitals do not matter; None if there may be none. What needs quotes, escapes or
    separators in JSON is not looked for: it may be spelled in two ways."""
    found = None
    for child in tree.children if isinstance(tree, And) else (tree,):
        if not (is_about_span(child) and child.key in ("content", "text")):  # type: ignore[union-attr]
            continue
        pieces = re.split(r'[%_"\\:,\[\]{}]', str(child.value))  # type: ignore[union-attr]
        longest = max((p for p in pieces if p.isprintable()), key=len, default="").strip()
        if len(longest) >= _WORTH_IT and (found is None or len(longest) > len(found[0])):
            found = longest, child.op == "ILIKE"  # type: ignore[union-attr]
    return found


def comparisons(node: Node | None) -> list[Comparison]:
    """All comparisons of a filter."""
    if node is None:
        return []
    if isinstance(node, Comparison):
        return [node]
    children = (node.child,) if isinstance(node, Not) else node.children
    return [c for child in children for c in comparisons(child)]


def parse_trace_filter(text: str | None) -> Node | None:
    """The tree of a filter of traces; None if it filters nothing.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is none.
    """
    tree = parse_filter(text, TRACES)
    for c in comparisons(tree):
        if c.op == "RLIKE":
            regex(str(c.value))
        if (c.entity, c.key) == ("attribute", "prompt"):
            prompt_of(c)
    return tree


def prompt_of(c: Comparison) -> tuple[str, str]:
    """The name and the version that a comparison with a prompt asks for.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not `name/version`.
    """
    name, slash, version = str(c.value).rpartition("/")
    if not (name and slash and version):
        raise MlflowException.invalid_parameter_value(
            f"Invalid prompts filter value '{c.value}'. Expected format: prompt = \"name/version\""
        )
    return name, version


def fits(node: Node | None, facts: Facts) -> bool:
    """Whether a trace fits a filter."""
    if node is None:
        return True
    if isinstance(node, Not):
        return not fits(node.child, facts)
    if isinstance(node, Or):
        return any(fits(child, facts) for child in node.children)
    children = node.children if isinstance(node, And) else (node,)
    spans = [child for child in children if is_about_span(child)]
    if spans and not (_a_span_fits(spans, facts) or _previews_fit(spans, facts)):
        return False
    rest = [child for child in children if not is_about_span(child)]
    return all(
        _holds(child, facts) if isinstance(child, Comparison) else fits(child, facts)
        for child in rest
    )


def test_of(c: Comparison) -> Callable[[Any], bool]:
    """Whether a value satisfies a comparison, of a kind that has one."""
    if c.op in ("LIKE", "ILIKE"):
        return like(c.value, ignore_case=c.op == "ILIKE")  # type: ignore[arg-type]
    if c.op == "RLIKE":
        return regex(str(c.value))
    if c.op in ("IN", "NOT IN"):
        wanted = frozenset(c.value)  # type: ignore[arg-type]
        return lambda value: (value in wanted) == (c.op == "IN")
    compare = _COMPARE[c.op]
    return lambda value: compare(value, c.value)


def _a_span_fits(spans: Sequence[Any], facts: Facts) -> bool:
    return any(all(_span_fits(c, record) for c in spans) for record in facts.records)


def _previews_fit(spans: Sequence[Any], facts: Facts) -> bool:
    return all(is_about_text(c) and any(map(test_of(c), facts.previews)) for c in spans)


def _holds(c: Comparison, facts: Facts) -> bool:
    if c.key == "prompt" and c.entity == "attribute":
        return "/".join(prompt_of(c)) in facts.prompts
    if c.entity in ("feedback", "expectation", "issue"):
        return _assessed(c, facts.info)
    values = _values(c, facts)
    if c.op in ("IS NULL", "IS NOT NULL"):
        return bool(values) == (c.op == "IS NOT NULL")
    test = test_of(c)
    return any(test(value) for value in values)


def _values(c: Comparison, facts: Facts) -> list[Any]:
    """What a trace has under a key."""
    info = facts.info
    if c.entity == "tag":
        return _one(info.tags.get(c.key))
    if c.entity == "metadata":
        own = _one(info.trace_metadata.get(c.key))
        return [*own, *facts.runs] if c.key == "mlflow.sourceRun" else own
    if c.key == "name":
        return _one(info.tags.get("mlflow.traceName"))
    if c.key == "run_id":
        return [*_one(info.trace_metadata.get("mlflow.sourceRun")), *facts.runs]
    if c.key == "end_time_ms":
        duration = info.execution_duration
        return [] if duration is None else [info.request_time + duration]
    return _one(
        {
            "client_request_id": info.client_request_id,
            "execution_time_ms": info.execution_duration,
            "request_id": info.trace_id,
            "status": info.state.value,
            "timestamp_ms": info.request_time,
        }[c.key]
    )


def _one(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _assessed(c: Comparison, info: TraceInfo) -> bool:
    """Whether an assessment satisfies a comparison: texts with its JSON text, or with the text
    that this is of; numbers with numbers."""
    found = [
        a
        for a in info.assessments
        if getattr(a, c.entity) is not None
        and (a.name == c.value if c.entity == "issue" else a.name == c.key)
    ]
    if c.entity == "issue" or c.op in ("IS NULL", "IS NOT NULL"):
        return bool(found) == (c.op != "IS NULL")
    values = [getattr(a, c.entity).value for a in found]
    test = test_of(c)
    if not isinstance(c.value, str):
        return any(test(v) for v in values if _is_number(v))
    if c.op in ("=", "!="):
        wanted = {c.value, json.dumps(c.value)}
        return any((json.dumps(v) in wanted) == (c.op == "=") for v in values)
    return any(test(json.dumps(v)) for v in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _span_fits(c: Comparison, record: dict[str, Any]) -> bool:
    attributes = record.get("attributes") or {}
    if c.key in ("content", "text"):
        return test_of(c)(json.dumps(record, ensure_ascii=False))
    if c.key == "name":
        return test_of(c)(record.get("name") or "")
    if c.key == "status":
        return test_of(c)(record["status"]["code"].removeprefix("STATUS_CODE_"))
    if c.key == "type":
        return test_of(c)(_text(attributes.get("mlflow.spanType", "")))
    value = attributes.get(c.key[len(_ATTRIBUTES) :])
    if value is None:
        return False
    # As it is, or as the JSON text that it is kept as.
    texts = {_text(value), str(value)}
    test = test_of(c)
    return all(test(text) for text in texts) if c.op == "!=" else any(map(test, texts))


def _text(value: Any) -> str:
    """An attribute as text: what its JSON says if that is a text, else the JSON."""
    try:
        said = json.loads(value)
    except (TypeError, ValueError):
        return str(value)
    return said if isinstance(said, str) else str(value)
