"""The summary domain: what it plants can be found, and copying or guessing does not pay."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptake.domains.summary import Summary, scores, summary
from uptake.domains.summary.bullets import bullets, cited, figures, spelled
from uptake.domains.summary.scoring import Detail, Insight, citation_f1, score, stated
from uptake.domains.summary.themes import FAMILIES, PLACES, THEMES
from uptake.instruction import Instruction
from uptake.instructions import InstructionError, read_instructions, write_lic

SPLITS = ("train", "heldout")
SAMPLE = {split: summary.generate(200, seed=5, split=split) for split in SPLITS}
BOTH = [*SAMPLE["train"], *SAMPLE["heldout"]]

ELM = Insight(
    "Elm Lane will be closed for 12 weeks.",
    frozenset({1, 3}),
    (Detail(names=("Elm Lane",)), Detail(number=12)),
)
ROOK = Insight(
    "Ada Rook gave 40 picture books to the library.",
    frozenset({2}),
    (Detail(names=("Ada Rook", "Rook")), Detail(number=40), Detail(names=("picture",))),
)


def joint(reply: str) -> float:
    found = score((ELM, ROOK), reply)
    return 0.0 if found is None else found.joint


def mean(replies: list[tuple[Instruction, str]]) -> float:
    return sum(summary.verify(one, reply).score or 0.0 for one, reply in replies) / len(replies)


# What is generated


def test_the_gold_summary_scores_1():
    assert [summary.verify(one, one.answer).score for one in BOTH] == [1.0] * 400


def test_the_same_seed_gives_the_same_and_another_seed_something_else():
    for split in SPLITS:
        assert summary.generate(200, seed=5, split=split) == SAMPLE[split]
        other = summary.generate(200, seed=6, split=split)
        assert not {one.full for one in other} & {one.full for one in SAMPLE[split]}
        assert len({one.full for one in SAMPLE[split]}) == 200


def test_another_split_is_refused():
    with pytest.raises(ValueError, match="no split 'test'; it is train or heldout"):
        summary.generate(1, split="test")


def said_by(split: str) -> set[str]:
    """All that stands in the vocabulary of a split, but for "chat note" and the like."""
    found = {*FAMILIES[split], *PLACES[split][0], *PLACES[split][1]}
    for theme in THEMES[split]:
        found |= {theme.name, theme.setting, *theme.idle, *(topic.name for topic in theme.topics)}
        for topic in theme.topics:
            for claim in topic.claims:
                found |= {claim.quantity, *claim.wordings, *claim.options}
    return found


def test_the_splits_share_no_topic_name_or_wording():
    assert not said_by("train") & said_by("heldout")
    names = {
        split: {
            name
            for one in SAMPLE[split]
            for plant in (*one.meta["insights"], *one.meta["distracting"])
            for detail in plant["details"]
            for name in detail.get("names", ())
        }
        for split in SPLITS
    }
    assert not names["train"] & names["heldout"]
    opening = {split: {one.shards[0].text for one in SAMPLE[split]} for split in SPLITS}
    assert not opening["train"] & opening["heldout"]


def test_shards_say_what_full_says():
    for one in BOTH:
        assert 3 <= len(one.shards) <= 8
        told = "\n\n".join(shard.text for shard in one.shards)
        for number in range(1, one.meta["documents"] + 1):
            (document,) = re.findall(rf"(Document {number} \(.*\):\n.*)", one.full)
            assert document in told


def test_an_insight_stands_in_its_documents_and_in_no_other():
    for one in BOTH:
        texts = {
            int(number): text
            for number, text in re.findall(r"Document (\d) \(.*\):\n(.*)", one.full)
        }
        for plant in one.meta["insights"]:
            assert 1 <= len(plant["documents"]) <= 3
            name, number = plant["details"][0]["names"][0], plant["details"][1]["number"]
            for at, text in texts.items():
                holds = at in plant["documents"]
                assert (name in text) == holds
                assert (float(number) in figures(text)) == holds
            wordings = {
                sentence.replace(spelled(number), str(number))
                for at in plant["documents"]
                for sentence in texts[at].split(". ")
                if name in sentence
            }
            assert len(wordings) == len(plant["documents"])


def test_a_shard_is_needed_when_a_relevant_insight_stands_in_it():
    seen = set()
    for one in BOTH:
        names = [plant["details"][0]["names"][0] for plant in one.meta["insights"]]
        for shard in one.shards[1:]:
            if "Document" in shard.text:
                seen.add(shard.needed)
                assert shard.needed == any(name in shard.text for name in names)
    assert seen == {True, False}


def test_what_is_known_of_a_shard_fits_it():
    for one in BOTH:
        for shard in one.shards[1:]:
            if not shard.needed:
                assert shard.value is shard.contradicted is shard.ambiguous is None
                continue
            assert shard.quantity
            assert shard.value
            assert shard.value in shard.text
            assert shard.contradicted is not None
            papers = shard.text[shard.text.find("Document") if "Document" in shard.text else 0 :]
            words = zip(papers.split(), shard.contradicted.split(), strict=True)
            assert 1 <= sum(a != b for a, b in words) <= 2  # in each document of the two
            if shard.ambiguous is not None:
                assert not re.search(r"Document \d", shard.ambiguous)


def test_a_summary_of_the_contradicted_document_is_worth_less():
    """The figure is a key detail: with the contradicting one, the insight is half covered."""
    for one in BOTH:
        plant = one.meta["insights"][0]
        number = str(plant["details"][1]["number"])
        lines = one.answer.split("\n")
        text = re.sub(rf"\b{number}\b", "1000", lines[0].partition(" [")[0])
        reply = "\n".join([f"{text} [{lines[0].partition(' [')[2]}", *lines[1:]])
        wanted = (len(lines) - 0.5) / len(lines)
        assert summary.verify(one, reply).score == pytest.approx(wanted)


def test_what_is_untrue_of_an_insight_scores_nothing():
    for one in BOTH[:60]:
        (first, *rest) = one.answer.split("\n")
        plant = one.meta["insights"][0]
        number = plant["details"][1]["number"]
        untrue = next(
            item["number"]
            for item in one.meta["untrue"]
            if item["names"][0] == plant["details"][0]["names"][0]
        )
        false = re.sub(rf"\b{number}\b", str(untrue), first)
        assert summary.verify(one, "\n".join([false, *rest])).score == 0
        # To say that it is not so is no such thing.
        denied = first.replace(" [", f" (not {untrue}) [")
        assert summary.verify(one, "\n".join([denied, *rest])).score == 1


# How it is scored


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("- Elm Lane is shut for 12 weeks [1, 3]\n- Rook gave 40 picture books [2]", 1.0),
        ("* Elm Lane: twelve weeks. [Doc 1][3]\n* Forty picture books by Ada Rook (doc 2)", 1.0),
        ("Elm Lane is shut for 12 weeks [1][3]. Rook gave 40 picture books [2].", 1.0),
        ("1. Rook's 40 picture books [2]\n2. In **Elm Lane**, 12 weeks\n   [1, 3]", 1.0),
        # One insight is missing.
        ("- Elm Lane is shut for 12 weeks [1, 3]", 0.5),
        # One of two documents: P = 1, R = 1/2, F1 = 2/3.
        ("- Elm Lane is shut for 12 weeks [1]\n- Rook gave 40 picture books [2]", (2 / 3 + 1) / 2),
        # One document too many: P = 2/3, R = 1, F1 = 4/5.
        ("- Elm Lane shut, 12 weeks [1, 2, 3]\n- Rook gave 40 picture books [2]", (4 / 5 + 1) / 2),
        ("- Elm Lane is shut for 12 weeks [4]\n- Rook gave 40 picture books [2]", 0.5),
        ("- Elm Lane is shut for 12 weeks\n- Rook gave 40 picture books", 0.0),
        # Half covered: the name and not the figure; the name, the figure and not the kind.
        ("- Elm Lane is shut [1, 3]\n- Rook gave 40 picture books [2]", 0.75),
        ("- Elm Lane is shut for 14 weeks [1, 3]\n- Rook gave 40 books [2]", 0.5),
        # Not covered: a figure without a name, or a name as one of three details.
        ("- It takes 12 weeks [1, 3]\n- Rook gave books [2]", 0.0),
        # Three bullets for two insights.
        (
            "- Elm Lane is shut for 12 weeks [1, 3]\n- Rook gave 40 picture books [2]\n- Tea [1]",
            2 / 3,
        ),
        ("- Elm Lane shut for 12 weeks, Rook gave 40 picture books [1, 3]", 0.5),
        # More than one figure of neither: a guess.
        ("- Elm Lane: 11, 12 or 13 weeks [1, 3]\n- Rook gave 40 picture books [2]", 0.75),
        ("- Elm Lane is shut for 12 weeks " + "and so on " * 9 + "[1, 3]", 0.0),
    ],
)
def test_scores_worked_out_by_hand(reply: str, wanted: float):
    assert joint(reply) == pytest.approx(wanted)


def test_coverage_and_citation_are_told_apart():
    found = score((ELM, ROOK), "- Elm Lane, 12 weeks [1]\n- Elm Lane, 12 weeks [3]\n- Tea [9]")
    assert found is not None
    assert found.coverage == 0.5
    assert found.citation == pytest.approx(2 / 3)
    assert found.joint == pytest.approx(2 / 3 / 2 * 2 / 3)
    assert (found.bullets, found.unmatched) == (3, 2)


def test_an_insight_takes_the_bullet_that_serves_it_best():
    assert joint("- Elm Lane, 12 weeks [7]\n- Elm Lane, 12 weeks [1, 3]") == 0.5


def test_dropping_any_bullet_or_citation_of_a_gold_summary_costs():
    for one in BOTH:
        lines = one.answer.split("\n")
        for i, line in enumerate(lines):
            left = "\n".join(lines[:i] + lines[i + 1 :])
            assert summary.verify(one, left).score == pytest.approx(1 - 1 / len(lines))
            bare = "\n".join([*lines[:i], line.partition(" [")[0], *lines[i + 1 :]])
            assert summary.verify(one, bare).score == pytest.approx(1 - 1 / len(lines))


@given(st.frozensets(st.integers(1, 9)), st.frozensets(st.integers(1, 9), min_size=1))
def test_citation_f1_is_the_harmonic_mean(given_: frozenset[int], holding: frozenset[int]):
    right = len(given_ & holding)
    precision = right / len(given_) if given_ else 0.0
    recall = right / len(holding)
    wanted = 2 * precision * recall / (precision + recall) if right else 0.0
    assert citation_f1(given_, holding) == pytest.approx(wanted)
    assert 0 <= citation_f1(given_, holding) <= 1


@given(st.text("-*1.) [],Elm Lane12\nRook40picture?:", max_size=200))
def test_any_reply_has_a_score_between_0_and_1(reply: str):
    assert 0 <= joint(reply) <= 1


def test_a_judge_can_take_the_place_of_the_rule():
    asked: list[tuple[str, str]] = []

    def judge(insight: Insight, bullet: str) -> float:
        asked.append((insight.text, bullet))
        return 1.0

    one = BOTH[0]
    plants = one.meta["insights"]
    reply = "\n".join(f"- yes {list(plant['documents'])}" for plant in plants)
    assert summary.verify(one, reply).score == 0.0
    assert Summary(judge).verify(one, reply).score == 1.0
    assert (plants[0]["text"], "yes") in asked


# What must not win


@pytest.mark.parametrize(
    "reply",
    ["", "  \n", "I don't know.", "Which documents do you mean?", "Could you send document 2 [2]?",
     "- Which topic?\n- How many bullets?", "Here is the summary:"],
)  # fmt: skip
def test_a_reply_that_commits_to_nothing_has_no_answer(reply: str):
    for one in BOTH[::50]:
        verdict = summary.verify(one, reply)
        assert (verdict.score, verdict.answer) == (0.0, None)


def generic(one: Instruction) -> str:
    every = ", ".join(str(i + 1) for i in range(one.meta["documents"]))
    return f"- The documents make several points about {one.meta['topic']}. [{every}]"


def documents(one: Instruction) -> list[tuple[str, str]]:
    return re.findall(r"Document (\d) \(.*\):\n(.*)", one.full)


@pytest.mark.parametrize(
    "policy",
    [
        generic,
        lambda one: one.full,
        lambda one: one.shards[0].text,
        lambda one: "\n".join(f"- {line}" for line in one.full.splitlines()),
        lambda one: "- " + " ".join(text for _, text in documents(one)) + " [1, 2, 3, 4]",
        lambda one: "- " + " ".join(map(str, range(2, 40))) + " [1, 2]",
    ],
)
def test_a_policy_that_reads_nothing_scores_0(policy):
    assert mean([(one, policy(one)) for one in BOTH]) == 0


def each_sentence(one: Instruction) -> str:
    return "\n".join(
        f"- {sentence} [{number}]"
        for number, text in documents(one)
        for sentence in text.rstrip(".").split(". ")
    )


def each_document(one: Instruction) -> str:
    return "\n".join(f"- {text} [{number}]" for number, text in documents(one))


def test_copying_with_citations_stays_low():
    assert mean([(one, each_sentence(one)) for one in BOTH]) < 0.2
    assert mean([(one, each_document(one)) for one in BOTH]) < 0.3


# Bullets, citations and figures


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("so [1]", {1}),
        ("so [1, 3]", {1, 3}),
        ("so [1][2] [4]", {1, 2, 4}),
        ("so [Doc 2]", {2}),
        ("so (doc 3)", {3}),
        ("so (Documents 1, 2 and 5)", {1, 2, 5}),
        ("so [Doc 2, Doc 3; 4]", {2, 3, 4}),
        ("so [1-3] and [5–6]", {1, 2, 3, 5, 6}),
        ("so [^7] and 【8】", {7, 8}),
        ("so [#2]", {2}),
        ("so (3)", set()),
        ("so document 3 says", set()),
        ("so [sic] [see 1] [] [1.5]", set()),
        ("so [3-1]", set()),
        ("so [1-9999]", set(range(1, 51))),
    ],
)
def test_citations_are_read(text: str, wanted: set[int]):
    assert cited(text) == wanted


NUMBERS = st.lists(st.integers(1, 99), min_size=1, max_size=6)
STYLES = st.sampled_from(
    (
        lambda numbers: "[" + ", ".join(map(str, numbers)) + "]",
        lambda numbers: "".join(f"[{number}]" for number in numbers),
        lambda numbers: " ".join(f"[Doc {number}]" for number in numbers),
        lambda numbers: "(docs " + ",".join(map(str, numbers)) + ")",
        lambda numbers: "[" + " and ".join(f"Document {number}" for number in numbers) + "]",
    )
)


@given(NUMBERS, STYLES, st.integers(100, 999))
def test_any_style_of_citation_is_read_and_is_no_figure(numbers: list[int], style, figure: int):
    (bullet,) = bullets(f"- Elm Lane has {figure} trees {style(numbers)}.")
    assert bullet.documents == set(numbers)
    assert figures(bullet.text) == [figure]


@given(st.integers(2, 999))
def test_a_figure_is_read_in_digits_and_in_words(number: int):
    for text in (str(number), spelled(number), spelled(number).replace("-", "‑").capitalize()):
        assert figures(f"It has {text} trees.") == [number]
        assert figures(f"It has {text}, or two and five.") == [number, 2, 5]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1,200 trees and 3.5 miles", [1200, 3.5]),
        ("twelve hundred", [1200]),
        ("two thousand and five", [2005]),
        ("a hundred weeks", [100]),
        ("one of them", []),
        ("a 14-week wait", [14]),
        ("documents 2 and 3 say 14", [14]),
        ("somebody freed tenfold", []),
    ],
)
def test_figures_are_read(text: str, wanted: list[float]):
    assert figures(text) == wanted


def test_figures_have_words_up_to_999():
    with pytest.raises(ValueError, match="1000 is not between 0 and 999"):
        spelled(1000)


def test_headings_introductions_and_questions_are_no_bullets():
    reply = (
        "Here it is:\n\n- **Roads:**\n  - Elm Lane is\n    shut [1]\n- More?\n\nThat is all [2]."
    )
    assert [str(bullet) for bullet in bullets(reply)] == ["Elm Lane is shut [1]"]


def test_part_of_a_name_is_not_the_name():
    assert stated(ELM, "Elm Lanes are closed for 12 weeks") == 0
    assert stated(ELM, "ELM LANE is closed for 12 weeks") == 1
    assert stated(ELM, "Elm Lane is closed for 120 weeks") == 0.5


# Files


def test_the_domain_is_installed_by_name():
    root = Path(__file__).parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["uptake.domains"]
    assert points["summary"] == "uptake.domains.summary:summary"


def test_instructions_survive_a_file_and_keep_their_score(tmp_path: Path):
    write_lic(tmp_path / "some.json", BOTH[:5])
    again = read_instructions(tmp_path / "some.json")
    assert again == BOTH[:5]
    assert all(summary.verify(one, one.answer).score == 1.0 for one in again)


@pytest.mark.parametrize(
    "insights",
    [
        None,
        [],
        "Elm Lane",
        [{"text": "Elm Lane"}],
        [{"text": "Elm Lane", "documents": []}],
        [{"text": "Elm Lane", "documents": [1]}],
        [{"text": "Elm Lane", "documents": [1], "details": [{"names": "Elm Lane"}]}],
        [{"text": "Elm Lane", "documents": [1], "details": [{"colour": "red"}]}],
    ],
)
def test_insights_that_cannot_be_read_give_no_score(insights: object):
    meta = {} if insights is None else {"insights": insights}
    one = Instruction("x", "summary", "Sum up.", (BOTH[0].shards[0],), "a", meta)
    assert scores(one, "- Elm Lane [1]") is None
    verdict = summary.verify(one, "- Elm Lane [1]")
    assert (verdict.score, verdict.answer) == (None, "Elm Lane [1]")


def row() -> dict[str, object]:
    """A row as Lost in Conversation's task "summary" has them."""
    return {
        "task": "summary",
        "task_id": "sharded_summary_0",
        "topic": "Neighbours talk about a street.",
        "query": "What is said about Elm Lane?",
        "domain": "conv",
        "documents": [
            {"document_id": "d2", "document_index": 2, "document_text": "Elm Lane is shut."},
            {"document_id": "d5", "document_index": 5, "document_text": "No way through Elm Lane."},
        ],
        "insights": [
            {"insight_id": "i1", "insight": "Elm Lane is closed."},
            {"insight_id": "i2", "insight": "Elm Lane has trees."},
        ],
        "insightid2ref_citations": {"i1": [2, 5, 80], "i2": [81]},
        "shards": [
            {"shard_id": 0, "shard": "", "doc_idxs": [5]},
            {"shard_id": 1, "shard": "", "doc_idxs": [2]},
        ],
    }


