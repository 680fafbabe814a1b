"""What filters mean and how they are refused, beyond what is recorded."""

from __future__ import annotations

import pytest

from mlflow.exceptions import MlflowException
from mlflow.search import EXPERIMENTS, RUNS, And, Comparison, Not, Or, parse_filter
from mlflow.search.lexer import MAX_LENGTH, MAX_TOKENS
from mlflow.search.parser import MAX_COMPARISONS, MAX_DEPTH


def refusal(text, grammar=RUNS):
    with pytest.raises(MlflowException) as refused:
        parse_filter(text, grammar)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    return refused.value.message


A = Comparison("metric", "a", ">", 1)
B = Comparison("param", "b", "=", "x")
C = Comparison("tag", "c", "IS NULL")
TEXT_OF = {"A": "metrics.a > 1", "B": "params.b = 'x'", "C": "tags.c IS NULL"}


@pytest.mark.parametrize(
    "shape, tree",
    [
        ("A AND B AND C", And((A, B, C))),
        ("A OR B AND C", Or((A, And((B, C))))),
        ("A AND B OR C", Or((And((A, B)), C))),
        ("(A OR B) AND C", And((Or((A, B)), C))),
        ("NOT A AND B", And((Not(A), B))),
        ("NOT (A AND B)", Not(And((A, B)))),
        ("NOT A OR B", Or((Not(A), B))),
        ("NOT NOT A", A),
        ("NOT NOT NOT A", Not(A)),
        ("not(A)or(B)", Or((Not(A), B))),
        ("((A))", A),
        ("A B C", And((A, B, C))),
        ("AND A AND AND B AND", And((A, B))),
        ("(AND A AND) OR B", Or((A, B))),
        ("A OR B C", Or((A, And((B, C))))),
        ("AND", None),
    ],
)
def test_not_binds_before_and_before_or(shape, tree):
    text = "".join(TEXT_OF.get(char, char) if _alone(shape, i) else char
                   for i, char in enumerate(shape))  # fmt: skip
    assert parse_filter(text, RUNS) == tree


def _alone(text, i):
    """Whether the letter stands alone; those of AND do not."""
    return not (text[:i][-1:].isalpha() or text[i + 1 :][:1].isalpha())


@pytest.mark.parametrize(
    "text, stray",
    [
        ("metrics.a > 1 (metrics.b > 1)", "'('"),
        ("(metrics.a > 1) metrics.b > 1", "'metrics.b'"),
        ("metrics.a > 1 NOT metrics.b > 1", "'NOT'"),
        ("metrics.a > 1 OR", "'OR'"),
        ("OR metrics.a > 1", "'OR'"),
        ("metrics.a > 1 OR OR metrics.b > 1", "'OR'"),
        ("metrics.a > 1 AND NOT", "'NOT'"),
        ("(metrics.a > 1", "'('"),
        ("metrics.a > 1)", "')'"),
        ("()", "'(', ')'"),
        ("(foo)", "'foo'"),
        ("foo OR bar", "'foo', 'bar'"),
    ],
)
def test_half_a_connection_is_refused(text, stray):
    assert refusal(text).split("\n")[0] == f"Invalid clause(s) in filter string: {stray}"


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_filters_nothing(nothing):
    assert parse_filter(nothing, RUNS) is None


@pytest.mark.parametrize(
    "text, value",
    [
        ("1", 1),
        ("-1", -1),
        ("1.0", 1.0),
        ("-.5", -0.5),
        ("1e+22", 1e22),
        ("2E-3", 0.002),
        ("999999999999999999", 999_999_999_999_999_999),
        ("9" * 30, 1e30),
        ("9" * 5000, float("inf")),
        ("-1e999", float("-inf")),
    ],
)
def test_number(text, value):
    found = parse_filter(f"metrics.a >= {text}", RUNS).value
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text", ["+1", "0x1", "1_0", "inf", "NaN", "1e", "1.2.3", "1e5.0", "--1"])
def test_what_is_no_number_is_refused(text):
    refusal(f"metrics.a >= {text}")


@pytest.mark.parametrize(
    "written, key",
    [
        ("metrics.a.b", "a.b"),
        ("metrics.`a/b c`", "a/b c"),
        ('metrics."a/b"', "a/b"),
        ("metrics.'a/b'", "a/b"),
        ("metrics. a", "a"),
        ("metrics.1", "1"),
        ("metrics.and", "and"),
        ("metrics.in", "in"),
        ("metrics.'it`s'", "it`s"),
        ("metrics.schöne", "schöne"),
        ("metrics.", ""),
    ],
)
def test_key(written, key):
    assert parse_filter(f"{written} > 1", RUNS).key == key


@pytest.mark.parametrize(
    "written, value",
    [
        ("'a'", "a"),
        ('"it\'s"', "it's"),
        ("'it''s'", "it''s"),
        (r"'it\'s'", r"it\'s"),
        (r"'C:\'", "C:\\"),
        ("'a\nb'", "a\nb"),
        ("''", ""),
        ("' AND '", " AND "),
        ("'💧'", "💧"),
    ],
)
def test_text_value_is_taken_as_it_is(written, value):
    assert parse_filter(f"params.b = {written}", RUNS).value == value


@pytest.mark.parametrize(
    "written, values",
    [
        ("('a')", ("a",)),
        ("('a',)", ("a",)),
        ("(('a', \"b\"))", ("a", "b")),
        ("( 'a,b' , ')' )", ("a,b", ")")),
    ],
)
def test_list(written, values):
    assert parse_filter(f"run_id not in{written}", RUNS).value == values


