create table schema_version (
    version {int} not null,
    works_with {int}
);

create table experiment (
    id {serial},
    name {name} not null,
    artifact_location {text},
    lifecycle_stage {word} not null,
    creation_time {int},
    last_update_time {int},
    deleted_time {int}
);
create unique index experiment_by_name on experiment (name);

create table experiment_tag (
    experiment_id {int} not null,
    name {key} not null,
    value {text},
    primary key (experiment_id, name)
) {clustered};

create table key_name (
    id {serial},
    name {key} not null
);
create unique index key_name_by_name on key_name (name);

create table run (
    id {serial},
    uuid {word} not null,
    experiment_id {int} not null,
    name {text},
    {start_of_name}
    user_id {text},
    status {small} not null,
    start_time {int} not null,
    end_time {int},
    lifecycle_stage {word} not null,
    deleted_time {int},
    artifact_uri {text}
);
create unique index run_by_uuid on run (uuid);
create index run_by_experiment on run (experiment_id, lifecycle_stage, start_time, uuid);
create index run_by_start on run (start_time, id);
create index run_by_end on run (end_time, id);
create index run_by_status on run (status, id);
create index run_by_name on run ({prefix_of_name}, id);

create table param (
    run_id {int} not null,
    key_id {int} not null,
    value {text} not null,
    {start_of_value}
    primary key (run_id, key_id)
) {clustered};
create index param_by_value on param (key_id, {prefix_of_value}, run_id);
create index param_by_rest on param (key_id, {rest_of_value}, run_id){if_long};

create table tag (
    run_id {int} not null,
    key_id {int} not null,
    value {text} not null,
    {start_of_value}
    primary key (run_id, key_id)
) {clustered};
create index tag_by_value on tag (key_id, {prefix_of_value}, run_id);
create index tag_by_rest on tag (key_id, {rest_of_value}, run_id){if_long};

create table series (
    run_id {int} not null,
    key_id {int} not null,
    value {real},
    step {int} not null,
    timestamp {int} not null,
    points {int} not null,
    sealed {int} not null,
    primary key (run_id, key_id)
) {clustered};
create index series_by_value on series (key_id, value, run_id);

create table tail (
    run_id {int} not null,
    key_id {int} not null,
    seq {int} not null,
    step {int} not null,
    timestamp {int} not null,
    value {real},
    primary key (run_id, key_id, seq)
) {clustered};

create table chunk (
    run_id {int} not null,
    key_id {int} not null,
    seq {int} not null,
    points {int} not null,
    min_step {int} not null,
    max_step {int} not null,
    min_timestamp {int} not null,
    max_timestamp {int} not null,
    min_value {real},
    max_value {real},
    "last_value" {real},
    sum_value {real},
    nans {int} not null,
    monotone {small} not null,
    ordered {small},
    "first_value" {real},
    step_of_min {int},
    timestamp_of_min {int},
    step_of_max {int},
    timestamp_of_max {int},
    content {blob} not null,
    primary key (run_id, key_id, seq)
) {clustered};
create index chunk_by_time on chunk
    (run_id, key_id, min_timestamp, min_step, seq, max_timestamp, max_step, ordered);

create table packed_run (
    run_id {int} not null primary key,
    content {blob} not null
) {clustered};

create table model_metric (
    id {serial},
    model_id {word} not null,
    run_id {int} not null,
    key_id {int} not null,
    value {real},
    timestamp {int} not null,
    step {int} not null,
    dataset_name {text},
    dataset_digest {text}
);
create index model_metric_by_model on model_metric (model_id, key_id, value);
create index model_metric_by_run on model_metric (run_id);

create table dataset (
    id {serial},
    experiment_id {int} not null,
    name {name} not null,
    digest {word} not null,
    source_type {text} not null,
    source {text} not null,
    schema_json {text},
    profile {text}
);
create unique index dataset_by_name on dataset (experiment_id, name, digest);

create table run_dataset (
    id {serial},
    run_id {int} not null,
    dataset_id {int} not null
);
create unique index run_dataset_by_run on run_dataset (run_id, dataset_id);
create index run_dataset_by_dataset on run_dataset (dataset_id);

create table run_dataset_tag (
    run_dataset_id {int} not null,
    name {key} not null,
    value {text} not null,
    primary key (run_dataset_id, name)
) {clustered};

create table run_model (
    run_id {int} not null,
    model_id {word} not null,
    is_output {small} not null,
    step {int} not null,
    primary key (run_id, is_output, model_id, step)
) {clustered};

