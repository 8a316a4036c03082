"""Scores for the sessions of a Langfuse export: `python langfuse_scores.py traces.jsonl`.

The export is read as it is; who to send to, Langfuse takes from LANGFUSE_BASE_URL and its keys.
"""

from __future__ import annotations

import sys

from langfuse import Langfuse

from uptake.audit import audit
from uptake.transcripts import Transcript, read

if __name__ == "__main__":
    langfuse = Langfuse()
    for chat in read(*sys.argv[1:]):
        if isinstance(chat, Transcript):
            first = audit(chat.conversation).first
            label = first.cause if first else "none"
            why = f"message {first.at}: {first.because}" if first else "it holds"
            langfuse.create_score(
                session_id=chat.id, name="uptake", value=label, data_type="CATEGORICAL", comment=why
            )
    langfuse.flush()
