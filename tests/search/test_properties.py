"""Whatever is typed: a tree or a refusal, soon. And trees survive being written out."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow.exceptions import MlflowException
from mlflow.search import EXPERIMENTS, RUNS, And, Comparison, Not, Or, parse_filter, parse_order_by
from mlflow.search.evaluate import matcher, run_values
from mlflow.search.filter import _parse
from mlflow.search.like import like
from tests.search.recorded import runs

GRAMMARS = st.sampled_from([RUNS, EXPERIMENTS])

FRAGMENTS = st.sampled_from(
    [
        *("metrics.acc", "params.opt", "tags.`k.dot`", "status", "name", "run_id", "datasets.name"),
        *("experiment_id", "creation_time", "foo", "foo.bar", "a.", ".", "metrics . acc"),
        *("=", "!=", ">", "<=", "==", "LIKE", "ilike", "IN", "NOT IN", "IS NULL", "IS NOT NULL"),
        *("'x'", '"y"', "`z`", "1", "-0.5", "1e3", "0x1", "('a', 'b')", "()", "NULL", "true"),
        *(
            "AND",
            "OR",
            "NOT",
            "(",
            ")",
            ",",
            ";",
            "'",
            '"',
            "`",
            "\\'",
            "--",
            "/*",
            "*/",
            "+",
            "&&",
        ),
        *(" ", "\n", "\t", "", "é", "💧", "\0", "\ud800"),
    ]
)
SOUP = st.lists(FRAGMENTS, max_size=25).map(" ".join) | st.lists(FRAGMENTS, max_size=25).map(
    "".join
)


@given(SOUP | st.text(), GRAMMARS)
@settings(max_examples=1500, deadline=None)
def test_any_text_is_a_filter_or_refused(text, grammar):
    try:
        _parse(text, grammar)
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE"
        error.message.encode()


@given(st.lists(SOUP | st.text(), max_size=3), GRAMMARS)
@settings(max_examples=300, deadline=None)
def test_any_items_are_an_order_or_refused(items, grammar):
    try:
        parse_order_by(items, grammar)
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("before", ["", "metrics.a = '", "x IN ("])
@pytest.mark.parametrize(
    "hostile",
    [
        *("(", "()", ")", "a = (", "a IN (", "NOT (", "a=1)", "x IN ('y') "),
        *("'", "\\'", "'a' ", "''", '"a".', "`", "`a`.", "'\\'"),
        *("a.", "a . ", "a,", ",", ";", "x ,", "a=b=", "a+", "a=1 ", "OR ", "AND ", "NOT "),
        *("1", "1.", "1e+", "-", "=", " ", "é", "--x\n", "/*"),
    ],
)
def test_time_is_linear_in_the_length(before, hostile):
    text = before + hostile * (50_000 // len(hostile))
    start = time.process_time()
    try:
        _parse(text, RUNS)
    except MlflowException:
        pass
    # Takes up to 0.3 s; anything quadratic takes minutes.
    assert time.process_time() - start < 3


NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'\\\0"), max_size=6)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="`\0"), max_size=6)
COMPARE = st.sampled_from(["=", "!=", ">", ">=", "<", "<="])
MATCH = st.sampled_from(["=", "!=", "LIKE", "ILIKE"])
PRESENT = st.sampled_from(["IS NULL", "IS NOT NULL"])
ONE_OF = st.sampled_from(["IN", "NOT IN"])
SOME = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)

COMPARISONS = st.one_of(
    st.builds(Comparison, st.just("metric"), NAMES, COMPARE, NUMBERS),
    st.builds(Comparison, st.just("param"), NAMES, COMPARE, NUMBERS),
    st.builds(Comparison, st.sampled_from(["param", "tag"]), NAMES, MATCH, TEXTS),
    st.builds(Comparison, st.sampled_from(["param", "tag"]), NAMES, PRESENT),
    st.builds(Comparison, st.just("attribute"), st.just("run_id"), ONE_OF, SOME),
    st.builds(Comparison, st.just("attribute"), st.sampled_from(["status"]), MATCH, TEXTS),
    st.builds(Comparison, st.just("dataset"), st.sampled_from(["name"]), MATCH, TEXTS),
)


def trees(comparisons):
    return st.recursive(
        comparisons,
        lambda child: st.one_of(
            st.builds(And, st.lists(child, min_size=2, max_size=3).map(tuple)),
            st.builds(Or, st.lists(child, min_size=2, max_size=3).map(tuple)),
            child.filter(lambda node: not isinstance(node, Not)).map(Not),
        ),
        max_leaves=8,
    )


def written(node):
    if isinstance(node, Not):
        return f"NOT ({written(node.child)})"
    if isinstance(node, (And, Or)):
        joint = " AND " if isinstance(node, And) else " or "
        return joint.join(f"({written(child)})" for child in node.children)
    value = node.value
    if isinstance(value, tuple):
        value = "(" + ",".join(f"'{one}'" for one in value) + ")"
    elif isinstance(value, str):
        value = f"'{value}'"
    elif value is None:
        value = ""
    return f"{node.entity}.`{node.key}` {node.op} {value}"


@given(trees(COMPARISONS))
@settings(max_examples=300, deadline=None)
def test_written_tree_is_read_back(tree):
    assert _parse(written(tree), RUNS) == tree


SMALL = st.sampled_from(
    [
        *("metrics.acc > 0", "metrics.bad != 0", "metrics.mix < 2", "params.opt ILIKE 's%'"),
        *("params.lr < 0.05", "tags.team IS NULL", "status = 'FAILED'", "end_time > 2000"),
        *("datasets.name != 'train'", "user_id = 'alice'"),
    ]
).map(lambda text: parse_filter(text, RUNS))


@given(trees(SMALL))
@settings(max_examples=200, deadline=None)
def test_connections_are_those_of_sets(tree):
    assert found(tree) == expected(tree)


def found(tree):
    return {name for name, run in runs().items() if matcher(tree, run_values)(run)}


def expected(tree):
    if isinstance(tree, And):
        return set.intersection(*map(expected, tree.children))
    if isinstance(tree, Or):
        return set.union(*map(expected, tree.children))
    if isinstance(tree, Not):
        return set(runs()) - expected(tree.child)
    return found(tree)


@given(st.text("ab%_", max_size=8), st.text("abA\n", max_size=10), st.booleans())
@settings(max_examples=500, deadline=None)
def test_like_is_the_plain_pattern(pattern, text, ignore_case):
    plain = {"%": ".*", "_": "."}
    regex = "".join(plain.get(char, char) for char in pattern)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    assert like(pattern, ignore_case)(text) is bool(re.fullmatch(regex, text, flags))


def test_like_cannot_be_made_slow():
    start = time.process_time()
    assert not like("%_a" * 2000 + "%b")("a" * 8000)
    assert not like("%" + "_" * 3000 + "b%")("a" * 8000)
    assert time.process_time() - start < 3
