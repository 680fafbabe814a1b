"""What a copy has done so far, and the line that shows it while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from types import TracebackType

from mlflow.utils.progress import Progress

#: Problems that are kept. All are counted, and said when they occur.
_KEPT = 1000


@dataclass
class Counts:
    """How many of each."""

    experiments_created: int = 0
    experiments_changed: int = 0
    runs: int = 0
    """Looked at."""
    runs_created: int = 0
    runs_changed: int = 0
    models_created: int = 0
    """Logged models; so in the next one."""
    models_changed: int = 0
    traces_created: int = 0
    traces_changed: int = 0
    trace_links: int = 0
    """To runs and prompts."""
    params: int = 0
    tags_set: int = 0
    tags_removed: int = 0
    points: int = 0
    inputs: int = 0
    """Datasets and models that runs read or made."""
    files: int = 0
    bytes: int = 0
    """Of these files."""

    def any_change(self) -> bool:
        """Whether anything was not as it had to be."""
        return any(getattr(self, f.name) for f in fields(self) if f.name != "runs")


class Report:
    """Counts and problems.

    Args:
        say: Is called with a line for each step; None for silence.
        complain: Is called with a line for each problem.
        each_run: Tell of each run, too, and not only of experiments.
    """

    def __init__(
        self,
        say: Callable[[str], None] | None = None,
        complain: Callable[[str], None] | None = None,
        *,
        each_run: bool = True,
    ):
        self.counts = Counts()
        self.problems: list[str] = []
        self.problem_count = 0
        self._said: set[str] = set()
        self._say = say or (lambda line: None)
        self._complain = complain or (lambda line: None)
        self._each_run = each_run
        self._progress = _Line(self.counts)

    def __enter__(self) -> Report:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def add(self, **more: int) -> None:
        """So many more."""
        for name, number in more.items():
            setattr(self.counts, name, getattr(self.counts, name) + number)
        self._progress.update(0)

    def experiment(self, line: str) -> None:
        """Something was done with an experiment, or would be."""
        self._say(line)

    def run(self, line: str) -> None:
        """Something was done with a run, or would be."""
        if self._each_run:
            self._say(line)

    def problem(self, line: str) -> None:
        """Something could not be done."""
        self.problem_count += 1
        if len(self.problems) < _KEPT:
            self.problems.append(line)
        self._complain(line)

    def problem_once(self, key: str, line: str) -> None:
        """The same for something that is said of the first of many."""
        if key not in self._said:
            self._said.add(key)
            self.problem(line)

    def summary(self) -> str:
        """All of it in one line."""
        c = self.counts
        if not c.any_change():
            return f"Nothing new in {many(c.runs, 'run') or 'no runs'}."
        things = [
            many(c.experiments_created, "new experiment"),
            many(c.experiments_changed, "changed experiment"),
            many(c.runs_created, "new run"),
            many(c.runs_changed, "changed run"),
            many(c.models_created, "new logged model"),
            many(c.models_changed, "changed logged model"),
            many(c.traces_created, "new trace"),
            many(c.traces_changed, "changed trace"),
        ]
        data = [
            many(c.points, "point"),
            many(c.params, "param"),
            many(c.tags_set, "tag"),
            many(c.tags_removed, "tag removed", "tags removed"),
            many(c.trace_links, "link of traces", "links of traces"),
            many(c.inputs, "input or output", "inputs and outputs"),
            many(c.files, "file") and f"{many(c.files, 'file')} ({size(c.bytes)})",
        ]
        of = f" (of {many(c.runs, 'run')})" if c.runs else ""
        return (
            f"{', '.join(filter(None, things)) or 'Files'}{of}: "
            f"{', '.join(filter(None, data)) or 'no data'}."
        )


def many(number: int, noun: str, plural: str | None = None) -> str:
    """Such as "1,000 runs"; nothing for none."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}" if number else ""


def size(number: float) -> str:
    """A number of bytes, such as "1.2 GB"."""
    for prefix in ("", "k", "M", "G"):
        if number < 1000:
            return f"{number:.3g} {prefix}B"
        number /= 1000
    return f"{number:.3g} TB"


class _Line(Progress):
    def __init__(self, counts: Counts):
        super().__init__("Copying")
        self._counts = counts

    def line(self, seconds: float) -> str:
        c = self._counts
        return (
            f"Copying: {c.runs:,} runs, {c.points:,} points, {c.files:,} files "
            f"({size(c.bytes)}), {seconds:.0f} s"
        )
