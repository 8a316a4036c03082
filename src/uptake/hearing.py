"""How the ledger grows by a turn of the user's: `hear`.

A turn is cut into pieces; each is steered to its topic, may correct, replace or take back what was
said before, and is entered by its kind. What was said before and is said again adds nothing.

This module knows nothing of the assistant's turns but what the user was answering, and no English:
that is the language pack's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from uptake.draft import SAYING, Draft
from uptake.ground import CommonGround, Entry, Kind
from uptake.language import ENGLISH, Language, Pack
from uptake.pieces import Piece, pieces
from uptake.revising import Opening, opening, restated, revise
from uptake.sentences import plain
from uptake.topics import belongs, steer, turn_opens
from uptake.withdrawing import withdraw
from uptake.wording import LONGEST

__all__ = ["hear", "settles_nothing"]

_EDGE = re.compile(r"[\s,.:;!?*–—()-]*")
SHORT = 6  # stems that an answer to a question has at most


@dataclass
class _Turn:
    """What is known of a turn while its pieces are heard."""

    announced: bool = False  # several topics were
    correcting: bool = False  # "I got something wrong." was said, and what was wrong follows
    recapitulating: bool = False
    first: bool = True


def hear(
    ground: CommonGround, text: str, asked: str | None = None, language: Language = ENGLISH
) -> CommonGround:
    """The ledger after one more user turn.

    `asked` is what the assistant had just said, so that a bare "7" is known for an answer, and
    "No, 7" for a correction of what it repeated. Any text is heard; none raises.
    """
    draft = Draft(ground, text, asked, language)
    heard = list(pieces(text, draft.pack))
    known = {plain(e.text): e for e in ground.entries if e.kind in SAYING and len(e.text) < LONGEST}
    known |= {
        plain(ground.wording(e)): e for e in ground.entries if e.struck and e.status == "active"
    }
    again = [known.get(plain(text[each.start : each.end])) for each in heard]
    turn = _Turn(correcting=_was_correcting(draft))
    turn.recapitulating = sum(each is not None for each in again) > 1
    _turn_topic(draft, heard)
    for piece, before in zip(heard, again, strict=True):
        if piece.quoted:
            draft.add(piece.start, piece.end, "quoted")
        elif before is not None and _adds_nothing(draft, before, turn):
            _again(draft, before)
        else:
            _piece(draft, piece, turn)
        turn.first = False
    return draft.ground()


def settles_nothing(read: str, pack: Pack) -> bool:
    """Whether a piece is thanks, a greeting, small talk, or says only that more is to come."""
    at = _EDGE.match(read).end()  # type: ignore[union-attr]
    while at < len(read):
        found = pack["social.phrase"].at(read, at)
        if not found or found.end() == at:
            break
        at = _EDGE.match(read, found.end()).end()  # type: ignore[union-attr]
    if at >= len(read):
        return True
    if pack["social.announce"].at(read) or _only_tells(read, pack):
        return True
    rest = read[at:]
    return bool(
        not any(each.isdigit() for each in rest)
        and (pack["social.talk"].at(rest) or pack["social.talk"].at(read))
    )


def _only_tells(read: str, pack: Pack) -> bool:
    found = pack["social.telling"].within(read)
    return bool(found and len(read) - len(found[0]) < 60 and not any(map(str.isdigit, read)))


def _piece(draft: Draft, piece: Piece, turn: _Turn) -> None:
    """Enter one piece that is said."""
    pack = draft.pack
    start, read = piece.start, piece.read
    turn.announced = turn.announced or bool(pack["topic.several"].within(read))
    if piece.number and turn.announced:
        read_label = f"{piece.number}) "
        steer(draft, read_label, announced=True, first=turn.first)
    taken = steer(draft, read, announced=turn.announced, first=turn.first)
    if taken:
        if taken >= len(read):
            draft.add(start, piece.end, "social")
            return
        start, read = start + taken, read[taken:]
        before = _known(draft, draft.text[start : piece.end])
        if before is not None:
            _again(draft, before)
            return
    opened = opening(read, pack) if any(draft.standing()) else Opening()
    if opened.corrects and opened.end >= len(read):
        turn.correcting = turn.correcting or opened.sure
        draft.add(start, piece.end, "social")
        return
    if settles_nothing(read, pack):
        draft.add(start, piece.end, "social")
        return
    if turn.correcting:
        opened = Opening(opened.end, sure=True, plain=opened.plain)
    _say(draft, start, piece.end, read, opened)


def _say(draft: Draft, start: int, end: int, read: str, opened: Opening) -> None:
    """Enter a piece that says something: as a withdrawal, a correction, or by its kind."""
    pack = draft.pack
    rest, left = start + opened.end, read[opened.end :]
    if _doubts(draft, read, left, opened):
        draft.add(start, end, "social")
        return
    for at in dict.fromkeys((start, rest)):
        if withdraw(draft, at, end, opened) is not None:
            return
    kind = _kind(draft, left, pack)
    goal = kind == "goal"
    question = left.rstrip().endswith("?")
    if not question or opened.sure:
        for at in dict.fromkeys((rest, start)):
            how = opened if at == rest else Opening()
            if revise(draft, at, end, how, goal=goal) is not None:
                return
    if not question and not opened.corrects and restated(draft, start, end, goal=goal) is not None:
        return
    about = draft.wording(draft.text[start:end]).about
    topic = draft.open() if kind == "goal" else belongs(draft, about)
    draft.add(rest if opened.sure else start, end, kind, topic)


def _kind(draft: Draft, read: str, pack: Pack) -> Kind:
    if read.rstrip(" \"')*_").endswith("?") or pack["goal.asks"].at(read):
        return "goal"
    if pack["goal.prefers"].within(read):
        return "preference"
    if pack["goal.orders"].at(read) or pack["goal.wants"].within(read):
        return "goal"
    asked = (draft.asked or "").rstrip(" *_\n")
    if asked.endswith("?") and len(draft.wording(read).about) <= SHORT:
        return "answer"
    return "fact"


def _doubts(draft: Draft, read: str, left: str, opened: Opening) -> bool:
    """Whether a piece doubts the assistant's reply: whoever is right, it settles no fact."""
    pack = draft.pack
    if pack["social.doubt"].at(left) or pack["social.doubt"].at(read):
        return True
    asked = any(entry.kind == "goal" for entry in draft.standing(earlier=True))
    return bool(not opened.sure and asked and pack["social.doubt_answer"].at(read))


