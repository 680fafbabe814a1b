"""`mlflow registry`: stages of model versions, who moved them, and what it takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence

import click

from mlflow.cli.group import Commands
from mlflow.cli.output import table, utc
from mlflow.entities.model_registry.registry_change import RegistryChange
from mlflow.entities.model_registry.stage_approval import StageRequest
from mlflow.tracking.client import MlflowClient

_NAME = click.argument("name")
_VERSION = click.argument("version")
_STAGE = click.argument("stage")
_REASON = click.option("--reason", "-m", help="Why, for the audit trail.")
_ARCHIVE = click.option(
    "--archive-existing", is_flag=True, help="Move what is in the stage to Archived."
)


@click.group("registry", cls=Commands)
def registry() -> None:
    """Move versions of registered models between stages, and see who did.

    Where they are kept is said by MLFLOW_REGISTRY_URI or MLFLOW_TRACKING_URI.
    """


@registry.command()
@_NAME
@click.option("--version", help="Only this version.")
@click.option("--as-json", is_flag=True, help="Print one JSON object a line, with everything.")
def history(name: str, version: str | None, as_json: bool) -> None:
    """Show every change of the model NAME, oldest first."""
    client = MlflowClient()
    if version is None:
        changes = client.get_registered_model_history(name)
    else:
        changes = client.get_model_version_history(name, version)
    if as_json:
        for change in changes:
            click.echo(json.dumps(vars(change), ensure_ascii=False))
        return
    click.echo(table(["Time (UTC)", "User", "Version", "Change", "Reason"], _rows(changes)))


def _rows(changes: Sequence[RegistryChange]) -> list[list[str]]:
    return [
        [
            utc(change.timestamp).strftime("%Y-%m-%d %H:%M:%S"),
            change.user or "",
            "" if change.version is None else str(change.version),
            _told(change),
            change.comment or "",
        ]
        for change in changes
    ]


def _told(change: RegistryChange) -> str:
    """A change in a few words."""
    before, after = change.before or {}, change.after or {}
    if change.action in ("create", "import"):
        return change.action
    parts = [
        f"{key}: {_shown(before, key)} -> {_shown(after, key)}"
        for key in dict.fromkeys([*before, *after])
    ]
    return f"{change.action.replace('_', ' ')} {', '.join(parts)}"


def _shown(values: dict, key: str) -> str:
    text = " ".join(str(values[key]).split()) if values.get(key) is not None else "-"
    return text if len(text) <= 40 else f"{text[:39]}…"


@registry.command()
@_NAME
@_VERSION
@_STAGE
@_ARCHIVE
@_REASON
def transition(
    name: str, version: str, stage: str, archive_existing: bool, reason: str | None
) -> None:
    """Move VERSION of the model NAME to STAGE: None, Staging, Production or Archived."""
    client = MlflowClient()
    with _because(client, reason):
        moved = client.transition_model_version_stage(name, version, stage, archive_existing)
    click.echo(f"Version {moved.version} of model '{name}' is in {moved.current_stage}.")


@registry.command()
@_NAME
@click.option("--stage", default="Production", help="Production (default) or Staging.")
@_REASON
def rollback(name: str, stage: str, reason: str | None) -> None:
    """Bring the version of the model NAME back that was in Production before."""
    client = MlflowClient()
    with _because(client, reason):
        back = client.roll_back_stage(name, stage)
    click.echo(f"Version {back.version} of model '{name}' is in {back.current_stage} again.")


@registry.command()
@_NAME
@click.argument("time")
def at(name: str, time: str) -> None:
    """Show which versions of the model NAME were in which stage at TIME, such as
    2026-05-03T12:00."""
    client = MlflowClient()
    rows = [
        [stage, str(mv.version), mv.source or ""]
        for stage in client.get_model_version_stages(name, "1")
        for mv in client.get_latest_versions_at(name, time, [stage])
    ]
    click.echo(table(["Stage", "Version", "Source"], rows))


@registry.command()
@_NAME
@click.option("--stage", help="Stage to set the policy of: Staging or Production.")
@click.option("--reviewers", type=click.IntRange(0, 100), help="How many others must approve.")
@click.option("--requirement", help="What the run must fit, such as 'metrics.accuracy >= 0.9'.")
@click.option("--remove", is_flag=True, help="Let versions enter the stage freely again.")
def policy(
    name: str, stage: str | None, reviewers: int | None, requirement: str | None, remove: bool
) -> None:
    """Show or set what versions of the model NAME need to enter a stage."""
    client = MlflowClient()
    given = reviewers is not None or requirement is not None
    if (given or remove) and stage is None:
        raise click.UsageError("--stage says which stage the policy is for.")
    if given and remove:
        raise click.UsageError("--remove goes with --stage only.")
    if remove:
        client.delete_stage_policy(name, stage)
    elif given:
        client.set_stage_policy(name, stage, reviewers or 0, requirement)
    rows = [
        [p.stage, str(p.reviewers), p.requirement or ""] for p in client.get_stage_policies(name)
    ]
    click.echo(table(["Stage", "Reviewers", "Requirement"], rows))


@registry.command()
@_NAME
@_VERSION
@_STAGE
@_ARCHIVE
@_REASON
def request(
    name: str, version: str, stage: str, archive_existing: bool, reason: str | None
) -> None:
    """Ask for VERSION of the model NAME to enter STAGE."""
    asked = MlflowClient().request_model_version_stage(
        name, version, stage, archive_existing, reason
    )
    click.echo(f"Request {asked.request_id} waits for approval.")


@registry.command()
@_NAME
def requests(name: str) -> None:
    """List the requests for versions of the model NAME."""
    rows = [
        [str(r.request_id), str(r.version), r.stage, r.status, r.user, _said(r), r.comment or ""]
        for r in MlflowClient().get_stage_requests(name)
    ]
    headers = ["Request", "Version", "Stage", "Status", "User", "Reviews", "Reason"]
    click.echo(table(headers, rows))


def _said(request: StageRequest) -> str:
    return ", ".join(f"{'+' if r.approved else '-'}{r.user}" for r in request.reviews)


@registry.command()
@click.argument("request_id", type=int)
@_REASON
def approve(request_id: int, reason: str | None) -> None:
    """Approve a request of another user."""
    _tell(MlflowClient().approve_stage_request(request_id, reason))


@registry.command()
@click.argument("request_id", type=int)
@_REASON
def reject(request_id: int, reason: str | None) -> None:
    """Reject a request, or take one's own back."""
    _tell(MlflowClient().reject_stage_request(request_id, reason))


def _tell(request: StageRequest) -> None:
    click.echo(
        f"Request {request.request_id}, version {request.version} of model '{request.name}' to "
        f"{request.stage}: {request.status.lower()}."
    )


def _because(client: MlflowClient, reason: str | None) -> contextlib.AbstractContextManager[None]:
    return client.because(reason) if reason else contextlib.nullcontext()