def test_rows_of_the_field_are_told_but_scored_by_a_judge_only(tmp_path: Path):
    path = tmp_path / "field.json"
    path.write_text(json.dumps([row()]))
    (one,) = read_instructions(path)
    assert one.domain == "summary"
    assert [shard.text for shard in one.shards[1:]] == [
        "Document 5:\nNo way through Elm Lane.",
        "Document 2:\nElm Lane is shut.",
    ]
    assert "What is said about Elm Lane?" in one.shards[0].text
    assert one.answer == "- Elm Lane is closed. [2, 5]"
    assert summary.verify(one, one.answer).score is None
    assert summary.verify(one, "Which street?").score is None
    assert "give one with --judge MODEL" in (summary.caveat(one) or "")
    judged = Summary(lambda insight, bullet: float(bullet == insight.text))
    assert judged.verify(one, one.answer).score == 1.0
    assert judged.verify(one, "Which street?").score == 0.0
    assert judged.caveat(one) is None
    write_lic(path, [one])
    assert read_instructions(path) == [one]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("documents", [], '"documents" is not a list with an item'),
        ("documents", ["text"], '"documents" holds something else than objects'),
        ("documents", [{"document_text": "x"}], '"document_index" is not a whole number'),
        ("insights", None, '"insights" is not a list with an item'),
        ("insightid2ref_citations", [], '"insightid2ref_citations" is not an object'),
        ("insightid2ref_citations", {"i1": 2}, "of 'i1' is not a list"),
        ("insightid2ref_citations", {}, "no insight stands in any document"),
        ("shards", [{"shard": ""}], 'shard 0 has no "doc_idxs"'),
        ("shards", [{"doc_idxs": [9]}], "shard 0 hands over document 9"),
        ("topic", "", '"topic" is not a text with words in it'),
    ],
)
def test_a_row_of_the_field_that_is_wrong_is_one_line(
    tmp_path: Path, key: str, value: object, said: str
):
    path = tmp_path / "field.jsonl"
    path.write_text(json.dumps(row() | {key: value}))
    with pytest.raises(InstructionError, match=re.escape(said)):
        read_instructions(path)
