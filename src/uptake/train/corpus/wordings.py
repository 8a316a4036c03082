"""The instructions that call for an ability, and what is said beside facts."""

from __future__ import annotations

__all__ = [
    "ACKNOWLEDGE",
    "ASK_OR_ANSWER",
    "BRIEF",
    "CHECK",
    "EQUAL",
    "EXAMINE",
    "FULL",
    "LAST",
    "LISTEN",
    "NONE",
    "PLAIN",
    "RESTATE",
    "REVISE",
    "WITHDRAW",
]

ACKNOWLEDGE = ("Okay.", "Got it.", "Noted.")
LISTEN = (
    "I will tell you the facts first.",
    "Listen to the facts first.",
    "First the facts, then the question.",
    "Wait for my question.",
)
EXAMINE = (
    "Say what is missing, or that nothing is missing.",
    "Examine this request: what is missing?",
    "Is anything missing here? Name it.",
    "Check what is missing before anyone answers.",
)
ASK_OR_ANSWER = (
    "If something is missing, ask for it. If not, answer.",
    "Ask me if you need to know more, or else answer.",
)
BRIEF = ("Show brief working.", "Work it out briefly.")
NONE = ("Just give the answer.", "Give only the answer.", "No working, please.")
LAST = ("Show only the last step.", "Only the last step, please.")
FULL = ("Explain every step.", "Show your working in full.")
EQUAL = ("Are these the same?", "Compare:", "Equal?")
CHECK = ("", "", "Answer from what was said: ", "Recall: ")
RESTATE = ("Say back what you were told.", "Repeat the facts.", "Sum up what I said.")
PLAIN = ("Say that in plain words.", "Put the facts plainly.", "Rephrase the facts simply.")
REVISE = (
    "Use {new} instead of {old} and answer again.",
    "Use {new} instead of {old}.",
    "Work it out again with {new} instead of {old}.",
    "Answer again with {new} instead of {old}.",
)
WITHDRAW = (
    "Leave this out and answer again: {claim}.",
    "Answer again without this: {claim}.",
    "Work it out again without this: {claim}.",
)
