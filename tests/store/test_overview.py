"""What the web UI asks, of every store."""

from __future__ import annotations

import contextlib
import math
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from mlflow.entities import (
    Dataset,
    DatasetInput,
    ExperimentTag,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.rpc.ui.runs import FoundRuns
from mlflow.store.tracking.base.overview import Overview

ACTIVE, DELETED, ALL = ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL
START = 1_700_000_000_000
DAY = 86_400_000
NAMES = [
    "run_id",
    "experiment_id",
    "name",
    "status",
    "start_time",
    "end_time",
    "lifecycle_stage",
    "user",
    "parent",
]


def new_run(
    store: Any,
    experiment: str,
    name: str,
    *,
    parent: str | None = None,
    start: int = START,
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    metrics: dict[str, float] | None = None,
    user: str | None = "ann",
) -> str:
    """The id of a new run that has logged this."""
    given = {**({"mlflow.parentRunId": parent} if parent else {}), **(tags or {})}
    run = store.create_run(experiment, user, start, [RunTag(k, v) for k, v in given.items()], name)
    store.log_batch(
        run.info.run_id,
        [Metric(k, v, START, 0) for k, v in (metrics or {}).items()],
        [Param(k, v) for k, v in (params or {}).items()],
        [],
    )
    return run.info.run_id


def other_experiment(store: Any) -> str:
    return store.create_experiment(f"other-{uuid.uuid4().hex}", None, [])


def names(store: Any, found: FoundRuns) -> list[str | None]:
    """The names in the rows; more of them than can be asked for at once."""
    read: list[str | None] = []
    for i in range(0, len(found.rows), 500):
        read += store.run_rows(found.rows[i : i + 500], [], []).runs.name
    return read


def outline(store: Any, found: FoundRuns) -> list[str]:
    """A tree, indented, with brackets around what is there for others only."""
    rows = zip(names(store, found), found.depth)
    context = set(found.context)
    return [
        "  " * depth + (f"({name})" if i in context else name)
        for i, (name, depth) in enumerate(rows)
    ]


# -- finding -----------------------------------------------------------------------------------


def test_find_gives_rows_in_order_and_their_number(store, experiment):
    for i in range(5):
        new_run(store, experiment, f"r{i}", start=START + i, metrics={"m": float(i % 3)})
    found = store.find_runs([experiment], None, None, ACTIVE)
    assert (found.total, found.next_page_token) == (5, None)
    assert (found.depth, found.context) == (None, None)
    assert names(store, found) == ["r4", "r3", "r2", "r1", "r0"]
    found = store.find_runs([experiment], "metrics.m > 0", None, ACTIVE, ["metrics.m"])
    assert found.total == 3
    assert names(store, found) == ["r4", "r1", "r2"]


def test_find_in_no_experiment(store):
    found = store.find_runs([], None, None, ACTIVE, None, True)
    assert (found.total, found.rows, found.depth, found.context) == (0, [], [], [])
    with pytest.raises(MlflowException, match="Invalid"):
        store.find_runs([], "metrics.m >> 0", None, ACTIVE)


def test_find_page_by_page(store, experiment):
    for i in range(7):
        new_run(store, experiment, f"r{i}", start=START + i, metrics={"m": float(i)})
    found, token = [], None
    for size in (3, 3, 1):
        page = store.find_runs([experiment], "metrics.m >= 0", None, ACTIVE, None, False, 3, token)
        assert (page.total, len(page.rows)) == (7, size)
        found += names(store, page)
        token = page.next_page_token
    assert token is None
    assert found == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]
    with pytest.raises(MlflowException, match="token"):
        store.find_runs([experiment], None, None, ACTIVE, None, False, 3, "W10=")


def test_find_by_words(store, experiment):
    new_run(store, experiment, "Blue Whale", params={"opt": "AdamW"}, tags={"team": "north"})
    new_run(store, experiment, "red fox", params={"opt": "sgd"}, tags={"mlflow.user": "Adams"})
    hidden = {"mlflow.log-model.history": '[{"flavor": "whale"}]'}
    new_run(store, experiment, "quiet", tags=hidden)

    def find(text: str | None) -> list[str | None]:
        found = store.find_runs([experiment], None, text, ACTIVE, ["attributes.run_name"])
        assert found.total == len(found.rows)
        return names(store, found)

    assert find("whale") == ["Blue Whale"]
    assert find("ADAM") == ["Blue Whale", "red fox"]
    assert find("adam  north") == ["Blue Whale"]
    assert find("adam absent") == []
    assert find("opt") == []  # that is a key
    assert len(find("  ")) == len(find("")) == len(find(None)) == 3