create table writer (
    uuid {word} not null primary key,
    sequence {int} not null,
    time {int} not null
);

create table audit (
    id {serial},
    time {int} not null,
    actor {text},
    action {word} not null,
    entity {word} not null,
    entity_id {key} not null,
    "before" {text},
    "after" {text},
    comment {text}
);
create index audit_by_entity on audit (entity, entity_id, id);

create table logged_model (
    id {serial},
    uuid {word} not null,
    experiment_id {int} not null,
    name {text} not null,
    {start_of_name}
    model_type {text},
    source_run {word},
    artifact_location {text} not null,
    status {small} not null,
    status_message {text},
    creation_time {int} not null,
    last_update_time {int} not null,
    lifecycle_stage {word} not null,
    deleted_time {int}
);
create unique index logged_model_by_uuid on logged_model (uuid);
create index logged_model_by_experiment on logged_model
    (experiment_id, lifecycle_stage, creation_time, id);
create index logged_model_by_name on logged_model ({prefix_of_name}, id);
create index logged_model_by_run on logged_model (source_run);

create table logged_model_param (
    model_id {int} not null,
    name {key} not null,
    value {text} not null,
    {start_of_value}
    primary key (model_id, name)
) {clustered};
create index logged_model_param_by_value on logged_model_param
    (name, {prefix_of_value}, model_id);

create table logged_model_tag (
    model_id {int} not null,
    name {key} not null,
    value {text} not null,
    {start_of_value}
    primary key (model_id, name)
) {clustered};
create index logged_model_tag_by_value on logged_model_tag (name, {prefix_of_value}, model_id);

create index model_metric_by_value on model_metric (key_id, value, model_id);

create table registered_model (
    id {serial},
    name {name} not null,
    description {text},
    last_version {int} not null,
    creation_time {int} not null,
    last_update_time {int} not null
);
create unique index registered_model_by_name on registered_model (name);
create index registered_model_by_time on registered_model (last_update_time, id);

create table registered_model_tag (
    model_id {int} not null,
    name {key} not null,
    value {text},
    primary key (model_id, name)
) {clustered};

create table registered_model_alias (
    model_id {int} not null,
    name {key} not null,
    version {int} not null,
    primary key (model_id, name)
) {clustered};

create table model_version (
    model_id {int} not null,
    version {int} not null,
    stage {word} not null,
    description {text},
    user_id {text},
    source {text},
    storage_location {text},
    run_uuid {word} not null,
    run_link {text},
    logged_model {word},
    status {word} not null,
    status_message {text},
    creation_time {int} not null,
    last_update_time {int} not null,
    primary key (model_id, version)
) {clustered};
create index model_version_by_stage on model_version (model_id, stage, version);
create index model_version_by_time on model_version (last_update_time, model_id, version);
create index model_version_by_run on model_version (run_uuid);

create table model_version_tag (
    model_id {int} not null,
    version {int} not null,
    name {key} not null,
    value {text},
    primary key (model_id, version, name)
) {clustered};

create table stage_policy (
    model_id {int} not null,
    stage {word} not null,
    reviewers {int} not null,
    requirement {text},
    primary key (model_id, stage)
) {clustered};

create table stage_request (
    id {serial},
    model_id {int} not null,
    version {int} not null,
    stage {word} not null,
    archive_existing {small} not null,
    status {word} not null,
    requested_by {text},
    comment {text},
    creation_time {int} not null,
    last_update_time {int} not null
);
create index stage_request_by_version on stage_request (model_id, version, status);

create table stage_review (
    request_id {int} not null,
    reviewer {key} not null,
    approved {small} not null,
    comment {text},
    time {int} not null,
    primary key (request_id, reviewer)
) {clustered};

create table webhook (
    id {serial},
    uuid {word} not null,
    name {name} not null,
    description {text},
    url {text} not null,
    secret {text},
    status {word} not null,
    creation_time {int} not null,
    last_update_time {int} not null,
    deleted_time {int}
);
create unique index webhook_by_uuid on webhook (uuid);

create table webhook_event (
    webhook_id {int} not null,
    event {word} not null,
    primary key (webhook_id, event)
) {clustered};

create table webhook_delivery (
    id {serial},
    uuid {word} not null,
    webhook_id {int} not null,
    event {word} not null,
    content {text} not null,
    attempts {int} not null,
    next_time {int} not null,
    creation_time {int} not null
);
create index webhook_delivery_by_time on webhook_delivery (next_time, id);
