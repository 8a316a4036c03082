"""Conversations as tests: `CHATS=chats.jsonl pytest examples/test_conversations.py`."""

from __future__ import annotations

import os

import pytest

from uptake.audit import audit
from uptake.transcripts import Transcript, read

CHATS = [found for found in read(os.environ["CHATS"]) if isinstance(found, Transcript)]


@pytest.mark.parametrize("chat", CHATS, ids=[f"{c.source.line}-{c.id}" for c in CHATS])
def test_no_reply_loses_common_ground(chat: Transcript):
    first = audit(chat.conversation).first
    assert first is None, f"message {first.at}, {first.cause}: {first.because}"