@pytest.mark.parametrize("written", ["()", "('a' 'b')", "('a', 1)", "(a)", "(,'a')", "('a',,'b')"])
def test_malformed_list_is_refused(written):
    assert refusal(f"run_id IN {written}").startswith("While parsing a list in the query, expected")


def test_list_stands_only_behind_in():
    assert refusal("run_id = ('a')").startswith("Expected a quoted string value for attributes.")
    assert refusal("run_id IN 'a'").startswith("Invalid clause(s)")


@pytest.mark.parametrize("op", ["=", "!=", ">", ">=", "<", "<="])
def test_param_compares_with_a_bare_number(op):
    assert parse_filter(f"params.lr {op} 0.1", RUNS) == Comparison("param", "lr", op, 0.1)


@pytest.mark.parametrize("text", ["params.lr > '0.1'", "params.lr LIKE 1", "tags.lr > 1"])
def test_only_bare_numbers_and_only_params_compare_so(text):
    refusal(text)


def test_aliases_become_one_spelling():
    tree = parse_filter("Created > 1 AND run.`Run name` = 'a' AND parameter.x = 'y'", RUNS)
    assert [(c.entity, c.key) for c in tree.children] == [
        ("attribute", "start_time"),
        ("attribute", "run_name"),
        ("param", "x"),
    ]


def test_experiment_ids_become_one_spelling():
    assert parse_filter("experiment_id = '007'", EXPERIMENTS).value == "7"
    assert parse_filter("experiment_id IN ('1', '02')", EXPERIMENTS).value == ("1", "2")
    assert refusal("experiment_id != 'x'", EXPERIMENTS).startswith(
        "Invalid experiment ID 'x'. Experiment ID must be a valid integer."
    )


def test_position_is_where_the_comparison_starts():
    tree = parse_filter(" metrics.a > 1\n AND params.b = 'x'", RUNS)
    assert [c.position for c in tree.children] == [1, 20]


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "metrics.a > 'x'",
            "Expected numeric value type for metric. Found 'x'\n"
            "  metrics.a > 'x'\n"
            "              ^\n"
            "Numbers are written without quotes: 0.5, -1.",
        ),
        (
            "metrics.a > 1 AND\n\tparams.b == 'x' AND\ntags.c = 'z'",
            "Invalid comparator '==' not one of "
            "'{'!=', '=', 'ILIKE', 'IS NOT NULL', 'IS NULL', 'LIKE'}'\n"
            "   params.b == 'x' AND\n"
            "            ^\n"
            "Write `=`.",
        ),
        (
            "params.lr > '0.5'",
            "Invalid comparator '>' not one of "
            "'{'!=', '=', 'ILIKE', 'IS NOT NULL', 'IS NULL', 'LIKE'}'\n"
            "  params.lr > '0.5'\n"
            "            ^\n"
            "Numbers compare so, without quotes: `params.lr > 0.5`.",
        ),
        (
            "metrics.loss/val > 1",
            "Invalid comparison clause. Expected 'Identifier' found 'metrics.loss/val'\n"
            "  metrics.loss/val > 1\n"
            "  ^\n"
            "A key with such characters goes in backticks: metrics.`loss/val`.",
        ),
        (
            "params.a = 'x AND metrics.b > 1",
            "Invalid clause(s) in filter string: 'params.a', '=', ''', 'x'\n"
            "  params.a = 'x AND metrics.b > 1\n"
            "             ^\n"
            "This quote is never closed.",
        ),
    ],
)
def test_refusal_points_at_the_place(text, message):
    assert refusal(text) == message


def test_long_text_is_shown_around_the_place():
    text = " AND ".join(f"metrics.m{i:04} > 1" for i in range(100)) + " AND foo.x = 1"
    _, shown, caret, *_ = refusal(text).split("\n")
    assert len(shown) < 110
    assert shown[caret.index("^") :].startswith("foo.x = 1")


def test_long_values_are_cut_in_messages():
    assert len(refusal("metrics.a > '" + "x" * 100_000)) < 1000
    assert len(refusal("x " * 100_000)) < 1000


@pytest.mark.parametrize("text", [1, b"metrics.a > 1", ["metrics.a > 1"]])
def test_text_is_needed(text):
    assert "a string is needed" in refusal(text)


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_what_no_database_can_hold_is_refused(bad):
    assert "which is not text" in refusal(f"params.a = '{bad}'")


def test_nesting_is_limited():
    def nested(depth):
        return "NOT (" * depth + "metrics.a > 1" + ")" * depth

    assert parse_filter(nested(MAX_DEPTH), RUNS) is not None
    assert f"more than {MAX_DEPTH} deep" in refusal(nested(MAX_DEPTH + 1))
    assert f"more than {MAX_DEPTH} deep" in refusal(nested(20_000))


def test_number_of_comparisons_is_limited():
    text = " OR ".join(["metrics.a > 1"] * MAX_COMPARISONS)
    assert len(parse_filter(text, RUNS).children) == MAX_COMPARISONS
    assert f"more than {MAX_COMPARISONS} comparisons" in refusal(text + " OR metrics.a > 1")


def test_length_is_limited():
    assert f"{MAX_LENGTH} are allowed" in refusal("x" * (MAX_LENGTH + 1))
    assert f"more than {MAX_TOKENS} words" in refusal("NOT " * (MAX_TOKENS + 1))


def test_list_of_many_run_ids_is_taken():
    ids = tuple(f"{i:032x}" for i in range(25_000))
    assert parse_filter(f"run_id IN {ids}", RUNS).value == ids


def test_filter_is_remembered():
    assert parse_filter("metrics.a > 1.5", RUNS) is parse_filter("metrics.a > 1.5", RUNS)
    assert parse_filter("name = 'x'", EXPERIMENTS).key == "name"
    refusal("name = 'x'", RUNS)