def _was_correcting(draft: Draft) -> bool:
    """Whether the turn before only said that something was wrong."""
    last = [entry for entry in draft.entries if entry.span.turn == draft.turn - 1]
    if not last or any(entry.kind != "social" for entry in last):
        return False
    text = last[-1].text.lower()
    return opening(text, draft.pack).sure and not settles_nothing(text, draft.pack)


def _known(draft: Draft, text: str) -> Entry | None:
    words = plain(text)
    return next((e for e in draft.standing() if plain(e.text) == words), None)


def _adds_nothing(draft: Draft, before: Entry, turn: _Turn) -> bool:
    """Whether saying an entry again changes nothing: it holds, or all is being repeated."""
    return draft.entries[before.id].status in ("active", "pending") or turn.recapitulating


def _again(draft: Draft, before: Entry) -> None:
    if before.kind == "goal" and before.topic in draft.stack:
        draft.resume(before.topic)


def _turn_topic(draft: Draft, heard: Sequence[Piece]) -> None:
    """Open or resume a topic for a turn that is plainly about something else."""
    if not draft.stack or len(heard) > 60:
        return
    said = [p for p in heard if not p.quoted and not settles_nothing(p.read, draft.pack)]
    about: frozenset[str] = frozenset[str]().union(
        *(draft.wording(draft.text[each.start : each.end]).about for each in said)
    )
    kinds = [_kind(draft, each.read, draft.pack) for each in said]
    turn_opens(
        draft,
        about,
        asks="goal" in kinds,
        tells="fact" in kinds,
        points=any(pack_points(each.read, draft.pack) for each in said[:1]),
    )


def pack_points(read: str, pack: Pack) -> bool:
    """Whether a piece points at something outside of itself."""
    return any(pointer.words.within(read) for pointer in pack.pointers)