@pytest.mark.parametrize(
    "word", ["100%", "a_b", "back\\slash", "it's", '"quoted"', "[x]", "ümlaut"]
)
def test_words_are_no_patterns(store, experiment, word):
    new_run(store, experiment, "has it", params={"p": f"before {word} after"})
    new_run(store, experiment, "has not", params={"p": "100 axb backslash its quoted x umlaut"})
    found = store.find_runs([experiment], None, word, ACTIVE)
    assert names(store, found) == ["has it"]


def test_find_by_the_beginning_of_an_id(store, experiment):
    run_id = new_run(store, experiment, "one")
    new_run(store, experiment, "two")
    assert names(store, store.find_runs([experiment], None, run_id[:12], ACTIVE)) == ["one"]


def test_words_and_filter_hold_both(store, experiment):
    new_run(store, experiment, "a1", metrics={"m": 1.0})
    new_run(store, experiment, "a2", metrics={"m": 2.0})
    new_run(store, experiment, "b2", metrics={"m": 2.0})
    found = store.find_runs([experiment], "metrics.m > 1", "a", ACTIVE)
    assert names(store, found)[0] == "a2"


@pytest.mark.parametrize("text", ["a\0b", "x" * 1001, " ".join(f"w{i}" for i in range(21))])
def test_words_that_cannot_be_looked_for_are_refused(store, experiment, text):
    with pytest.raises(MlflowException) as e:
        store.find_runs([experiment], None, text, ACTIVE)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


# -- the tree ----------------------------------------------------------------------------------


def test_tree_has_children_below_their_parents(store, experiment):
    top = new_run(store, experiment, "top", start=START)
    middle = new_run(store, experiment, "middle", parent=top, start=START + 1)
    new_run(store, experiment, "leaf 1", parent=middle, start=START + 2)
    new_run(store, experiment, "alone", start=START + 3)
    new_run(store, experiment, "leaf 2", parent=middle, start=START + 4)
    found = store.find_runs([experiment], None, None, ACTIVE, None, True)
    assert outline(store, found) == ["alone", "top", "  middle", "    leaf 2", "    leaf 1"]
    assert found.total == 5


def test_tree_shows_ancestors_of_what_matches(store, experiment):
    top = new_run(store, experiment, "top")
    middle = new_run(store, experiment, "middle", parent=top)
    for i in range(3):
        new_run(store, experiment, f"leaf {i}", parent=middle, metrics={"m": float(i)})
    found = store.find_runs([experiment], "metrics.m > 0", None, ACTIVE, ["metrics.m DESC"], True)
    assert outline(store, found) == ["(top)", "  (middle)", "    leaf 2", "    leaf 1"]
    assert found.total == 2


def test_tree_without_parents_to_be_shown(store, experiment):
    """A parent that is deleted, not there, or elsewhere loses no child."""
    elsewhere = other_experiment(store)
    deleted = new_run(store, experiment, "deleted", start=START)
    foreign = new_run(store, elsewhere, "foreign", start=START + 1)
    new_run(store, experiment, "of deleted", parent=deleted, start=START + 2)
    new_run(store, experiment, "of foreign", parent=foreign, start=START + 3)
    new_run(store, experiment, "of none", parent="0" * 32, start=START + 4)
    new_run(store, experiment, "of nonsense", parent="no id at all", start=START + 5)
    store.delete_run(deleted)

    def tree(experiments: list[str], view: int) -> list[str]:
        return outline(store, store.find_runs(experiments, None, None, view, None, True))

    apart = ["of nonsense", "of none", "of foreign", "of deleted"]
    assert tree([experiment], ACTIVE) == apart
    assert tree([experiment], ALL) == [*apart[:3], "deleted", "  of deleted"]
    assert tree([experiment], DELETED) == ["deleted"]
    both = [*apart[:2], "of deleted", "foreign", "  of foreign"]
    assert tree([experiment, elsewhere], ACTIVE) == both


