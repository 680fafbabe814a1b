"""What orders mean and how they are refused, beyond what is recorded."""

from __future__ import annotations

import pytest

from mlflow.exceptions import MlflowException
from mlflow.search import EXPERIMENTS, RUNS, OrderBy, full_order, parse_order_by
from mlflow.search.order import MAX_ITEMS


def refusal(items, grammar=RUNS):
    with pytest.raises(MlflowException) as refused:
        parse_order_by(items, grammar)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    return refused.value.message


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_no_items_no_order(nothing):
    assert parse_order_by(nothing, RUNS) == []


@pytest.mark.parametrize(
    "item, order",
    [
        ("metrics.acc", OrderBy("metric", "acc", True)),
        ("  metrics.`a b`  desc ", OrderBy("metric", "a b", False)),
        ("parameters.lr\tASC", OrderBy("param", "lr", True)),
        ("Created DESC", OrderBy("attribute", "start_time", False)),
        ('"status"', OrderBy("attribute", "status", True)),
    ],
)
def test_item(item, order):
    assert parse_order_by([item], RUNS) == [order]


@pytest.mark.parametrize(
    "item",
    ["", " ", "DESC", "'status'", "metrics.a, metrics.b", "metrics.a-b", "(status)", "metrics.a;"],
)
def test_malformed_item_is_refused(item):
    assert refusal([item]).startswith(f"Invalid order_by clause '{item}'. Could not be parsed.")


def test_refusal_points_at_the_place():
    assert refusal(["metrics.acc UP"]) == (
        "Invalid ordering key in order_by clause 'metrics.acc UP'.\n"
        "  metrics.acc UP\n"
        "              ^\n"
        "An item is `key`, `key ASC` or `key DESC`."
    )


def test_same_key_twice_is_refused_for_runs():
    assert "An item before it" in refusal(["start_time", "attributes.Created DESC"])


def test_same_key_twice_says_nothing_more_for_experiments():
    order = parse_order_by(["name DESC", "attribute.name"], EXPERIMENTS)
    assert order == [OrderBy("attribute", "name", False)]


@pytest.mark.parametrize("items", ["status", [1], [None], ["metrics.\0"], ["metrics.\ud800"]])
def test_list_of_texts_is_needed(items):
    refusal(items)


def test_number_of_items_is_limited():
    assert f"{MAX_ITEMS} are allowed" in refusal([f"metrics.m{i}" for i in range(MAX_ITEMS + 1)])


def test_full_order_is_total():
    by_metric = OrderBy("metric", "acc", True)
    newest, by_id = OrderBy("attribute", "start_time", False), OrderBy("attribute", "run_id")
    oldest = OrderBy("attribute", "start_time", True)
    assert full_order([], RUNS) == [newest, by_id]
    assert full_order([by_metric], RUNS) == [by_metric, newest, by_id]
    assert full_order([oldest], RUNS) == [oldest, by_id]
    assert full_order([by_id], RUNS) == [by_id, newest]
