"""Environment variables that change how things work: one table, one object each.

    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT

    MLFLOW_HTTP_REQUEST_TIMEOUT.get()  # 120, or what the environment says
    MLFLOW_HTTP_REQUEST_TIMEOUT.set(5)

Every variable that the reference declares is here, so that scripts can set and read it; those of
parts that are still to come have no meaning beside them yet.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # this module is loaded by nearly every other: `typing` would double its cost
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MIB = 1024 * 1024


def _split_strip(text: str) -> list[str]:
    """The parts of a comma-separated list, without the spaces around them."""
    return [part.strip() for part in text.split(",")]


class _EnvironmentVariable:
    """One variable: `get()` reads the environment anew each time.

    Args:
        name: Name in the environment.
        type_: Turns the text into the value; raises for a text it does not know.
        default: Value while the variable is unset.
        meaning: What it does, in one line; empty for parts that are still to come.
    """

    def __init__(
        self, name: str, type_: Callable[[str], Any], default: Any, meaning: str = ""
    ) -> None:
        if type_ is bool and not isinstance(self, _BooleanEnvironmentVariable):
            # bool("false") is true
            raise ValueError("Use _BooleanEnvironmentVariable instead for boolean variables")
        self.name = name
        self.type = type_
        self.default = default
        self.meaning = meaning

    @property
    def defined(self) -> bool:
        """True when the environment has it, even if empty."""
        return self.name in os.environ

    def get_raw(self) -> str | None:
        """The text in the environment; None when unset."""
        return os.environ.get(self.name)

    def get(self) -> Any:
        """The value, or the default when unset.

        Raises:
            ValueError: The text is not of the type.
        """
        text = os.environ.get(self.name)
        return self.default if text is None else self._parse(text)

    def _parse(self, text: str) -> Any:
        try:
            return self.type(text)
        except Exception as error:
            raise ValueError(f"Failed to convert {text!r} for {self.name}: {error}") from error

    def set(self, value: object) -> None:
        """Put `str(value)` into the environment of this process and its children."""
        os.environ[self.name] = str(value)

    def unset(self) -> None:
        """Take it out of the environment; nothing happens when it is not there."""
        os.environ.pop(self.name, None)

    def is_set(self) -> bool:
        """True when the environment has it, even if empty."""
        return self.defined

    def __str__(self) -> str:
        return f"{self.name} (default: {self.default})"

    def __repr__(self) -> str:
        return repr(self.name)

    def __format__(self, format_spec: str) -> str:
        return self.name.__format__(format_spec)


class _BooleanEnvironmentVariable(_EnvironmentVariable):
    """A switch: `true`, `false`, `1` or `0` in any case of letters. None as default: undecided."""

    def __init__(self, name: str, default: bool | None, meaning: str = "") -> None:
        if default not in (True, False, None):
            raise ValueError(f"{name} default value must be one of [True, False, None]")
        super().__init__(name, bool, default, meaning)

    def _parse(self, text: str) -> bool:
        lowered = text.lower()
        if lowered not in ("true", "false", "1", "0"):
            raise ValueError(
                f"{self.name} value must be one of ['true', 'false', '1', '0'] "
                f"(case-insensitive), but got {text}"
            )
        return lowered in ("true", "1")


class _ConfigureLogging(_BooleanEnvironmentVariable):
    """Also heeds the name that this switch once had."""

    _old_name = "MLFLOW_LOGGING_CONFIGURE_LOGGING"

    def get(self) -> bool:
        old = os.environ.get(self._old_name)
        if old is None:
            return super().get()
        import warnings

        warnings.warn(
            f"{self._old_name} is deprecated; set {self.name} instead.",
            FutureWarning,
            stacklevel=2,
        )
        return old.lower() in ("true", "1")


# (name, type, default, meaning). No default of these is written down anywhere else.
# fmt: off
_TABLE = (
    # Tracking
    ("MLFLOW_TRACKING_URI", str, None, "Store of experiments and runs."),
    ("MLFLOW_REGISTRY_URI", str, None,
     "Store of registered models; the tracking store when unset."),
    ("MLFLOW_EXPERIMENT_ID", str, None, "Experiment of runs that name none."),
    ("MLFLOW_EXPERIMENT_NAME", str, None, "The same by name; created on first use."),
    ("MLFLOW_RUN_ID", str, None, "Run that the next `start_run()` resumes."),
    ("MLFLOW_RUN_CONTEXT", str, None, "JSON object of tags for each new run."),
    ("MLFLOW_TRACKING_DIR", str, None, "Folder of the file store when no URI is set."),
    ("MLFLOW_REGISTRY_DIR", str, None, "Folder of the file model registry when no URI is set."),
    ("MLFLOW_ALLOW_FILE_STORE", bool, False, "Accepted; our file store needs no permission."),
    ("MLFLOW_TRUNCATE_LONG_VALUES", bool, True,
     "Cut long param and tag values; false refuses them."),
    ("MLFLOW_ACTIVE_MODEL_ID", str, None, "Logged model that new traces and metrics belong to."),
    ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", bool, False,
     "Do not print links to the run when it ends."),
    ("MLFLOW_WORKSPACE", str, None, "Workspace sent with each request."),
    ("MLFLOW_CONFIGURE_LOGGING", bool, True, "Give the `mlflow` loggers a handler on stderr."),
    ("MLFLOW_LOGGING_LEVEL", str, None, "Level of the `mlflow` loggers; INFO when unset."),
    ("MLFLOW_DISABLE_TELEMETRY", bool, False, "Accepted; nothing is ever reported home."),
    # HTTP client
    ("MLFLOW_TRACKING_USERNAME", str, None, "User of HTTP Basic authentication."),
    ("MLFLOW_TRACKING_PASSWORD", str, None, "Its password."),
    ("MLFLOW_TRACKING_TOKEN", str, None, "Bearer token; used when no user name is set."),
    ("MLFLOW_TRACKING_AUTH", str, None, "Name of a request-auth provider."),
    ("MLFLOW_TRACKING_AWS_SIGV4", bool, False, "Sign requests with AWS Signature V4."),
    ("MLFLOW_TRACKING_INSECURE_TLS", bool, False, "Do not verify the server certificate."),
    ("MLFLOW_TRACKING_SERVER_CERT_PATH", str, None, "CA bundle that vouches for the server."),
    ("MLFLOW_TRACKING_CLIENT_CERT_PATH", str, None, "PEM file with client certificate and key."),
    ("MLFLOW_HTTP_REQUEST_TIMEOUT", int, 120, "Seconds without a byte before a request fails."),
    ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", int, 7,
     "Further attempts after a failed one; unset, 3 until the server has answered once."),
    ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", int, 2,
     "Scale of the pauses between attempts: 2 for 0.1 s, 0.3 s, 0.9 s and so on."),
    ("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", float, 1.0,
     "Most random seconds added to a pause, which is at most doubled."),
    ("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", bool, True, "Wait as long as the server asks for."),
    ("MLFLOW_HTTP_POOL_CONNECTIONS", int, 10, "Hosts whose connections are kept."),
    ("MLFLOW_HTTP_POOL_MAXSIZE", int, 10, "Connections kept per host."),
    ("MLFLOW_HTTP_TCP_KEEPALIVE", bool, True, "Probe idle connections."),
    ("MLFLOW_HTTP_TCP_KEEPALIVE_IDLE", int, 30, "Idle seconds before the first probe."),
    ("MLFLOW_HTTP_TCP_KEEPALIVE_INTERVAL", int, 10, "Seconds between probes."),
    ("MLFLOW_HTTP_TCP_KEEPALIVE_COUNT", int, 3, "Unanswered probes that end a connection."),
    ("MLFLOW_ALLOW_HTTP_REDIRECTS", bool, True, "Follow redirects."),
    # Artifacts
    ("MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT", int, None,
     "Seconds for one transfer; the store's own when unset."),
    ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", bool, True, "Show a progress bar in a terminal."),
    ("MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH", int, 2048,
     "Longest accepted artifact location, in characters."),
    ("MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES", _split_strip, [],
     "Schemes that may name a host in an artifact location."),
    ("MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS", int, 300, "Life of a presigned download link."),
    ("MLFLOW_DOWNLOAD_CHUNK_TIMEOUT", int, 300, "Seconds for one part of a download."),
    ("MLFLOW_ENABLE_MULTIPART_UPLOAD", bool, True, "Upload big files in parts."),
    ("MLFLOW_ENABLE_MULTIPART_DOWNLOAD", bool, True, "Download big files in parts."),
    ("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", bool, False, "The same through the tracking server."),
    ("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", bool, False,
     "The same through the tracking server."),
    ("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", int, 500 * MIB,
     "Bytes from which a file counts as big."),
    ("MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE", int, 500 * MIB,
     "Bytes from which a file counts as big."),
    ("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", int, 10 * MIB, "Bytes of a part."),
    ("MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE", int, 100 * MIB, "Bytes of a part."),
    ("MLFLOW_S3_ENDPOINT_URL", str, None, "Address of an S3-compatible service."),
    ("MLFLOW_S3_IGNORE_TLS", bool, False, "Do not verify its certificate."),
    ("MLFLOW_S3_UPLOAD_EXTRA_ARGS", str, None, "JSON object of further upload arguments."),
    ("MLFLOW_S3_EXPECTED_BUCKET_OWNER", str, None, "Account that must own the bucket."),
    ("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE", str, "auto",
     "`auto`, `path` or `virtual` S3 addresses."),
    # Asynchronous logging
    ("MLFLOW_ENABLE_ASYNC_LOGGING", bool, False, "Log metrics, params and tags in the background."),
    ("MLFLOW_ASYNC_LOGGING_THREADPOOL_SIZE", int, 10, "Threads that send batches."),
    ("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS", int, None,
     "Seconds to gather a batch; sent at once when unset."),
    # System metrics
    ("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", bool, False, "Log system metrics of every run."),
    ("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", float, None,
     "Seconds between samples; 10 when unset."),
    ("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", int, None,
     "Samples averaged into one point; 1 when unset."),
    ("MLFLOW_SYSTEM_METRICS_NODE_ID", str, None, "Name of this machine inside the metric names."),
    # Server
    ("MLFLOW_SERVER_ALLOWED_HOSTS", str, None,
     "Accepted Host headers, comma-separated, with wildcards."),
    ("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", str, None, "Accepted browser origins, comma-separated."),
    ("MLFLOW_SERVER_X_FRAME_OPTIONS", str, "SAMEORIGIN",
     "Who may frame the UI: SAMEORIGIN, DENY or NONE."),
    ("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", str, "false",
     "`true` turns the host and origin checks off."),
    ("MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX", str, None,
     "What the source of a model version must match."),
    ("MLFLOW_READ_REPLICA_BACKEND_STORE_URI", str, None, "Second database, for reading."),
    ("MLFLOW_FLASK_SERVER_SECRET_KEY", str, None, "Key that signs browser sessions."),
    ("MLFLOW_ENABLE_WORKSPACES", bool, False,
     "Keep experiments and models in separate workspaces."),
    ("MLFLOW_WORKSPACE_STORE_URI", str, None,
     "Store of workspaces; the tracking store when unset."),
    ("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", int, None, "Database connections kept."),
    ("MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW", int, None, "Connections allowed beyond that."),
    ("MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE", int, None,
     "Seconds after which a connection is replaced."),
    ("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", str, None, "Name of the pool; accepted."),
    ("MLFLOW_SQLALCHEMYSTORE_ECHO", bool, False, "Log every SQL statement."),
    ("MLFLOW_MYSQL_SSL_CA", str, None, "CA file for MySQL."),
    ("MLFLOW_MYSQL_SSL_CERT", str, None, "Client certificate for MySQL."),
    ("MLFLOW_MYSQL_SSL_KEY", str, None, "Its key."),
    # Parts that are still to come: declared, so that scripts can set and read them
    ("MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS", float, 60),
    ("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", bool, True),
    ("MLFLOW_ASSISTANT_SANDBOX_CLI_IMAGE", str, "mlflow-assistant-sandbox:latest"),
    ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS", int, 5000),
    ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE", int, 1000),
    ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE", int, 5),
    ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS", int, 10),
    ("MLFLOW_ASYNC_TRACE_LOGGING_RETRY_TIMEOUT", int, 500),
    ("MLFLOW_AUTH_ADMIN_PASSWORD", str, None),
    ("MLFLOW_AUTH_ADMIN_USERNAME", str, None),
    ("MLFLOW_AUTH_CONFIG_PATH", str, None),
    ("MLFLOW_BASIC_AUTH_FAIL_CLOSED", bool, True),
    ("MLFLOW_CONDA_CREATE_ENV_CMD", str, "conda"),
    ("MLFLOW_CONDA_HOME", str, None),
    ("MLFLOW_CONVERT_MESSAGES_DICT_FOR_LANGCHAIN", bool, None),
    ("MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT", int, 500),
    ("MLFLOW_DEFAULT_PREDICTION_DEVICE", str, None),
    ("MLFLOW_DEPLOYMENTS_CONFIG", str, None),
    ("MLFLOW_DEPLOYMENTS_TARGET", str, None),
    ("MLFLOW_DEPLOYMENT_CLIENT_HTTP_REQUEST_TIMEOUT", int, 300),
    ("MLFLOW_DEPLOYMENT_FLAVOR_NAME", str, None),
    ("MLFLOW_DEPLOYMENT_PREDICT_TIMEOUT", int, 120),
    ("MLFLOW_DEPLOYMENT_PREDICT_TOTAL_TIMEOUT", int, 600),
    ("MLFLOW_DFS_TMP", str, "/tmp/mlflow"),
    ("MLFLOW_DISABLE_AGENT_HINT", bool, False),
    ("MLFLOW_DISABLE_DATABRICKS_SDK_FOR_RUN_ARTIFACTS", bool, False),
    ("MLFLOW_DISABLE_ENV_CREATION", bool, False),
    ("MLFLOW_DISABLE_ENV_MANAGER_CONDA_WARNING", bool, False),
    ("MLFLOW_DISABLE_SCHEMA_DETAILS", bool, False),
    ("MLFLOW_DOCKER_OPENJDK_VERSION", str, "11"),
    ("MLFLOW_ENABLE_AI_GATEWAY", bool, True),
    ("MLFLOW_ENABLE_ASSISTANT_SANDBOX", bool, None),
    ("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", bool, True),
    ("MLFLOW_ENABLE_DBFS_FUSE_ARTIFACT_REPO", bool, True),
    ("MLFLOW_ENABLE_DB_SDK", bool, True),
    ("MLFLOW_ENABLE_MCP_TOOL_DISCOVERY", bool, True),
    ("MLFLOW_ENABLE_OTEL_GENAI_SEMCONV", bool, False),
    ("MLFLOW_ENABLE_OTLP_EXPORTER", bool, True),
    ("MLFLOW_ENABLE_REMOTE_ASSISTANT", bool, False),
    ("MLFLOW_ENABLE_UC_FUNCTIONS", bool, False),
    ("MLFLOW_ENABLE_UC_NATIVE_MODEL_REGISTRY", bool, False),
    ("MLFLOW_ENABLE_UC_VOLUME_FUSE_ARTIFACT_REPO", bool, True),
    ("MLFLOW_ENFORCE_STDIN_SCORING_SERVER_FOR_SPARK_UDF", bool, True),
    ("MLFLOW_ENV_ROOT", str, os.path.join(os.path.expanduser("~"), ".mlflow", "envs")),
    ("MLFLOW_GATEWAY_ALLOWED_PROVIDERS", str, None),
    ("MLFLOW_GATEWAY_API_BASE_ALLOWED_SCHEMES", _split_strip, ["https"]),
    ("MLFLOW_GATEWAY_API_BASE_ALLOW_PRIVATE_IPS", bool, False),
    ("MLFLOW_GATEWAY_BUDGET_REDIS_URL", str, None),
    ("MLFLOW_GATEWAY_BUDGET_REFRESH_INTERVAL", int, 600),
    ("MLFLOW_GATEWAY_CONFIG", str, None),
    ("MLFLOW_GATEWAY_MAX_DECOMPRESSED_REQUEST_SIZE", int, 100 * MIB),
    ("MLFLOW_GATEWAY_RATE_LIMITS_STORAGE_URI", str, None),
    ("MLFLOW_GATEWAY_RESOLVE_API_KEY_FROM_ENV", bool, False),
    ("MLFLOW_GATEWAY_RESOLVE_API_KEY_FROM_FILE", bool, False),
    ("MLFLOW_GATEWAY_ROUTE_TIMEOUT_SECONDS", int, 300),
    ("MLFLOW_GATEWAY_URI", str, None),
    ("MLFLOW_GCS_DOWNLOAD_CHUNK_SIZE", int, None),
    ("MLFLOW_GCS_UPLOAD_CHUNK_SIZE", int, None),
    ("MLFLOW_GENAI_DISCOVERY_TRIAGE_SAMPLE_SIZE", int, 100),
    ("MLFLOW_GENAI_EVAL_ASYNC_TIMEOUT", int, 300),
    ("MLFLOW_GENAI_EVAL_ENABLE_SCORER_TRACING", bool, False),
    ("MLFLOW_GENAI_EVAL_LLM_TIMEOUT", int, 60),
    ("MLFLOW_GENAI_EVAL_MAX_RETRIES", int, 3),
    ("MLFLOW_GENAI_EVAL_MAX_SCORER_WORKERS", int, 10),
    ("MLFLOW_GENAI_EVAL_MAX_WORKERS", int, 10),
    ("MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT", str, "auto"),
    ("MLFLOW_GENAI_EVAL_SCORER_RATE_LIMIT", str, None),
    ("MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION", bool, False),
    ("MLFLOW_GENAI_JUDGE_BASE_URL", str, None),
    ("MLFLOW_GENAI_JUDGE_DEFAULT_MODEL", str, None),
    ("MLFLOW_GENAI_OPTIMIZE_MAX_WORKERS", int, 8),
    ("MLFLOW_GENAI_SIMULATOR_MAX_WORKERS", int, 10),
    ("MLFLOW_GET_TRACE_OTEL_INITIAL_RETRY_INTERVAL_SECONDS", float, 2.0),
    ("MLFLOW_GET_TRACE_OTEL_MAX_RETRY_INTERVAL_SECONDS", float, 8.0),
    ("MLFLOW_GET_TRACE_OTEL_RETRY_TIMEOUT_SECONDS", int, 15),
    ("MLFLOW_HUGGINGFACE_DEVICE_MAP_STRATEGY", str, "auto"),
    ("MLFLOW_DISABLE_HUGGINGFACE_ACCELERATE_FEATURES", bool, False),
    ("MLFLOW_HUGGINGFACE_MODEL_MAX_SHARD_SIZE", str, "500MB"),
    ("MLFLOW_HUGGINGFACE_USE_DEVICE_MAP", bool, False),
    ("MLFLOW_HUGGINGFACE_USE_LOW_CPU_MEM_USAGE", bool, True),
    ("MLFLOW_ICON_URL_ALLOWED_DOMAINS", _split_strip, None),
    ("MLFLOW_ICON_URL_ALLOWED_SCHEMES", _split_strip, ["https"]),
    ("MLFLOW_ICON_URL_ALLOW_PRIVATE_IPS", bool, False),
    ("MLFLOW_INPUT_EXAMPLE_INFERENCE_TIMEOUT", int, 180),
    ("MLFLOW_JOB_CUSTOM_SCORER_EXECUTOR_BACKEND", str, None),
    ("MLFLOW_JOB_DEFAULT_EXECUTOR_BACKEND", str, "local"),
    ("MLFLOW_JUDGE_MAX_ITERATIONS", int, 30),
    ("MLFLOW_KERBEROS_TICKET_CACHE", str, None),
    ("MLFLOW_KERBEROS_USER", str, None),
    ("MLFLOW_LOCK_MODEL_DEPENDENCIES", bool, False),
    ("MLFLOW_LOG_MODEL_COMPRESSION", str, None),
    ("MLFLOW_LOG_UV_FILES", bool, True),
    ("MLFLOW_MAX_TRACES_TO_DISPLAY_IN_NOTEBOOK", int, 10),
    ("MLFLOW_MODEL_CATALOG_CACHE_TTL", int, 86400),
    (
        "MLFLOW_MODEL_CATALOG_URI",
        str,
        "https://github.com/mlflow/mlflow/releases/download/model-catalog%2Flatest",
    ),
    ("MLFLOW_MODEL_ENV_DOWNLOADING_TEMP_DIR", str, None),
    ("MLFLOW_NOTEBOOK_TRACE_RENDERER_BASE_URL", str, None),
    ("MLFLOW_ONLINE_SCORING_DEFAULT_SESSION_COMPLETION_BUFFER_SECONDS", int, 300),
    ("MLFLOW_ONLINE_SCORING_DEFAULT_TRACE_COMPLETION_BUFFER_SECONDS", int, 300),
    ("MLFLOW_ONLINE_SCORING_MAX_WORKER_THREADS", int, 10),
    ("MLFLOW_OPENAI_SECRET_SCOPE", str, None),
    ("MLFLOW_PRINT_MODEL_URLS_ON_CREATION", bool, True),
    ("MLFLOW_PROMPT_CACHE_MAX_SIZE", int, 128),
    ("MLFLOW_PYARROW_EXTRA_CONF", str, None),
    ("MLFLOW_RBAC_SEED_DEFAULT_ROLES", bool, True),
    ("MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING", bool, True),
    ("MLFLOW_REQUIREMENTS_INFERENCE_RAISE_ERRORS", bool, False),
    ("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", int, 120),
    ("MLFLOW_SAGEMAKER_DEPLOY_IMG_URL", str, None),
    ("MLFLOW_SANDBOX_DOCKER_IMAGE", str, "mlflow-sandbox:latest"),
    ("MLFLOW_SANDBOX_EGRESS_PROXY", str, None),
    ("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", int, 60),
    ("MLFLOW_SEARCH_TRACES_MAX_THREADS", int, 32),
    ("MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS", bool, False),
    ("MLFLOW_SERVER_ENABLE_GRAPHQL_AUTH", bool, True),
    ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", bool, True),
    ("MLFLOW_SERVER_GRAPHQL_MAX_ALIASES", int, 10),
    ("MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS", int, 10),
    ("MLFLOW_SERVER_JOB_DEFAULT_TIMEOUT", float, 3600.0),
    ("MLFLOW_SERVER_JOB_ENABLE_PERIODIC_TASKS", bool, True),
    ("MLFLOW_SERVER_JOB_EXECUTION_ENGINE", str, None),
    ("MLFLOW_SERVER_JOB_FLUSH_PERIODIC_LOCKS_ON_STARTUP", bool, None),
    ("MLFLOW_SERVER_JOB_HUEY_REDIS_URL", str, None),
    ("MLFLOW_SERVER_JOB_LEASE_TTL", float, 60.0),
    ("MLFLOW_SERVER_JOB_TRANSIENT_ERROR_MAX_RETRIES", int, 3),
    ("MLFLOW_SERVER_JOB_TRANSIENT_ERROR_RETRY_BASE_DELAY", int, 15),
    ("MLFLOW_SERVER_JOB_TRANSIENT_ERROR_RETRY_MAX_DELAY", int, 60),
    ("MLFLOW_SERVER_JUDGE_INVOKE_MAX_WORKERS", int, 10),
    ("MLFLOW_SERVER_ONLINE_SCORING_MAX_WORKERS", int, 5),
    ("MLFLOW_SERVER_SCORER_INVOKE_BATCH_SIZE", int, 100),
    ("MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK", bool, False),
    ("MLFLOW_SKIP_SIGNATURE_CHECK_FOR_UC_REGISTRY_MIGRATION", bool, False),
    ("MLFLOW_SQL_TRACE_ROLLUPS_ENABLED", bool, False),
    ("MLFLOW_SQL_WAREHOUSE_AUTO_START", bool, True),
    ("MLFLOW_SQL_WAREHOUSE_AUTO_START_TIMEOUT_SECONDS", int, 1200),
    ("MLFLOW_TRACE_ARCHIVAL_CONFIG", str, None),
    ("MLFLOW_TRACE_BUFFER_MAX_SIZE", int, 1000),
    ("MLFLOW_TRACE_BUFFER_TTL_SECONDS", int, 3600),
    ("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", bool, False),
    ("MLFLOW_TRACE_EXTRACT_ATTACHMENTS", bool, True),
    ("MLFLOW_TRACE_MAX_ATTACHMENT_SIZE", int, None),
    ("MLFLOW_TRACE_PROPAGATE_TO_OTEL_CONTEXT", bool, False),
    ("MLFLOW_TRACE_ROLLUPS_MAX_PARTITIONS_PER_RUN", int, 1000),
    ("MLFLOW_TRACE_ROLLUPS_MAX_WORKERS", int, 4),
    ("MLFLOW_TRACE_ROLLUPS_SCHEDULE", str, "0 2 * * *"),
    ("MLFLOW_TRACE_SAMPLING_RATIO", float, 1.0),
    ("MLFLOW_TRACE_TIMEOUT_CHECK_INTERVAL_SECONDS", int, 1),
    ("MLFLOW_TRACE_TIMEOUT_SECONDS", int, None),
    ("MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR", bool, False),
    ("MLFLOW_TRACING_DESTINATION", str, None),
    ("MLFLOW_TRACING_SQL_WAREHOUSE_ID", str, None),
    ("MLFLOW_UC_OSS_TOKEN", str, None),
    ("MLFLOW_USE_BATCH_SPAN_PROCESSOR", bool, True),
    ("MLFLOW_USE_DATABRICKS_SDK_MODEL_ARTIFACTS_REPO_FOR_UC", bool, False),
    ("MLFLOW_USE_DEFAULT_TRACER_PROVIDER", bool, True),
    ("MLFLOW_UV_AUTO_DETECT", bool, True),
    ("MLFLOW_VERSION_PROMPT_CACHE_TTL_SECONDS", float, float("inf")),
    ("MLFLOW_WEBHOOK_CACHE_TTL", int, 60),
    ("MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS", int, 10),
    ("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", int, 3),
    ("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", int, 30),
    ("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", str, None),
    ("MLFLOW_WHEELED_MODEL_PIP_DOWNLOAD_OPTIONS", str, "--only-binary=:all:"),
    ("MLFLOW_WORKSPACE_ARTIFACT_ROOT_CACHE_CAPACITY", int, 128),
    ("MLFLOW_WORKSPACE_ARTIFACT_ROOT_CACHE_TTL_SECONDS", int, 60),
)

# Their objects have an underscore before the name
_INTERNAL = (
    ("DISABLE_MLFLOWDBFS", str, None),
    ("_MLFLOW_ACTIVE_MODEL_ID", str, None),
    ("_MLFLOW_AUTH_ADMIN_BOOTSTRAPPED", bool, False),
    ("MLFLOW_AUTOLOGGING_TESTING", bool, False),
    ("_MLFLOW_CREATE_LOGGED_MODEL_PARAMS_BATCH_SIZE", int, 100),
    ("MLFLOW_DATABRICKS_TRAFFIC_ID", str, None),
    ("MLFLOW_DELETE_TRACES_MAX_BATCH_SIZE", int, 100),
    ("MLFLOW_ENABLE_SGC_RUN_RESUMPTION_FOR_DATABRICKS_JOBS", bool, True),
    ("_MLFLOW_ENABLE_UC_TRACE_UPSELL", bool, True),
    ("_MLFLOW_EVALUATE_SUPPRESS_CLASSIFICATION_ERRORS", bool, False),
    ("MLFLOW_GO_STORE_TESTING", bool, False),
    ("_MLFLOW_HTTP_REQUEST_MAX_BACKOFF_FACTOR_LIMIT", int, 120,
     "Upper bound of the backoff factor."),
    ("_MLFLOW_HTTP_REQUEST_MAX_RETRIES_LIMIT", int, 10,
     "Upper bound of the retries that may be asked for."),
    ("_MLFLOW_INTERNAL_GATEWAY_AUTH_TOKEN", str, None),
    ("MLFLOW_IN_CAPTURE_MODULE_PROCESS", bool, False),
    ("_MLFLOW_IN_JOB_EXECUTOR", bool, False),
    ("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", bool, None),
    ("_MLFLOW_LOG_LOGGED_MODEL_PARAMS_BATCH_SIZE", int, 100),
    ("_MLFLOW_MPD_NUM_RETRIES", int, 3),
    ("_MLFLOW_MPD_RETRY_INTERVAL_SECONDS", int, 1),
    ("MLFLOW_RUN_SLOW_TESTS", bool, False),
    ("MLFLOW_SEARCH_TRACES_MAX_BATCH_SIZE", int, 10),
    ("_MLFLOW_SERVER_BOOT_ID", str, None),
    ("_MLFLOW_SGI_NAME", str, None),
    ("_MLFLOW_SPARK_UDF_SERVERLESS_SKIP_DBCONNECT_ARTIFACT", bool, False),
    ("_MLFLOW_TELEMETRY_LOGGING", bool, False),
    ("_MLFLOW_TELEMETRY_PRE_WARM_DATABRICKS_SDK", bool, True),
    ("_MLFLOW_TELEMETRY_SESSION_ID", str, None),
    ("MLFLOW_TESTING", bool, False),
    ("_MLFLOW_TESTING_TELEMETRY", bool, False),
    ("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", _split_strip, ["https"]),
    ("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", bool, False),
    ("SERVERLESS_GPU_COMPUTE_ASSOCIATED_JOB_RUN_ID", str, None),
)
# fmt: on


def _declare(name: str, type_: Callable, default: Any, meaning: str = "") -> _EnvironmentVariable:
    if name == "MLFLOW_CONFIGURE_LOGGING":
        return _ConfigureLogging(name, default, meaning)
    if type_ is bool:
        return _BooleanEnvironmentVariable(name, default, meaning)
    return _EnvironmentVariable(name, type_, default, meaning)


VARIABLES = {row[0]: _declare(*row) for row in _TABLE}
"""Every declared variable by the name of its Python object."""
VARIABLES |= {"_" + row[0].lstrip("_"): _declare(*row) for row in _INTERNAL}
# The one public object that is called otherwise than its variable
VARIABLES["MLFLOW_HUGGINGFACE_DISABLE_ACCELERATE_FEATURES"] = VARIABLES.pop(
    "MLFLOW_DISABLE_HUGGINGFACE_ACCELERATE_FEATURES"
)

globals().update(VARIABLES)

if TYPE_CHECKING:

    def __getattr__(name: str) -> _EnvironmentVariable: ...
