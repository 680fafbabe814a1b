"""The command line as a whole: names, options, help, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mlflow.cli import COMMANDS, LATER, cli

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "cli.json").read_text())

#: Commands that the reference does not have, by group.
OURS = {
    "mlflow": {"registry", "ui", "sync"},
    "mlflow db": {"backup", "check", "optimize"},
    "mlflow runs": {"export", "reproduce"},
}

#: Options that the reference does not have, by command.
OUR_OPTIONS = {
    "mlflow models serve": {"watch", "watch_interval", "batch_rows"},
    "mlflow server": {"trace_retention"},
    "mlflow ui": {"trace_retention"},
}


def command_named(name: str) -> click.Command:
    command: click.Command = cli
    for word in name.split()[1:]:
        command = command.get_command(click.Context(command), word)
        assert command is not None, name
    return command


def is_later(name: str) -> bool:
    *above, last = name.split()
    group = command_named(" ".join(above)) if above else None
    return isinstance(group, click.Group) and last in group._later


def test_every_command_of_the_reference_is_there_or_said_to_come():
    for name, facts in REFERENCE.items():
        if facts["group"]:
            group = command_named(name)
            ours = OURS.get(name, set())
            here = set(group.list_commands(click.Context(group)))
            assert (here | group._later) - ours == set(facts["commands"])
            assert not here & group._later


@pytest.mark.parametrize(
    "name", [n for n, facts in REFERENCE.items() if not facts["group"] and not is_later(n)]
)
def test_options_are_those_of_the_reference(name):
    command = command_named(name)
    context = click.Context(command)
    ours = {param.name: param for param in command.params}
    facts = REFERENCE[name]
    wanted = {o["option"]: o for o in facts.get("options", [])}
    further = {n for n in ours if ours[n].param_type_name == "option"} - set(wanted)
    assert further <= OUR_OPTIONS.get(name, {"dry_run"})
    for option_name, option in wanted.items():
        param = ours[option_name]
        assert sorted(param.opts) == sorted(option["flags"])
        assert sorted(param.secondary_opts) == sorted(option.get("off_flags", []))
        assert bool(getattr(param, "is_flag", False)) == option.get("is_flag", False)
        assert param.required == option.get("required", False)
        assert param.multiple == option.get("multiple", False)
        assert param.envvar == option.get("envvar")
        if option.get("default") is not None and not option.get("is_flag"):
            assert param.get_default(context) == option["default"]
        if option.get("is_flag"):
            assert bool(param.get_default(context)) == bool(option.get("default"))
        if isinstance(option.get("type"), dict) and "choice" in option["type"]:
            assert list(param.type.choices) == option["type"]["choice"]
    assert [a["argument"] for a in facts.get("arguments", [])] == [
        n for n, p in ours.items() if p.param_type_name == "argument"
    ]


def test_every_option_is_explained():
    for name in REFERENCE:
        if is_later(name):
            continue
        for param in command_named(name).params:
            assert param.param_type_name == "argument" or param.help, (name, param.name)


def test_version(run):
    assert run("--version").stdout == "mlflow, version 3.17.2 (headrace 0.1.0)\n"


def test_help_lists_commands_without_loading_them():
    program = (
        "import sys\n"
        "from mlflow.cli import cli\n"
        "try:\n"
        "    cli(['--help'], prog_name='mlflow')\n"
        "finally:\n"
        "    loaded = [m for m in sys.modules if m.startswith('mlflow.')]\n"
        "    print(sorted(loaded), 'starlette' in sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert "mlflow.cli.runs" not in done.stderr
    assert "mlflow.tracking" not in done.stderr
    assert done.stderr.rstrip().endswith("False")


@pytest.mark.parametrize("name", LATER)
def test_command_that_is_to_come_says_so(run, name):
    result = run(name, "anything", "--option", status=2)
    assert f"Error: '{name}' is not available in Headrace yet." in result.stderr


@pytest.mark.parametrize("words", [("runs", "link-traces"), ("db", "move-resources")])
def test_sub_command_that_is_to_come_says_so(run, words):
    result = run(*words, status=2)
    assert f"'{words[-1]}' is not available in Headrace yet." in result.stderr


def test_unknown_command(run):
    assert "No such command 'nope'" in run("nope", status=2).stderr


def test_error_is_one_line_and_no_traceback(run):
    result = run("experiments", "get", "-x", "99", status=1)
    assert result.stderr == "Error: No Experiment with id=99 exists\n"
    assert result.stdout == ""


def test_python_dash_m():
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "experiments", "search"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.splitlines()[2].startswith("0                Default  ")
