"""Exactly the points that are missing are found, in whatever order a store gives them."""

from __future__ import annotations

import math
import random
from array import array

from hypothesis import given
from hypothesis import strategies as st

from mlflow.store.db.points import Points
from mlflow.store.tracking.base.transfer import canonical, digest
from mlflow.sync.points import missing_points

VALUES = st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, 1.7976931348623157e308, -2.5])
POINTS = st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2), VALUES), max_size=25)


class History:
    """As much of a store as is needed."""

    def __init__(self, points, ordered=True):
        self.rows = sorted(points, key=lambda p: p[:2]) if ordered else points

    def metric_histories(self, run_id, keys):
        for i in range(0, len(self.rows), 3):
            timestamps, steps, values = zip(*self.rows[i : i + 3])
            yield "m", Points(array("q", steps), array("q", timestamps), array("d", values))

    def points(self):
        return {(t, s, canonical(v)) for t, s, v in self.rows}


def missing(here, there):
    return [(t, s, canonical(v)) for t, s, v in missing_points(here, there, "a", "b", "m")]


@given(POINTS, POINTS)
def test_what_is_missing_is_found_once(here, there):
    here, there = History(here), History(there)
    found = missing(here, there)
    assert sorted(map(str, found)) == sorted(map(str, here.points() - there.points()))


@given(POINTS, POINTS, st.booleans(), st.booleans())
def test_histories_in_no_order(here, there, here_ordered, there_ordered):
    here, there = History(here, here_ordered), History(there, there_ordered)
    found = set(missing(here, there))
    assert here.points() - there.points() <= found <= here.points()


def test_values_are_given_as_they_are():
    here, there = History([(0, 0, math.inf), (0, 1, -0.0)]), History([])
    found = [value for _, _, value in missing_points(here, there, "a", "b", "m")]
    assert found[0] == math.inf and math.copysign(1, found[1]) == -1


def points_of(rows) -> Points:
    points = Points()
    points.append_rows([(s, t, v) for t, s, v in rows])
    return points


@given(POINTS, st.randoms(use_true_random=False))
def test_digest_is_of_the_set_of_points(points, rng: random.Random):
    again = points + points[:3]
    rng.shuffle(again)
    assert digest([points_of(points)]) == digest([points_of(again)])
    if points:
        gone = (points[0][0], points[0][1], canonical(points[0][2]))
        rest = [p for p in points if (p[0], p[1], canonical(p[2])) != gone]
        assert digest([points_of(rest)]) != digest([points_of(points)])


@given(POINTS, st.lists(st.integers(0, 25)))
def test_digest_does_not_tell_where_a_history_was_cut(points, cuts):
    whole = points_of([(t, s, canonical(v)) for t, s, v in points]).in_order()
    ends = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in zip(ends, ends[1:])]
    assert digest(pieces) == digest([whole]) == digest([points_of(points)])
