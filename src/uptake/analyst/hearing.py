"""How the ledger grows by a turn of the user's: `hear`.

A turn is cut into pieces; each is steered to its topic, may correct, replace or take back what was
said before, and is entered by its kind. What was said before and is said again adds nothing.

This module knows nothing of the assistant's turns but what the user was answering, and no English:
that is the language pack's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from uptake.analyst.contrast import exchange
from uptake.analyst.draft import SAYING, Draft
from uptake.analyst.language import ENGLISH, Language, Pack
from uptake.analyst.opening import Opening, opening
from uptake.analyst.pieces import Piece, pieces
from uptake.analyst.presuming import presumed_false
from uptake.analyst.revising import CLOSE, ranked, restated, retold, revise, says_otherwise
from uptake.analyst.topics import belongs, steer, turn_opens
from uptake.analyst.withdrawing import names_last, taken_back, withdraw
from uptake.analyst.wording import LONGEST, fold, past_marks
from uptake.ground import CommonGround, Entry, Kind
from uptake.sentences import plain

__all__ = ["doubts", "hear", "settles_nothing"]

_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_][\w'-]*")
MANY = 60  # pieces of a turn: what has more is pasted, and opens no topic
ASIDE = 3.0  # log-odds from which a piece is left out: a fact lost is worse than small talk kept
VALUED = 2.0  # and more, where it gives a number, a day, a colour
ABOUT_ME = -4.0  # where the matter is about others, for what speaks of the one who talks
ABOUT_NONE = 1.5  # and for what speaks of nobody
SHARED = 1  # stems of what was told that it may have
SAYING_SO = 120  # characters in which one value is put in another's place
SHORT = 6  # stems that an answer to a question has at most


@dataclass
class _Turn:
    """What is known of a turn while its pieces are heard."""

    announced: bool = False  # several topics were
    correcting: bool = False  # "I got something wrong." was said, and what was wrong follows
    denying: str = ""  # "Hmm, no." was said, and what it denies may follow
    recapitulating: bool = False  # much of it was said before
    asks: bool = False  # one of its pieces is a request
    steered: bool = False  # its words say which topic it is about
    first: bool = True
    rest: Sequence[Piece] = ()  # the piece after this one, if any
    spent: bool = False  # that piece was heard with the one before it


def hear(
    ground: CommonGround, text: str, asked: str | None = None, language: Language = ENGLISH
) -> CommonGround:
    """The ledger after one more user turn.

    `asked` is what the assistant had just said, so that a bare "7" is known for an answer, and
    "No, 7" for a correction of what it repeated. Any text is heard; none raises.
    """
    draft = Draft(ground, text, asked, language)
    heard = list(pieces(text, draft.pack))
    known = {_plain(e.text): e for e in ground.entries if e.kind in SAYING}
    known |= {
        _plain(ground.wording(e)): e for e in ground.entries if e.struck and e.status == "active"
    }
    again = [known.get(_plain(text[e.start : e.end])) if _tells(e) else None for e in heard]
    turn = _Turn(correcting=_was_correcting(draft))
    turn.recapitulating = sum(each is not None for each in again) > 1
    turn.asks = _turn_topic(draft, heard)
    for place, (piece, before) in enumerate(zip(heard, again, strict=True)):
        turn.rest = heard[place + 1 : place + 2]
        if turn.spent:
            turn.spent = False
        elif piece.quoted:
            draft.add(piece.start, piece.end, "quoted")
        elif before is not None and _adds_nothing(draft, before, turn):
            _again(draft, before)
        else:
            _piece(draft, piece, turn)
        turn.first = False
    return draft.ground()


@lru_cache(maxsize=4096)
def settles_nothing(read: str, language: Language) -> bool:
    """Whether a piece is thanks, a greeting, small talk, or says only that more is to come."""
    pack = language.pack
    if len(read) > LONGEST:
        return False
    at = past_marks(read)
    while at < len(read):
        found = pack["social.phrase"].at(read, at)
        if not found or found.end() == at:
            break
        at = past_marks(read, found.end())
    if at >= len(read):
        return True
    if pack["social.announce"].at(read) or _only_tells(read, pack):
        return True
    rest = read[at:]
    talks = pack["social.talk"]
    return not _DIGIT.search(rest) and bool(talks.at(rest) or (at and talks.at(read)))


def _tells(piece: Piece) -> bool:
    """Whether a piece says something by itself, and does not only head what comes next."""
    return not piece.quoted and not piece.read.endswith(":")


def doubts(read: str, pack: Pack) -> bool:
    """Whether a piece doubts what the assistant said ("Are you sure?", "I get 12.")."""
    return bool(pack["social.doubt"].at(read))


def _only_tells(read: str, pack: Pack) -> bool:
    found = pack["social.telling"].within(read)
    return bool(found and len(read) - len(found[0]) < 60 and not _DIGIT.search(read))


def _piece(draft: Draft, piece: Piece, turn: _Turn) -> None:
    """Enter one piece that is said."""
    pack = draft.pack
    start, read = piece.start, piece.read
    turn.announced = turn.announced or bool(pack["topic.several"].within(read))
    if piece.number and turn.announced:
        steer(draft, f"{piece.number}) ", announced=True, first=turn.first)
    taken = steer(draft, read, announced=turn.announced, first=turn.first)
    turn.steered = turn.steered or taken > 0
    start, read = start + taken, read[taken:]
    before = _known(draft, draft.text[start : piece.end]) if taken else None
    if before is not None:
        _again(draft, before)
        return
    if _says_otherwise(draft, start, piece.end, read, turn):
        return
    opened = opening(read, pack) if any(draft.standing()) else Opening()
    bare = opened.corrects and opened.end >= len(read)
    if bare and opened.composed and _kind_of(read, draft.language) == "goal":
        opened, bare = Opening(), False  # "Fix this:"
    if bare and _takes_back(draft, start, piece.end, opened, turn):
        return
    if bare or not read or settles_nothing(read, draft.language):
        turn.correcting = turn.correcting or (bare and not opened.plain)
        turn.denying = f"{read} " if bare and opened.plain else ""
        draft.add(piece.start, piece.end, "social")
        return
    if turn.correcting:
        opened = replace(opened, sure=True, wrong=True)
    elif turn.denying and pack["lead.wrong"].within(turn.denying):
        opened = replace(opened, composed=True, wrong=True)
    _say(draft, start, piece.end, read, opened, turn)


def _says_otherwise(draft: Draft, start: int, end: int, read: str, turn: _Turn) -> bool:
    """Enter what puts another value by its structure alone, however it is opened.

    A sentence that ends in the words of an earlier one, or two values of which one was said, in
    one sentence or in two ("12? No, 9.").
    """
    if retold(draft, start, end) is not None:
        return True
    if len(read) > SAYING_SO or doubts(read, draft.pack):
        return False
    if exchange(draft, start, end) is not None:
        return True
    one = len(draft.wording(draft.text[start:end]).values) == 1
    for after in turn.rest if one else ():
        if after.end - start <= SAYING_SO and not after.quoted:
            turn.spent = exchange(draft, start, after.end) is not None
    return turn.spent


def _say(draft: Draft, start: int, end: int, read: str, opened: Opening, turn: _Turn) -> None:
    """Enter a piece that says something: as a doubt, a withdrawal, a correction, or by its kind."""
    pack = draft.pack
    if not opened.corrects and pack["lead.trail"].within(read):
        opened = Opening(0, sure=True)  # "7 apples, I mean"
    left = read[opened.end :]
    if (
        _doubts(draft, turn.denying + read, left, opened)
        or pack["point.ask_only"].all_of(read)
        or (turn.asks and not opened.corrects and _presumes(draft, start, end, read))
    ):
        draft.add(start, end, "social")
        return
    for at in dict.fromkeys((start, start + opened.end)):
        if _takes_back(draft, at, end, opened, turn):
            return
    _tell(draft, start, end, left, opened, turn)


def _tell(draft: Draft, start: int, end: int, left: str, opened: Opening, turn: _Turn) -> None:
    """Enter a piece as a correction of what was said before, or else by its kind."""
    rest = start + opened.end
    same = _known(draft, draft.text[rest:end]) if opened.corrects else None
    if same is not None:  # "No, what I said was: …"
        draft.end(same, draft.add(rest, end, "correction", same.topic), "superseded")
        return
    kind = _kind(draft, left)
    goal, question = kind == "goal", left.rstrip().endswith("?")
    if not question or opened.sure:
        for at, how in dict.fromkeys(((rest, opened), (start, Opening()))):
            if revise(draft, at, end, how, goal=goal) is not None:
                return
    told = not opened.corrects or opened.composed
    if not question and told and restated(draft, start, end, goal=goal) is not None:
        return
    about = draft.wording(draft.text[start:end]).about
    if _is_aside(draft, start, end, kind, about):
        draft.add(start, end, "social")
        return
    topic = draft.open() if goal or turn.steered else belongs(draft, about)
    draft.add(start, end, kind, topic)


def _is_aside(draft: Draft, start: int, end: int, kind: Kind, about: frozenset[str]) -> bool:
    """Whether a fact or question is surely beside the matter, once it is known what that is.

    Where the matter is about others ("How many apples does Ann have?"), what names nothing of it
    and speaks of the one who talks needs to be much less like small talk; and what may speak of
    them ("They were hungry.") is to the matter.
    """
    standing = list(draft.standing())
    if kind not in ("fact", "goal") or not any(e.kind == "goal" for e in standing):
        return False
    told = draft.told()
    shares = len(about & told)
    if shares > SHARED:
        return False
    text = draft.text[start:end]
    score = draft.beside(text, about, told)
    if score <= ABOUT_ME:
        return False
    valued = bool(draft.wording(text).values)
    least = ASIDE + (VALUED if valued else 0.0)
    if _of_others(draft, standing):
        words = _letters(text)
        if words & draft.pack.anaphors:
            return False
        if not shares and not valued:
            least = ABOUT_ME if words & draft.pack.talkers else ABOUT_NONE
    return score > least


def _of_others(draft: Draft, standing: Sequence[Entry]) -> bool:
    """Whether what holds is about somebody who is named, and not about the one who talks."""
    mine = draft.pack.mine
    if any(not mine.isdisjoint(_letters(entry.text)) for entry in standing):
        return False
    return any(
        entry.text[:first].strip() for entry in standing for first, _ in draft.words(entry).names
    )


@lru_cache(maxsize=8192)
def _letters(text: str) -> frozenset[str]:
    """The words of a piece as they are folded, without its numbers."""
    return frozenset(_WORD.findall(fold(text)))


def _takes_back(draft: Draft, start: int, end: int, opened: Opening, turn: _Turn) -> bool:
    """Enter a piece as a withdrawal; whether it is one.

    "Scratch that. Ann has 9." corrects what Ann had, and so does "Ann has 9. Scratch what I said
    before."; neither takes back what was said last.
    """
    what, sure = taken_back(fold(draft.text[start:end]), opened, draft.pack)
    if what is None:
        return False
    if names_last(what, draft.pack):
        follows = any(_replaces(draft, each) for each in turn.rest)
        if follows or _has_corrected(draft):
            turn.correcting = turn.correcting or follows
            draft.add(start, end, "social")
            return True
    return withdraw(draft, start, end, what, sure=sure) is not None


def _has_corrected(draft: Draft) -> bool:
    """Whether the turn has put something in another's place already."""
    return any(e.kind == "correction" and e.span.turn == draft.turn for e in draft.entries)


