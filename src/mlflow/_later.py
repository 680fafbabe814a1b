"""What the reference has and Headrace does not have yet: asking for it says so."""

from __future__ import annotations

from mlflow.exceptions import MlflowNotImplementedException

# fmt: off

#: Names of `mlflow` and `mlflow.tracking.fluent`.
LATER = {
    "add_trace", "ag2", "agent", "agno", "ai_commands", "anthropic", "assistant",
    "autogen", "azure", "bedrock", "catboost", "claude_code", "context", "create_workspace",
    "crewai", "db", "delete_assessment", "delete_prompt_alias", "delete_trace_tag",
    "delete_workspace", "deployments", "diffusers", "doctor", "dspy", "error_classification",
    "evaluate", "evaluation", "experiments", "flush_trace_async_logging", "gateway", "gemini",
    "genai", "get_active_trace_id", "get_assessment", "get_current_active_span",
    "get_last_active_trace_id", "get_trace", "get_workspace", "groq", "h2o", "haystack",
    "johnsnowlabs", "keras", "langchain", "legacy_databricks_cli", "lightgbm", "list_workspaces",
    "litellm", "llama_index", "load_prompt", "log_assessment", "log_expectation", "log_feedback",
    "log_issue", "log_trace", "login", "maybe_hint_tracing_skill", "mcp", "metrics", "mismatch",
    "mistral", "ml_package_versions", "onnx", "openai", "optuna", "otel", "override_feedback",
    "paddle", "pmdarima", "projects", "prompt", "prophet", "pydantic_ai", "pyspark", "pytest",
    "pytorch", "register_prompt", "rfunc", "run", "runs", "sagemaker", "search_prompts",
    "search_sessions", "search_traces", "semantic_kernel", "sentence_transformers",
    "set_prompt_alias", "set_telemetry_client", "set_trace_tag", "set_workspace", "shap",
    "smolagents", "spacy", "spark", "start_span", "start_span_no_context", "statsmodels", "strands",
    "telemetry", "tensorflow", "test", "trace", "tracing", "transformers", "txtai", "typesafe",
    "update_assessment", "update_current_trace", "update_workspace", "validate_evaluation_results",
    "xgboost",
}

#: Methods of `MlflowClient`.
CLIENT_LATER = {
    "add_dataset_to_experiments", "create_dataset", "create_mcp_access_endpoint",
    "create_mcp_server", "create_mcp_server_version", "create_prompt", "create_prompt_version",
    "create_workspace", "delete_dataset", "delete_dataset_tag", "delete_mcp_access_endpoint",
    "delete_mcp_server", "delete_mcp_server_alias", "delete_mcp_server_tag",
    "delete_mcp_server_version", "delete_mcp_server_version_tag", "delete_prompt",
    "delete_prompt_alias", "delete_prompt_tag", "delete_prompt_version",
    "delete_prompt_version_tag", "delete_trace_tag", "delete_traces", "delete_workspace",
    "detach_prompt_from_run", "end_span", "end_trace", "get_dataset",
    "get_latest_mcp_server_version", "get_mcp_access_endpoint", "get_mcp_server",
    "get_mcp_server_version", "get_mcp_server_version_by_alias", "get_prompt", "get_prompt_version",
    "get_prompt_version_by_alias", "get_trace", "get_workspace", "get_workspace_store_uri",
    "link_prompt_version_to_model", "link_prompt_version_to_run", "link_prompt_versions_to_trace",
    "link_traces_to_run", "list_logged_prompts", "list_workspaces", "load_prompt",
    "parse_prompt_uri", "refresh_mcp_server_version_tools", "register_prompt",
    "remove_dataset_from_experiments", "search_datasets", "search_mcp_access_endpoints",
    "search_mcp_server_versions", "search_mcp_servers", "search_prompt_versions", "search_prompts",
    "search_traces", "set_dataset_tags", "set_mcp_server_alias", "set_mcp_server_tag",
    "set_mcp_server_version_tag", "set_prompt_alias", "set_prompt_tag", "set_prompt_version_tag",
    "set_trace_tag", "start_span", "start_trace", "unlink_traces_from_run",
    "update_mcp_access_endpoint", "update_mcp_server", "update_mcp_server_version",
    "update_workspace",
}

# fmt: on


class NotAvailableYet(MlflowNotImplementedException, AttributeError):
    """A public name that does not exist here yet. Also an AttributeError, so `hasattr` is False."""

    def __init__(self, name: str):
        super().__init__(f"'{name}' is not available in Headrace yet.")