def test_tree_of_a_circle_shows_all(store, experiment):
    runs = [new_run(store, experiment, f"r{i}", start=START + i) for i in range(4)]
    for child, parent in ((0, 1), (1, 2), (2, 0), (3, 3)):
        store.set_tag(runs[child], RunTag("mlflow.parentRunId", runs[parent]))
    found = store.find_runs([experiment], None, None, ACTIVE, None, True)
    assert outline(store, found) == ["r3", "r2", "  r1", "    r0"]
    filtered = "attributes.run_name = 'r1'"
    found = store.find_runs([experiment], filtered, None, ACTIVE, None, True)
    assert outline(store, found) == ["r1"]


def test_each_page_of_a_tree_is_a_tree(store, experiment):
    top = new_run(store, experiment, "top", start=START + 9)
    for i in range(3):
        new_run(store, experiment, f"c{i}", parent=top, start=START + i)
    first = store.find_runs([experiment], None, None, ACTIVE, None, True, 2)
    assert outline(store, first) == ["top", "  c2"]
    token = first.next_page_token
    second = store.find_runs([experiment], None, None, ACTIVE, None, True, 2, token)
    assert outline(store, second) == ["(top)", "  c1", "  c0"]
    assert (first.total, second.total, second.next_page_token) == (4, 4, None)


# -- rows --------------------------------------------------------------------------------------


def cells(store: Any, run_id: str, *columns: str) -> list[Any]:
    found = store.run_rows([], [run_id], columns).columns
    assert list(found) == list(dict.fromkeys(columns))
    return [found[column][0] for column in columns]


def test_rows_say_what_runs_are(store, experiment):
    parent = new_run(store, experiment, "p")
    run_id = new_run(store, experiment, "c", parent=parent, user=None, tags={"mlflow.user": "bo"})
    store.update_run_info(run_id, RunStatus.FAILED, START + 5, None)
    rows = store.find_runs([experiment], None, None, ACTIVE, ["attributes.run_name"]).rows
    runs = store.run_rows(rows, [], []).runs
    facts = [[getattr(runs, name)[i] for name in NAMES] for i in (0, 1)]
    assert facts == [
        [run_id, experiment, "c", "FAILED", START, START + 5, "active", "bo", parent],
        [parent, experiment, "p", "RUNNING", START, None, "active", "ann", None],
    ]


def test_rows_that_are_no_runs_are_null(store, experiment):
    (row,) = (new_run(store, experiment, "r", metrics={"m": 1.0}, params={"p": "x"}),)
    rows = store.find_runs([experiment], None, None, ACTIVE).rows
    columns = ["metrics.m", "params.p", "children", "datasets", "models", "tags.none", "min.m"]
    for asked in ([1 << 62, *rows, -5, "nothing"], ["0" * 32, *rows, 1 << 70, ""]):
        found = store.run_rows(asked, [], columns)
        assert found.runs.run_id == [None, row, None, None]
        assert all(getattr(found.runs, name)[0] is None for name in NAMES)
        assert [c[1] for c in found.columns.values()] == [1.0, "x", 0, [], 0, None, 1.0]
        assert all(c[0] is c[2] is c[3] is None for c in found.columns.values())
    found = store.run_rows([], [], columns)
    assert found.runs.run_id == [] and set(map(len, found.columns.values())) == {0}


def test_rows_may_repeat(store, experiment):
    run_id = new_run(store, experiment, "r", params={"p": "x"})
    found = store.run_rows([], [run_id, run_id], ["params.p", "params.p"])
    assert found.columns == {"params.p": ["x", "x"]}


def test_cells_of_metrics(store, experiment):
    run_id = new_run(store, experiment, "r")
    points = [
        Metric("m", value, START + step, step) for step, value in enumerate([3.0, 9.0, 1.0, 5.0])
    ]
    points += [Metric("nan", math.nan, START, 0), Metric("partly", math.nan, START, 2)]
    points += [Metric("partly", 4.0, START, 1), Metric("minus/odd name.x", -1.5, START, -7)]
    store.log_batch(run_id, points, [], [])
    assert cells(store, run_id, "metrics.m", "min.m", "max.m", "step.m") == [5.0, 1.0, 9.0, 3]
    assert cells(store, run_id, "metrics.nan", "min.nan", "max.nan", "step.nan") == [
        *("NaN", None, None, 0)
    ]
    assert cells(store, run_id, "metrics.partly", "min.partly", "max.partly", "step.partly") == [
        *("NaN", 4.0, 4.0, 2)
    ]
    odd = "minus/odd name.x"
    assert cells(store, run_id, f"metrics.{odd}", f"min.{odd}", f"step.{odd}") == [-1.5, -1.5, -7]
    assert cells(store, run_id, "metrics.none", "min.none", "max.none", "step.none") == [None] * 4


