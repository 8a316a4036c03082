"""Spans for OpenTelemetry, with the GenAI names in one place, since they are still in development.

Without an SDK set up (`opentelemetry-instrument uptake serve …` does that) nothing is recorded.
Nobody's words are in a span. Source: semantic conventions for generative AI, status Development.
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from uptake.serve.plan import Plan
from uptake.serve.surfaces import Heard

__all__ = ["begun", "finished"]

_TRACER = trace.get_tracer("uptake.serve")


def begun(surface: str) -> Span:
    """A span for one request."""
    return _TRACER.start_span(surface, kind=SpanKind.SERVER)


def finished(span: Span, plan: Plan | None, heard: Heard | None, status: int) -> None:
    """Say what came of it, and end the span."""
    if span.is_recording():
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("http.response.status_code", status)
        if plan is not None:
            span.set_attribute("uptake.move", plan.move)
            span.set_attribute("uptake.arm", plan.arm)
        if plan is not None and plan.asked is not None:
            span.update_name(f"chat {plan.asked.model}")
            span.set_attribute("gen_ai.request.model", plan.asked.model)
        if plan is not None and plan.case is not None:
            span.set_attribute("gen_ai.conversation.id", plan.case.conversation)
        if heard is not None and heard.finish is not None:
            span.set_attribute("gen_ai.response.finish_reasons", [heard.finish])
        if heard is not None and heard.usage is not None:
            span.set_attribute("gen_ai.usage.input_tokens", heard.usage.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", heard.usage.completion_tokens)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
    span.end()
