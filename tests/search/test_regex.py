"""Regular expressions of filters find what Python's find, and never take long."""

import random
import re

import pytest

from mlflow.exceptions import MlflowException
from mlflow.search.regex import regex

PATTERNS = [
    "", "a", "abc", "a|b", "a*", "a+b", "(ab)+", "a?b", "^a", "b$", "^$", "[a-c]x", "[^a]b", ".b",
    r"\d+", r"\w\s\W", r"\bab\b", r"a\B", "a{2}", "a{2,}", "a{1,3}b", "(a|b)*c", "(?:ab|c)+$",
    "(?i)AB", "(?s)a.b", r"\Aab\Z", "a*?b", "((a))", "x|^b", "(a|)c", r"[\d\s]a", "a.{0,3}c",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_finds_what_pythons_does(pattern):
    draw = random.Random(pattern)
    texts = ["", "a\n", "ab\n", "AB", "b a", "a\nb", "1 a", "ab c"]
    texts += ["".join(draw.choices("abcx 1\n", k=draw.randrange(8))) for _ in range(200)]
    for text in texts:
        assert regex(pattern)(text) == bool(re.search(pattern, text)), text


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "a*a*a*a*a*a*a*a*b", "(.*)(.*)(.*)x"])
def test_patterns_that_go_astray_elsewhere_do_not_here(pattern):
    assert regex(pattern)("a" * 3000 + "!") is False


@pytest.mark.parametrize(
    "pattern",
    ["(", "[", "a**", r"(a)\1", "(?=a)", "(?<!a)b", "a" * 1001, "(a{1000}){1000}"],
)  # fmt: skip
def test_what_cannot_be_matched_in_bounded_time_is_refused(pattern):
    with pytest.raises(MlflowException, match="Invalid regular expression") as error:
        regex(pattern)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
