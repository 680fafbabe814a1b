"""What the reference has and Headrace does not have yet: asking for it says so."""

from __future__ import annotations

from mlflow.exceptions import MlflowNotImplementedException

# fmt: off

#: Names of `mlflow` and `mlflow.tracking.fluent`.
LATER = {
    "ag2", "agent", "agno", "ai_commands", "assistant",
    "autogen", "azure", "bedrock", "catboost", "claude_code", "create_workspace",
    "crewai", "db", "delete_prompt_alias",
    "delete_workspace", "deployments", "diffusers", "doctor", "dspy", "error_classification",
    "evaluate", "evaluation", "experiments", "gateway", "gemini",
    "genai",
    "get_workspace", "groq", "h2o", "haystack",
    "johnsnowlabs", "keras", "legacy_databricks_cli", "lightgbm", "list_workspaces",
    "litellm", "llama_index", "load_prompt",
    "login", "maybe_hint_tracing_skill", "mcp", "metrics", "mismatch",
    "mistral", "ml_package_versions", "onnx", "optuna", "otel",
    "paddle", "pmdarima", "prompt", "prophet", "pydantic_ai", "pyspark", "pytest",
    "pytorch", "register_prompt", "rfunc", "runs", "sagemaker", "search_prompts",
    "semantic_kernel", "sentence_transformers",
    "set_prompt_alias", "set_telemetry_client", "set_workspace", "shap",
    "smolagents", "spacy", "spark", "statsmodels", "strands",
    "telemetry", "tensorflow", "test", "transformers", "txtai", "typesafe",
    "update_workspace", "validate_evaluation_results",
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
    "delete_prompt_version_tag", "delete_workspace",
    "detach_prompt_from_run", "get_dataset",
    "get_latest_mcp_server_version", "get_mcp_access_endpoint", "get_mcp_server",
    "get_mcp_server_version", "get_mcp_server_version_by_alias", "get_prompt", "get_prompt_version",
    "get_prompt_version_by_alias", "get_workspace", "get_workspace_store_uri",
    "link_prompt_version_to_model", "link_prompt_version_to_run",
    "list_logged_prompts", "list_workspaces", "load_prompt",
    "parse_prompt_uri", "refresh_mcp_server_version_tools", "register_prompt",
    "remove_dataset_from_experiments", "search_datasets", "search_mcp_access_endpoints",
    "search_mcp_server_versions", "search_mcp_servers", "search_prompt_versions", "search_prompts",
    "set_dataset_tags", "set_mcp_server_alias", "set_mcp_server_tag",
    "set_mcp_server_version_tag", "set_prompt_alias", "set_prompt_tag", "set_prompt_version_tag",

    "update_mcp_access_endpoint", "update_mcp_server", "update_mcp_server_version",
    "update_workspace",
}

# fmt: on


class NotAvailableYet(MlflowNotImplementedException, AttributeError):
    """A public name that does not exist here yet. Also an AttributeError, so `hasattr` is False."""

    def __init__(self, name: str):
        super().__init__(f"'{name}' is not available in Headrace yet.")