def test_extremes_of_long_metrics(store, experiment):
    """Some of the points are in chunks, and some are not."""
    run_id = new_run(store, experiment, "r")
    values = [math.sin(i / 7) * i for i in range(2300)]
    for first in range(0, len(values), 1000):
        part = enumerate(values[first : first + 1000], first)
        store.log_batch(run_id, [Metric("m", v, START + i, i) for i, v in part], [], [])
    store.log_metric(run_id, Metric("m", 1e9, START + 5000, 5000))
    store.log_metric(run_id, Metric("m", -1.0, START + 5001, 5001))
    expected = [-1.0, min(values), 1e9, 5001]
    assert cells(store, run_id, "metrics.m", "min.m", "max.m", "step.m") == expected
    store.update_run_info(run_id, RunStatus.FINISHED, START + 6000, None)
    assert cells(store, run_id, "metrics.m", "min.m", "max.m", "step.m") == expected


def test_cells_of_params_and_tags(store, experiment):
    run_id = new_run(store, experiment, "r", params={"a.b": "1", "p": ""}, tags={"t": "x"})
    asked = ["params.a.b", "params.p", "params.t", "tags.t", "tags.mlflow.runName"]
    assert cells(store, run_id, *asked) == ["1", "", None, "x", "r"]


def test_cells_of_datasets_models_and_children(store, experiment):
    top = new_run(store, experiment, "top")
    children = [new_run(store, experiment, f"c{i}", parent=top) for i in range(3)]
    new_run(store, experiment, "grandchild", parent=children[0])
    store.delete_run(children[2])
    data = [Dataset(name, "d1", "local", "{}") for name in ("train", "test")]
    store.log_inputs(children[0], [DatasetInput(d, []) for d in data])
    models = [store.create_logged_model(experiment, f"m{i}", children[0]) for i in range(2)]
    store.log_outputs(children[0], [LoggedModelOutput(m.model_id, 0) for m in models])
    store.record_logged_model(
        children[1],
        {"run_id": children[1], "artifact_path": "m", "flavors": {}, "utc_time_created": "now"},
    )
    found = store.run_rows([], [top, *children], ["children", "datasets", "models"]).columns
    assert found["children"] == [2, 1, 0, 0]
    assert sorted(found["datasets"][1]) == ["test@d1", "train@d1"]
    assert found["datasets"][::2] == [[], []]
    assert found["models"] == [0, 2, 1, 0]


@pytest.mark.parametrize("column", ["", "metrics", "metrics.", "accuracy", "mean.m", "Params.p"])
def test_columns_that_there_are_not_are_refused(store, column):
    with pytest.raises(MlflowException, match="Invalid column") as e:
        store.run_rows([], [], [column])
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_too_much_at_once_is_refused(store):
    for ask in (
        lambda: store.run_rows([0] * 501, [], []),
        lambda: store.run_rows([], ["0" * 32] * 501, []),
        lambda: store.run_rows([], [], [f"params.p{i}" for i in range(501)]),
        lambda: store.run_keys([], None, None, ACTIVE, ["0" * 32] * 501),
        lambda: store.get_runs(["0" * 32] * 101),
    ):
        with pytest.raises(MlflowException, match="too many") as e:
            ask()
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"


# -- keys and values ---------------------------------------------------------------------------


def test_keys_say_how_much_runs_differ(store, experiment):
    for i in range(14):
        metrics = {"loss": [0.5, 2.0, math.nan][i % 3], "same": 1.0}
        params = {"lr": ["0.1", "1e-3", "10"][i % 3], "name": f"n{i}", "seed": str(i)}
        tags = {"team": "ab"[i % 2], "mlflow.note.content": "x"}
        new_run(store, experiment, f"r{i}", metrics=metrics, params=params, tags=tags)
    new_run(store, experiment, "bare", metrics={"only nan": math.nan})
    keys = store.run_keys([experiment], None, None, ACTIVE, [])
    assert keys.runs == 15
    assert [(m.key, m.runs, m.distinct, m.min, m.max) for m in keys.metrics] == [
        ("loss", 14, 3, 0.5, 2.0),
        ("only nan", 1, 1, None, None),
        ("same", 14, 1, 1.0, 1.0),
    ]
    assert [(p.key, p.runs, p.distinct, p.values, p.numeric) for p in keys.params] == [
        ("lr", 14, 3, ["1e-3", "0.1", "10"], True),
        ("name", 14, 14, None, False),
        ("seed", 14, 14, None, True),
    ]
    assert [(t.key, t.runs, t.values) for t in keys.tags] == [("team", 14, ["a", "b"])]


