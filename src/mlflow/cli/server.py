"""`mlflow server`, also called `mlflow ui`."""

from __future__ import annotations

import contextlib
import os
from importlib.metadata import entry_points
from typing import Any

import click

from mlflow.cli.group import not_yet
from mlflow.exceptions import MlflowException
from mlflow.server.config import NEVER, ServerConfig
from mlflow.tracking._tracking_service.utils import _get_default_tracking_uri
from mlflow.utils.age import parse_age

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
_DEFAULT_WORKERS = 4


class _AppName(click.Choice):
    """The name of an application: the built-in one, or that of an installed plug-in."""

    def __init__(self) -> None:
        super().__init__(["basic-auth"])

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if any(entry.name == value for entry in entry_points(group="mlflow.app")):
            return value
        return super().convert(value, param, ctx)


@click.command("server")
@click.option(
    "--backend-store-uri",
    metavar="PATH",
    envvar="MLFLOW_BACKEND_STORE_URI",
    help="Where runs are kept: a database such as sqlite:///mlflow.db (in the current folder; the "
    "default) or postgresql://user@host/database.",
)
@click.option(
    "--read-replica-backend-store-uri",
    metavar="URI",
    envvar="MLFLOW_READ_REPLICA_BACKEND_STORE_URI",
    help="Accepted, and not used yet: everything is read from --backend-store-uri.",
)
@click.option(
    "--registry-store-uri",
    metavar="URI",
    envvar="MLFLOW_REGISTRY_STORE_URI",
    help="Where registered models are kept; with the runs by default.",
)
@click.option(
    "--default-artifact-root",
    metavar="URI",
    envvar="MLFLOW_DEFAULT_ARTIFACT_ROOT",
    help="Where clients put the files of new experiments. By default they send them to this "
    "server; with --no-serve-artifacts they write to ./mlruns themselves.",
)
@click.option(
    "--serve-artifacts/--no-serve-artifacts",
    envvar="MLFLOW_SERVE_ARTIFACTS",
    default=True,
    help="Whether clients may send and fetch files through this server; they may by default.",
)
@click.option(
    "--artifacts-only",
    is_flag=True,
    envvar="MLFLOW_ARTIFACTS_ONLY",
    help="Serve files and nothing else.",
)
@click.option(
    "--artifacts-destination",
    metavar="URI",
    envvar="MLFLOW_ARTIFACTS_DESTINATION",
    default="./mlartifacts",
    help="Where this server keeps the files that it serves: a folder (./mlartifacts by default) "
    "or a URI such as s3://bucket/path.",
)
@click.option(
    "--host",
    "-h",
    metavar="HOST",
    envvar="MLFLOW_HOST",
    default="127.0.0.1",
    help="Interface to listen on. 127.0.0.1 (default): this machine only. 0.0.0.0: all networks.",
)
@click.option(
    "--port", "-p", type=int, envvar="MLFLOW_PORT", default=5000, help="Port; 5000 by default."
)
@click.option(
    "--workers",
    "-w",
    envvar="MLFLOW_WORKERS",
    help="Processes. One with SQLite; with a database server up to 4, as there are processors.",
)
@click.option(
    "--static-prefix",
    envvar="MLFLOW_STATIC_PREFIX",
    help="Path to serve everything below, such as /mlflow.",
)
@click.option(
    "--allowed-hosts",
    envvar="MLFLOW_SERVER_ALLOWED_HOSTS",
    help="Names by which clients may call this server, separated by commas, with * as a wildcard. "
    "By default localhost, private addresses and --host.",
)
@click.option(
    "--cors-allowed-origins",
    envvar="MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
    help="Sites whose pages may call this server, such as https://app.example.com, separated by "
    "commas. Pages of localhost always may.",
)
@click.option(
    "--disable-security-middleware",
    is_flag=True,
    envvar="MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE",
    help="Answer requests from any page under any name. Dangerous: any site that a user visits "
    "can then read and change what is kept here.",
)
@click.option(
    "--x-frame-options",
    envvar="MLFLOW_SERVER_X_FRAME_OPTIONS",
    default="SAMEORIGIN",
    help="Who may show the pages in a frame: SAMEORIGIN (default), DENY, or NONE for everybody.",
)
@click.option("--gunicorn-opts", envvar="MLFLOW_GUNICORN_OPTS", help="Not supported.")
@click.option("--waitress-opts", help="Not supported.")
@click.option(
    "--uvicorn-opts",
    envvar="MLFLOW_UVICORN_OPTS",
    help="Options for uvicorn, which serves, such as '--log-level info --timeout-keep-alive 30'.",
)
@click.option("--dev", is_flag=True, help="Log every request.")
@click.option(
    "--expose-prometheus",
    envvar="MLFLOW_EXPOSE_PROMETHEUS",
    metavar="FOLDER",
    help="Where several processes keep the counts that /metrics shows; a temporary folder by "
    "default.",
)
@click.option(
    "--trace-retention",
    metavar="AGE",
    envvar="HEADRACE_TRACE_RETENTION",
    help="Delete traces that began longer ago than this, such as 30d, 12h or 1d12h, for good. An "
    "experiment may say otherwise in its tag headrace.trace_retention: another age, or 'never'. "
    "Here, 'never' is for deleting only where a tag says so. By default none are deleted.",
)
@click.option("--app-name", type=_AppName(), help="Not supported yet.")
@click.option(
    "--trace-archival-config",
    metavar="PATH",
    type=click.Path(exists=True, dir_okay=False),
    envvar="MLFLOW_TRACE_ARCHIVAL_CONFIG",
    help="Not supported yet.",
)
@click.option(
    "--secrets-cache-ttl",
    type=click.IntRange(10, 300),
    default=60,
    help="Accepted; there are no secrets to cache yet.",
)
@click.option(
    "--secrets-cache-max-size",
    type=click.IntRange(1, 10000),
    default=1000,
    help="Accepted; there are no secrets to cache yet.",
)
@click.option(
    "--workspace-store-uri",
    metavar="URI",
    envvar="MLFLOW_WORKSPACE_STORE_URI",
    help="Accepted; there are no workspaces yet.",
)
@click.option("--enable-workspaces/--disable-workspaces", default=False, help="Not supported yet.")
@click.pass_context
def server(ctx: click.Context, **options: Any) -> None:
    """Serve runs and their pages over HTTP, until Ctrl-C.

    Without options: at http://127.0.0.1:5000, with runs in ./mlflow.db and files in ./mlartifacts.
    """
    _refuse_unsupported(ctx, options)
    config = _config(ctx, options)
    for line in _remarks(config, options):
        click.echo(line, err=True)
    from mlflow.server.launch import serve

    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
        serve(config)


