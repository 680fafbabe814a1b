"""Names of what traces, spans and assessments carry."""

from __future__ import annotations

ASSESSMENT_ID_PREFIX = "a-"
DATABRICKS_OPTIONS_KEY = "databricks_options"
DATABRICKS_OUTPUT_KEY = "databricks_output"
MAX_CHARS_IN_TRACE_INFO_METADATA = 250
MAX_CHARS_IN_TRACE_INFO_TAGS_KEY = 250
MAX_CHARS_IN_TRACE_INFO_TAGS_VALUE = 4096
RETURN_TRACE_OPTION_KEY = "return_trace"
STREAM_CHUNK_EVENT_NAME_FORMAT = "mlflow.chunk.item.{index}"
STREAM_CHUNK_EVENT_VALUE_KEY = "mlflow.chunk.value"
TRACE_ID_V4_PREFIX = "trace:/"
TRACE_RENDERER_ASSET_PATH = "/static-files/lib/notebook-trace-renderer"
TRACE_REQUEST_ID_PREFIX = "tr-"
TRACE_REQUEST_RESPONSE_PREVIEW_MAX_LENGTH_DBX = 10000
TRACE_REQUEST_RESPONSE_PREVIEW_MAX_LENGTH_OSS = 1000
TRACE_SCHEMA_VERSION = 3
TRACE_SCHEMA_VERSION_KEY = "mlflow.trace_schema.version"
TRUNCATION_SUFFIX = "..."


class AssessmentMetadataKey:
    """Metadata of assessments."""

    SOURCE_RUN_ID = "mlflow.assessment.sourceRunId"
    JUDGE_COST = "mlflow.assessment.judgeCost"
    JUDGE_INPUT_TOKENS = "mlflow.assessment.judgeInputTokens"
    JUDGE_OUTPUT_TOKENS = "mlflow.assessment.judgeOutputTokens"
    SCORER_TRACE_ID = "mlflow.assessment.scorerTraceId"
    SCORER_NAME = "mlflow.assessment.scorerName"
    SCORER_VERSION = "mlflow.assessment.scorerVersion"
    SCORER_RESOURCE_NAME = "mlflow.assessment.scorerResourceName"
    SCORER_RESOURCE_NAME_TYPE = "mlflow.assessment.scorerResourceNameType"
    SCORER_DIGEST = "mlflow.assessment.scorerDigest"
    ONLINE_SCORING_SESSION_ID = "mlflow.assessment.onlineScoringSessionId"


class AssessmentMetricDimensionKey:
    """Keys of assessment metric dimensions."""

    ASSESSMENT_NAME = "assessment_name"
    ASSESSMENT_VALUE = "assessment_value"


class AssessmentMetricKey:
    """Keys of assessment metrics."""

    ASSESSMENT_COUNT = "assessment_count"
    ASSESSMENT_VALUE = "assessment_value"


class AssessmentMetricSearchKey:
    """Keys of assessment metric searches."""

    VIEW_TYPE = "assessment"
    NAME = "name"
    TYPE = "type"

    @classmethod
    def entity_to_key_requirement(cls) -> dict[str, bool]:
        """Whether each of the things to filter by also needs a key."""
        return {cls.NAME: False, cls.TYPE: False}


class CostKey:
    """What a cost consists of, in US dollars."""

    INPUT_COST = "input_cost"
    OUTPUT_COST = "output_cost"
    TOTAL_COST = "total_cost"


