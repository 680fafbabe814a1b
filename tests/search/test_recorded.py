"""Every recorded search of runs and experiments: what it finds, or how it is refused."""

from __future__ import annotations

import re

import pytest

from mlflow.exceptions import MlflowException
from mlflow.search import EXPERIMENTS, RUNS, parse_filter, parse_order_by
from mlflow.search.evaluate import experiment_values, matcher, run_values, sort
from tests.search.recorded import DATA, experiments, probes, request, runs

KINDS = {
    "search_runs": (RUNS, runs, run_values),
    "search_experiments": (EXPERIMENTS, experiments, experiment_values),
}

# Refused by the reference, a filter here. NOT is true of what lacks the key.
EXTENSIONS = {
    "params.lr = 0.1": ["a"],
    "params.lr > 0.05": ["a"],
    "metrics.acc > 0 OR params.opt = 'sgd'": ["a", "b", "c", "e"],
    "(metrics.acc > 0)": ["a", "b", "e"],
    "(metrics.acc > 0) AND (params.opt = 'SGD')": ["a"],
    "(metrics.acc > 0 AND params.opt = 'SGD')": ["a"],
    "NOT metrics.acc > 0": ["c", "d"],
    "name LIKE 'fx%' OR tags.team = 'core'": ["fx", "fx_three%"],
    "(name = 'fx')": ["fx"],
}

# Refused by both. The reference trips over SQL keywords that mean nothing here; we name the fault.
BETTER_WORDS = {
    "metrics.with space = 3": "Invalid clause(s) in filter string: 'metrics.with'",
    "user = 'alice'": "Invalid attribute key 'user' specified.",
    "User": "Invalid attribute key 'User' specified.",
    "Source": "Invalid attribute key 'Source' specified.",
    "Version": "Invalid attribute key 'Version' specified.",
}

# An internal error of the reference.
OWN_WORDS = {("metrics.acc", "metrics.acc DESC"): "An item before it sorts by metric 'acc' already"}


def cases(field, accepted):
    return [
        pytest.param(endpoint, probe, id=f"{endpoint}-{probe[field]}"[:90])
        for endpoint in KINDS
        for probe in probes(endpoint, field, accepted)
        if not (field == "filter" and probe["filter"] in EXTENSIONS)
    ]


def found(endpoint, text):
    grammar, items, values = KINDS[endpoint]
    fits = matcher(parse_filter(text, grammar), values)
    return sorted(name for name, item in items().items() if fits(item))


@pytest.mark.parametrize("endpoint, probe", cases("filter", True))
def test_filter_finds_what_the_reference_found(endpoint, probe):
    assert found(endpoint, request(probe, "filter")) == probe["matched"]


@pytest.mark.parametrize("endpoint, probe", cases("order_by", True))
def test_order_is_that_of_the_reference(endpoint, probe):
    grammar, items, values = KINDS[endpoint]
    names = {id(item): name for name, item in items().items()}
    order = parse_order_by(request(probe, "order_by"), grammar)
    ordered = sort(items().values(), order, grammar, values)
    assert [names[id(item)] for item in ordered] == probe["matched"]


@pytest.mark.parametrize("endpoint", KINDS)
def test_default_order_is_that_of_the_reference(endpoint):
    grammar, items, values = KINDS[endpoint]
    (probe,) = [p for p in probes(endpoint, "filter") if "default_order" in p]
    names = {id(item): name for name, item in items().items()}
    ordered = sort(items().values(), parse_order_by([], grammar), grammar, values)
    assert [names[id(item)] for item in ordered] == probe["default_order"]


@pytest.mark.parametrize("endpoint, probe", cases("filter", False))
def test_filter_is_refused_in_the_words_of_the_reference(endpoint, probe):
    with pytest.raises(MlflowException) as refused:
        parse_filter(request(probe, "filter"), KINDS[endpoint][0])
    check_words(refused.value, probe, BETTER_WORDS.get(probe["filter"]))


@pytest.mark.parametrize("endpoint, probe", cases("order_by", False))
def test_order_is_refused_in_the_words_of_the_reference(endpoint, probe):
    with pytest.raises(MlflowException) as refused:
        parse_order_by(request(probe, "order_by"), KINDS[endpoint][0])
    items = probe["order_by"]
    check_words(refused.value, probe, OWN_WORDS.get(tuple(items)) or BETTER_WORDS.get(items[0]))


def check_words(error, probe, instead):
    assert error.error_code == "INVALID_PARAMETER_VALUE"
    if instead:
        assert instead in error.message
    else:
        first_line = error.message[: error.message.index("\n  ")]
        assert sets_sorted(first_line) == sets_sorted(probe["message"])


def sets_sorted(message):
    """The message with the members of its sets in order: the reference's have none."""
    return re.sub(r"\{(.*?)\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", message)


@pytest.mark.parametrize("text", EXTENSIONS)
def test_extension_finds(text):
    (endpoint,) = [
        endpoint
        for endpoint in KINDS
        for probe in probes(endpoint, "filter", accepted=False)
        if probe["filter"] == text
    ]
    assert found(endpoint, text) == EXTENSIONS[text]


OPERATORS = (
    *("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "RLIKE", "IN", "NOT IN"),
    *("NOT LIKE", "IS NULL", "IS NOT NULL", "==", "<>", "~"),
)
VALUES = {"string": "'1'", "number": "1", "list_of_strings": "('1')", "null": ""}


@pytest.mark.parametrize(
    "endpoint, key", [(e, key) for e in KINDS for key in DATA["accepted_operators"][e]]
)
def test_key_takes_exactly_the_operators_that_the_reference_takes(endpoint, key):
    grammar = KINDS[endpoint][0]
    taken = {kind: [op for op in OPERATORS if takes(f"{key} {op} {value}", grammar)]
             for kind, value in VALUES.items()}  # fmt: skip
    expected = {kind: [] for kind in VALUES} | DATA["accepted_operators"][endpoint][key]
    if key.startswith("params."):
        expected["number"] = ["=", "!=", ">", ">=", "<", "<="]  # an extension
    assert taken == expected


def takes(text, grammar):
    try:
        return parse_filter(text, grammar) is not None
    except MlflowException:
        return False
