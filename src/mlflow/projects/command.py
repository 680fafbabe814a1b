"""Commands of projects: a template of a shell's command, and values for what is in its braces.

Values are never part of what a shell reads as commands. For running, the template becomes a script
in which each value is a variable, in the quoting that its place needs, and the values go beside it
in the environment:

    python train.py {lr} "{text}" '{text}'
    python train.py "${_h0}" "${_h1}" ''"${_h1}"''

For showing, and for those who take a command as text (docker, Kubernetes, plug-ins), the values
are quoted as the place needs it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlflow.exceptions import ExecutionException, MlflowException

# What is around a place in a command.
_BARE, _SINGLE, _DOUBLE, _ANSI, _TICKS = "", "'", '"', "$'", "`"
_OPEN, _SUM, _COMMENT, _DOCUMENT = "(", "((", "#", "<<"
#: How a variable is written there, so that its value stays one word and is never read.
_VARIABLE = {
    **dict.fromkeys((_BARE, _OPEN, _TICKS, _DOCUMENT), '"${NAME}"'),
    **dict.fromkeys((_DOUBLE, _SUM, _COMMENT), "${NAME}"),
    _SINGLE: "'\"${NAME}\"'",
    _ANSI: "'\"${NAME}\"$'",
}
#: Variables that carry values to the shell; it takes them out of the environment first.
_CARRIER = "_HEADRACE_VALUE_"


@dataclass(frozen=True)
class _Value:
    """A value in a command, and what quotes are around it."""

    text: str
    place: str


@dataclass(frozen=True)
class Command:
    """A command with its values: literal text of the shell, and values that are none."""

    parts: tuple[str | _Value, ...]

    @property
    def text(self) -> str:
        """The whole as text for a shell, its values quoted.

        Raises:
            ExecutionException: A value is where no quoting would be safe.
        """
        return "".join(p if isinstance(p, str) else _quoted(p) for p in self.parts)

    @property
    def shown(self) -> str:
        """The whole as people read it."""
        return "".join(p if isinstance(p, str) else shlex.quote(p.text) for p in self.parts)

    def words(self) -> list[str]:
        """The words of the command, for what runs it without a shell; where it uses what only a
        shell knows, a shell's command line."""
        literal = "".join(part for part in self.parts if isinstance(part, str))
        if set(literal) & set(";|&<>()$`#*?~\n"):
            return ["sh", "-c", self.text]
        return shlex.split(self.text)

    def program(self) -> tuple[list[str], dict[str, str]]:
        """What to run, and the variables that it must have besides others.

        Raises:
            MlflowException: There is no shell.
        """
        script, names, variables = [], [], {}
        for part in self.parts:
            if isinstance(part, str):
                script.append(part)
                continue
            name = f"_h{len(names)}"
            names.append(name)
            variables[f"{_CARRIER}{name}"] = part.text
            script.append(_VARIABLE[part.place].replace("NAME", name))
        taken = "".join(f"{n}=${_CARRIER}{n}; unset {_CARRIER}{n}; " for n in names)
        return [_shell(), "-c", taken + "".join(script)], variables


def _quoted(value: _Value) -> str:
    text = value.text
    if value.place == _DOUBLE:
        return "".join(f"\\{char}" if char in '\\"$`' else char for char in text)
    if value.place == _SINGLE:
        return text.replace("'", "'\"'\"'")
    if value.place == _ANSI:
        return text.replace("\\", "\\\\").replace("'", "\\'")
    if value.place == _COMMENT:
        return text.replace("\n", " ")
    if value.place in (_TICKS, _DOCUMENT) and shlex.quote(text) != text:
        raise ExecutionException(
            f"The command has the value '{text}' between backticks or after '<<', where it cannot "
            "be quoted. Write $(...) instead, or put it before."
        )
    return shlex.quote(text)


def _shell() -> str:
    for name in ("bash", "sh"):
        if path := shutil.which(name):
            return path
    raise MlflowException("Commands of projects are a shell's; neither bash nor sh is in the PATH.")


def script(interpreter: str, entry_point: str) -> Command:
    """The command that runs a file, such as `python train.py`.

    Args:
        interpreter: Text for a shell.
        entry_point: Name of the file; never taken for an option.
    """
    name = f".{os.sep}{entry_point}" if entry_point.startswith("-") else entry_point
    return Command((f"{interpreter} ", _Value(name, _BARE)))


