"""Fixtures for tests of models."""

import subprocess
import sys

import pytest


@pytest.fixture
def run_without():
    """A function that runs code where a library is not installed, and gives what it prints."""

    def run(library, code):
        hide = f"import sys; sys.modules[{library!r}] = None\n"
        done = subprocess.run([sys.executable, "-c", hide + code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