def _replaces(draft: Draft, piece: Piece) -> bool:
    """Whether a piece tells something close to what was told before."""
    if not piece.quoted and says_otherwise(draft, draft.text[piece.start : piece.end]):
        return True
    if piece.quoted or _kind_of(piece.read, draft.language) != "fact":
        return False
    said = draft.wording(draft.text[piece.start : piece.end])
    facts = [entry for entry in draft.standing(landed=False) if entry.kind != "goal"]
    found = ranked(draft, said, facts)
    return bool(found) and found[0][0] >= CLOSE


def _presumes(draft: Draft, start: int, end: int, read: str) -> bool:
    """Whether a statement before a question only takes for granted what was said otherwise."""
    if read.rstrip().endswith("?"):
        return False
    facts = [
        (entry, draft.said(entry))
        for entry in draft.standing(earlier=True, landed=False)
        if entry.kind != "goal"
    ]
    return presumed_false(draft.text[start:end], facts, draft.language) is not None


def _kind(draft: Draft, read: str) -> Kind:
    kind = _kind_of(read, draft.language)
    asked = (draft.asked or "").rstrip(" *_\n")
    if kind == "fact" and asked.endswith("?") and len(draft.wording(read).about) <= SHORT:
        return "answer"
    return kind


@lru_cache(maxsize=4096)
def _kind_of(read: str, language: Language) -> Kind:
    pack = language.pack
    if len(read) > LONGEST:
        return "fact"
    if read.rstrip(" \"')*_").endswith("?") or pack["goal.asks"].at(read):
        return "goal"
    if pack["goal.prefers"].within(read):
        return "preference"
    if pack["goal.orders"].at(read) or pack["goal.wants"].within(read):
        return "goal"
    colon = read.find(": ")
    if colon > 0 and (
        pack["goal.orders"].at(read, colon + 2) or pack["goal.asks"].at(read, colon + 2)
    ):
        return "goal"  # "Given all this, tell me: work out …"
    return "fact"