class GenAiSemconvKey:
    """Attributes of OpenTelemetry's semantic conventions for generative AI."""

    CONVERSATION_ID = "gen_ai.conversation.id"
    OPERATION_NAME = "gen_ai.operation.name"
    REQUEST_MODEL = "gen_ai.request.model"
    RESPONSE_MODEL = "gen_ai.response.model"
    RESPONSE_ID = "gen_ai.response.id"
    PROVIDER_NAME = "gen_ai.provider.name"
    USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
    USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
    INPUT_MESSAGES = "gen_ai.input.messages"
    OUTPUT_MESSAGES = "gen_ai.output.messages"
    SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
    REQUEST_TEMPERATURE = "gen_ai.request.temperature"
    REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
    REQUEST_TOP_P = "gen_ai.request.top_p"
    REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences"
    RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
    TOOL_DEFINITIONS = "gen_ai.tool.definitions"
    TOOL_NAME = "gen_ai.tool.name"
    TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
    TOOL_CALL_RESULT = "gen_ai.tool.call.result"
    AGENT_NAME = "gen_ai.agent.name"


class SpanAttributeKey:
    """Attributes of spans."""

    EXPERIMENT_ID = "mlflow.experimentId"
    REQUEST_ID = "mlflow.traceRequestId"
    INPUTS = "mlflow.spanInputs"
    OUTPUTS = "mlflow.spanOutputs"
    SPAN_TYPE = "mlflow.spanType"
    LOG_LEVEL = "mlflow.spanLogLevel"
    FUNCTION_NAME = "mlflow.spanFunctionName"
    DESCRIPTION = "mlflow.spanDescription"
    START_TIME_NS = "mlflow.spanStartTimeNs"
    CHAT_TOOLS = "mlflow.chat.tools"
    CHAT_USAGE = "mlflow.chat.tokenUsage"
    LLM_COST = "mlflow.llm.cost"
    MODEL = "mlflow.llm.model"
    MODEL_PROVIDER = "mlflow.llm.provider"
    MESSAGE_FORMAT = "mlflow.message.format"
    INTERMEDIATE_OUTPUTS = "mlflow.trace.intermediate_outputs"
    LINKED_PROMPTS = "mlflow.linkedPrompts"
    LINKED_GATEWAY_TRACE_ID = "mlflow.gateway.linkedTraceId"
    USER_ID = "user.id"
    SESSION_ID = "session.id"
    TRACE_TAG_PREFIX = "mlflow.traceTag."


class SpanMetricDimensionKey:
    """Keys of span metric dimensions."""

    SPAN_NAME = "span_name"
    SPAN_TYPE = "span_type"
    SPAN_STATUS = "span_status"
    SPAN_MODEL_NAME = "span_model_name"
    SPAN_MODEL_PROVIDER = "span_model_provider"


class SpanMetricKey:
    """Keys of span metrics."""

    SPAN_COUNT = "span_count"
    LATENCY = "latency"
    INPUT_COST = "input_cost"
    OUTPUT_COST = "output_cost"
    TOTAL_COST = "total_cost"

    @classmethod
    def cost_keys(cls) -> list[str]:
        """The metrics that are costs."""
        return [cls.INPUT_COST, cls.OUTPUT_COST, cls.TOTAL_COST]


class SpanMetricSearchKey:
    """Keys of span metric searches."""

    VIEW_TYPE = "span"
    NAME = "name"
    STATUS = "status"
    TYPE = "type"

    @classmethod
    def entity_to_key_requirement(cls) -> dict[str, bool]:
        """Whether each of the things to filter by also needs a key."""
        return {cls.NAME: False, cls.STATUS: False, cls.TYPE: False}


class SpansLocation:
    """Keys of spans locations."""


class TokenUsageKey:
    """What a count of tokens consists of."""

    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    TOTAL_TOKENS = "total_tokens"
    CACHE_READ_INPUT_TOKENS = "cache_read_input_tokens"
    CACHE_CREATION_INPUT_TOKENS = "cache_creation_input_tokens"
    CACHE_CREATION_INPUT_TOKENS_ABOVE_1HR = "cache_creation_input_tokens_above_1hr"

    @classmethod
    def all_keys(cls) -> list[str]:
        """All of them."""
        return [cls.INPUT_TOKENS, cls.OUTPUT_TOKENS, cls.TOTAL_TOKENS, *cls.cache_keys()]

    @classmethod
    def cache_keys(cls) -> list[str]:
        """Those about a cache, which not every provider counts."""
        return [cls.CACHE_READ_INPUT_TOKENS, cls.CACHE_CREATION_INPUT_TOKENS]