@pytest.mark.parametrize(
    ("values", "numeric"),
    [
        (["1", "-2.5", "+.5", "3."], True),
        (["1e5", "1E-3"], True),
        (["1", "nan"], False),
        (["inf"], False),
        (["1_000"], False),
        ([" 1"], False),
        (["1-2"], False),
        (["1e9999"], False),
        (["9" * 400], False),
        (["٣"], False),
        ([""], False),
    ],
)
def test_params_that_are_numbers(store, experiment, values, numeric):
    for i, value in enumerate(values):
        new_run(store, experiment, f"r{i}", params={"p": value})
    (param,) = store.run_keys([experiment], None, None, ACTIVE, []).params
    assert param.numeric is numeric


def test_keys_of_some_runs(store, experiment):
    runs = [new_run(store, experiment, f"r{i}", params={"p": str(i)}) for i in range(4)]
    store.delete_run(runs[3])
    keys = store.run_keys([experiment], "params.p > 0", None, ACTIVE, [])
    assert (keys.runs, keys.params[0].values) == (2, ["1", "2"])
    keys = store.run_keys([experiment], None, "r1", ACTIVE, [])
    assert (keys.runs, keys.params[0].values) == (1, ["1"])
    keys = store.run_keys([], None, None, ACTIVE, [runs[0], "0" * 32, runs[3], runs[0]])
    assert (keys.runs, keys.params[0].values) == (2, ["0", "3"])
    assert store.run_keys([], None, None, ACTIVE, []).runs == 0


def test_values_come_most_frequent_first(store, experiment):
    for value in ("b", "a", "b", "ba", "c", "c", "c"):
        new_run(store, experiment, f"run {value}", params={"p": value}, tags={"t": value * 2})
    deleted = new_run(store, experiment, "gone", params={"p": "z"})
    store.delete_run(deleted)

    def values(kind: str, key: str, prefix: str = "") -> list[str]:
        return store.values_of_runs([experiment], kind, key, prefix)

    assert values("params", "p") == ["c", "b", "a", "ba"]
    assert values("params", "p", "b") == ["b", "ba"]
    assert values("params", "p", "%") == []
    assert values("tags", "t") == ["cc", "bb", "aa", "baba"]
    assert values("attributes", "run_name", "run b") == ["run b", "run ba"]
    assert values("attributes", "status") == ["RUNNING"]
    assert values("attributes", "user_id") == ["ann"]
    assert values("params", "none") == values("tags", "p") == []
    with pytest.raises(MlflowException, match="start_time"):
        values("attributes", "start_time")


def test_at_most_fifty_values(store, experiment):
    for _ in range(3):
        new_run(store, experiment, "r")
    for i in range(60):
        new_run(store, experiment, f"n{i}")
    assert len(store.values_of_runs([experiment], "attributes", "run_name", "")) == 50
    assert store.values_of_runs([experiment], "attributes", "run_name", "")[0] == "r"


def test_several_runs_at_once(store, experiment):
    first = new_run(store, experiment, "first", metrics={"m": math.nan}, params={"p": "x"})
    second = new_run(store, experiment, "second")
    store.delete_run(second)
    found = store.get_runs([second, "0" * 32, first, second, "nonsense"])
    assert [run.info.run_id for run in found.runs] == [second, first]
    assert found.runs[1].data.metrics[0].value == "NaN"
    assert found.missing == ["0" * 32, "nonsense"]


# -- experiments -------------------------------------------------------------------------------


def overview(store: Any, experiment: str, view: int = ACTIVE) -> Any:
    return next(
        (o for o in store.overview_of_experiments(view) if o.experiment_id == experiment), None
    )