def _refuse_unsupported(ctx: click.Context, options: dict[str, Any]) -> None:
    """Stop for options that Headrace does not have, and for those that exclude each other."""
    servers = [n for n in ("gunicorn_opts", "waitress_opts", "uvicorn_opts") if options[n]]
    if len(servers) > 1:
        ctx.fail(
            "Cannot specify multiple server options. Choose one of: '--gunicorn-opts', "
            "'--waitress-opts', or '--uvicorn-opts'."
        )
    for name in ("gunicorn_opts", "waitress_opts"):
        if options[name]:
            ctx.fail(f"--{name.replace('_', '-')} is not supported: Headrace serves with uvicorn.")
    if options["dev"] and options["uvicorn_opts"]:
        ctx.fail("--dev cannot be used with --uvicorn-opts.")
    if options["app_name"]:
        not_yet(ctx, f"--app-name {options['app_name']}", "Nothing was started.")
    for name in ("trace_archival_config", "enable_workspaces"):
        if options[name]:
            not_yet(ctx, f"--{name.replace('_', '-')}")
    if options["artifacts_only"] and not options["serve_artifacts"]:
        ctx.fail("--artifacts-only and --no-serve-artifacts leave nothing to serve.")


def _config(ctx: click.Context, options: dict[str, Any]) -> ServerConfig:
    store = options["backend_store_uri"] or _get_default_tracking_uri()
    return ServerConfig(
        backend_store_uri=store,
        registry_store_uri=options["registry_store_uri"],
        default_artifact_root=options["default_artifact_root"],
        serve_artifacts=options["serve_artifacts"],
        artifacts_only=options["artifacts_only"],
        artifacts_destination=options["artifacts_destination"],
        host=options["host"],
        port=options["port"],
        workers=_workers(ctx, options["workers"], store),
        static_prefix=_static_prefix(ctx, options["static_prefix"]),
        allowed_hosts=_split(options["allowed_hosts"]),
        cors_allowed_origins=_split(options["cors_allowed_origins"]),
        disable_security_middleware=options["disable_security_middleware"],
        x_frame_options=options["x_frame_options"],
        expose_prometheus=options["expose_prometheus"],
        trace_retention=_retention(ctx, options["trace_retention"]),
        uvicorn_opts="--log-level debug" if options["dev"] else options["uvicorn_opts"],
        dev=options["dev"],
    )


def _retention(ctx: click.Context, text: str | None) -> str | None:
    try:
        if text and text != NEVER:
            parse_age(text)
    except MlflowException as e:
        ctx.fail(f"--trace-retention: {e.message}, or '{NEVER}'")
    return text or None


def _workers(ctx: click.Context, text: str | None, store: str) -> int:
    if text is not None and not (text.isdecimal() and int(text) > 0):
        ctx.fail(f"--workers is '{text}'; a number from 1 on is needed.")
    if store.startswith("sqlite"):  # one process writes, so that all commits go through one queue
        return 1
    return int(text) if text else min(_DEFAULT_WORKERS, os.cpu_count() or 1)


def _static_prefix(ctx: click.Context, prefix: str | None) -> str:
    if prefix and not prefix.startswith("/"):
        ctx.fail("--static-prefix must begin with a '/'.")
    if prefix and prefix.endswith("/"):
        ctx.fail("--static-prefix should not end with a '/'.")
    return prefix or ""


def _split(text: str | None) -> tuple[str, ...] | None:
    """The parts of a comma-separated list; None when nothing was given."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip()) or None


def _remarks(config: ServerConfig, options: dict[str, Any]) -> list[str]:
    """What the user should know before the server starts."""
    lines = []
    if not config.artifacts_only and not options["backend_store_uri"]:
        lines.append(f"Backend store URI not provided. Using {config.backend_store_uri}")
    if options["workers"] and int(options["workers"]) > config.workers:
        lines.append(
            f"--workers {options['workers']}: SQLite is served by one process. "
            "Use PostgreSQL for several."
        )
    if options["read_replica_backend_store_uri"]:
        lines.append("The read replica is not used yet; everything is read from the backend store.")
    if config.host not in _LOOPBACK:
        lines.append(
            f"WARNING: listening on {config.host} without accounts: whoever reaches port "
            f"{config.port} can read and change everything. `--host 127.0.0.1` keeps it to this "
            "machine."
        )
    if config.disable_security_middleware:
        lines.append(
            "WARNING: the security middleware is off: any site that a user visits can read and "
            "change what is kept here."
        )
    elif config.cors_allowed_origins and "*" in config.cors_allowed_origins:
        lines.append(
            "WARNING: --cors-allowed-origins '*': any site that a user visits can read and change "
            "what is kept here. Name the sites instead."
        )
    return lines
