"""The audit as a scorer of MLflow: `mlflow.genai.evaluate(data=rows, scorers=[uptake])`.

A row has the messages so far as `inputs={"messages": [...]}` and the last reply as `outputs`.
"""

from __future__ import annotations

from typing import Any

from mlflow.entities import Feedback
from mlflow.genai import scorer

from uptake.audit import audit
from uptake.conversation import Conversation


@scorer
def uptake(inputs: dict[str, Any], outputs: str) -> Feedback:
    """True where common ground holds; the rationale is the first breakdown."""
    first = audit(Conversation.from_dicts(inputs["messages"]).assistant(outputs)).first
    why = f"message {first.at}, {first.cause}: {first.because}" if first else "it holds"
    return Feedback(value=first is None, rationale=why)
