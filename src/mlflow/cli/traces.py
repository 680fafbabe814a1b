"""`mlflow traces`."""

from __future__ import annotations

import json
from typing import Any

import click

from mlflow.cli.group import Commands, not_yet
from mlflow.cli.output import table
from mlflow.entities import AssessmentSource, Expectation, Feedback
from mlflow.entities.assessment import ExpectationValue, FeedbackValue

_TRACE_ID = click.option("--trace-id", required=True, help="Id of the trace.")
_ASSESSMENT_ID = click.option("--assessment-id", required=True, help="Id of the assessment.")
_EXPERIMENT_ID = click.option(
    "--experiment-id",
    "-x",
    envvar="MLFLOW_EXPERIMENT_ID",
    required=True,
    help="Id of the experiment.",
)
_EXTRACT = click.option(
    "--extract-fields",
    help="Only these parts, separated by commas, such as info.trace_id,info.tags.env; * stands "
    "for every item.",
)
_VERBOSE = click.option(
    "--verbose", is_flag=True, help="Does nothing here: fields that are not there are left out."
)
_SOURCE = (
    click.option(
        "--source-type",
        type=click.Choice(["HUMAN", "LLM_JUDGE", "CODE"]),
        help="What kind of somebody or something says so.",
    ),
    click.option("--source-id", help="Who it is."),
    click.option("--metadata", help="More to keep with it, as a JSON object of texts."),
    click.option("--span-id", help="The span it is about, if not the whole trace."),
)


@click.group("traces", cls=Commands, later=["evaluate"])
def traces() -> None:
    """Search, show, assess, tag and delete traces.

    Where they are kept is said by MLFLOW_TRACKING_URI; without it, in ./mlflow.db.
    """


def _store() -> Any:
    from mlflow.tracking._tracking_service.utils import _get_store

    return _get_store()


def _sourced(command: Any) -> Any:
    for option in reversed(_SOURCE):
        command = option(command)
    return command


@traces.command()
@_EXPERIMENT_ID
@click.option("--filter-string", help="Such as \"status = 'ERROR' AND tags.env = 'prod'\".")
@click.option("--max-results", type=int, default=100, help="At most so many; 100 by default.")
@click.option("--order-by", help="Keys to sort by, separated by commas: timestamp_ms DESC.")
@click.option("--page-token", help="Where to go on, as the page before says.")
@click.option("--run-id", help="Only traces of this run.")
@click.option(
    "--include-spans/--no-include-spans", default=True, help="Whether JSON has the spans, too."
)
@click.option("--model-id", help="Only traces of this logged model.")
@click.option("--sql-warehouse-id", help="Not available: of a hosted product.")
@click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", help="What to print."
)
@_EXTRACT
@_VERBOSE
@click.pass_context
def search(ctx: click.Context, experiment_id: str, **options: Any) -> None:
    """List traces that match, the newest first."""
    if options["sql_warehouse_id"]:
        not_yet(ctx, "--sql-warehouse-id")
    text = options["filter_string"]
    if options["run_id"]:
        own = f"run_id = '{options['run_id']}'"
        text = f"{text} AND {own}" if text else own
    order_by = [part.strip() for part in (options["order_by"] or "").split(",") if part.strip()]
    store = _store()
    infos, token = store.search_traces(
        [experiment_id],
        text,
        options["max_results"],
        order_by,
        options["page_token"],
        options["model_id"],
    )
    if options["output"] == "table" and not options["extract_fields"]:
        rows = [_row(info) for info in infos]
        click.echo(table(["Trace ID", "Time", "State", "Duration", "Request"], rows))
    else:
        found = [{"info": info.to_dict()} for info in infos]
        if options["include_spans"]:
            whole = {t.info.trace_id: t for t in _with_spans(store, infos)}
            found = [whole[i.trace_id].to_dict() for i in infos if i.trace_id in whole]
        shown = [_extracted(one, options["extract_fields"]) for one in found]
        click.echo(json.dumps({"traces": shown, "next_page_token": token or None}, indent=2))
        return
    if token:
        click.echo(f"\nMore: --page-token {token}")


def _with_spans(store: Any, infos: list[Any]) -> list[Any]:
    found = []
    for i in range(0, len(infos), 100):
        found += store.batch_get_traces([info.trace_id for info in infos[i : i + 100]])
    return found


def _row(info: Any) -> list[str]:
    duration = info.execution_duration
    return [
        info.trace_id,
        info.to_dict()["request_time"],
        info.state.value,
        "" if duration is None else f"{duration} ms",
        (info.request_preview or "")[:60],
    ]


def _extracted(value: Any, fields: str | None) -> Any:
    """The parts that `fields` names; all of it for None."""
    if not fields:
        return value
    found: Any = {}
    for path in fields.split(","):
        found[path.strip()] = _part(value, path.strip().split("."))
    return found


def _part(value: Any, steps: list[str]) -> Any:
    if not steps:
        return value
    if steps[0] == "*":
        every = list(value.values()) if isinstance(value, dict) else value
        return [_part(one, steps[1:]) for one in every] if isinstance(every, list) else None
    if isinstance(value, dict):
        # A key may have dots in it.
        for i in range(len(steps), 0, -1):
            key = ".".join(steps[:i]).strip("`")
            if key in value:
                return _part(value[key], steps[i:])
    return None


