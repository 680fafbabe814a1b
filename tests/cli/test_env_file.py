"""`--env-file`; what is expected was seen at the reference."""

from __future__ import annotations

import os

import pytest

from mlflow.cli.env_file import parse

TEXT = r"""
# comment
MLFLOW_A_1=plain value # c
MLFLOW_A_2='single # not ${HOME}'
MLFLOW_A_3="double\n${HOME} \"q\""
MLFLOW_A_4=a${HOME}b
MLFLOW_A_5=
MLFLOW_A_6
  MLFLOW_A_8=x#y
MLFLOW_A_9="multi
line"
MLFLOW_A_10=$HOME
MLFLOW_A_11=${NOPE_X:-dflt}
export AAA_E=1
SPACED = "127.0.0.9" # c
LATER=${AAA_E}${NOPE_X}
"""


def test_forms(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert parse(TEXT) == {
        "MLFLOW_A_1": "plain value",
        "MLFLOW_A_2": "single # not /home/ada",
        "MLFLOW_A_3": 'double\n/home/ada "q"',
        "MLFLOW_A_4": "a/home/adab",
        "MLFLOW_A_5": "",
        "MLFLOW_A_8": "x#y",
        "MLFLOW_A_9": "multi\nline",
        "MLFLOW_A_10": "$HOME",
        "MLFLOW_A_11": "dflt",
        "AAA_E": "1",
        "SPACED": "127.0.0.9",
        "LATER": "1",
    }


def test_windows_line_ends():
    assert parse("A=1\r\nB='2'\r\n") == {"A": "1", "B": "2"}


@pytest.mark.parametrize("text", ["A=1\n= 2\n", "A=1\nB='unclosed\n", 'A=1\nB="x" y\n'])
def test_line_that_is_not_understood_is_named(text):
    with pytest.raises(ValueError, match="line 2 is not of the form NAME=value"):
        parse(text)


def test_variables_are_there_for_the_command(run, tmp_path):
    os.environ.pop("MLFLOW_TRACKING_URI")
    (tmp_path / "env").write_text("MLFLOW_TRACKING_URI=sqlite:///from-file.db\n")
    result = run("--env-file", "env", "experiments", "search")
    assert "Default" in result.stdout
    assert result.stderr == "Loaded environment variables from: env\n"
    assert (tmp_path / "from-file.db").exists()


def test_what_is_set_already_stays(run, tmp_path):
    (tmp_path / "env").write_text("MLFLOW_TRACKING_URI=sqlite:///from-file.db\n")
    run("--env-file", "env", "experiments", "search")
    assert not (tmp_path / "from-file.db").exists()


def test_missing_file(run):
    result = run("--env-file", "nope", "experiments", "search", status=2)
    assert (
        "Invalid value for '--env-file': Environment file 'nope' does not exist." in result.stderr
    )


def test_broken_file_sets_nothing(run, tmp_path):
    (tmp_path / "env").write_text("NEW_VARIABLE=1\n= 2\n")
    result = run("--env-file", "env", "experiments", "search", status=2)
    assert "line 2 is not of the form" in result.stderr
    assert "NEW_VARIABLE" not in os.environ
