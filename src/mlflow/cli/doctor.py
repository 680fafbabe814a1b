"""`mlflow doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import time
from collections.abc import Callable, Iterator

import click

from mlflow.tracking._model_registry.utils import get_registry_uri
from mlflow.tracking._tracking_service.utils import _get_store, get_tracking_uri
from mlflow.version import HEADRACE_VERSION, VERSION

#: Libraries that only some uses need: for what, and the extra that brings them.
_OPTIONAL = {
    "pandas": ("tables, search_runs as a data frame", "pandas"),
    "numpy": ("arrays as images and datasets", "pandas"),
    "matplotlib": ("figures", "figures"),
    "pillow": ("images", "figures"),
    "plotly": ("figures", "figures"),
    "scikit-learn": ("`mlflow demo`", "demo"),
    "psycopg": ("PostgreSQL", "postgres"),
    "pymysql": ("MySQL", "mysql"),
    "boto3": ("artifacts in S3", "s3"),
}
_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|KEY|PASSPHRASE")
_CREDENTIALS = re.compile(r"(?<=://)([^/@\s]*):([^/\s]*)@")


@click.command("doctor")
@click.option("--mask-envs", is_flag=True, help="Show *** instead of the values of variables.")
@click.pass_context
def doctor(ctx: click.Context, mask_envs: bool) -> None:
    """Show versions and settings, and check that the store can be reached and written.

    Ends with status 1 if a check fails. Passwords are never shown.
    """
    click.echo(f"System information: {platform.platform()}")
    click.echo(f"Python version: {platform.python_version()}")
    click.echo(f"MLflow version: {VERSION} (the interface that Headrace offers)")
    click.echo(f"Headrace version: {HEADRACE_VERSION}")
    click.echo(f"MLflow module location: {_location()}")
    click.echo(f"Tracking URI: {_without_password(get_tracking_uri())}")
    click.echo(f"Registry URI: {_without_password(get_registry_uri())}")
    _show_variables(mask_envs)
    _show_dependencies()
    path = get_tracking_uri().removeprefix("sqlite:///")
    if path != get_tracking_uri() and not os.path.exists(path):
        click.echo(f"Checks: none; {path} does not exist and is made with the first run.")
        return
    click.echo("Checks: ")
    if not (_check("read the store", _read) and _check("write to the store", _write)):
        ctx.exit(1)


def _check(what: str, check: Callable[[str], str]) -> bool:
    """Do it, and say how it went and how long it took."""
    start = time.perf_counter()
    try:
        found = check(get_tracking_uri())
    except Exception as error:  # whatever is wrong is what the user wants to know
        click.echo(f"  {what}: FAILED: {_without_password(str(error))}")
        return False
    click.echo(f"  {what}: ok, {found} ({(time.perf_counter() - start) * 1000:.0f} ms)")
    return True


def _location() -> str:
    import mlflow

    return mlflow.__file__


def _without_password(text: str) -> str:
    return _CREDENTIALS.sub(r"\1:***@", text)


def _show_variables(mask: bool) -> None:
    names = sorted(name for name in os.environ if name.startswith("MLFLOW_"))
    if not names:
        return
    click.echo("MLflow environment variables: ")
    for name in names:
        hidden = mask or _SECRET.search(name)
        click.echo(f"  {name}: {'***' if hidden else _without_password(os.environ[name])}")


def _show_dependencies() -> None:
    required = sorted(_required())
    click.echo("MLflow dependencies: " if required else "Run from a folder of sources.")
    for name in required:
        click.echo(f"  {name}: {_version(name) or 'MISSING'}")
    click.echo("Optional libraries: ")
    for name, (purpose, extra) in _OPTIONAL.items():
        version = _version(name) or f"not installed (pip install 'headrace[{extra}]')"
        click.echo(f"  {name}: {version}: {purpose}")


def _required() -> Iterator[str]:
    """Names of the distributions that this one cannot do without."""
    try:
        requirements = importlib.metadata.requires("headrace") or []
    except importlib.metadata.PackageNotFoundError:  # run from a folder of sources
        return
    for requirement in requirements:
        if "extra ==" not in requirement:
            yield re.match(r"[\w.-]+", requirement)[0]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _read(uri: str) -> str:
    page = _get_store(uri).search_experiments(max_results=1000)
    return f"{len(page)}{'+' if page.token else ''} experiments"


def _write(uri: str) -> str:
    """Set a tag of the oldest experiment and take it away again."""
    from mlflow.entities import ExperimentTag

    store = _get_store(uri)
    page = store.search_experiments(max_results=1, order_by=["creation_time ASC"])
    if not page:
        return "not tried, as there is no experiment yet"
    experiment_id = page[0].experiment_id
    store.set_experiment_tag(experiment_id, ExperimentTag("mlflow.doctor", str(time.time())))
    store.delete_experiment_tag(experiment_id, "mlflow.doctor")
    return "a tag was set and removed"
