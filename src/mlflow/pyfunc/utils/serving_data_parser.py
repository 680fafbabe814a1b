"""Telling apart what requests to a model's server hold."""

from __future__ import annotations

from typing import Any

LLM_CHAT_KEY = "messages"
LLM_COMPLETIONS_KEY = "prompt"
LLM_EMBEDDINGS_KEY = "input"
SUPPORTED_LLM_FORMATS = {LLM_CHAT_KEY, LLM_COMPLETIONS_KEY, LLM_EMBEDDINGS_KEY}


def is_unified_llm_input(json_input: dict[str, Any]) -> bool:
    """True for requests in OpenAI's forms: chat, completions, embeddings or responses."""
    return any(key in json_input for key in SUPPORTED_LLM_FORMATS)
