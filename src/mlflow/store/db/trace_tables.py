"""The tables of traces, new in version 4; `tables.py` has the words.

* `trace` has a row for each trace; `span_count` is 0 while no spans have come. `trace_by_time` has
  all that histograms count. `trace_by_duration` has what a search for slow ones mostly asks for.
* `trace_tag` and `trace_metadata` are clustered by trace, for reading, and indexed by value, for
  finding. `mlflow.artifactLocation`, `mlflow.trace.spansLocation` and `mlflow.trace.infoFinalized`
  are not in them: they follow from the other columns.
* `trace_segment` has the spans: each export is one compressed segment (`spans.py`), and many
  segments of a trace become one.
* `trace_span` has which kinds of spans a trace has: each name, type and status once.
* `assessment` has what is searched in columns, and the rest as JSON.
* `lease` is not of traces: it says which of several servers does what only one shall do, and until
  when (milliseconds).
* Runs and prompts are linked by their public names: the reference takes links to what is not
  there yet.
"""

from __future__ import annotations

TRACE_TABLES = """
create table trace (
    id {serial},
    uuid {word} not null,
    experiment_id {int} not null,
    timestamp_ms {int} not null,
    duration_ms {int},
    state {small} not null,
    finalized {small} not null,
    span_count {int} not null,
    client_request_id {word},
    request_preview {text},
    response_preview {text}
);
create unique index trace_by_uuid on trace (uuid);
create index trace_by_time on trace
    (experiment_id, timestamp_ms desc, uuid, duration_ms, state);
create index trace_by_state on trace (experiment_id, state, timestamp_ms desc, uuid);
create index trace_by_duration on trace
    (experiment_id, duration_ms desc, timestamp_ms desc, state);
create index trace_by_client_request on trace (client_request_id);

create table trace_tag (
    trace_id {int} not null,
    key_id {int} not null,
    value {text} not null,
    {start_of_value}
    primary key (trace_id, key_id)
) {clustered};
create index trace_tag_by_value on trace_tag (key_id, {prefix_of_value}, trace_id);

create table trace_metadata (
    trace_id {int} not null,
    key_id {int} not null,
    value {text} not null,
    {start_of_value}
    primary key (trace_id, key_id)
) {clustered};
create index trace_metadata_by_value on trace_metadata (key_id, {prefix_of_value}, trace_id);

create table trace_segment (
    trace_id {int} not null,
    seq {int} not null,
    spans {int} not null,
    content {blob} not null,
    primary key (trace_id, seq)
) {clustered};

create table trace_span (
    trace_id {int} not null,
    name_id {int} not null,
    type_id {int} not null,
    status {small} not null,
    primary key (trace_id, name_id, type_id, status)
) {clustered};
create index trace_span_by_name on trace_span (name_id, trace_id);
create index trace_span_by_type on trace_span (type_id, status, trace_id);

create table assessment (
    id {serial},
    uuid {word} not null,
    trace_id {int} not null,
    name {key} not null,
    kind {small} not null,
    value {text} not null,
    {start_of_value}
    number {real},
    valid {small} not null,
    create_time {int} not null,
    last_update_time {int} not null,
    content {text} not null
);
create unique index assessment_by_uuid on assessment (uuid);
create index assessment_by_trace on assessment (trace_id, id);
create index assessment_by_name on assessment (name, kind, trace_id);

create table trace_run (
    run_uuid {word} not null,
    trace_uuid {word} not null,
    primary key (run_uuid, trace_uuid)
) {clustered};
create index trace_run_by_trace on trace_run (trace_uuid);

create table trace_prompt (
    trace_id {int} not null,
    name {key} not null,
    version {word} not null,
    primary key (trace_id, name, version)
) {clustered};
create index trace_prompt_by_name on trace_prompt (name, version, trace_id);

create table lease (
    name {word} not null primary key,
    holder {word} not null,
    expires {int} not null
);
"""

#: What goes with the row of a trace, by `trace_id`.
TABLES_OF_A_TRACE = (
    "trace_tag",
    "trace_metadata",
    "trace_segment",
    "trace_span",
    "assessment",
    "trace_prompt",
)
