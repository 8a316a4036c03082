"""The OpenAPI document of what the server itself answers for.

What a body may hold is the upstream's to say: schemas here ask for no more than what is read, and
let everything else through. This module knows nothing of how any of it is done.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

__all__ = ["document"]

_ANY: dict[str, Any] = {"type": "object", "additionalProperties": True}


def document() -> dict[str, Any]:
    """OpenAPI 3.1, as plain data."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "uptake",
            "version": version("uptake"),
            "description": "A mediator behind an OpenAI-compatible address.",
        },
        "paths": {
            "/v1/chat/completions": {"post": _post("A chat completion, mediated", _chat())},
            "/v1/messages": {"post": _post("Anthropic's messages, mediated", _messages())},
            "/v1/responses": {"post": _post("OpenAI's responses, mediated", _responses())},
            "/v1/models": {"get": _get("The upstream's models", {"200": _json(), **_errors()})},
            "/health": {"get": _get("Whether the process is there", {"200": _json()})},
            "/ready": {
                "get": _get(
                    "Whether turns can be kept", {"200": _json(), "503": _json("Not ready")}
                )
            },
            "/metrics": {
                "get": _get(
                    "Counts, for Prometheus",
                    {"200": {"description": "Text", "content": {"text/plain": {"schema": {}}}}},
                )
            },
        },
    }


def _post(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    streams: dict[str, Any] = {
        "application/json": {"schema": _ANY},
        "text/event-stream": {"schema": {}},
    }
    return {
        "summary": summary,
        "parameters": [
            _header("x-uptake-conversation", "An id of the client's own for the conversation"),
            _header("x-uptake-arm", "mediated, original or shadow"),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "The reply", "content": streams}, **_errors()},
    }


def _get(summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "responses": responses}


def _header(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _json(description: str = "As said") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ANY}}}


def _errors() -> dict[str, Any]:
    return {
        "4XX": _json("The request was not taken, by this server or the upstream"),
        "502": _json("The upstream cannot be reached"),
        "504": _json("The upstream is late"),
    }


def _body(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "properties": {"model": {"type": "string"}, "stream": {"type": "boolean"}, **properties},
        "additionalProperties": True,
    }


_MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"type": "string", "enum": ["user", "assistant", "system"]},
        "content": {"type": "string"},
    },
}


def _chat() -> dict[str, Any]:
    return _body(
        ["model", "messages"], messages={"type": "array", "items": _MESSAGE, "minItems": 1}
    )


def _messages() -> dict[str, Any]:
    item = {
        **_MESSAGE,
        "properties": {**_MESSAGE["properties"], "role": {"enum": ["user", "assistant"]}},
    }
    return _body(
        ["model", "messages", "max_tokens"],
        messages={"type": "array", "items": item, "minItems": 1},
        max_tokens={"type": "integer", "minimum": 1, "maximum": 4096},
    )


def _responses() -> dict[str, Any]:
    return _body(["model", "input"], input={"type": "string"})