class TraceArchivalFailureReason:
    """Keys of trace archival failure reasons."""


class TraceExperimentTagKey:
    """Keys of trace experiment tags."""

    ARCHIVAL_RETENTION = "mlflow.trace.archivalRetention"
    ARCHIVE_NOW = "mlflow.trace.archiveNow"


class TraceMetadataKey:
    """Metadata of traces: set once, when a trace is made."""

    INPUTS = "mlflow.traceInputs"
    OUTPUTS = "mlflow.traceOutputs"
    SOURCE_RUN = "mlflow.sourceRun"
    MODEL_ID = "mlflow.modelId"
    SIZE_STATS = "mlflow.trace.sizeStats"
    TOKEN_USAGE = "mlflow.trace.tokenUsage"
    TRACE_INFO_FINALIZED = "mlflow.trace.infoFinalized"
    COST = "mlflow.trace.cost"
    TRACE_USER = "mlflow.trace.user"
    TRACE_SESSION = "mlflow.trace.session"
    SIZE_BYTES = "mlflow.trace.sizeBytes"
    GATEWAY_ENDPOINT_ID = "mlflow.gateway.endpointId"
    GATEWAY_REQUEST_TYPE = "mlflow.gateway.requestType"
    GATEWAY_CALLER = "mlflow.gateway.caller"
    AUTH_USER_ID = "mlflow.auth.userId"
    AUTH_USERNAME = "mlflow.auth.username"


class TraceMetricDimensionKey:
    """Keys of trace metric dimensions."""

    TRACE_NAME = "trace_name"
    TRACE_STATUS = "trace_status"


class TraceMetricKey:
    """Keys of trace metrics."""

    TRACE_COUNT = "trace_count"
    SESSION_COUNT = "session_count"
    LATENCY = "latency"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    TOTAL_TOKENS = "total_tokens"
    CACHE_READ_INPUT_TOKENS = "cache_read_input_tokens"
    CACHE_CREATION_INPUT_TOKENS = "cache_creation_input_tokens"

    @classmethod
    def token_usage_keys(cls) -> list[str]:
        """The metrics that are counts of tokens."""
        return [
            cls.INPUT_TOKENS,
            cls.OUTPUT_TOKENS,
            cls.TOTAL_TOKENS,
            cls.CACHE_READ_INPUT_TOKENS,
            cls.CACHE_CREATION_INPUT_TOKENS,
        ]


class TraceMetricSearchKey:
    """Keys of trace metric searches."""

    VIEW_TYPE = "trace"
    STATUS = "status"
    TAG = "tag"
    METADATA = "metadata"

    @classmethod
    def entity_to_key_requirement(cls) -> dict[str, bool]:
        """Whether each of the things to filter by also needs a key."""
        return {cls.STATUS: False, cls.TAG: True, cls.METADATA: True}


class TraceSizeStatsKey:
    """What `mlflow.trace.sizeStats` consists of: bytes, but for the number of spans."""

    TOTAL_SIZE_BYTES = "total_size_bytes"
    NUM_SPANS = "num_spans"
    MAX_SPAN_SIZE_BYTES = "max"
    P25_SPAN_SIZE_BYTES = "p25"
    P50_SPAN_SIZE_BYTES = "p50"
    P75_SPAN_SIZE_BYTES = "p75"


class TraceTagKey:
    """Tags of traces."""

    TRACE_NAME = "mlflow.traceName"
    EVAL_REQUEST_ID = "mlflow.eval.requestId"
    SPANS_LOCATION = "mlflow.trace.spansLocation"
    ARCHIVE_LOCATION = "mlflow.trace.archiveLocation"
    ARCHIVAL_FAILURE = "mlflow.trace.archivalFailure"
    SOURCE_SCORER_NAME = "mlflow.trace.sourceScorer"
    LINKED_PROMPTS = "mlflow.linkedPrompts"