def _doubts(draft: Draft, read: str, left: str, opened: Opening) -> bool:
    """Whether a piece doubts the assistant's reply: whoever is right, it settles no fact."""
    pack = draft.pack
    if doubts(left, pack) or doubts(read, pack):
        return True
    if opened.sure or not pack["social.doubt_answer"].at(read):
        return False
    return any(entry.kind == "goal" for entry in draft.standing(earlier=True))


def _was_correcting(draft: Draft) -> bool:
    """Whether the turn before only said that something was wrong."""
    last = draft.before.last
    if not last or any(entry.kind != "social" for entry in last):
        return False
    text = fold(last[-1].text)
    return _only_opens(text, draft.pack) and not settles_nothing(text, draft.language)


def _only_opens(read: str, pack: Pack) -> bool:
    opened = opening(read, pack)
    return (opened.sure or opened.composed) and opened.end >= len(read)


def _known(draft: Draft, text: str) -> Entry | None:
    words = _plain(text)
    return next((e for e in draft.standing() if _plain(e.text) == words), None)


@lru_cache(maxsize=8192)
def _plain(text: str) -> str:
    """The words alone; what is too long to be said again word for word is left as it is."""
    return plain(text) if len(text) < LONGEST else text


def _adds_nothing(draft: Draft, before: Entry, turn: _Turn) -> bool:
    """Whether saying an entry again changes nothing: it holds, or all is being repeated."""
    return draft.entries[before.id].status in ("active", "pending") or turn.recapitulating


def _again(draft: Draft, before: Entry) -> None:
    if before.kind == "goal" and before.topic in draft.stack:
        draft.resume(before.topic)


def _turn_topic(draft: Draft, heard: Sequence[Piece]) -> bool:
    """Open or resume a topic for a turn that is plainly about something else; whether it asks."""
    said = [each for each in heard if not each.quoted]
    kinds = [_kind_of(each.read, draft.language) for each in said]
    if "goal" not in kinds:
        return False
    if draft.stack and len(said) <= MANY:
        about: frozenset[str] = frozenset[str]().union(
            *(
                draft.wording(draft.text[each.start : each.end]).about
                for each in said
                if not settles_nothing(each.read, draft.language)
            )
        )
        tells = any(
            kind == "fact" and not settles_nothing(each.read, draft.language)
            for each, kind in zip(said, kinds, strict=True)
        )
        turn_opens(draft, about, tells=tells, points=_points(said[0].read, draft.pack))
    return True


def _points(read: str, pack: Pack) -> bool:
    """Whether a piece points at something outside of itself."""
    return any(pointer.words.within(read) for pointer in pack.pointers)