def test_experiment_with_its_numbers(store, experiment):
    now = int(time.time() * 1000)
    runs = [new_run(store, experiment, f"r{i}", start=now - i * DAY) for i in range(3)]
    runs += [new_run(store, experiment, "old", start=now - 40 * DAY)]
    runs += [new_run(store, experiment, "deleted", start=now + 5 * DAY)]
    store.update_run_info(runs[0], RunStatus.FINISHED, now + 7, None)
    store.update_run_info(runs[1], RunStatus.FAILED, now - DAY + 9, None)
    store.update_run_info(runs[2], RunStatus.KILLED, now - 2 * DAY + 9, None)
    store.delete_run(runs[4])
    store.set_experiment_tag(experiment, ExperimentTag("mlflow.note.content", "\n \n # Hi \nyou"))
    found = overview(store, experiment)
    assert (found.runs, found.deleted) == (4, 1)
    assert (found.running, found.finished, found.failed, found.killed) == (1, 1, 1, 1)
    assert found.scheduled == 0
    assert found.last_activity == now + 7
    assert found.note == "# Hi"
    assert [(t.key, t.value) for t in found.tags] == [("mlflow.note.content", "\n \n # Hi \nyou")]
    assert (len(found.days), sum(found.days)) == (28, 3)
    assert found.days[-3:] == [1, 1, 1]
    known = store.get_experiment(experiment)
    assert (found.name, found.artifact_location) == (known.name, known.artifact_location)
    assert (found.lifecycle_stage, found.creation_time) == ("active", known.creation_time)


def test_experiment_without_runs(store, experiment):
    found = overview(store, experiment)
    assert (found.runs, found.deleted, found.finished) == (0, 0, 0)
    assert found.days == [0] * 28
    assert (found.last_activity, found.note, found.tags) == (None, None, [])


def test_views_of_experiments(store, experiment):
    new_run(store, experiment, "r")
    assert overview(store, experiment, DELETED) is None
    store.delete_experiment(experiment)
    assert overview(store, experiment, ACTIVE) is None
    assert overview(store, experiment, DELETED).lifecycle_stage == "deleted"
    assert overview(store, experiment, ALL) == overview(store, experiment, DELETED)


def test_experiments_come_most_recently_active_first(store):
    made = [other_experiment(store) for _ in range(3)]
    now = int(time.time() * 1000)
    new_run(store, made[0], "r", start=now + 10 * DAY)
    new_run(store, made[2], "r", start=now - 400 * DAY)
    order = [o.experiment_id for o in store.overview_of_experiments(ACTIVE)]
    assert [e for e in order if e in made] == [made[0], made[1], made[2]]


def test_main_metric_is_what_most_runs_have(store, experiment):
    assert store.main_metric(experiment) is None
    for i in range(4):
        metrics = {"acc": i / 4, "epoch": 3.0, "system/cpu": float(i)}
        new_run(store, experiment, f"r{i}", metrics={**metrics, **({"rare": 1.0} if i else {})})
    store.delete_run(new_run(store, experiment, "gone", metrics={"acc": 99.0}))
    found = store.main_metric(experiment)
    assert (found.key, found.runs, found.min, found.max) == ("acc", 4, 0.0, 0.75)
    assert found.higher_is_better is None


def test_main_metric_that_the_experiment_names(store, experiment):
    store.set_experiment_tag(
        experiment, ExperimentTag("mlflow.experiment.primaryMetric.name", "rare loss")
    )
    store.set_experiment_tag(
        experiment, ExperimentTag("mlflow.experiment.primaryMetric.greaterIsBetter", "False")
    )
    found = store.main_metric(experiment)
    assert (found.key, found.runs, found.min, found.max) == ("rare loss", 0, None, None)
    new_run(store, experiment, "r", metrics={"acc": 1.0, "rare loss": math.nan})
    new_run(store, experiment, "r", metrics={"acc": 1.0})
    found = store.main_metric(experiment)
    assert (found.key, found.runs, found.min, found.max) == ("rare loss", 1, None, None)
    new_run(store, experiment, "r", metrics={"rare loss": 0.25})
    found = store.main_metric(experiment)
    assert (found.runs, found.min, found.max, found.higher_is_better) == (2, 0.25, 0.25, False)


def test_main_metric_of_no_experiment(store):
    with pytest.raises(MlflowException) as e:
        store.main_metric("123456789")
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


