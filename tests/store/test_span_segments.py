"""Spans as one value."""

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.db.spans import merged, pack_spans, unpack_spans


def record(span_id, parent=None, start=0, **more):
    return {"span_id": span_id, "parent_span_id": parent, "start_time_unix_nano": start, **more}


def test_segment_holds_what_was_put_in():
    records = [record("a", text="ä" * 1000), record("b", "a", value=[1, None, {"x": 0.5}])]
    assert unpack_spans(pack_spans(records)) == records


@pytest.mark.parametrize("place", [0, 2, 20, -1])
def test_damaged_segment_is_noticed(place):
    content = bytearray(pack_spans([record("a", text="some text " * 20)]))
    content[place] ^= 0x55
    with pytest.raises(MlflowException, match="database is damaged") as error:
        unpack_spans(bytes(content))
    assert error.value.error_code == "DATA_LOSS"


def test_text_that_is_none_is_refused():
    with pytest.raises(MlflowException, match="no character") as error:
        pack_spans([record("a", text="\ud800")])
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"


def test_roots_come_first_and_the_last_of_equal_ids_counts():
    first = [record("b", "a", 1, name="old"), record("c", "a", 0)]
    second = [record("a", None, 5), record("b", "a", 1, name="new")]
    found = merged([first, second])
    names = [(r["span_id"], r.get("name")) for r in found]
    assert names == [("a", None), ("c", None), ("b", "new")]
