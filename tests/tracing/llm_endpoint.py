"""A language model's endpoint on this machine: the wire formats of OpenAI and Anthropic, with
answers that depend on the request alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'},
}


def _completion(request: dict[str, Any]) -> dict[str, Any]:
    last = request["messages"][-1]
    message: dict[str, Any] = {"role": "assistant", "content": "Hello there"}
    reason = "stop"
    if request.get("tools") and last["role"] == "user":
        message, reason = (
            {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
            ("tool_calls"),
        )
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": USAGE,
    }


def _completion_chunks(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    base = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": request["model"],
    }
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if request.get("tools"):
        deltas += [
            {"tool_calls": [{"index": 0, **TOOL_CALL}]},
        ]
    else:
        deltas += [{"content": "Hello"}, {"content": " there"}]
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield {**base, "choices": [choice]}
    yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {**base, "choices": [], "usage": USAGE}


def _response_output(request: dict[str, Any]) -> dict[str, Any]:
    """An agent's model calls the first of its tools, unless it has the answer of one."""
    tools, given = request.get("tools"), request["input"]
    agent = "agent" in request["model"] and tools and isinstance(given, list)
    if agent and not any(part.get("type") == "function_call_output" for part in given):
        return {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": tools[0]["name"],
            "arguments": "{}" if "transfer" in tools[0]["name"] else '{"a": 1, "b": 2}',
            "status": "completed",
        }
    return {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello there", "annotations": []}],
    }


def _response(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "status": "completed",
        "model": request["model"],
        "output": [_response_output(request)],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": request.get("tools") or [],
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens": 12,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 21,
        },
    }


def _response_events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    whole = _response(request)
    yield {
        "type": "response.created",
        "sequence_number": 0,
        "response": {**whole, "status": "in_progress", "output": [], "usage": None},
    }
    for n, text in enumerate(("Hello", " there")):
        yield {
            "type": "response.output_text.delta",
            "sequence_number": n + 1,
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": text,
            "logprobs": [],
        }
    yield {"type": "response.completed", "sequence_number": 3, "response": whole}


def _embeddings(request: dict[str, Any]) -> dict[str, Any]:
    inputs = request["input"] if isinstance(request["input"], list) else [request["input"]]
    return {
        "object": "list",
        "model": request["model"],
        "data": [
            {"object": "embedding", "index": n, "embedding": [0.5, 0.25]}
            for n in range(len(inputs))
        ],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


def _message(request: dict[str, Any]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": "Hello there"}]
    if request.get("tools"):
        content.append(
            {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1, "b": 2}}
        )
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": "tool_use" if request.get("tools") else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 3,
        },
    }


def _message_events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    whole = _message(request)
    begun = {**whole, "content": [], "stop_reason": None}
    begun["usage"] = {**whole["usage"], "output_tokens": 1}
    yield {"type": "message_start", "message": begun}
    yield {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    }
    for text in ("Hello", " there"):
        delta = {"type": "text_delta", "text": text}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 5},
    }
    yield {"type": "message_stop"}


_ANSWERS = {
    "/v1/chat/completions": (_completion, _completion_chunks),
    "/v1/responses": (_response, _response_events),
    "/v1/embeddings": (_embeddings, None),
    "/v1/messages": (_message, _message_events),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = json.loads(body)
        whole, parts = _ANSWERS[self.path.partition("?")[0]]
        if "fail" in request["model"]:
            error = {"type": "invalid_request_error", "message": "no such model"}
            self._answer(400, json.dumps({"error": error, "type": "error"}).encode())
        elif request.get("stream") and parts is not None:
            named = self.path.startswith(("/v1/messages", "/v1/responses"))
            text = ""
            for event in parts(request):
                text += f"event: {event['type']}\n" if named else ""
                text += f"data: {json.dumps(event)}\n\n"
            text += "" if named else "data: [DONE]\n\n"
            self._answer(200, text.encode(), "text/event-stream")
        else:
            self._answer(200, json.dumps(whole(request)).encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def serve() -> Iterator[str]:
    """Its address while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
