"""Language packs: read when needed, whole or refused in one line, and one's own by its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from uptake.analyst import ENGLISH, Language, ledger
from uptake.analyst.language import FOLDER
from uptake.errors import UptakeError

PACK = (FOLDER / "en.toml").read_text(encoding="utf-8")


def test_every_pack_that_travels_is_whole():
    packs = sorted(FOLDER.glob("*.toml"))
    assert packs
    for path in packs:
        assert Language(path.stem).pack.phrases


def test_a_pack_of_ones_own(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(PACK.replace("seven = 7", "seven = 7\nsieben = 7"), encoding="utf-8")
    turns = ("Ann has sieben apples.", "use 9 instead of 7")
    mine = ledger(turns, language=Language("mine", path))
    assert mine.wording(mine.entries[0]) == "Ann has 9 apples."
    english = ledger(turns, language=ENGLISH)
    assert english.wording(english.entries[0]) == turns[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no language pack"),
        ("a = ", "not TOML"),
        (PACK.replace("[withdraw]", "[other]"), "'withdraw' is missing"),
        (PACK.replace('"no+", "nope"', '"(no+", "nope"'), "missing \\), unterminated"),
        (PACK.replace("seven = 7", 'seven = "many"'), "could not convert"),
    ],
)
def test_a_pack_that_is_not_whole_is_refused_in_one_line(
    tmp_path: Path, text: str | None, says: str
):
    path = tmp_path / "bad.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UptakeError, match=says) as error:
        _ = Language("bad", path).pack
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_patterns_match_only_where_one_of_their_cues_stands():
    """Cues save time and decide nothing: without them the same is found."""
    from dataclasses import replace

    pack = ENGLISH.pack
    said = (
        "change 5 to 7", "by 5 i meant 7", "not ann, ben", "7 instead of 5", "the 5 should be 7",
        "forget the budget", "it is not true that ann has 3", "we no longer need the hotel",
        "leave this out after all: ann has 3", "something else first.", "back to my first question",
        "on the second: ann has 3", "and the other one?", "here are two problems.",
        "wait for my question", "that is not all yet", "here is everything again:",
        "are you sure?", "a friend of mine says 9", "since ann has 9 apples, how many?",
        "to come back to what i asked: how many?", "not 5 but 7", "i take that back",
        "let me tell you the facts first", "once more: how many?", "i get 12.",
        "7 apples, i mean", "9, my mistake", "it is 4 after all", "if i say 5, i mean 7",
        "i wonder how many", "i have to know", "my question is:", "it is time to ask",
        "no explanations, please", "in at most two lines", "be brief from now on",
        "keep it short", "never use jargon", "i prefer metric", "step by step",
        "explain your code", "sort the table", "the results above", "what you said",
        "the above", "your last message", "shorten the e-mail", "the other one",
        "the remaining option",
    )  # fmt: skip
    for place, phrase in pack.phrases.items():
        free = replace(phrase, cues=())
        for text in said:
            for way in ("at", "within"):
                found, wanted = getattr(phrase, way)(text), getattr(free, way)(text)
                assert (found and found.span()) == (wanted and wanted.span()), (place, text)
    for pointer in pack.pointers:
        free = replace(pointer.words, cues=())
        for text in said:
            found, wanted = pointer.words.within(text), free.within(text)
            assert (found and found.span()) == (wanted and wanted.span()), (pointer.kind, text)
    for place, phrases in pack.lists.items():
        for text in said:
            if any(phrase.at(text) for phrase in phrases):
                assert pack.among(place, text), (place, text)
