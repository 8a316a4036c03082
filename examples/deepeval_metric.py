"""The audit as a metric of DeepEval: 1 where common ground holds, 0 where a reply loses it."""

from __future__ import annotations

from deepeval.metrics import BaseConversationalMetric
from deepeval.test_case import ConversationalTestCase

from uptake.audit import audit
from uptake.conversation import Conversation, Message


class Uptake(BaseConversationalMetric):
    """`assert_test(ConversationalTestCase(turns=[...]), [Uptake()])`; asks no model."""

    threshold = 1.0

    def measure(self, test_case: ConversationalTestCase, *_: object, **__: object) -> float:
        """The score; the reason is the first breakdown."""
        first = audit(
            Conversation(tuple(Message(t.role, t.content) for t in test_case.turns))
        ).first
        self.reason = f"turn {first.at}, {first.cause}: {first.because}" if first else "it holds"
        self.score = 0.0 if first else 1.0
        return self.score

    async def a_measure(self, test_case: ConversationalTestCase, *_: object, **__: object) -> float:
        """As `measure`."""
        return self.measure(test_case)

    @property
    def __name__(self) -> str:
        return "Uptake"
