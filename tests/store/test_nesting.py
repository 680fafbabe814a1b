"""Runs as a tree, whatever their parents say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlflow.store.tracking.nesting import nested


def test_children_follow_their_parent_in_the_order_given():
    tree = nested(["b", "p", "a", "q"], {"a": "p", "b": "p"})
    assert tree.rows == ["p", "b", "a", "q"]
    assert tree.depth == [0, 1, 1, 0]
    assert tree.context == []


def test_ancestors_that_were_not_found_stand_where_what_is_below_them_would():
    tree = nested(["x", "leaf", "other"], {"leaf": "middle", "middle": "top", "other": "top"})
    assert tree.rows == ["x", "top", "middle", "leaf", "other"]
    assert tree.depth == [0, 0, 1, 2, 1]
    assert tree.context == [1, 2]


def test_first_run_of_a_circle_is_its_top():
    tree = nested(["b", "a", "c", "tail"], {"a": "b", "b": "c", "c": "a", "tail": "a"})
    assert tree.rows == ["b", "a", "c", "tail"]
    assert tree.depth == [0, 1, 2, 2]


def test_run_that_is_its_own_parent_is_at_the_top():
    assert nested(["a", "b"], {"a": "a", "b": "a"}) == (["a", "b"], [0, 1], [])


def test_very_long_line_of_ancestors():
    size = 5000
    tree = nested([size], {i: i - 1 for i in range(1, size + 1)})
    assert tree.rows == list(range(size + 1)) == tree.depth
    assert tree.context == list(range(size))


@given(
    st.lists(st.integers(0, 30), unique=True),
    st.dictionaries(st.integers(0, 30), st.integers(0, 30)),
)
def test_nothing_is_lost_and_all_are_below_their_parents(found, parents):
    tree = nested(found, parents)
    assert len(set(tree.rows)) == len(tree.rows) == len(tree.depth)
    context = {tree.rows[i] for i in tree.context}
    assert set(tree.rows) - context == set(found)
    assert context.isdisjoint(found)
    above: list[int] = []
    without = 0
    for row, depth in zip(tree.rows, tree.depth):
        del above[depth:]
        assert len(above) == depth
        if depth:
            assert parents[row] == above[-1]
        else:
            without += row in parents
        above.append(row)
    if not _has_circle(parents):
        assert without == 0
    # brothers and sisters that were found keep their order
    places = {run: i for i, run in enumerate(found)}
    last: dict[tuple[int, ...], int] = {}
    path: list[int] = []
    for row, depth in zip(tree.rows, tree.depth):
        del path[depth:]
        if row in places:
            assert last.get(tuple(path), -1) < places[row]
            last[tuple(path)] = places[row]
        path.append(row)


def _has_circle(parents: dict[int, int]) -> bool:
    for run in parents:
        seen = set()
        while run in parents:
            if run in seen:
                return True
            seen.add(run)
            run = parents[run]
    return False
