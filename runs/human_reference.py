"""How often people do each act, from corpora that people labelled: the table that the audit shows.

    python runs/human_reference.py --data DIR [--ship]

DIR holds the corpora that `uptake train acts` learns from. A turn counts for an act where its
corpus judges that act and its label does not leave it open (`uptake.train.native`). Intervals draw
dialogues. --ship writes src/uptake/audit/people.json; the results go to runs/results.
Nothing here is learned: these are labels.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from table import ROOT, save
from uptake.audit.tally import Tally
from uptake.train.corpora import read_corpora
from uptake.train.native import LEARNED

SHIPPED = ROOT / "src" / "uptake" / "audit" / "people.json"
FEWEST = 20  # turns with the act
TALKS = {
    "mrda": ("MRDA", "research meetings, cut into utterances"),
    "molweni": ("Molweni", "Ubuntu help chat"),
    "tiage": ("TIAGE", "getting acquainted in chat"),
    "cima": ("CIMA", "tutoring in chat"),
    "star": ("STAR", "service chat, a person by a script"),
    "casino": ("CaSiNo", "negotiating in chat"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="How often people do each act")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ship", action="store_true")
    asked = parser.parse_args()
    found = rates(asked.data)
    for row in found:
        print(f"{row['act']:14} {row['corpus']:8} {row['who']:8} {row['rate']:.4f}")
    if not asked.ship:
        return
    sources = "labels of MRDA, Molweni, TIAGE, CIMA, STAR and CaSiNo; see runs/human_reference.py"
    table = {"date": datetime.now(UTC).date().isoformat(), "sources": sources, "rows": found}
    SHIPPED.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    rows = [
        {
            "figure": f"people: {row['act']}, {row['corpus']}, {row['who']}",
            "value": row["rate"],
            "low": row["low"],
            "high": row["high"],
            "n": row["turns"],
            "detail": row["act"] not in ("check", "clarify"),
        }
        for row in found
    ]
    command = "python runs/human_reference.py --data DIR --ship"
    save("7-people", title="How often people do it (share of turns)", command=command, rows=rows)


def rates(data: Path) -> list[dict[str, Any]]:
    """The rows of the table, the acts in their order."""
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    for dialogue in read_corpora(data):
        counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for turn in dialogue.turns:
            who = turn.speaker if turn.speaker in ("tutor", "student", "system") else "anyone"
            for act, does in turn.does.items():
                counts[act, who][0] += does
                counts[act, who][1] += 1
        for (act, who), (events, occasions) in counts.items():
            tallies[act, dialogue.corpus, who].add(events, occasions)
    rows: list[dict[str, Any]] = []
    for (act, corpus, who), tally in tallies.items():
        rate = tally.rate()
        if rate.events >= FEWEST and rate.value is not None:
            assert rate.low is not None
            assert rate.high is not None
            name, talk = TALKS[corpus]
            rows.append(
                {
                    "act": act,
                    "corpus": name,
                    "talk": talk,
                    "who": who,
                    "rate": round(rate.value, 5),
                    "low": round(rate.low, 5),
                    "high": round(rate.high, 5),
                    "turns": rate.occasions,
                    "dialogues": rate.n,
                }
            )
    rows.sort(key=lambda row: (LEARNED.index(row["act"]), row["corpus"], row["who"]))
    return rows


if __name__ == "__main__":
    main()
