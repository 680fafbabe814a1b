"""`python -m mlflow`: the command line."""

from __future__ import annotations

from mlflow.cli import cli

if __name__ == "__main__":
    cli(prog_name="mlflow")