# -- datasets ----------------------------------------------------------------------------------


def test_datasets_with_their_uses(store, experiment):
    def use(run_id: str, name: str, context: str | None) -> None:
        dataset = Dataset(name, "d1", "local", '{"uri": "x"}', '{"columns": []}', '{"rows": 1}')
        tags = [InputTag("mlflow.data.context", context)] if context else []
        store.log_inputs(run_id, [DatasetInput(dataset, tags)])

    runs = [new_run(store, experiment, f"r{i}", start=START + i) for i in range(4)]
    use(runs[0], "train", "training")
    use(runs[2], "train", "evaluation")
    use(runs[1], "test", None)
    use(runs[3], "gone", "training")
    store.delete_run(runs[3])
    found = store.overview_of_datasets([experiment, experiment])
    assert [(d.name, d.runs, d.contexts, d.last_used) for d in found] == [
        ("train", 2, ["evaluation", "training"], START + 2),
        ("test", 1, [], START + 1),
    ]
    train = found[0]
    assert (train.digest, train.source_type, train.source) == ("d1", "local", '{"uri": "x"}')
    assert (train.schema, train.profile) == ('{"columns": []}', '{"rows": 1}')
    assert train.experiment_id == experiment
    assert len({d.dataset_id for d in found}) == 2
    assert (
        store.overview_of_datasets([])
        == store.overview_of_datasets([other_experiment(store)])
        == []
    )


# -- every store says what the defaults make of its other methods ------------------------------


class Plain(Overview):
    """The defaults, over another store."""

    def __init__(self, store: Any):
        self.get_run, self.get_experiment = store.get_run, store.get_experiment
        self.search_runs, self.search_experiments = store.search_runs, store.search_experiments
        self.metric_columns = store.metric_columns


OWN = ("sqlite", "postgresql", "mysql", "file")
with_own = pytest.mark.parametrize("store", OWN, indirect=True, scope="session")


@pytest.fixture(scope="module")
def crowd(store):
    """Experiments with runs of all sorts in them."""
    lot = random.Random(7)
    experiments = [other_experiment(store) for _ in range(2)]
    runs: list[str] = []
    for i in range(120):
        parent = lot.choice(runs) if runs and lot.random() < 0.6 else None
        metrics = {
            key: lot.choice([0.0, 1.5, -2.0, math.nan, 1e300])
            for key in ("m", "n", "o")
            if lot.random() < 0.7
        }
        params = {
            key: lot.choice(["1", "2.5", "x", "Xy", ""]) for key in ("p", "q") if lot.random() < 0.7
        }
        tags = {
            key: lot.choice(["u", "V", "x%y"])
            for key in ("t", "mlflow.source.name")
            if lot.random() < 0.7
        }
        run_id = new_run(
            store,
            lot.choice(experiments),
            lot.choice(["red", "Green", "blue_", f"r{i}"]),
            parent=parent,
            start=START + lot.randrange(50),
            params=params,
            tags=tags,
            metrics=metrics,
        )
        runs.append(run_id)
        if lot.random() < 0.5:
            status = lot.choice([RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED])
            store.update_run_info(run_id, status, START + 100 + i, None)
    for child in lot.sample(runs, 15):  # circles among them
        store.set_tag(child, RunTag("mlflow.parentRunId", lot.choice(runs)))
    for run_id in lot.sample(runs, 20):
        store.delete_run(run_id)
    return experiments


SEARCHES = [
    (filter_string, text, view, order)
    for view in (ACTIVE, ALL)
    for filter_string, text in [
        (None, None),
        ("metrics.m > 0", None),
        ("params.p = 'x' or tags.t = 'V'", None),
        (None, "x"),
        (None, "RED u"),
        (None, "x%"),
        ("not metrics.n < 1", "e"),
        ("params.q > 1.5", "1"),
        ("status = 'FAILED' and attributes.run_name like 'r%'", None),
    ]
    for order in ([], ["metrics.m DESC"], ["params.p", "attributes.end_time DESC"])
]