@traces.command()
@_TRACE_ID
@_EXTRACT
@_VERBOSE
def get(trace_id: str, extract_fields: str | None, verbose: bool) -> None:
    """Show a trace with its spans, as JSON."""
    trace = _store().get_trace(trace_id)
    click.echo(json.dumps(_extracted(trace.to_dict(), extract_fields), indent=2))


@traces.command()
@_EXPERIMENT_ID
@click.option("--trace-ids", help="Ids of the traces, separated by commas.")
@click.option(
    "--max-timestamp-millis",
    type=int,
    help="Those that began until then, in milliseconds since the Unix epoch.",
)
@click.option("--max-traces", type=int, help="At most so many of these, the oldest first.")
def delete(
    experiment_id: str,
    trace_ids: str | None,
    max_timestamp_millis: int | None,
    max_traces: int | None,
) -> None:
    """Delete traces for good."""
    ids = [part.strip() for part in (trace_ids or "").split(",") if part.strip()]
    count = _store().delete_traces(experiment_id, max_timestamp_millis, max_traces, ids or None)
    click.echo(f"Deleted {count} trace(s) from experiment {experiment_id}.")


@traces.command("set-tag")
@_TRACE_ID
@click.option("--key", required=True, help="Of the tag.")
@click.option("--value", required=True, help="Of the tag.")
def set_tag(trace_id: str, key: str, value: str) -> None:
    """Set a tag of a trace."""
    _store().set_trace_tag(trace_id, key, value)
    click.echo(f"Set tag '{key}' on trace {trace_id}.")


@traces.command("delete-tag")
@_TRACE_ID
@click.option("--key", required=True, help="Of the tag.")
def delete_tag(trace_id: str, key: str) -> None:
    """Remove a tag of a trace."""
    _store().delete_trace_tag(trace_id, key)
    click.echo(f"Deleted tag '{key}' from trace {trace_id}.")


@traces.command("log-feedback")
@_TRACE_ID
@click.option("--name", required=True, help="What is assessed.")
@click.option("--value", help="JSON, or a text.")
@click.option("--rationale", help="Why.")
@_sourced
def log_feedback(trace_id: str, name: str, value: str | None, **more: Any) -> None:
    """Say what was thought of a trace."""
    made = Feedback(
        name=name,
        value=_json(value),
        trace_id=trace_id,
        rationale=more["rationale"],
        **_common(more, "HUMAN"),
    )
    made = _store().create_assessment(made)
    click.echo(f"Logged feedback '{name}' to trace {trace_id}. Assessment ID: {made.assessment_id}")


@traces.command("log-expectation")
@_TRACE_ID
@click.option("--name", required=True, help="What is expected.")
@click.option("--value", required=True, help="JSON, or a text.")
@_sourced
def log_expectation(trace_id: str, name: str, value: str, **more: Any) -> None:
    """Say what should have come out."""
    made = Expectation(name=name, value=_json(value), trace_id=trace_id, **_common(more, "HUMAN"))
    made = _store().create_assessment(made)
    click.echo(
        f"Logged expectation '{name}' to trace {trace_id}. Assessment ID: {made.assessment_id}"
    )


def _common(more: dict[str, Any], kind: str) -> dict[str, Any]:
    source = AssessmentSource(more["source_type"] or kind, more["source_id"] or "default")
    return {
        "source": source,
        "metadata": _metadata(more["metadata"]),
        "span_id": more["span_id"],
    }


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _metadata(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    found = _json(text)
    if not isinstance(found, dict):
        raise click.BadParameter(f"Metadata {text!r}; a JSON object is needed.")
    return {str(key): str(value) for key, value in found.items()}


@traces.command("get-assessment")
@_TRACE_ID
@_ASSESSMENT_ID
def get_assessment(trace_id: str, assessment_id: str) -> None:
    """Show an assessment, as JSON."""
    found = _store().get_assessment(trace_id, assessment_id)
    click.echo(json.dumps(found.to_dictionary(), indent=2))


@traces.command("update-assessment")
@_TRACE_ID
@_ASSESSMENT_ID
@click.option("--value", help="JSON, or a text.")
@click.option("--rationale", help="Why.")
@click.option("--metadata", help="More to keep with it, as a JSON object of texts.")
def update_assessment(
    trace_id: str,
    assessment_id: str,
    value: str | None,
    rationale: str | None,
    metadata: str | None,
) -> None:
    """Change an assessment; what is not given stays."""
    store = _store()
    changes: dict[str, Any] = {"rationale": rationale, "metadata": _metadata(metadata)}
    if value is not None:
        there = store.get_assessment(trace_id, assessment_id)
        if there.expectation is not None:
            changes["expectation"] = ExpectationValue(_json(value))
        else:
            changes["feedback"] = FeedbackValue(_json(value))
    store.update_assessment(trace_id, assessment_id, **changes)
    click.echo(f"Updated assessment {assessment_id} of trace {trace_id}.")


@traces.command("delete-assessment")
@_TRACE_ID
@_ASSESSMENT_ID
def delete_assessment(trace_id: str, assessment_id: str) -> None:
    """Delete an assessment."""
    _store().delete_assessment(trace_id, assessment_id)
    click.echo(f"Deleted assessment {assessment_id} of trace {trace_id}.")