def fill(template: str, values: Mapping[str, str], extra: Mapping[str, str]) -> Command:
    """A template with values, and `--name value` at its end for each one besides.

    `{name}` is the value, `{{` and `}}` are braces.

    Args:
        values: By the names that the template may use.
        extra: What the template does not know.

    Raises:
        ExecutionException: The template has a name without a value, or what is no name.
    """
    return Command((*_filled(template, values), *_options(extra)))


def add_options(command: Command, extra: Mapping[str, str]) -> Command:
    """The command with `--name value` for each of these."""
    return Command((*command.parts, *_options(extra)))


def _options(extra: Mapping[str, str]) -> Iterator[str | _Value]:
    for name, value in extra.items():
        yield " --"
        yield _Value(name, _BARE)
        yield " "
        yield _Value(value, _BARE)


def _filled(template: str, values: Mapping[str, str]) -> Iterator[str | _Value]:
    quoting = _Quoting()
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ExecutionException(
            f"The command '{template}' cannot be read: {error}. A brace is written {{{{ or }}}}."
        ) from error
    for literal, name, layout, conversion in pieces:
        quoting.read(literal)
        yield literal
        if name is None:
            continue
        if name not in values:
            raise ExecutionException(
                f"The command '{template}' uses '{{{name}}}', but its entry point declares "
                f"{sorted(values)} only."
            )
        value = values[name]
        if conversion or layout:
            value = _laid_out(template, value, layout or "", conversion)
        if quoting.place == _SUM and not is_number(value):
            raise ExecutionException(
                f"The command '{template}' calculates with '{name}'; '{value}' is no number."
            )
        yield _Value(value, quoting.place)
        quoting.follows_a_word()


def _laid_out(template: str, value: str, layout: str, conversion: str | None) -> str:
    formatter = string.Formatter()
    try:
        return format(formatter.convert_field(value, conversion), layout)
    except (ValueError, TypeError) as error:
        raise ExecutionException(f"The command '{template}' cannot be read: {error}") from error


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Quoting:
    """In which quotes a shell is after what it has read so far."""

    def __init__(self) -> None:
        self._stack = [_BARE]
        self._escaped = self._comment = self._document = self._dollar = False
        self._before = " "

    @property
    def place(self) -> str:
        if self._comment:
            return _COMMENT
        return _DOCUMENT if self._document and self._stack[-1] == _BARE else self._stack[-1]

    def follows_a_word(self) -> None:
        self._before, self._dollar = "x", False

    def read(self, text: str) -> None:
        for char in text:
            self._step(char)
            self._before = char

    def _step(self, char: str) -> None:
        dollar, self._dollar = self._dollar, False
        if self._comment:
            self._comment = char != "\n"
        elif self._escaped:
            self._escaped = False
        elif self.place == _SINGLE:
            if char == "'":
                self._stack.pop()
        elif char == "\\":
            self._escaped = True
        elif self.place == _ANSI:
            if char == "'":
                self._stack.pop()
        elif char == '"':
            self._toggle(_DOUBLE)
        elif char == "`":
            self._toggle(_TICKS)
        elif char == "<" and self._stack[-1] != _DOUBLE:
            self._document |= self._before == "<"
        elif char == "$":
            self._dollar = True
        elif char == "(" and (dollar or self.place != _DOUBLE):
            # A second parenthesis right after `$(`, or at the beginning of a word, is a sum.
            sums = self._before == "(" and self._stack[-1] == _OPEN
            self._stack[-1:] = [_SUM, _SUM] if sums else [self._stack[-1], _OPEN]
        elif char == ")" and self.place in (_OPEN, _SUM):
            self._stack.pop()
        elif self.place != _DOUBLE and char == "'":
            self._stack.append(_ANSI if dollar else _SINGLE)
        elif self.place != _DOUBLE and char == "#" and self._before in " \t\n;&|(":
            self._comment = True

    def _toggle(self, quote: str) -> None:
        if self.place == quote:
            self._stack.pop()
        else:
            self._stack.append(quote)
