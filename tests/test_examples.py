"""The example that needs nothing but pytest, run as people run it; the others: tests/tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MISREAD = ["Tell me about Java.", "Java is a language.", "No, I meant the island.", "It is big."]
SOUND = ["How much are 3 pears?", "They are 4 euros.", "Thanks!", "You are welcome."]


def chat(said):
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]


def test_conversations_are_tests_of_pytest(tmp_path):
    path = tmp_path / "chats.jsonl"
    rows = [{"id": "bad", "messages": chat(MISREAD)}, {"id": "good", "messages": chat(SOUND)}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_conversations.py"],
        env=os.environ | {"CHATS": str(path)},
        cwd=ROOT / "examples",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "test_no_reply_loses_common_ground[1-bad]" in done.stdout
    assert "message 1, misread: No, I meant the island." in done.stdout


def test_the_docs_show_the_examples_as_they_are():
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    examples = sorted((ROOT / "examples").glob("*.py"))
    assert examples
    for path in examples:
        code = path.read_text(encoding="utf-8").partition("import annotations\n")[2].strip()
        assert code in page, path.name
