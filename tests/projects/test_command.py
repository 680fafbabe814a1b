"""Values in commands never become commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mlflow.exceptions import ExecutionException
from mlflow.projects.command import add_options, fill, script

HOSTILE = [
    "; touch HIT",
    "$(touch HIT)",
    "`touch HIT`",
    "' ; touch HIT ; '",
    '" ; touch HIT ; "',
    "'\"'\"; touch HIT #",
    "\\'; touch HIT #",
    "a\nb; touch HIT\n",
    "\ntouch HIT\n",
    "&& touch HIT",
    "| touch HIT",
    "> HIT",
    "-x",
    "",
    "*",
    "~",
    "${HOME}",
    "{epochs}",
    "é 中 \U0001f600",
    "!!",
    "x" * 5000,
]
PLACES = [
    "{v}",
    "'{v}'",
    '"{v}"',
    "a{v}b",
    "$'{v}'",
    '"$(echo -n "x"){v}"',
    "$(: '){v}(' ){v}",
    '"it\'s {v}"',
    "'\"{v}\"'",
    "\\'{v}\\'",
    "# don't\n{v}",
]
AROUND = ["", "", "", "ab", "", "x", "", "it's ", '""', "''", ""]
ECHO = "import json, sys; print(json.dumps(sys.argv[1:]))"


def arguments_of(argv: list[str], variables: dict[str, str], folder) -> list[list[str]]:
    """What the programs of a command have got."""
    env = {**os.environ, **variables, "ECHO": ECHO}
    done = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_hostile_values_arrive_as_they_are_in_all_quotes(tmp_path):
    """One command for all values and all places: as a script with variables, and as text."""
    python = f'{sys.executable} -c "$ECHO"'
    values = {f"v{i}": value for i, value in enumerate(HOSTILE)}
    template, expected = "", []
    for place in PLACES:
        if "#" in place:
            template += "# don't\n"
            place = "{v}"
        words = " ".join(place.replace("{v}", f"{{{name}}}") for name in values)
        template += f"{python} {words}\n"
    command = fill(template, values, {})
    one = arguments_of(*command.program(), tmp_path)
    other = arguments_of(["bash", "-c", command.text], {}, tmp_path)
    assert one == other
    assert len(one) == len(PLACES)
    for place, around, got in zip(PLACES, AROUND, one):
        for value, word in zip(HOSTILE, got):
            expected = value
            if around == "ab":
                expected = f"a{value}b"
            elif place.startswith("\\'"):
                expected = f"'{value}'"
            elif around == '""':
                expected = f'"{value}"'
            elif around:
                expected = f"{around}{value}"
            assert word == expected, place
    assert not (tmp_path / "HIT").exists()


def test_values_are_not_left_in_the_environment(tmp_path):
    command = fill(
        f"{sys.executable} -c 'import os; print(dict(os.environ))' {{v}}", {"v": "s3"}, {}
    )
    argv, variables = command.program()
    done = subprocess.run(argv, env={**os.environ, **variables}, capture_output=True, text=True)
    assert "_HEADRACE" in str(variables)
    assert "_HEADRACE" not in done.stdout


def test_text_is_as_the_reference_quotes_it():
    values = {"a": "x y", "b": "it's\nnew", "c": "1e-3"}
    command = fill("run {a} --b {b} {{c}} {c}", values, {"e f": "$(g)", "h": "i"})
    assert command.text == "run 'x y' --b 'it'\"'\"'s\nnew' {c} 1e-3 --'e f' '$(g)' --h i"
    assert add_options(script("python", "a; b.py"), {"d": "-1"}).text == "python 'a; b.py' --d -1"
    assert script("bash", "-c.sh").text == "bash ./-c.sh"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("run {b}", "uses '{b}', but its entry point declares ['a'] only"),
        ("run {}", "uses '{}'"),
        ("run {a", "cannot be read"),
        ("run {a.__class__}", "uses '{a.__class__}'"),
        ("run {a[0]}", "uses '{a[0]}'"),
        ("run {a:q}", "cannot be read"),
        ("echo $(( {a} + 1 ))", "calculates with 'a'; 'v[$(id)]' is no number"),
    ],
)
def test_templates_that_cannot_be(template, said):
    with pytest.raises(ExecutionException) as error:
        fill(template, {"a": "v[$(id)]"}, {})
    assert said in error.value.message


def test_layout_of_values():
    assert fill(
        "run {a:>4} {b!r}", {"a": "x", "b": "y z"}, {}
    ).text == "run '   x' \"'y z'\"".replace("\"'y z'\"", "''\"'\"'y z'\"'\"''")
    assert fill("echo $(( {a} + 1 ))", {"a": "2"}, {}).text == "echo $(( 2 + 1 ))"


def test_no_text_where_no_quoting_is_safe(tmp_path):
    for template in ("echo `echo {a}`", "cat <<END\n{a}\nEND"):
        command = fill(template, {"a": "$(touch HIT)"}, {})
        with pytest.raises(ExecutionException, match="cannot be quoted"):
            _ = command.text
        argv, variables = command.program()
        subprocess.run(argv, env={**os.environ, **variables}, cwd=tmp_path, check=True)
        assert not (tmp_path / "HIT").exists()
        assert "touch HIT" in command.shown
    assert fill("cat <<<{a}", {"a": "x"}, {}).text == "cat <<<x"