@with_own
@pytest.mark.parametrize(("filter_string", "text", "view", "order"), SEARCHES)
def test_stores_find_what_the_defaults_find(store, crowd, filter_string, text, view, order):
    plain = Plain(store)
    for experiments in (crowd, crowd[:1]):
        for tree in (False, True):
            for size in (100_000, 17):
                asked = (experiments, filter_string, text, view, order, tree, size)
                ours = theirs = None
                for page in range(3):
                    token = ours and ours.next_page_token
                    if page and not token:
                        assert theirs.next_page_token is None
                        break
                    ours = store.find_runs(*asked, token)
                    theirs = plain.find_runs(*asked, theirs and theirs.next_page_token)
                    assert store.run_rows(ours.rows, [], []).runs.run_id == theirs.rows
                    assert (ours.total, ours.depth) == (theirs.total, theirs.depth)
                    assert ours.context == theirs.context
    asked = (crowd, filter_string, text, view, [])
    assert store.run_keys(*asked) == plain.run_keys(*asked)


@with_own
def test_stores_read_what_the_defaults_read(store, crowd):
    plain = Plain(store)
    ids = plain.find_runs(crowd, None, None, ALL).rows
    columns = [f"{kind}.{key}" for kind in ("metrics", "min", "max", "step") for key in "mno"]
    columns += ["params.p", "params.q", "tags.t", "children", "datasets", "models", "tags.none"]
    assert store.run_rows([], ids, columns) == plain.run_rows([], ids, columns)
    ours, theirs = store.get_runs(ids[:100]), plain.get_runs(ids[:100])
    for run, same in zip(ours.runs, theirs.runs, strict=True):
        for kind in ("metrics", "params", "tags"):  # in no order
            assert sorted(getattr(run.data, kind), key=str) == sorted(
                getattr(same.data, kind), key=str
            )
        assert (run.info, run.inputs, run.outputs) == (same.info, same.inputs, same.outputs)
    for kind, key in (("params", "p"), ("tags", "t"), ("attributes", "run_name")):
        for prefix in ("", "x", "r"):
            asked = (crowd, kind, key, prefix)
            assert store.values_of_runs(*asked) == plain.values_of_runs(*asked)
    for experiment in crowd:
        assert store.main_metric(experiment) == plain.main_metric(experiment)
    theirs = {o.experiment_id: o for o in plain.overview_of_experiments(ALL)}
    for ours in store.overview_of_experiments(ALL):
        if ours.experiment_id in crowd:
            assert ours == theirs[ours.experiment_id]


@pytest.mark.parametrize("store", ["sqlite", "postgresql", "mysql"], indirect=True, scope="session")
def test_more_runs_need_no_more_statements(store, experiment, monkeypatch):
    """Up to where a statement has as many parameters as it may."""
    top = new_run(store, experiment, "top")
    said = {"m": 1.0, "n": 2.0}
    for i in range(3):
        new_run(store, experiment, f"r{i}", parent=top, metrics=said, params={"p": str(i)})
    statements = 0
    read = store.db.read

    class Counted:
        def __init__(self, tx: Any):
            self._tx = tx

        def execute(self, *statement: Any) -> Any:
            nonlocal statements
            statements += 1
            return self._tx.execute(*statement)

    @contextlib.contextmanager
    def counted():
        with read() as tx:
            yield Counted(tx)

    def count(ask: Callable[[], Any]) -> int:
        nonlocal statements
        ask()  # what is remembered is known then
        statements = 0
        ask()
        return statements

    columns = ["metrics.m", "min.m", "params.p", "children", "datasets", "models", "tags.t"]
    asked = [
        lambda: store.find_runs([experiment], None, None, ACTIVE, None, True),
        lambda: store.run_rows(store.find_runs([experiment], None, None, ACTIVE).rows, [], columns),
        lambda: store.run_keys([experiment], None, None, ACTIVE, []),
        lambda: store.main_metric(experiment),
        lambda: store.values_of_runs([experiment], "params", "p", ""),
        lambda: store.overview_of_datasets([experiment]),
    ]
    monkeypatch.setattr(store.db, "read", counted)
    before = [count(ask) for ask in asked]
    for i in range(30):
        new_run(store, experiment, f"s{i}", parent=top, metrics=said, params={"p": str(i)})
    assert [count(ask) for ask in asked] == before
    new_run(store, experiment, "now", start=int(time.time() * 1000))
    overviews = count(lambda: store.overview_of_experiments(ACTIVE))
    for _ in range(3):
        new_run(store, other_experiment(store), "r", start=int(time.time() * 1000))
    assert count(lambda: store.overview_of_experiments(ACTIVE)) == overviews
